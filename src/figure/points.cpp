#include "figure/points.hpp"

#include "sentence.hpp"

namespace isochron::drawing {
namespace {

/// Beyond this and, on logarithmic axes, below its inverse, margins and ticks could overflow.
constexpr double largest_size = 1e300;

Span between(double a, double b) { return {std::min(a, b), std::max(a, b)}; }

/// From the lowest to the highest that is drawn of a point: its bar, its part of a band, its arrow,
/// or itself.
Span height(const Curve& curve, std::size_t i) {
  const double y = curve.y[i];
  if (!curve.upper.empty()) return between(y, curve.upper[i]);
  if (!curve.dy.empty()) return between(y, y + curve.dy[i]);
  if (!curve.error.empty()) {
    const auto& above = curve.error_above.empty() ? curve.error : curve.error_above;
    return {y - curve.error[i], y + above[i]};
  }
  return curve.style == Curve::Style::bars ? between(0, y) : Span{y, y};
}

Span breadth(const Curve& curve, std::size_t i) {
  const double x = curve.x[i];
  if (!curve.dx.empty()) return between(x, x + curve.dx[i]);
  const double half = curve.style == Curve::Style::bars ? curve.width / 2 : 0;
  return {x - half, x + half};
}

Span color_of(const Curve& curve, std::size_t i) { return {curve.color[i], curve.color[i]}; }

/// From the smallest to the largest of the values that are drawn, at every point a span.
template <class Values>
std::optional<Span> extent(const Panel& panel, const Values& values) {
  std::optional<Span> result;
  for (const Curve& curve : panel.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!can_be_drawn(panel, curve, i)) continue;
      const auto [low, high] = values(curve, i);
      if (!result) result = {low, high};
      result = {std::min(result->low, low), std::max(result->high, high)};
    }
  }
  return result;
}

using Range = std::optional<std::pair<double, double>>;

/// Throws unless the range lies on the axis and is no smaller than that part of its ends.
void check_range(const Range& range, bool log, double part, const std::string& name) {
  if (!range) return;
  const auto [low, high] = *range;
  const double size = std::max({std::abs(low), std::abs(high), least_size});
  require(can_be_drawn(low, log) && can_be_drawn(high, log) && high - low >= part * size,
          "a figure cannot show the {} [{}, {}]: its ends must increase and {}", name, low, high,
          log ? "lie between 1e-300 and 1e300" : "be at most 1e300 in size");
}

void check(const Curve& curve) {
  const std::size_t n = curve.x.size();
  const auto has = [&](const std::vector<double>& column, bool wanted) {
    return column.size() == (wanted ? n : 0);
  };
  const bool coloured = !curve.color.empty();
  require(curve.y.size() == n && has(curve.color, coloured),
          "the curve '{}' of a figure has {} values of x, {} of y and {} of colour", curve.label, n,
          curve.y.size(), curve.color.size());
  require(!coloured || (curve.upper.empty() && curve.error.empty()),
          "the curve '{}' of a figure has colours beside a band or errors; it can have one of them",
          curve.label);
  const bool has_markers =
      curve.style == Curve::Style::points || curve.style == Curve::Style::marked;
  require(has(curve.upper, curve.style == Curve::Style::band) &&
              has(curve.error, has_markers && !curve.error.empty()) &&
              has(curve.error_above, !curve.error.empty() && !curve.error_above.empty()),
          "the curve '{}' of a figure has {} values of x, {} upper ends of a band and {} errors "
          "of points",
          curve.label, n, curve.upper.size(), curve.error.size());
  const bool has_arrows = curve.style == Curve::Style::arrows;
  require(has(curve.dx, has_arrows) && has(curve.dy, has_arrows),
          "the curve '{}' of a figure has {} values of x and arrows of {} and {} components",
          curve.label, n, curve.dx.size(), curve.dy.size());
}

void check(const Panel& panel) {
  for (const Curve& curve : panel.curves) check(curve);
  constexpr double axis = 1e-12;  // leaves digits to tell its ticks apart
  check_range(panel.x_range, panel.log_x, axis, "x range");
  check_range(panel.y_range, panel.log_y, axis, "y range");
  check_range(panel.color_range, false, axis, "colour range");
  for (const auto& range : panel.shaded_x) check_range(range, panel.log_x, 0, "shaded range");
}

}  // namespace

bool can_be_drawn(double value, bool log) {
  return std::abs(value) <= largest_size && (!log || value >= 1 / largest_size);
}

bool can_be_drawn(const Panel& panel, const Curve& curve, std::size_t i) {
  const auto [low, high] = height(curve, i);
  const auto [left, right] = breadth(curve, i);
  return can_be_drawn(left, panel.log_x) && can_be_drawn(right, panel.log_x) &&
         can_be_drawn(low, panel.log_y) && can_be_drawn(high, panel.log_y) &&
         (curve.color.empty() || can_be_drawn(curve.color[i], false));
}

bool is_coloured(const Panel& panel) {
  return std::any_of(panel.curves.begin(), panel.curves.end(),
                     [](const Curve& curve) { return !curve.color.empty(); });
}

std::optional<Span> x_extent(const Panel& panel) {
  std::optional<Span> result = extent(panel, breadth);
  for (const auto& [low, high] : panel.shaded_x) {
    if (!result) result = {low, high};
    result = {std::min(result->low, low), std::max(result->high, high)};
  }
  return result;
}

std::optional<Span> y_extent(const Panel& panel) { return extent(panel, height); }

std::optional<Span> color_extent(const Panel& panel) {
  Panel coloured = panel;
  std::erase_if(coloured.curves, [](const Curve& curve) { return curve.color.empty(); });
  return extent(coloured, color_of);
}

void check(const Figure& figure) {
  require(!figure.panels.empty(), "a figure needs a panel");
  constexpr double least = 120;
  require(figure.columns >= 1 && figure.panel_width >= least && figure.panel_height >= least,
          "a figure cannot have {} panels of {} x {} points in a row; give at least 1 of 120 x 120",
          figure.columns, figure.panel_width, figure.panel_height);
  for (const Panel& panel : figure.panels) check(panel);
}

}  // namespace isochron::drawing
