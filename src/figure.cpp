#include "isochron/figure.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <system_error>

#include "atomic_file.hpp"
#include "gnuplot.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

// All lengths and font sizes are in points, 1/72 inch.

constexpr double tick_font = 9;
constexpr double key_font = 9;
constexpr double label_font = 10;
constexpr double title_font = 11;
constexpr double character_width = 0.64;  ///< of a digit, over the font's size

constexpr double panel_width = 330;
constexpr double panel_height = 269;  ///< without its key
constexpr double box_size = 200;      ///< about, of the axes in it
constexpr double below_box = 40;      ///< for the ticks and the label of the axis x
constexpr double bar_room = 50;       ///< for a colour bar and its label
constexpr double label_room = 285;    ///< above and below the axes
constexpr double key_line = 14;
constexpr double edge = 4;  ///< below the key

// ---- Text, where a number is the shortest decimal that reads back as it, whatever the locale ----

/// About the width of a text without control sequences.
double text_width(std::string_view text, double font) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
  return character_width * font *
         static_cast<double>(std::count_if(text.begin(), text.end(), is_start));
}

/// `font`, or a smaller one that fits the text into `room`.
double fitting_font(std::string_view text, double font, double room) {
  return std::clamp(font * room / std::max(text_width(text, font), 1.0), 1.0, font);
}

// ---- Points and ranges ----

struct Interval {
  double low = 0;
  double high = 0;

  [[nodiscard]] double span() const { return high - low; }
  [[nodiscard]] double size() const { return std::max(std::abs(low), std::abs(high)); }
};

/// Beyond this and, on logarithmic axes, below its inverse, margins and ticks could overflow.
constexpr double largest_size = 1e300;

/// Smaller numbers are as good as 0 on a linear axis: the ticks between them would underflow.
constexpr double least_size = 1e-290;

bool can_be_drawn(double value, bool log) {
  return std::abs(value) <= largest_size && (!log || value >= 1 / largest_size);
}

/// From the lowest to the highest that is drawn of a point: its bar, its part of a band, or itself.
Interval height(const Curve& curve, std::size_t i) {
  const double y = curve.y[i];
  if (!curve.upper.empty()) return {std::min(y, curve.upper[i]), std::max(y, curve.upper[i])};
  if (!curve.error.empty()) return {y - curve.error[i], y + curve.error[i]};
  if (curve.style == Curve::Style::bars) return {std::min(0.0, y), std::max(0.0, y)};
  return {y, y};
}

bool can_be_drawn(const Panel& panel, const Curve& curve, std::size_t i) {
  const auto [low, high] = height(curve, i);
  return can_be_drawn(curve.x[i], panel.log_x) && can_be_drawn(low, panel.log_y) &&
         can_be_drawn(high, panel.log_y) &&
         (curve.color.empty() || can_be_drawn(curve.color[i], false));
}

Interval x_of(const Curve& curve, std::size_t i) { return {curve.x[i], curve.x[i]}; }
Interval color_of(const Curve& curve, std::size_t i) { return {curve.color[i], curve.color[i]}; }

