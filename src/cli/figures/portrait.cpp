#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

using Bounds = std::pair<double, double>;

double length(const Bounds& range) { return range.second - range.first; }

/// What a scale shows of an earlier portrait beside a later one: all, unless orbits run away, up to
/// twice what the later one needs.
Bounds widened(const Bounds& later, const Bounds& earlier) {
  const double most = length(later) / 2;
  return {std::clamp(earlier.first, later.first - most, later.first),
          std::clamp(earlier.second, later.second, later.second + most)};
}

/// Scales of portraits that are compared.
struct Scales {
  Bounds x;
  Bounds y;
  bool cuts = false;  ///< whether earlier orbits leave them

  /// Of these, the last of which is the one to be seen. Absent where that has no points.
  [[nodiscard]] static std::optional<Scales> of(const std::vector<PhasePortrait>& portraits) {
    Scales scales{bounds(portraits.back().x), bounds(portraits.back().v)};
    if (!(length(scales.x) > 0 && length(scales.y) > 0)) return std::nullopt;
    const Scales last = scales;
    for (const PhasePortrait& portrait : portraits) {
      const Bounds x = bounds(portrait.x);
      const Bounds y = bounds(portrait.v);
      if (!(length(x) >= 0 && length(y) >= 0)) continue;
      const Bounds wide_x = widened(last.x, x);
      const Bounds wide_y = widened(last.y, y);
      scales.x = {std::min(scales.x.first, wide_x.first), std::max(scales.x.second, wide_x.second)};
      scales.y = {std::min(scales.y.first, wide_y.first), std::max(scales.y.second, wide_y.second)};
      scales.cuts = scales.cuts || x.first < wide_x.first || x.second > wide_x.second ||
                    y.first < wide_y.first || y.second > wide_y.second;
    }
    scales.x = with_margin(scales.x);
    scales.y = with_margin(scales.y);
    return scales;
  }

 private:
  static Bounds with_margin(const Bounds& range) {
    const double margin = 0.03 * length(range);
    return {range.first - margin, range.second + margin};
  }
};

/// All orbits as one curve, broken between them.
Curve orbit_curve(const PhasePortrait& portrait, const std::vector<double>& color) {
  Curve curve;
  for (std::size_t i = 0; i < portrait.x.size(); ++i) {
    const bool starts =
        portrait.samples > 0 && i != 0 && i % static_cast<std::size_t>(portrait.samples) == 0;
    if (starts) {
      curve.x.push_back(gap);
      curve.y.push_back(gap);
      curve.color.push_back(color[i]);
    }
    curve.x.push_back(portrait.x[i]);
    curve.y.push_back(portrait.v[i]);
    curve.color.push_back(color[i]);
  }
  return curve;
}

/// Orbits that do not move as far as a line could show are points.
Curve points_at_rest(const PhasePortrait& portrait, const std::vector<double>& color, double size) {
  Curve curve;
  curve.style = Curve::Style::points;
  const auto samples = static_cast<std::size_t>(portrait.samples);
  for (std::size_t first = 0; samples > 0 && first < portrait.x.size(); first += samples) {
    double reach = 0;
    for (std::size_t i = first; i < first + samples; ++i) {
      reach = std::max({reach, std::abs(portrait.x[i] - portrait.x[first]),
                        std::abs(portrait.v[i] - portrait.v[first])});
    }
    if (!(reach < 0.004 * size)) continue;
    curve.x.push_back(portrait.x[first]);
    curve.y.push_back(portrait.v[first]);
    curve.color.push_back(color[first]);
  }
  return curve;
}

struct AxisNames {
  std::string x;
  std::string y;
};

/// `degree`: which of several degrees of freedom, counted from 1; 0 when there is one.
AxisNames names_of(Motion motion, long degree) {
  if (motion == Motion::first_order) return {"component y₁", "component y₂"};
  const std::string index = degree == 0 ? "" : subscript(degree);
  return {"position x" + index, "velocity v" + index};
}

Panel portrait_panel(const PhasePortrait& portrait, const std::vector<double>& color,
                     const std::optional<Scales>& scales, const AxisNames& names) {
  Panel panel;
  panel.x_label = names.x;
  panel.y_label = names.y;
  panel.color_label = portrait.color_name == "energy" ? "energy E" : "initial distance from 0";
  panel.equal_axes = true;
  panel.curves.push_back(orbit_curve(portrait, color));
  if (scales) {
    panel.x_range = scales->x;
    panel.y_range = scales->y;
    Curve resting = points_at_rest(portrait, color, length(scales->x));
    if (!resting.x.empty()) panel.curves.push_back(std::move(resting));
  }
  return panel;
}

/// A range that holds the colours of all panels. Nothing when they are as good as constant: then
/// each panel finds a range around its own.
std::optional<Bounds> common_colors(const std::vector<Panel>& panels) {
  std::vector<double> all;
  for (const Panel& panel : panels) {
    const auto& color = panel.curves.front().color;
    all.insert(all.end(), color.begin(), color.end());
  }
  const auto [low, high] = bounds(all);
  if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) return std::nullopt;
  return std::pair(low, high);
}

