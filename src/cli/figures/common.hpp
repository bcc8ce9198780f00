#pragma once

#include <string>
#include <utility>
#include <vector>

#include "floating_point.hpp"
#include "isochron/figure.hpp"
#include "isochron/states.hpp"

// What the kinds of figures have in common.

namespace isochron::cli {

/// Figures with the names of their files.
using Figures = std::vector<std::pair<std::string, Figure>>;

/// Breaks a line.
inline constexpr double gap = not_a_number;

[[nodiscard]] inline std::vector<double> column(const Vector& v) { return {v.begin(), v.end()}; }

[[nodiscard]] Curve make_curve(const std::string& label, std::vector<double> x,
                               std::vector<double> y, Curve::Style style = Curve::Style::line);

/// A straight line over the positions of all curves of the panel, for what is one number.
[[nodiscard]] Curve level(const std::string& label, double y, const Panel& panel,
                          Curve::Style style = Curve::Style::dashed);

/// Whole numbers on the x axis have their own ticks, as long as these can be told apart.
void tick_whole_numbers(Panel& panel);

/// The numbers as they are raised or lowered in print: x₁, 10⁻⁹. For labels, which are plain text.
[[nodiscard]] std::string subscript(long number);
[[nodiscard]] std::string superscript(long number);

/// In running text: "3.2 10⁻⁷", "0.05".
[[nodiscard]] std::string in_words(double number);

/// Which `wanted` of `count` things are looked at: evenly spread, the first and the last included.
[[nodiscard]] std::vector<Index> spread(Index count, Index wanted);

/// The corners of a staircase: y[i] from edges[i] to edges[i + 1], and 0 outside.
[[nodiscard]] Curve staircase(const std::string& label, const std::vector<double>& edges,
                              const std::vector<double>& y);

/// Adds a sentence to a caption.
void say_below(Figure& figure, const std::string& sentence);

/// The smallest and the largest of the finite values; low > high where there are none.
[[nodiscard]] std::pair<double, double> bounds(const std::vector<double>& values);

}  // namespace isochron::cli
