#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/figures/fit_band.hpp"
#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// f = -omega^2 (x - centre).
struct Harmonic {
  double omega = 1;
  double centre = 0;
  std::string name;

  [[nodiscard]] double force(double x) const { return -omega * omega * (x - centre); }
  [[nodiscard]] double potential(double x) const {
    return omega * omega * (x - centre) * (x - centre) / 2;
  }
};

/// That a learned force may be compared with: where the loss asks for one period, which it has.
std::optional<Harmonic> nearest_harmonic(const ShownRun& shown) {
  const Run& run = shown.run;
  const bool is_asked = run.loss == Loss::periodic || run.loss == Loss::antiperiodic;
  if (!shown.is_trained() || !is_asked || !(run.period > 0)) return std::nullopt;
  Harmonic harmonic;
  long n = run.character.harmonic_n.value_or(1);
  if (run.certificate && run.certificate->center) {
    if (run.certificate->n > 0) n = run.certificate->n;
    harmonic.centre = *run.certificate->center;
  }
  harmonic.omega = 2 * std::numbers::pi * static_cast<double>(n) / run.period;
  const bool is_central = std::abs(harmonic.centre) < 5e-4;
  harmonic.name = "harmonic";
  if (n != 1) harmonic.name += fmt::format(", n = {}", n);
  if (!is_central) harmonic.name += fmt::format(", about x₀ = {:.3f}", harmonic.centre);
  return harmonic;
}

template <class Function>
std::vector<double> values(const Vector& positions, const Function& function) {
  std::vector<double> result;
  for (const double x : positions) result.push_back(function(x));
  return result;
}

/// Grey where no orbit has been: what is learned there is a guess.
void shade_unvisited(Panel& panel, const PositionCurve& curve) {
  constexpr double visible = 0.01;
  const double left = curve.position[0];
  const double right = curve.position[curve.position.size() - 1];
  const double least = visible * (right - left);
  if (curve.visited_min - left > least) panel.shaded_x.emplace_back(left, curve.visited_min);
  if (right - curve.visited_max > least) panel.shaded_x.emplace_back(curve.visited_max, right);
  panel.shaded_label = "not visited";
}

/// From the lowest to the highest value, and a little more: other curves do not count.
std::pair<double, double> range_of(const Vector& all) {
  const auto [low, high] = bounds(column(all));
  const double margin = 0.05 * std::max(high - low, 1e-9 * std::max(std::abs(low), std::abs(high)));
  return {low - margin, high + margin};
}

Panel position_panel(const PositionCurve& curve, const std::string& y_label,
                     const std::string& label) {
  Panel panel;
  panel.x_label = "position x";
  panel.y_label = y_label;
  shade_unvisited(panel, curve);
  panel.curves = {make_curve(label, column(curve.position), column(curve.value))};
  if (curve.error.size() > 0) {
    panel.curves =
        curve_with_band(label, column(curve.position), column(curve.value), column(curve.error));
  }
  return panel;
}

void add_comparison(Panel& panel, const PositionCurve& curve, const std::string& name,
                    std::vector<double> y) {
  Curve other = make_curve(name, column(curve.position), std::move(y), Curve::Style::dashed);
  other.hue = 1;
  panel.curves.push_back(std::move(other));
  if (curve.value.allFinite() && curve.value.maxCoeff() > curve.value.minCoeff()) {
    panel.y_range = range_of(curve.value);
  }
}

/// The same positions in all panels.
void share_positions(std::vector<Panel>& panels) {
  std::vector<double> all;
  for (const Panel& panel : panels) {
    for (const Curve& curve : panel.curves) all.insert(all.end(), curve.x.begin(), curve.x.end());
  }
  const auto [low, high] = bounds(all);
  if (!(low < high)) return;
  const double margin = 0.03 * (high - low);
  for (Panel& panel : panels) panel.x_range = {low - margin, high + margin};
}

std::string name_of(const ShownRun& shown) {
  return shown.run.state.theta.size() > 0 ? "learned" : "given";
}

Figure force_figure(const ShownRun& shown, const PositionCurve& curve) {
  const std::optional<Harmonic> harmonic = nearest_harmonic(shown);
  Panel force = position_panel(curve, "force f", name_of(shown));
  if (shown.run.force_data) {
    Curve held = make_curve("held at", column(shown.run.force_data->position),
                            column(shown.run.force_data->force), Curve::Style::dotted);
    held.hue = 6;
    force.curves.push_back(std::move(held));
  }
  Figure figure{{force}};
  figure.columns = 1;
  if (!harmonic) return figure;
  const std::vector<double> at =
      values(curve.position, [&](double x) { return harmonic->force(x); });
  add_comparison(figure.panels.front(), curve, harmonic->name, at);
  PositionCurve rest = curve;
  rest.value -= Eigen::Map<const Vector>(at.data(), rest.value.size());
  Panel difference = position_panel(rest, "f − harmonic", "learned − harmonic");
  figure.panels.push_back(std::move(difference));
  share_positions(figure.panels);
  figure.panel_height = 220;
  return figure;
}

Figure potential_figure(const ShownRun& shown, const PositionCurve& curve) {
  Panel panel = position_panel(curve, "potential U", name_of(shown));
  if (const std::optional<Harmonic> harmonic = nearest_harmonic(shown)) {
    add_comparison(panel, curve, harmonic->name,
                   values(curve.position, [&](double x) { return harmonic->potential(x); }));
  }
  return {{panel}};
}

}  // namespace

Figures force_figures(const ShownRun& shown) {
  Figures all;
  const Run& run = shown.run;
  if (run.force) all.emplace_back("force", force_figure(shown, *run.force));
  if (run.potential) all.emplace_back("potential", potential_figure(shown, *run.potential));
  return all;
}

}  // namespace isochron::cli
