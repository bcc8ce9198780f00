#include "isochron/figure.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

#include "atomic_file.hpp"
#include "gnuplot.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

// All lengths and font sizes are in points, 1/72 inch.

constexpr double tick_font = 9;
constexpr double key_font = 9;
constexpr double label_font = 10;
constexpr double title_font = 11;

// ---- Text ----

/// Shortest decimal number that reads back as `value`, whatever the locale.
std::string number(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.begin(), buffer.end(), value);
  return {buffer.begin(), end};
}

/// About the width of a text without control sequences.
double text_width(std::string_view text, double font) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
  return 0.57 * font * static_cast<double>(std::count_if(text.begin(), text.end(), is_start));
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
};

/// Smaller numbers are as good as 0: the ticks between them would underflow.
constexpr double least_size = 1e-280;

/// Within these bounds no range overflows, not even with its margins.
bool can_be_drawn(double value, bool log) {
  return std::abs(value) < 1e250 && (!log || value > 1e-250);
}

bool can_be_drawn(const Panel& panel, const Curve& curve, std::size_t i) {
  return can_be_drawn(curve.x[i], panel.log_x) && can_be_drawn(curve.y[i], panel.log_y) &&
         (curve.color.empty() || can_be_drawn(curve.color[i], false));
}

/// From the smallest to the largest of the values that are drawn.
std::optional<Interval> extent(const Panel& panel, std::vector<double> Curve::*values) {
  std::optional<Interval> result;
  for (const Curve& curve : panel.curves) {
    if ((curve.*values).empty()) continue;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!can_be_drawn(panel, curve, i)) continue;
      const double value = (curve.*values)[i];
      if (!result) result = {value, value};
      result = {std::min(result->low, value), std::max(result->high, value)};
    }
  }
  return result;
}

std::optional<Interval> x_extent(const Panel& panel) {
  std::optional<Interval> result = extent(panel, &Curve::x);
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
  return log ? Interval{std::pow(10, range.low), std::pow(10, range.high)} : range;
}

using Range = std::optional<std::pair<double, double>>;

/// Throws unless the range lies on the axis and is no smaller than that part of its ends.
void check_range(const Range& range, bool log, double part, const std::string& name) {
  if (!range) return;
  const auto [low, high] = *range;
  const double size = std::max({std::abs(low), std::abs(high), least_size});
  if (can_be_drawn(low, log) && can_be_drawn(high, log) && high - low >= part * size) return;
  throw InputError("a figure cannot show the " + name + " [" + number(low) + ", " + number(high) +
                   "]: it needs finite" + (log ? ", positive" : "") + " and increasing ends");
}

void check(const Panel& panel) {
  for (const Curve& curve : panel.curves) {
    const bool coloured = !curve.color.empty();
    if (curve.x.size() == curve.y.size() && (!coloured || curve.color.size() == curve.x.size()))
      continue;
    throw InputError("the curve '" + curve.label + "' of a figure has " +
                     std::to_string(curve.x.size()) + " values of x, " +
                     std::to_string(curve.y.size()) + " of y and " +
                     std::to_string(curve.color.size()) + " of colour");
  }
  constexpr double axis = 1e-12;  // leaves digits to tell its ticks apart
  check_range(panel.x_range, panel.log_x, axis, "x range");
  check_range(panel.y_range, panel.log_y, axis, "y range");
  check_range(panel.color_range, false, axis, "colour range");
  check_range(panel.shaded_x, panel.log_x, 0, "shaded range");
}

// ---- Ticks ----

struct Tick {
  double at;
  std::string label;  ///< gnuplot's enhanced text; empty: a minor tick
  double width = 0;   ///< of the label
};

using Ticks = std::vector<Tick>;

/// The decimal with so many places, with a typographic minus sign.
std::string decimal(double value, int places) {
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.begin(), buffer.end(), std::abs(value),
                                          std::chars_format::fixed, std::max(places, 0));
  return (value < 0 ? "\u2212" : "") + std::string(buffer.begin(), end);
}

Tick power_tick(const std::string& factor, double at, int exponent) {
  const std::string digits = decimal(exponent, 0);
  return {at, factor + "10^{" + digits + "}",
          text_width(factor + "10", tick_font) + 0.7 * text_width(digits, tick_font)};
}

