#pragma once

#include <string>

#include "figure/points.hpp"

// The axes of one panel: their ranges, and ticks whose labels find room.

namespace isochron::drawing {

struct DrawnAxis {
  std::string name;  ///< gnuplot's: x, y or cb
  Span range;
  bool log = false;
  double length = 0;            ///< in points
  std::vector<AxisTick> ticks;  ///< these alone; empty: by the range
};

/// About the width of the widest label of its ticks.
[[nodiscard]] double tick_width(const DrawnAxis& axis);

/// Range, ticks and their labels, `offset` characters from where gnuplot has them.
[[nodiscard]] std::string axis_commands(const DrawnAxis& axis, const std::string& offset);

/// Where things are, in points from the left and the lower edge of the whole figure.
struct Box {
  double left = 0;
  double right = 0;
  double bottom = 0;
  double top = 0;

  [[nodiscard]] double width() const { return right - left; }
  [[nodiscard]] double height() const { return top - bottom; }
};

/// The axes of a panel and the box between them.
struct Axes {
  DrawnAxis x;
  DrawnAxis y;
  DrawnAxis color;
  Box box;
};

/// Those of a panel in its cell, with room around them for all labels.
[[nodiscard]] Axes make_axes(const Panel& panel, const Box& cell);

}  // namespace isochron::drawing