/// From the smallest to the largest of the values that are drawn, at every point an interval.
template <class Values>
std::optional<Interval> extent(const Panel& panel, const Values& values) {
  std::optional<Interval> result;
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

std::optional<Interval> color_extent(Panel panel) {
  std::erase_if(panel.curves, [](const Curve& curve) { return curve.color.empty(); });
  return extent(panel, color_of);
}

bool is_coloured(const Panel& panel) {
  return std::any_of(panel.curves.begin(), panel.curves.end(),
                     [](const Curve& curve) { return !curve.color.empty(); });
}

std::optional<Interval> x_extent(const Panel& panel) {
  std::optional<Interval> result = extent(panel, x_of);
  if (!panel.shaded_x) return result;
  const auto [low, high] = *panel.shaded_x;
  if (!result) return Interval{low, high};
  return Interval{std::min(result->low, low), std::max(result->high, high)};
}

/// The extent of the data and the fraction `margin` of it on either side; some range around
/// constant data, and another where there are none.
Interval automatic_range(std::optional<Interval> data, bool log, double margin) {
  if (!data) return log ? Interval{1, 10} : Interval{0, 1};
  if (log) data = {std::log10(data->low), std::log10(data->high)};
  const double zero = log ? 1 : least_size;
  const double size = std::max({std::abs(data->low), std::abs(data->high), zero});
  const bool constant = data->span() <= 1e-9 * size;
  const double constant_margin = log ? 0.5 : size > zero ? 0.1 * size : 1;
  const double room = constant ? constant_margin : margin * data->span();
  const Interval range = {data->low - room, data->high + room};
  if (!log) return range;
  return {std::pow(10, std::max(range.low, -305.0)), std::pow(10, std::min(range.high, 305.0))};
}

using Range = std::optional<std::pair<double, double>>;

/// Throws unless the range lies on the axis and is no smaller than that part of its ends.
void check_range(const Range& range, bool log, double part, const std::string& name) {
  if (!range) return;
  const auto [low, high] = *range;
  const double size = std::max({std::abs(low), std::abs(high), least_size});
  require(can_be_drawn(low, log) && can_be_drawn(high, log) && high - low >= part * size,
          "a figure cannot show the {} [{}, {}]: it needs finite{} and increasing ends", name, low,
          high, log ? ", positive" : "");
}

void check(const Panel& panel) {
  for (const Curve& curve : panel.curves) {
    const bool coloured = !curve.color.empty();
    require(curve.x.size() == curve.y.size() && (!coloured || curve.color.size() == curve.x.size()),
            "the curve '{}' of a figure has {} values of x, {} of y and {} of colour", curve.label,
            curve.x.size(), curve.y.size(), curve.color.size());
    require(
        !coloured || (curve.upper.empty() && curve.error.empty()),
        "the curve '{}' of a figure has colours beside a band or errors; it can have one of them",
        curve.label);
    const bool is_band = curve.style == Curve::Style::band;
    require(curve.upper.size() == (is_band ? curve.x.size() : 0) &&
                (curve.error.empty() ||
                 (curve.style == Curve::Style::points && curve.error.size() == curve.x.size())),
            "the curve '{}' of a figure has {} values of x, {} upper ends of a band and {} errors "
            "of points",
            curve.label, curve.x.size(), curve.upper.size(), curve.error.size());
  }
  constexpr double axis = 1e-12;  // leaves digits to tell its ticks apart
  check_range(panel.x_range, panel.log_x, axis, "x range");
  check_range(panel.y_range, panel.log_y, axis, "y range");
  check_range(panel.color_range, false, axis, "colour range");
  check_range(panel.shaded_x, panel.log_x, 0, "shaded range");
}

// ---- Axes ----

struct Axis {
  std::string name;  ///< gnuplot's: x, y or cb
  Interval range;
  bool log = false;
};

Axis make_axis(const std::string& name, const Range& wanted, const std::optional<Interval>& data,
               bool log, double margin) {
  if (wanted) return {name, {wanted->first, wanted->second}, log};
  return {name, automatic_range(data, log, margin), log};
}

struct Axes {
  Axis x;
  Axis y;
  Axis color;
  bool equal = false;
};

/// Grows one range, so that equal units on both axes fill a box of the usual shape.
void equalize(Interval& x, Interval& y) {
  constexpr double shape = 1.1;
  const double height = std::max(x.span() / shape, y.span());
  const auto grow = [](Interval& range, double span) {
    const double more = (span - range.span()) / 2;
    range = {range.low - more, range.high + more};
  };
  grow(x, shape * height);
  grow(y, height);
}

Axes make_axes(const Panel& panel) {
  constexpr double margin = 0.03;
  Axes axes = {make_axis("x", panel.x_range, x_extent(panel), panel.log_x, margin),
               make_axis("y", panel.y_range, extent(panel, height), panel.log_y, margin),
               make_axis("cb", panel.color_range, color_extent(panel), false, 0),
               panel.equal_axes && !panel.log_x && !panel.log_y};
  if (axes.equal) equalize(axes.x.range, axes.y.range);
  return axes;
}

// ---- Ticks: gnuplot's, except where it would write none, or one over the other ----

/// 1, 2 or 5 times a power of ten; at most `count` such steps lie in a range of this span.
double tick_step(double span, int count) {
  const double least = span / count;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

/// Of the first digit: 0 for 1 to 9, -1 for 0.1 to 0.9.
int exponent(double value) { return static_cast<int>(std::floor(std::log10(value) + 1e-9)); }

/// How many digits tell the multiples of the step apart.
int tick_digits(const Interval& range, double step) {
  return std::max(exponent(range.size()) - exponent(step) + 1, 1);
}

/// About the width of the labels at multiples of the step.
double tick_width(const Interval& range, double step) {
  const int first = exponent(range.size());
  const int last = exponent(step);
  const bool scientific = first >= 6 || first < -4;
  const int decimal = std::max(first, 0) + 1 + (last < 0 ? 1 - last : 0);
  const int sign = range.low <= -step ? 1 : 0;
  const int characters = sign + (scientific ? tick_digits(range, step) + 5 : decimal);
  return character_width * tick_font * characters;
}

/// The smallest step at which the labels find room, those of the axis x side by side.
double roomy_step(const Axis& axis) {
  const auto& [low, high] = axis.range;
  for (int count = 8; count > 2; --count) {
    const double step = tick_step(high - low, count);
    const double distance = axis.log ? std::log(high / (high - step)) / std::log(high / low)
                                     : step / (high - low);  // of the last two
    const double label = axis.name == "x" ? tick_width(axis.range, step) : 0;
    if (box_size * distance >= label + 0.5 * tick_font) return step;
  }
  return tick_step(high - low, 2);
}

bool shows_two_powers_of_ten(const Interval& range) {
  return std::floor(std::log10(range.high)) - std::ceil(std::log10(range.low)) >= 1;
}

/// At powers of ten. Over many decades not all labels find room, and gnuplot's minor ticks would
/// lie elsewhere.
std::string ticks_at_powers(const Interval& range) {
  const double lowest = std::log10(range.low);
  const double highest = std::log10(range.high);
  const double span = highest - lowest;
  if (span <= 7) return "autofreq";
  const double decades = span <= 21 ? std::ceil(span / 7) : tick_step(span, 7);
  std::string list;
  for (double k = std::ceil(lowest); k <= highest; ++k) {
    const bool labelled = std::fmod(k, decades) == 0;
    if (!labelled && span > 40) continue;
    list += fmt::format("{}{}{}{}", list.empty() ? "(" : ", ", labelled ? "" : "'' ",
                        std::pow(10, k), labelled ? "" : " 1");
  }
  return list + ")";
}

/// At 1, 2 and 5 times the powers of ten around a range of less than two decades.
std::string ticks_between_powers(const Interval& range) {
  const double power = std::pow(10, exponent(range.low));
  std::string list;
  for (const double factor : {1, 2, 5, 10, 20, 50, 100})
    list += fmt::format("{}{}", list.empty() ? "(" : ", ", factor * power);
  return list + ")";
}

/// Where an axis has its ticks, as an option of `set xtics`.
std::string tick_places(const Axis& axis) {
  const auto& [low, high] = axis.range;
  if (!axis.log) return axis.name == "x" ? fmt::format("{}", roomy_step(axis)) : "autofreq";
  if (shows_two_powers_of_ten(axis.range)) return ticks_at_powers(axis.range);
  const double step = roomy_step(axis);
  if (high < 5 * low || 2 * step <= high - low) return fmt::format("{} nologscale", step);
  return ticks_between_powers(axis.range);
}

/// What their labels look like.
std::string tick_format(const Axis& axis) {
  if (axis.log && shows_two_powers_of_ten(axis.range)) return "'10^{%T}'";
  const int digits = tick_digits(axis.range, tick_step(axis.range.span(), 10));
  return fmt::format("'%.{}h'", std::max(digits, 6));
}

std::string axis_commands(const Axis& axis, const std::string& offset) {
  return fmt::format(
      "set {0}range [{1}:{2}]\n{3}set {0}tics nomirror out scale 0.6,0.35 offset {4} font ',{5}' "
      "textcolor rgb 'black' {6} format {7}\n",
      axis.name, axis.range.low, axis.range.high,
      axis.log ? "set logscale " + axis.name + "\n" : "", offset, tick_font, tick_places(axis),
      tick_format(axis));
}

// ---- Appearance ----

/// Okabe and Ito's colours, told apart by all readers; without yellow, too pale for lines.
constexpr std::array line_colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

/// Perceptually uniform and monotonous in lightness (viridis).
constexpr const char* palette =
    "0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', 4 '#21908d', "
    "5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725'";
constexpr const char* middle_of_palette = "rgb '#21908d'";

constexpr const char* shade_color = "rgb '#ebebeb'";

std::string line_color(std::size_t i) {
  return fmt::format("rgb '{}'", line_colors[i % line_colors.size()]);
}

/// Discs; other shapes where colours come again: squares, triangles, diamonds.
std::string point_shape(std::size_t i) {
  constexpr std::array shapes = {"pt 7", "pt 5", "pt 9", "pt 13"};
  return shapes[i / line_colors.size() % shapes.size()];
}

/// A single marker is to be seen, thousands are to leave white between them.
double marker_size(const Panel& panel) {
  double points = 1;
  for (const Curve& curve : panel.curves) {
    if (curve.style == Curve::Style::points) points += static_cast<double>(curve.x.size());
  }
  return std::clamp(8 / std::sqrt(points), 0.1, 0.6);
}

/// The number of the colour of curve number i.
std::size_t hue(const Panel& panel, std::size_t i) { return panel.curves[i].hue.value_or(i); }

constexpr const char* band_fill = "fillstyle transparent solid 0.22 noborder";

/// gnuplot's plotting style of curve number i, but for its colour.
std::string plot_style(const Panel& panel, std::size_t i) {
  const Curve& curve = panel.curves[i];
  const bool crowded = !curve.color.empty() || panel.curves.size() > 12;
  const bool dense = curve.x.size() > 1000;
  const std::string width = crowded ? "lw 0.7" : dense ? "lw 1" : "lw 1.5";
  const std::string marker =
      fmt::format("{} ps {}", point_shape(hue(panel, i)), marker_size(panel));
  switch (curve.style) {
    case Curve::Style::line: return "lines dt solid " + width;
    case Curve::Style::dashed: return "lines dt (9,5) " + width;
    case Curve::Style::points: return "points " + marker;
    case Curve::Style::band: return std::string("filledcurves ") + band_fill;
    case Curve::Style::bars: return "boxes fillstyle transparent solid 0.4 noborder";
    case Curve::Style::marked: return fmt::format("linespoints dt solid {} {}", width, marker);
  }
  return "lines";
}

// ---- Layout ----

/// Its columns are as wide as the longest label needs.
struct Key {
  double font = key_font;
  int columns = 1;
  int rows = 0;
};

/// gnuplot takes fewer columns than it is told to when it finds them too wide, and then the rows
/// would be more than the figure has room for: `room` and the widths are on the safe side.
Key make_key(const Panel& panel) {
  constexpr double sample = 38;
  const double room = is_coloured(panel) ? box_size : 0.92 * panel_width;
  Key key;
  double widest = 0;
  int labels = 0;
  const auto add = [&](const std::string& label) {
    if (label.empty()) return;
    key.font = std::min(key.font, fitting_font(label, key_font, 0.92 * panel_width - sample));
    widest = std::max(widest, text_width(label, key_font));
    ++labels;
  };
  for (const Curve& curve : panel.curves) add(curve.label);
  if (panel.shaded_x) add(panel.shaded_label);
  key.columns = std::max(static_cast<int>(room / (widest + sample)), 1);
  key.rows = (labels + key.columns - 1) / key.columns;
  return key;
}

/// The whole figure, with its panels side by side.
struct Canvas {
  double panels = 1;
  double key_height = 0;  ///< below the axes, where the keys cover no data

  [[nodiscard]] double width() const { return panels * panel_width; }
  [[nodiscard]] double height() const { return panel_height + key_height; }
};

Canvas make_canvas(const Figure& figure) {
  Canvas canvas;
  canvas.panels = static_cast<double>(figure.panels.size());
  for (const Panel& panel : figure.panels)
    canvas.key_height = std::max(canvas.key_height, key_line * make_key(panel).rows);
  return canvas;
}

// ---- Commands ----

/// The terminals count in pixels or inches and scale fonts and lines each in its own way; here all
/// are set such that font sizes and line widths are in points.
std::string terminal_command(FigureFormat format, const Canvas& canvas) {
  const double width = canvas.width();
  const double height = canvas.height();
  const auto size = [&](double unit) {
    return fmt::format("{},{}", std::ceil(width * unit), std::ceil(height * unit));
  };
  constexpr const char* common = "enhanced font 'sans-serif,10' background '#ffffff'\n";
  switch (format) {
    case FigureFormat::svg:  // 96 pixels per inch, CSS's unit
      return fmt::format("set terminal svg size {} fixed fontscale 1.3333 linewidth 1.3333 {}",
                         size(4. / 3), common);
    case FigureFormat::png:  // 216 pixels per inch
      return fmt::format("set terminal pngcairo size {} fontscale 2.25 linewidth 3 pointscale 3 {}",
                         size(3), common);
    case FigureFormat::pdf:
      return fmt::format(
          "set terminal pdfcairo size {},{} fontscale 0.75 linewidth 2 pointscale 1 {}", width / 72,
          height / 72, common);
  }
  return "";
}

/// The title or the label of an axis.
std::string label_command(const std::string& name, const std::string& text, double font,
                          double room, const std::string& options) {
  if (text.empty()) return "";
  return fmt::format("set {} {} noenhanced font ',{}' {}\n", name, gnuplot_string(text),
                     fitting_font(text, font, room), options);
}

std::string label_commands(const Panel& panel) {
  return label_command("title", panel.title, title_font, label_room, "offset 0,-0.4") +
         label_command("xlabel", panel.x_label, label_font, label_room, "offset 0,0.4") +
         label_command("ylabel", panel.y_label, label_font, 0.9 * panel_height, "offset 0.8,0") +
         label_command("cblabel", panel.color_label, label_font, 0.9 * panel_height, "");
}

std::string shade_command(const Panel& panel, const Interval& range) {
  if (!panel.shaded_x) return "";
  const auto [low, high] = *panel.shaded_x;
  return fmt::format(
      "set object rectangle from first {}, graph 0 to first {}, graph 1 behind fillcolor {} "
      "fillstyle solid noborder\n",
      std::clamp(low, range.low, range.high), std::clamp(high, range.low, range.high), shade_color);
}

/// The columns of a curve beside x and y.
std::vector<const std::vector<double>*> more_columns(const Curve& curve) {
  std::vector<const std::vector<double>*> columns;
  for (const auto* column : {&curve.upper, &curve.error, &curve.color}) {
    if (!column->empty()) columns.push_back(column);
  }
  return columns;
}

std::string data_commands(const Panel& panel) {
  std::string commands;
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    const Curve& curve = panel.curves[c];
    const auto columns = more_columns(curve);
    commands += fmt::format("$curve{} << END\n", c);
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!can_be_drawn(panel, curve, i)) {
        commands += "NaN NaN NaN\n";
        continue;
      }
      commands += fmt::format("{} {}", curve.x[i], curve.y[i]);
      for (const auto* column : columns) commands += fmt::format(" {}", (*column)[i]);
      commands += '\n';
    }
    commands += "END\n";
  }
  return commands;
}