/// At multiples of 1, 2 or 5 times a power of ten, at most `count` intervals.
Ticks linear_ticks(const Interval& range, int count) {
  const double least_step = range.span() / count;
  int step_exponent = static_cast<int>(std::floor(std::log10(least_step)));
  const double factor = least_step / std::pow(10, step_exponent);
  const int digit = factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10;
  const double step = digit * std::pow(10, step_exponent);
  if (digit == 10) ++step_exponent;

  const double size = std::max(std::abs(range.low), std::abs(range.high));
  const int exponent = static_cast<int>(std::floor(std::log10(size)));
  const bool scientific = exponent >= 6 || exponent < -3;
  Ticks ticks;
  const double last = std::floor(range.high / step + 1e-9);
  for (double k = std::ceil(range.low / step - 1e-9); k <= last; ++k) {
    const double at = std::clamp(k * step, range.low, range.high);
    if (scientific && k != 0) {
      const std::string mantissa = decimal(at / std::pow(10, exponent), exponent - step_exponent);
      ticks.push_back(power_tick(mantissa + "\u00D7", at, exponent));
    } else {
      const std::string label = scientific ? "0" : decimal(at, -step_exponent);
      ticks.push_back({at, label, text_width(label, tick_font)});
    }
  }
  return ticks;
}