constexpr const char* about_cuts =
    "Where earlier orbits leave the scales of the last ones, they are cut off.";

/// Before and after training, side by side, of one degree of freedom.
Figure portrait_figure(const Run& run, std::size_t i) {
  const long degree = run.phase_portrait.size() == 1 ? 0 : static_cast<long>(i) + 1;
  const bool trained = i < run.phase_portrait_before.size();
  std::vector<PhasePortrait> portraits = {run.phase_portrait[i]};
  if (trained) portraits.insert(portraits.begin(), run.phase_portrait_before[i]);
  const std::optional<Scales> scales = Scales::of(portraits);
  const AxisNames names = names_of(run.motion, degree);
  Figure figure;
  for (const PhasePortrait& portrait : portraits) {
    figure.panels.push_back(portrait_panel(portrait, portrait.color, scales, names));
  }
  if (trained) {
    figure.panels.front().title = "before training";
    figure.panels.back().title = "after training";
  }
  const auto colors = common_colors(figure.panels);
  bool rests = false;
  for (Panel& panel : figure.panels) {
    panel.color_range = colors;
    rests = rests || panel.curves.size() > 1;
  }
  if (rests) say_below(figure, "Dots: states that do not move.");
  if (scales && scales->cuts) say_below(figure, about_cuts);
  return figure;
}

// -------------------------------------------------------------------------------------- the strip

/// Of the snapshots, evenly spread: they are spaced logarithmically in iterations.
struct Strip {
  std::vector<long> iteration;
  std::vector<std::vector<PhasePortrait>> portraits;  ///< of each, one per degree of freedom
};

Strip strip_of(const ShownRun& shown, Index most) {
  constexpr Index orbits = 40;
  constexpr Index samples = 201;
  const Snapshots& snapshots = shown.run.state.snapshots;
  const Dynamics dynamics(shown.field, shown.run.motion);
  Strip strip;
  for (const Index k : spread(static_cast<Index>(snapshots.iteration.size()), most)) {
    const auto at = static_cast<std::size_t>(k);
    try {
      strip.portraits.push_back(phase_portraits(
          dynamics, snapshots.theta[at], shown.objective->whole_periods(), {}, orbits, samples));
      strip.iteration.push_back(snapshots.iteration[at]);
    } catch (const NumericalError&) {  // orbits that run away: there is no portrait to see
    }
  }
  return strip;
}

Figure strip_figure(const Strip& strip, Motion motion, int columns) {
  constexpr std::size_t most_degrees = 2;
  const std::size_t degrees = std::min(strip.portraits.back().size(), most_degrees);
  Figure figure;
  figure.columns = columns;
  figure.panel_width = figure.panel_height = 170;
  bool cuts = false;
  for (std::size_t d = 0; d < degrees; ++d) {
    std::vector<PhasePortrait> of_degree;
    for (const auto& portraits : strip.portraits) of_degree.push_back(portraits[d]);
    const std::optional<Scales> scales = Scales::of(of_degree);
    cuts = cuts || (scales && scales->cuts);
    AxisNames names = names_of(motion, degrees == 1 ? 0 : static_cast<long>(d) + 1);
    for (std::string* name : {&names.x, &names.y}) name->erase(0, name->find(' ') + 1);
    for (std::size_t k = 0; k < of_degree.size(); ++k) {
      Panel panel = portrait_panel(of_degree[k], of_degree.back().color, scales, names);
      panel.title = fmt::format("iteration {}", strip.iteration[k]);
      panel.color_bar = false;
      panel.color_range = common_colors({panel});
      figure.panels.push_back(std::move(panel));
    }
  }
  const bool by_energy = strip.portraits.back().front().color_name == "energy";
  say_below(figure, by_energy
                        ? "An orbit keeps its colour, which is by its energy at the last iteration."
                        : "An orbit keeps its colour, which is by its initial distance from 0.");
  if (cuts) say_below(figure, about_cuts);
  return figure;
}

}  // namespace

Figures portrait_figures(const ShownRun& shown) {
  Figures all;
  const std::size_t degrees = shown.run.phase_portrait.size();
  for (std::size_t i = 0; i < degrees; ++i) {
    all.emplace_back(degrees == 1 ? "phase_portrait" : fmt::format("phase_portrait_{}", i + 1),
                     portrait_figure(shown.run, i));
  }
  return all;
}

Figures portrait_strip(const ShownRun& shown) {
  const bool possible =
      shown.field && shown.objective && shown.run.state.snapshots.theta.size() > 1;
  if (!possible) return {};
  const Index dimension = shown.field->dimension();
  const bool one_row_each = shown.run.motion == Motion::newtonian && dimension > 1;
  const Strip strip = strip_of(shown, one_row_each ? 4 : 6);
  if (strip.portraits.empty() || strip.portraits.back().empty()) return {};
  const int columns = one_row_each ? static_cast<int>(strip.iteration.size()) : 3;
  return {{"portrait_strip", strip_figure(strip, shown.run.motion, columns)}};
}

}  // namespace isochron::cli