std::string key_entry(const std::string& style, const std::string& color,
                      const std::string& label) {
  return fmt::format(", keyentry with {} lc {} title {} noenhanced", style, color,
                     gnuplot_string(label));
}

/// Of the data, those that the style of a curve takes.
const char* columns_to_plot(const Curve& curve) {
  return curve.upper.empty() && curve.color.empty() ? "1:2" : "1:2:3";
}

/// How the key shows curve number c: gnuplot fills boxes there, but no curves.
std::string key_style(const Panel& panel, std::size_t c) {
  const Curve& curve = panel.curves[c];
  if (curve.style == Curve::Style::band) return std::string("boxes ") + band_fill;
  return plot_style(panel, c);
}

/// Curves and entries of the key, in which a curve on the colour scale has one colour.
std::string plot_command(const Panel& panel) {
  std::string command = "plot NaN notitle";  // draws the axes even when there is no curve
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    const Curve& curve = panel.curves[c];
    const bool coloured = !curve.color.empty();
    const std::string style = plot_style(panel, c);
    const std::string color = line_color(hue(panel, c));
    // Not with yerrorbars, which clear the surroundings of their points.
    if (!curve.error.empty())
      command += fmt::format(
          ", $curve{} using 1:($2-$3):(0):(2*$3) with vectors nohead lw 0.8 lc {} notitle", c,
          color);
    if (!curve.x.empty())
      command += fmt::format(", $curve{} using {} with {} lc {} notitle", c, columns_to_plot(curve),
                             style, coloured ? "palette" : color);
    if (!curve.label.empty())
      command += key_entry(key_style(panel, c), coloured ? middle_of_palette : color, curve.label);
  }
  if (panel.shaded_x && !panel.shaded_label.empty())
    command += key_entry("boxes fillstyle solid noborder", shade_color, panel.shaded_label);
  return command + "\n";
}

