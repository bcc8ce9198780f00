#include "figure/axes.hpp"

#include <fmt/core.h>

#include "figure/text.hpp"
#include "gnuplot.hpp"

namespace isochron::drawing {
namespace {

// ---- Ranges ----

/// The extent of the data and the fraction `margin` of it on either side; some range around
/// constant data, and another where there are none.
Span automatic_range(std::optional<Span> data, bool log, double margin) {
  if (!data) return log ? Span{1, 10} : Span{0, 1};
  if (log) data = {std::log10(data->low), std::log10(data->high)};
  const double zero = log ? 1 : least_size;
  const double size = std::max({std::abs(data->low), std::abs(data->high), zero});
  const bool constant = data->length() <= 1e-9 * size;
  const double constant_margin = log ? 0.5 : size > zero ? 0.1 * size : 1;
  const double room = constant ? constant_margin : margin * data->length();
  const Span range = {data->low - room, data->high + room};
  if (!log) return range;
  return {std::pow(10, std::max(range.low, -305.0)), std::pow(10, std::min(range.high, 305.0))};
}

Span chosen_range(const std::optional<std::pair<double, double>>& wanted,
                  const std::optional<Span>& data, bool log, double margin) {
  return wanted ? Span{wanted->first, wanted->second} : automatic_range(data, log, margin);
}

/// Grows one range, so that equal units on both axes fill a box of this width over its height.
void equalize(Span& x, Span& y, double shape) {
  const double height = std::max(x.length() / shape, y.length());
  const auto grow = [](Span& range, double length) {
    const double more = (length - range.length()) / 2;
    range = {range.low - more, range.high + more};
  };
  grow(x, shape * height);
  grow(y, height);
}

// ---- Ticks ----

/// 1, 2 or 5 times a power of ten; at most `count` such steps lie in a range of this length.
double tick_step(double length, int count) {
  const double least = length / count;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

/// Of the first digit: 0 for 1 to 9, -1 for 0.1 to 0.9.
int exponent(double value) { return static_cast<int>(std::floor(std::log10(value) + 1e-9)); }

/// How many digits tell the multiples of the step apart.
int tick_digits(const Span& range, double step) {
  return std::max(exponent(range.size()) - exponent(step) + 1, 1);
}

/// About the width of the labels at multiples of the step.
double width_at(const Span& range, double step) {
  const int first = exponent(range.size());
  const int last = exponent(step);
  const bool scientific = first >= 6 || first < -4;
  const int decimal = std::max(first, 0) + 1 + (last < 0 ? 1 - last : 0);
  const int sign = range.low <= -step ? 1 : 0;
  const int characters = sign + (scientific ? tick_digits(range, step) + 5 : decimal);
  return character_width * tick_font * characters;
}

/// What a label takes of its axis, with a gap to the next one: their widths on the axis x, and
/// their heights on the others.
double room_of(const DrawnAxis& axis, double width) {
  return axis.name == "x" ? width + 0.9 * tick_font : 1.8 * tick_font;
}

/// The smallest step at which the labels find room.
double roomy_step(const DrawnAxis& axis) {
  const auto& [low, high] = axis.range;
  for (int count = 8; count > 2; --count) {
    const double step = tick_step(high - low, count);
    const double distance = axis.log ? std::log(high / (high - step)) / std::log(high / low)
                                     : step / (high - low);  // of the last two
    if (axis.length * distance >= room_of(axis, width_at(axis.range, step))) return step;
  }
  return tick_step(high - low, 2);
}

bool shows_two_powers_of_ten(const Span& range) {
  return std::floor(std::log10(range.high)) - std::ceil(std::log10(range.low)) >= 1;
}

/// Of "10" with the widest of the exponents raised.
double width_of_power(const Span& range) {
  const auto digits = [](double value) { return fmt::format("{:.0f}", value).size(); };
  const std::size_t widest = std::max(digits(std::floor(std::log10(range.low))),
                                      digits(std::ceil(std::log10(range.high))));
  return character_width * tick_font * (2 + 0.8 * static_cast<double>(widest));
}

/// A list of ticks in gnuplot's language.
class TickList {
 public:
  void add(double at, const std::string& label = "") {
    list_ +=
        fmt::format("{}{}{}", list_.empty() ? "(" : ", ", label.empty() ? "" : label + ' ', at);
  }
  void add_minor(double at) { list_ += fmt::format("{}'' {} 1", list_.empty() ? "(" : ", ", at); }
  [[nodiscard]] std::string text() const { return list_.empty() ? "()" : list_ + ")"; }

 private:
  std::string list_;
};

/// At powers of ten, labelled as often as there is room; between them where they are few.
std::string ticks_at_powers(const DrawnAxis& axis) {
  const double lowest = std::log10(axis.range.low);
  const double highest = std::log10(axis.range.high);
  const double decade = axis.length / (highest - lowest);
  const double needed = room_of(axis, width_of_power(axis.range)) / decade;
  const double wanted = (highest - lowest) / 8;
  const double least = std::max({needed, wanted, 1.0});
  const double decades = least <= 3 ? std::ceil(least) : tick_step(least, 1);
  TickList list;
  for (double k = std::floor(lowest); k <= highest; ++k) {
    const bool labelled = std::fmod(k, decades) == 0;
    if (labelled && k >= lowest) list.add(std::pow(10, k));
    if (!labelled && k >= lowest && highest - lowest <= 40) list.add_minor(std::pow(10, k));
    for (int factor = 2; factor < 10 && highest - lowest <= 6; ++factor) {
      const double at = factor * std::pow(10, k);
      if (at >= axis.range.low && at <= axis.range.high) list.add_minor(at);
    }
  }
  return list.text();
}

/// At 1, 2 and 5 times the powers of ten around a range of less than two decades.
std::string ticks_between_powers(const Span& range) {
  const double power = std::pow(10, exponent(range.low));
  TickList list;
  for (const double factor : {1, 2, 5, 10, 20, 50, 100}) list.add(factor * power);
  return list.text();
}

std::string given_ticks(const std::vector<AxisTick>& ticks) {
  TickList list;
  for (const auto& [at, label] : ticks) list.add(at, gnuplot_string(label));
  return list.text();
}

/// Where an axis has its ticks, as an option of `set xtics`.
std::string tick_places(const DrawnAxis& axis) {
  if (!axis.ticks.empty()) return given_ticks(axis.ticks);
  const auto& [low, high] = axis.range;
  if (!axis.log) return fmt::format("{}", roomy_step(axis));
  if (shows_two_powers_of_ten(axis.range)) return ticks_at_powers(axis);
  const double step = roomy_step(axis);
  if (high < 5 * low || 2 * step <= high - low) return fmt::format("{} nologscale", step);
  return ticks_between_powers(axis.range);
}

/// What their labels look like.
std::string tick_format(const DrawnAxis& axis) {
  if (axis.log && shows_two_powers_of_ten(axis.range)) return "'10^{%T}'";
  const int digits = tick_digits(axis.range, tick_step(axis.range.length(), 10));
  return fmt::format("'%.{}h'", std::max(digits, 6));
}

}  // namespace

double tick_width(const DrawnAxis& axis) {
  if (axis.log && shows_two_powers_of_ten(axis.range)) return width_of_power(axis.range);
  const bool between = axis.log && axis.range.high >= 5 * axis.range.low;
  return width_at(axis.range, between ? std::pow(10, exponent(axis.range.low)) : roomy_step(axis));
}

std::string axis_commands(const DrawnAxis& axis, const std::string& offset) {
  return fmt::format(
      "set {0}range [{1}:{2}]\n{3}set {0}tics nomirror out scale 0.6,0.35 offset {4} font ',{5}' "
      "textcolor rgb 'black' {6} format {7}\n",
      axis.name, axis.range.low, axis.range.high,
      axis.log ? "set logscale " + axis.name + "\n" : "", offset, tick_font, tick_places(axis),
      tick_format(axis));
}

Axes make_axes(const Panel& panel, const Box& cell) {
  constexpr double margin = 0.03;
  constexpr double title_room = 22;
  constexpr double edge = 8;
  constexpr double tick_room = 9;     // of the ticks themselves, and beside their labels
  constexpr double label_room = 15;   // of the label of an axis
  constexpr double bar_room = 24;     // of the colour bar, and the gap before it
  constexpr double right_edge = 16;   // half a label of the axis x stands out
  constexpr double below_ticks = 21;  // of the axis x
  Axes axes;
  axes.y = {
      "y", chosen_range(panel.y_range, y_extent(panel), panel.log_y, margin), panel.log_y, 0, {}};
  axes.x = {"x", chosen_range(panel.x_range, x_extent(panel), panel.log_x, margin), panel.log_x, 0,
            panel.x_ticks};
  axes.color = {"cb", chosen_range(panel.color_range, color_extent(panel), false, 0), false, 0, {}};
  Box& box = axes.box;
  box.top = cell.top - (panel.title.empty() ? edge : title_room);
  box.bottom = cell.bottom + below_ticks + (panel.x_label.empty() ? 0 : label_room);
  axes.y.length = axes.color.length = box.height();
  const double bar =
      is_coloured(panel) && panel.color_bar ? bar_room + tick_width(axes.color) + label_room : 0;
  box.right = cell.right - (bar > 0 ? bar : right_edge);
  const bool equal = panel.equal_axes && !panel.log_x && !panel.log_y;
  const Span x = axes.x.range;
  const Span y = axes.y.range;
  // Where units are equal, the labels beside the axis y depend on its range, and that on the width
  // they leave.
  for (int pass = 0; pass < 2; ++pass) {
    box.left =
        cell.left + tick_room + tick_width(axes.y) + (panel.y_label.empty() ? 0 : label_room);
    axes.x.length = box.width();
    if (!equal) break;
    axes.x.range = x;
    axes.y.range = y;
    equalize(axes.x.range, axes.y.range, box.width() / box.height());
  }
  return axes;
}

}  // namespace isochron::drawing
