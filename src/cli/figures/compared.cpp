#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numbers>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// What is drawn of a run; nothing where it has no such numbers.
using Pick = std::function<std::optional<Curve>(const ShownRun&)>;

/// Files of one name in several folders keep their folders.
std::string label_of(const std::vector<ShownRun>& runs, const ShownRun& shown) {
  const auto same = std::count_if(runs.begin(), runs.end(),
                                  [&](const ShownRun& other) { return other.name == shown.name; });
  return same > 1 ? shown.file : shown.name;
}

/// A curve per run, each in its own colour.
Panel laid_over(const std::vector<ShownRun>& runs, const std::string& x_label,
                const std::string& y_label, bool log_y, const Pick& pick) {
  Panel panel;
  panel.x_label = x_label;
  panel.y_label = y_label;
  panel.log_y = log_y;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::optional<Curve> curve = pick(runs[i]);
    if (!curve) continue;
    curve->label = label_of(runs, runs[i]);
    curve->hue = i;
    panel.curves.push_back(std::move(*curve));
  }
  return panel;
}

/// Panels with at least one curve, and who is in none of them.
void add(Figures& all, const std::string& name, std::vector<Panel> panels,
         const std::vector<ShownRun>& runs) {
  std::erase_if(panels, [](const Panel& panel) { return panel.curves.empty(); });
  if (panels.empty()) return;
  std::vector<std::string> missing;
  for (const ShownRun& shown : runs) {
    const std::string label = label_of(runs, shown);
    const auto& curves = panels.front().curves;
    const bool is_there = std::any_of(curves.begin(), curves.end(),
                                      [&](const Curve& curve) { return curve.label == label; });
    if (!is_there) missing.push_back(label);
  }
  Figure figure{std::move(panels)};
  figure.columns = 1;
  if (figure.panels.size() > 1) figure.panel_height = 220;
  if (!missing.empty()) {
    say_below(figure, fmt::format("Has no such numbers: {}.", fmt::join(missing, ", ")));
  }
  all.emplace_back(name, std::move(figure));
}

std::optional<Curve> loss_over_iterations(const ShownRun& shown) {
  const History& history = shown.run.state.history;
  if (history.size() == 0) return std::nullopt;
  Curve curve = make_curve("", {}, history.loss);
  for (const long i : history.iteration) curve.x.push_back(static_cast<double>(i));
  return curve;
}

std::optional<Curve> loss_over_time(const ShownRun& shown) {
  const History& history = shown.run.state.history;
  if (history.size() == 0) return std::nullopt;
  return make_curve("", history.wall_time, history.loss);
}

std::optional<Curve> of_position(const std::optional<PositionCurve>& curve) {
  if (!curve) return std::nullopt;
  return make_curve("", column(curve->position), column(curve->value));
}

template <class Y>
std::optional<Curve> of_orbits(const ShownRun& shown, const Y& y) {
  const std::optional<Certificate>& certificate = shown.run.certificate;
  if (!certificate || certificate->curve.empty()) return std::nullopt;
  Curve curve;
  for (const WellOrbit& orbit : certificate->curve) {
    curve.x.push_back(orbit.energy);
    curve.y.push_back(y(orbit, certificate->omega()));
  }
  return curve;
}

std::optional<Curve> period_deviation(const ShownRun& shown) {
  return of_orbits(shown, [](const WellOrbit& orbit, double omega) {
    return std::abs(omega * orbit.period / (2 * std::numbers::pi) - 1);
  });
}

std::optional<Curve> relative_shear(const ShownRun& shown) {
  return of_orbits(shown, [](const WellOrbit& orbit, double omega) {
    return std::abs(orbit.shear()) * omega / std::sqrt(2 * orbit.energy);
  });
}

std::optional<Curve> residuals(const ShownRun& shown) {
  const Run& run = shown.run;
  const bool closes = run.loss && asks_for_closed_orbits(*run.loss) && run.residuals.cols() > 0 &&
                      run.residuals.cols() == run.ensemble.size();
  const auto energy = closes ? shown.energies(run.ensemble.initial_states) : std::nullopt;
  if (!energy) return std::nullopt;
  return make_curve("", column(*energy), column(run.residuals.colwise().norm().transpose()),
                    Curve::Style::points);
}

}  // namespace

Figures compared_figures(const std::vector<ShownRun>& runs) {
  Figures all;
  const auto force = [](const ShownRun& shown) { return of_position(shown.run.force); };
  const auto potential = [](const ShownRun& shown) { return of_position(shown.run.potential); };
  add(all, "loss",
      {laid_over(runs, "iteration", "loss", true, loss_over_iterations),
       laid_over(runs, "wall time (s)", "loss", true, loss_over_time)},
      runs);
  add(all, "force", {laid_over(runs, "position x", "force f", false, force)}, runs);
  add(all, "potential", {laid_over(runs, "position x", "potential U", false, potential)}, runs);
  add(all, "isochrony",
      {laid_over(runs, "energy E", "|T(E)/T₀ − 1|", true, period_deviation),
       laid_over(runs, "energy E", "|S|/A", true, relative_shear)},
      runs);
  add(all, "residuals_over_energy",
      {laid_over(runs, "energy E", "residual of an orbit", true, residuals)}, runs);
  const bool has_units = std::any_of(runs.begin(), runs.end(), std::mem_fn(&ShownRun::has_units));
  for (auto& [name, figure] : all) {
    if (!has_units) say_below(figure, "All quantities are dimensionless.");
  }
  return all;
}

}  // namespace isochron::cli