std::string key_command(const Panel& panel, const Canvas& canvas) {
  const Key key = make_key(panel);
  if (key.rows == 0) return "unset key\n";
  return fmt::format(
      "set key at graph 0.5, screen {} center top horizontal Left reverse samplen 2.5 spacing 1.2 "
      "maxcols {} font ',{}'\n",
      (edge + canvas.key_height) / canvas.height(), key.columns, key.font);
}

/// gnuplot's, but the axes of all panels end at the same height, and colour bars have room for
/// their labels, which gnuplot takes to be short.
std::string margin_commands(const Panel& panel, const Axes& axes, double right,
                            const Canvas& canvas) {
  std::string commands = fmt::format("set bmargin at screen {}\n",
                                     (edge + canvas.key_height + below_box) / canvas.height());
  if (!is_coloured(panel)) return commands;
  const Interval& colors = axes.color.range;
  const double room = bar_room + tick_width(colors, tick_step(colors.span(), 10));
  return commands + fmt::format("set rmargin at screen {}\n", (right - room) / canvas.width());
}

/// Of the panel that ends `right` of the figure's left edge.
std::string panel_commands(const Panel& panel, double right, const Canvas& canvas) {
  const Axes axes = make_axes(panel);
  std::string commands =
      "reset\n"
      "set minussign\n"
      "set border 15 lw 0.8 lc rgb '#404040'\n"
      "set grid xtics ytics back lt 1 lw 0.5 lc rgb '#d8d8d8'\n"
      "set clip two\n"
      "set boxwidth 0.9 relative\n";
  commands += fmt::format("set palette defined ({})\n", palette);
  commands += axis_commands(axes.x, "0,0.3");
  commands += axis_commands(axes.y, "0.6,0");
  if (is_coloured(panel)) commands += axis_commands(axes.color, "-0.6,0");
  if (axes.equal) commands += "set size ratio -1\n";
  commands += margin_commands(panel, axes, right, canvas) + key_command(panel, canvas);
  commands += label_commands(panel) + shade_command(panel, axes.x.range);
  return commands + data_commands(panel) + plot_command(panel);
}