/// At powers of ten, labelled at most `count` times; the minor ones are the multiples 2 to 9 or the
/// decades left out. A range without two powers of ten is labelled like a linear one.
Ticks log_ticks(const Interval& range, int count) {
  const int first = static_cast<int>(std::ceil(std::log10(range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  if (last - first < 1) return linear_ticks(range, count);
  const int stride = (last - first + count - 1) / count;
  Ticks ticks;
  for (int k = first - 1; k <= last; ++k) {
    const double decade = std::pow(10, k);
    if (k >= first) {
      const double at = std::clamp(decade, range.low, range.high);
      ticks.push_back(k % stride == 0 ? power_tick("", at, k) : Tick{at, ""});
    }
    for (int factor = 2; stride == 1 && factor < 10; ++factor) {
      const double at = factor * decade;
      if (at > range.low && at < range.high) ticks.push_back({at, ""});
    }
  }
  return ticks;
}

constexpr double least_tick_distance = 24;

/// A labelled axis.
struct Axis {
  Interval range;
  bool log = false;
  Ticks ticks;

  /// The width of the widest tick label.
  [[nodiscard]] double tick_width() const {
    double width = 0;
    for (const Tick& tick : ticks) width = std::max(width, tick.width);
    return width;
  }

  /// Labels one below the other.
  void label_upright(double length) { label(static_cast<int>(length / least_tick_distance)); }

  /// Labels side by side: as many as find room.
  void label_level(double length) {
    for (int count = static_cast<int>(length / least_tick_distance); count >= 2; --count) {
      label(count);
      const auto labelled = std::count_if(ticks.begin(), ticks.end(),
                                          [](const Tick& tick) { return !tick.label.empty(); });
      if (static_cast<double>(labelled) * (tick_width() + 2 * tick_font) <= length) return;
    }
  }

 private:
  void label(int count) { ticks = log ? log_ticks(range, count) : linear_ticks(range, count); }
};

// ---- Layout ----

constexpr double box_height = 200;
constexpr double box_width = 260;
constexpr double edge = 6;  ///< around everything
constexpr double tick_length = 4;
constexpr double tick_gap = 6;     ///< between a tick and its label
constexpr double text_line = 1.5;  ///< height of a line of text over its font size
constexpr double bar_gap = 10;     ///< between the axes and their colour bar
constexpr double bar_width = 9;
constexpr double panel_gap = 14;
constexpr double key_sample = 22;  ///< length of a line sample
constexpr double key_gap = 5;      ///< between a sample and its label
constexpr double key_space = 14;   ///< between entries

/// Height of a line that is there only when it says something.
double line_height(const std::string& text, double font) {
  return text.empty() ? 0 : text_line * font;
}

/// gnuplot's options for a curve; what is empty is not drawn.
struct Look {
  std::string color;
  std::string line;
  std::string marker;
};

/// An entry of the key; without line and marker it is the shaded range.
struct KeyEntry {
  std::string label;
  Look look;
  double font;

  [[nodiscard]] double width() const {
    return key_sample + key_gap + text_width(label, font) + key_space;
  }
};

using KeyRow = std::vector<KeyEntry>;

/// A panel with its axes and the room it needs around the box that they enclose.
struct PlacedPanel {
  const Panel* panel = nullptr;
  Axis x;
  Axis y;
  Axis color;
  bool coloured = false;
  std::vector<KeyRow> key;
  double left = 0;  ///< from the edge of the figure to the box
  double width = box_width;

  [[nodiscard]] double outer_width() const { return room_left() + width + room_right(); }
  [[nodiscard]] double room_left() const {
    return line_height(panel->y_label, label_font) + y.tick_width() + tick_gap + tick_length;
  }
  [[nodiscard]] double room_right() const {
    if (!coloured) return 0.5 * x.tick_width();
    return bar_gap + bar_width + tick_length + tick_gap + color.tick_width() +
           line_height(panel->color_label, label_font);
  }
  [[nodiscard]] double room_above() const {
    const double key_height = static_cast<double>(key.size()) * text_line * key_font;
    return line_height(panel->title, title_font) + key_height + tick_gap;
  }
  [[nodiscard]] double room_below() const {
    return tick_length + tick_gap + tick_font + line_height(panel->x_label, label_font);
  }
};

/// The box gets the shape of the ranges; where it would be too flat or too narrow for its labels,
/// one range grows.
void equalize(PlacedPanel& placed) {
  Interval& x = placed.x.range;
  Interval& y = placed.y.range;
  placed.width = box_height * std::clamp(x.span() / y.span(), 0.8, 1.6);
  const double unit = std::max(x.span() / placed.width, y.span() / box_height);
  const auto grow = [](Interval& range, double span) {
    const double more = (span - range.span()) / 2;
    range = {range.low - more, range.high + more};
  };
  grow(x, unit * placed.width);
  grow(y, unit * box_height);
}

Axis make_axis(const Range& wanted, const std::optional<Interval>& data, bool log, double margin) {
  Axis axis;
  axis.log = log;
  axis.range =
      wanted ? Interval{wanted->first, wanted->second} : automatic_range(data, log, margin);
  return axis;
}

void place_axes(PlacedPanel& placed) {
  const Panel& panel = *placed.panel;
  constexpr double margin = 0.03;
  placed.x = make_axis(panel.x_range, x_extent(panel), panel.log_x, margin);
  placed.y = make_axis(panel.y_range, extent(panel, &Curve::y), panel.log_y, margin);
  placed.color = make_axis(panel.color_range, extent(panel, &Curve::color), false, 0);
  placed.coloured = std::any_of(panel.curves.begin(), panel.curves.end(),
                                [](const Curve& curve) { return !curve.color.empty(); });
  if (panel.equal_axes && !panel.log_x && !panel.log_y) equalize(placed);
  placed.x.label_level(placed.width);
  placed.y.label_upright(box_height);
  placed.color.label_upright(box_height);
}

// ---- Appearance ----

/// Okabe and Ito's colours, told apart by all readers; without yellow, too pale for lines.
constexpr std::array line_colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

/// Perceptually uniform and monotonous in lightness (viridis).
constexpr std::array palette = {"#440154", "#472c7a", "#3b518b", "#2c718e", "#21908d",
                                "#27ad81", "#5cc863", "#aadc32", "#fde725"};

constexpr const char* shade_color = "'#ebebeb'";

std::string line_color(std::size_t i) {
  return std::string("rgb '") + line_colors[i % line_colors.size()] + "'";
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

/// Of curve number i; `color` is gnuplot's colour specification.
Look make_look(const Panel& panel, std::size_t i, const std::string& color) {
  const Curve& curve = panel.curves[i];
  const bool crowded = !curve.color.empty() || panel.curves.size() > 12;
  const bool dense = curve.x.size() > 1000;
  const std::string width = crowded ? "lw 0.7" : dense ? "lw 1" : "lw 1.5";
  const std::string marker = point_shape(i) + " ps " + number(marker_size(panel));
  switch (curve.style) {
    case Curve::Style::line: return {"lc " + color, width + " dt solid", ""};
    case Curve::Style::dashed: return {"lc " + color, width + " dt (9,5)", ""};
    case Curve::Style::points: return {"lc " + color, "", marker};
    case Curve::Style::marked: return {"lc " + color, width + " dt solid", marker};
  }
  return {};
}

std::vector<KeyEntry> key_entries(const Panel& panel) {
  std::vector<KeyEntry> entries;
  for (std::size_t i = 0; i < panel.curves.size(); ++i) {
    const Curve& curve = panel.curves[i];
    if (curve.label.empty()) continue;
    const std::string middle = std::string("rgb '") + palette[palette.size() / 2] + "'";
    const std::string color = curve.color.empty() ? line_color(i) : middle;
    entries.push_back({curve.label, make_look(panel, i, color), key_font});
  }
  if (panel.shaded_x && !panel.shaded_label.empty())
    entries.push_back({panel.shaded_label, {}, key_font});
  return entries;
}

double row_width(const KeyRow& row) {
  double width = -key_space;
  for (const KeyEntry& entry : row) width += entry.width();
  return width;
}

/// In rows no wider than the box.
void place_key(PlacedPanel& placed) {
  for (KeyEntry& entry : key_entries(*placed.panel)) {
    entry.font = fitting_font(entry.label, key_font, placed.width - key_sample - key_gap);
    const bool fits =
        !placed.key.empty() && row_width(placed.key.back()) + entry.width() <= placed.width;
    if (!fits) placed.key.emplace_back();
    placed.key.back().push_back(std::move(entry));
  }
}

/// All panels, their boxes of one height on one line.
struct Layout {
  std::vector<PlacedPanel> panels;
  double width = 0;
  double height = 0;
  double bottom = 0;  ///< of the boxes, from the bottom of the figure
  double above = 0;   ///< the boxes: room for titles and keys

  [[nodiscard]] double top() const { return bottom + box_height; }
};

Layout make_layout(const Figure& figure) {
  Layout layout;
  double right = edge;
  for (const Panel& panel : figure.panels) {
    PlacedPanel placed;
    placed.panel = &panel;
    place_axes(placed);
    place_key(placed);
    placed.left = right + placed.room_left();
    right = placed.left + placed.width + placed.room_right() + panel_gap;
    layout.above = std::max(layout.above, placed.room_above());
    layout.bottom = std::max(layout.bottom, edge + placed.room_below());
    layout.panels.push_back(std::move(placed));
  }
  layout.width = right - panel_gap + edge;
  layout.height = layout.top() + layout.above + edge;
  return layout;
}

// ---- Script ----

/// The commands for gnuplot.
class Script {
 public:
  Script(const Layout& layout, FigureFormat format);

  [[nodiscard]] const std::string& commands() const { return commands_; }

 private:
  void terminal(FigureFormat format);
  void panel(const PlacedPanel& placed);
  void box(const PlacedPanel& placed);
  void axis(const std::string& name, const Axis& axis, const std::string& options);
  void shade(const PlacedPanel& placed);
  void color_bar(const PlacedPanel& placed);
  void labels(const PlacedPanel& placed);
  void key(const PlacedPanel& placed);
  void sample(const Look& look, double x, double y);
  void text(const std::string& text, double font, double x, double y, const std::string& options);
  void data(const Panel& panel);
  void plot(const PlacedPanel& placed);

  void line(const std::string& command) { commands_ += command + '\n'; }
  /// Coordinates as parts of the figure.
  [[nodiscard]] std::string at_x(double x) const { return "screen " + number(x / layout_.width); }
  [[nodiscard]] std::string at_y(double y) const { return "screen " + number(y / layout_.height); }

  const Layout& layout_;
  std::string commands_;
};

Script::Script(const Layout& layout, FigureFormat format) : layout_(layout) {
  line("set encoding utf8");
  terminal(format);
  line("set multiplot");
  for (const PlacedPanel& placed : layout.panels) panel(placed);
  line("unset multiplot");
}

/// The terminals count in pixels or inches and scale fonts and lines each in its own way; here all
/// are set such that font sizes and line widths are in points.
void Script::terminal(FigureFormat format) {
  const auto size = [&](double scale) {
    return " size " + number(std::ceil(layout_.width * scale)) + "," +
           number(std::ceil(layout_.height * scale));
  };
  const std::string common = " enhanced font 'sans-serif,10' background '#ffffff'";
  switch (format) {
    case FigureFormat::svg:  // 96 pixels per inch, CSS's unit
      line("set terminal svg" + size(4. / 3) + " fixed fontscale 1.3333 linewidth 1.3333" + common);
      break;
    case FigureFormat::png:  // 216 pixels per inch
      line("set terminal pngcairo" + size(3) + " fontscale 2.25 linewidth 3 pointscale 3" + common);
      break;
    case FigureFormat::pdf:
      line("set terminal pdfcairo size " + number(layout_.width / 72) + "," +
           number(layout_.height / 72) + " fontscale 0.75 linewidth 2 pointscale 1" + common);
      break;
  }
}

void Script::panel(const PlacedPanel& placed) {
  line("reset");
  box(placed);
  axis("x", placed.x, "nomirror out scale 0.6,0.35 offset 0,0.3");
  axis("y", placed.y, "nomirror out scale 0.6,0.35 offset 0.6,0");
  if (placed.panel->shaded_x) shade(placed);
  if (placed.coloured) color_bar(placed);
  labels(placed);
  key(placed);
  data(*placed.panel);
  plot(placed);
}

void Script::box(const PlacedPanel& placed) {
  line("set lmargin at " + at_x(placed.left));
  line("set rmargin at " + at_x(placed.left + placed.width));
  line("set bmargin at " + at_y(layout_.bottom));
  line("set tmargin at " + at_y(layout_.top()));
  line("set border 15 lw 0.8 lc rgb '#404040'");
  line("set grid xtics ytics back lt 1 lw 0.5 lc rgb '#d8d8d8'");
  line("set clip two");
  line("unset key");
}

void Script::axis(const std::string& name, const Axis& axis, const std::string& options) {
  if (axis.log) line("set logscale " + name);
  line("set " + name + "range [" + number(axis.range.low) + ":" + number(axis.range.high) + "]");
  std::string ticks;
  for (const Tick& tick : axis.ticks) {
    if (!ticks.empty()) ticks += ", ";
    ticks += "'" + tick.label + "' " + number(tick.at) + (tick.label.empty() ? " 1" : " 0");
  }
  line("set " + name + "tics " + options + " font '," + number(tick_font) +
       "' textcolor rgb 'black' (" + ticks + ")");
}

void Script::shade(const PlacedPanel& placed) {
  const Interval& range = placed.x.range;
  const auto [low, high] = *placed.panel->shaded_x;
  line("set object 1 rectangle from first " + number(std::clamp(low, range.low, range.high)) +
       ", graph 0 to first " + number(std::clamp(high, range.low, range.high)) +
       ", graph 1 behind fillcolor rgb " + shade_color + " fillstyle solid noborder");
}

void Script::color_bar(const PlacedPanel& placed) {
  std::string colors;
  for (std::size_t i = 0; i < palette.size(); ++i)
    colors += (i > 0 ? ", " : "") + std::to_string(i) + " '" + palette[i] + "'";
  line("set palette defined (" + colors + ")");
  line("set colorbox user origin " + at_x(placed.left + placed.width + bar_gap) + ", " +
       at_y(layout_.bottom) + " size " + at_x(bar_width) + ", " + at_y(box_height));
  axis("cb", placed.color, "nomirror out scale 0.6 offset -0.6,0");
}

void Script::text(const std::string& text, double font, double x, double y,
                  const std::string& options) {
  if (text.empty()) return;
  line("set label " + gnuplot_string(text) + " at " + at_x(x) + ", " + at_y(y) +
       " noenhanced font '," + number(font) + "' " + options);
}

void Script::labels(const PlacedPanel& placed) {
  const Panel& panel = *placed.panel;
  const double half_line = text_line * label_font / 2;
  const double center = placed.left + placed.width / 2;
  const double middle = layout_.bottom + box_height / 2;
  const double left = placed.left - placed.room_left();
  const double right = placed.left + placed.width + placed.room_right();
  const double below = layout_.bottom - placed.room_below();
  const double above = layout_.top() + layout_.above;
  const auto level = [&](const std::string& label, double font, double y) {
    text(label, fitting_font(label, font, placed.outer_width()), center, y, "center");
  };
  const auto upright = [&](const std::string& label, double x) {
    text(label, fitting_font(label, label_font, layout_.height), x, middle, "center rotate by 90");
  };
  level(panel.title, title_font, above - text_line * title_font / 2);
  level(panel.x_label, label_font, below + half_line);
  upright(panel.y_label, left + half_line);
  if (placed.coloured) upright(panel.color_label, right - half_line);
}

/// Between the box and the title, where it covers no data.
void Script::key(const PlacedPanel& placed) {
  const double row_height = text_line * key_font;
  double y = layout_.top() + tick_gap + row_height * static_cast<double>(placed.key.size());
  for (const KeyRow& row : placed.key) {
    y -= row_height;
    double x = placed.left + std::max(0.0, (placed.width - row_width(row)) / 2);
    for (const KeyEntry& entry : row) {
      sample(entry.look, x, y + row_height / 2);
      text(entry.label, entry.font, x + key_sample + key_gap, y + row_height / 2, "left");
      x += entry.width();
    }
  }
}

/// Of the key, vertically centred at y.
void Script::sample(const Look& look, double x, double y) {
  if (!look.line.empty())
    line("set arrow from " + at_x(x) + ", " + at_y(y) + " to " + at_x(x + key_sample) + ", " +
         at_y(y) + " nohead " + look.line + " " + look.color);
  if (!look.marker.empty())
    line("set label '' at " + at_x(x + key_sample / 2) + ", " + at_y(y) + " point " + look.marker +
         " " + look.color);
  if (look.line.empty() && look.marker.empty())
    line("set object rectangle from " + at_x(x) + ", " + at_y(y - 4) + " to " +
         at_x(x + key_sample) + ", " + at_y(y + 4) + " fillcolor rgb " + shade_color +
         " fillstyle solid noborder");
}

void Script::data(const Panel& panel) {
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    const Curve& curve = panel.curves[c];
    line("$curve" + std::to_string(c) + " << END");
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!can_be_drawn(panel, curve, i)) {
        line("NaN NaN NaN");
        continue;
      }
      const std::string color = curve.color.empty() ? "" : " " + number(curve.color[i]);
      line(number(curve.x[i]) + " " + number(curve.y[i]) + color);
    }
    line("END");
  }
}

void Script::plot(const PlacedPanel& placed) {
  const Panel& panel = *placed.panel;
  std::string parts = "NaN notitle";  // draws the axes even when there is no curve
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    const Curve& curve = panel.curves[c];
    if (curve.x.empty()) continue;
    const bool coloured = !curve.color.empty();
    const Look look = make_look(panel, c, coloured ? "palette" : line_color(c));
    const char* style = look.marker.empty() ? "lines "
                        : look.line.empty() ? "points "
                                            : "linespoints ";
    parts += ", $curve" + std::to_string(c) + " using " + (coloured ? "1:2:3" : "1:2") + " with " +
             style + look.line + " " + look.marker + " " + look.color + " notitle";
  }
  line("plot " + parts);
}

// ---- The file ----

void check_target(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, error))
    throw InputError("the folder '" + folder.string() + "' of a figure does not exist");
  if (std::filesystem::is_directory(path, error) || !path.has_filename())
    throw InputError("a figure cannot be written to '" + path.string() + "': it is a folder");
}

void write_drawing(const std::filesystem::path& path, const std::string& drawing) {
  remove_leftovers(path);
  try {
    replace_file(path, drawing);
  } catch (const std::system_error& error) {
    throw OutputError("cannot write '" + path.string() + "': " + error.code().message());
  }
}

}  // namespace

void draw(const Figure& figure, const std::filesystem::path& path, FigureFormat format) {
  if (figure.panels.empty()) throw InputError("a figure needs a panel");
  for (const Panel& panel : figure.panels) check(panel);
  check_target(path);
  const Layout layout = make_layout(figure);
  write_drawing(path, run_gnuplot(Script(layout, format).commands()));
}

}  // namespace isochron
