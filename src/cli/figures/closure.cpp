#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// How far each orbit is from closing, over the energy that it starts with.
Figure residual_figure(const ShownRun& shown) {
  const Run& run = shown.run;
  const States& starts = run.ensemble.initial_states;
  const std::optional<Vector> energy = shown.energies(starts);
  Panel panel;
  panel.x_label = energy ? "energy E" : "initial distance from 0";
  panel.y_label = mirrors(*run.loss) ? "|X(T/2) + X(0)|" : "|X(T) − X(0)|";
  panel.log_y = true;
  panel.curves = {
      make_curve("orbits", column(energy.value_or(Vector(starts.colwise().norm().transpose()))),
                 column(run.residuals.colwise().norm().transpose()), Curve::Style::points)};
  const double square = run.residuals.squaredNorm() / static_cast<double>(run.residuals.cols());
  if (square > 0) panel.curves.push_back(level("root mean square", std::sqrt(square), panel));
  if (run.verification.floor > 0) {
    panel.curves.push_back(level("error of the integration", std::sqrt(run.verification.floor),
                                 panel, Curve::Style::dotted));
  }
  return {{panel}};
}

Figure drift_figure(const Run& run) {
  const EnergyRecord& record = *run.energy;
  const Eigen::MatrixXd drift = (record.energy.colwise() - record.energy.col(0)).cwiseAbs();
  Vector median(drift.cols());
  for (Index k = 0; k < drift.cols(); ++k) {
    std::vector<double> of_orbits = column(drift.col(k));
    const auto middle = of_orbits.begin() + static_cast<std::ptrdiff_t>(of_orbits.size() / 2);
    std::nth_element(of_orbits.begin(), middle, of_orbits.end());
    median[k] = *middle;
  }
  Panel panel;
  panel.x_label = "time t";
  panel.y_label = "|E(t) − E(0)|";
  panel.log_y = true;
  panel.curves = {make_curve("largest of the orbits", column(record.time), column(record.drift)),
                  make_curve("median", column(record.time), column(median))};
  if (run.simulation.explained_drift > 0) {
    panel.curves.push_back(
        level("explained by the tolerance", run.simulation.explained_drift, panel));
    panel.curves.back().hue = 6;
  }
  return {{panel}, "The force conserves the energy: what drifts is the error of the integration."};
}

}  // namespace

Figures closure_figures(const ShownRun& shown) {
  Figures all;
  const Run& run = shown.run;
  const bool closes = run.loss && asks_for_closed_orbits(*run.loss) && run.residuals.cols() > 0 &&
                      run.residuals.cols() == run.ensemble.size();
  if (closes) all.emplace_back("residuals_over_energy", residual_figure(shown));
  const bool drifts = run.energy && run.energy->time.size() > 1 && run.energy->energy.rows() > 0;
  if (drifts) all.emplace_back("energy_drift", drift_figure(run));
  return all;
}

}  // namespace isochron::cli