std::string script(const Figure& figure, FigureFormat format) {
  const Canvas canvas = make_canvas(figure);
  std::string commands = fmt::format("set encoding utf8\n{}set multiplot layout 1,{}\n",
                                     terminal_command(format, canvas), canvas.panels);
  double right = 0;
  for (const Panel& panel : figure.panels)
    commands += panel_commands(panel, right += panel_width, canvas);
  return commands + "unset multiplot\n";
}

// ---- The file ----

void check_target(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, error))
    throw InputError(fmt::format("the folder '{}' of a figure does not exist", folder.string()));
  if (std::filesystem::is_directory(path, error) || !path.has_filename())
    throw InputError(
        fmt::format("a figure cannot be written to '{}': it is a folder", path.string()));
}

void write_drawing(const std::filesystem::path& path, const std::string& drawing) {
  remove_leftovers(path);
  try {
    replace_file(path, drawing);
  } catch (const std::system_error& error) {
    throw OutputError(fmt::format("cannot write '{}': {}", path.string(), error.code().message()));
  }
}

}  // namespace

void draw(const Figure& figure, const std::filesystem::path& path, FigureFormat format) {
  if (figure.panels.empty()) throw InputError("a figure needs a panel");
  for (const Panel& panel : figure.panels) check(panel);
  check_target(path);
  write_drawing(path, run_gnuplot(script(figure, format)));
}

}  // namespace isochron
