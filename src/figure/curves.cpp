#include "figure/curves.hpp"

#include <fmt/core.h>
#include <array>

#include "figure/points.hpp"
#include "gnuplot.hpp"

namespace isochron::drawing {
namespace {

/// Okabe and Ito's colours, told apart by all readers; without yellow, too pale for lines.
constexpr std::array line_colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

constexpr const char* middle_of_palette = "rgb '#21908d'";
constexpr const char* band_fill = "fillstyle transparent solid 0.22 noborder";
constexpr const char* bar_fill = "fillstyle transparent solid 0.55 noborder";

std::string line_color(std::size_t i) {
  return fmt::format("rgb '{}'", line_colors[i % line_colors.size()]);
}

/// Discs, squares, triangles, diamonds: neighbouring curves differ in more than their colour.
std::string point_shape(std::size_t i) {
  constexpr std::array shapes = {"pt 7", "pt 5", "pt 9", "pt 13"};
  return shapes[i % shapes.size()];
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
    case Curve::Style::dotted: return "lines dt (2,4) " + width;
    case Curve::Style::points: return "points " + marker;
    case Curve::Style::band: return std::string("filledcurves ") + band_fill;
    case Curve::Style::bars: return std::string("boxes ") + bar_fill;
    case Curve::Style::marked: return fmt::format("linespoints dt solid {} {}", width, marker);
    case Curve::Style::arrows: return "vectors filled size screen 0.008,20,60 lw 0.8";
  }
  return "lines";
}

/// The columns of a curve beside x and y.
std::vector<const std::vector<double>*> more_columns(const Curve& curve) {
  std::vector<const std::vector<double>*> columns;
  for (const auto* column :
       {&curve.upper, &curve.dx, &curve.dy, &curve.error, &curve.error_above, &curve.color}) {
    if (!column->empty()) columns.push_back(column);
  }
  return columns;
}

/// Of the data, those that the style of a curve takes.
std::string columns_to_plot(const Curve& curve) {
  if (curve.style == Curve::Style::arrows) return "1:2:3:4";
  if (curve.style == Curve::Style::bars && curve.width > 0)
    return fmt::format("1:2:({})", curve.width);
  return curve.upper.empty() && curve.color.empty() ? "1:2" : "1:2:3";
}

/// How the key shows curve number c: gnuplot fills boxes there, but no curves.
std::string key_style(const Panel& panel, std::size_t c) {
  const Curve& curve = panel.curves[c];
  if (curve.style == Curve::Style::band) return std::string("boxes ") + band_fill;
  if (curve.style == Curve::Style::arrows) return "lines lw 0.8";
  return plot_style(panel, c);
}

std::string key_entry(const std::string& style, const std::string& color,
                      const std::string& label) {
  return fmt::format(", keyentry with {} lc {} title {} noenhanced", style, color,
                     gnuplot_string(label));
}

}  // namespace

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
          ", $curve{} using 1:($2-$3):(0):($3+${}) with vectors nohead lw 0.8 lc {} notitle", c,
          curve.error_above.empty() ? 3 : 4, color);
    if (!curve.x.empty())
      command += fmt::format(", $curve{} using {} with {} lc {} notitle", c, columns_to_plot(curve),
                             style, coloured ? "palette" : color);
    if (!curve.label.empty())
      command += key_entry(key_style(panel, c), coloured ? middle_of_palette : color, curve.label);
  }
  if (!panel.shaded_x.empty() && !panel.shaded_label.empty())
    command += key_entry("boxes fillstyle solid noborder", shade_color, panel.shaded_label);
  return command + "\n";
}

}  // namespace isochron::drawing
