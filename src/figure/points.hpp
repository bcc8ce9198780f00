#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "isochron/figure.hpp"

// Which points of a panel can be drawn, and the ranges that they take.

namespace isochron::drawing {

struct Span {
  double low = 0;
  double high = 0;

  [[nodiscard]] double length() const { return high - low; }
  [[nodiscard]] double size() const { return std::max(std::abs(low), std::abs(high)); }
};

/// Smaller numbers are as good as 0 on a linear axis: the ticks between them would underflow.
constexpr double least_size = 1e-290;

/// Finite, and where margins and ticks around it cannot overflow.
[[nodiscard]] bool can_be_drawn(double value, bool log);
[[nodiscard]] bool can_be_drawn(const Panel& panel, const Curve& curve, std::size_t i);

[[nodiscard]] bool is_coloured(const Panel& panel);

/// What the points that are drawn take; nothing where there are none.
[[nodiscard]] std::optional<Span> x_extent(const Panel& panel);
[[nodiscard]] std::optional<Span> y_extent(const Panel& panel);
[[nodiscard]] std::optional<Span> color_extent(const Panel& panel);

/// Throws InputError when columns of different lengths or unsound ranges stand in the figure.
void check(const Figure& figure);

}  // namespace isochron::drawing
