#include "isochron/figure.hpp"

#include <fmt/core.h>
#include <cmath>
#include <string_view>
#include <system_error>

#include "atomic_file.hpp"
#include "figure/axes.hpp"
#include "figure/curves.hpp"
#include "figure/layout.hpp"
#include "figure/points.hpp"
#include "figure/text.hpp"
#include "gnuplot.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

using namespace drawing;

// Numbers are the shortest decimals that read back as they are, whatever the locale. All places are
// given to gnuplot in parts of the figure, so that nothing depends on what it takes text to need.

// ---- Commands ----

/// The terminals count in pixels or inches and scale fonts and lines each in its own way; here all
/// are set such that font sizes and line widths are in points.
std::string terminal_command(FigureFormat format, const Layout& layout) {
  const double width = layout.width();
  const double height = layout.height();
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

/// A place in the figure, x and y in points from its lower left corner.
std::string place(double x, double y, const Layout& layout) {
  return fmt::format("screen {}, screen {}", x / layout.width(), y / layout.height());
}

/// A text that is no wider than `room`.
std::string text_command(const std::string& text, double font, double room, const std::string& at,
                         const std::string& options) {
  if (text.empty()) return "";
  return fmt::format("set label {} at {} {} noenhanced font ',{}'\n", gnuplot_string(text), at,
                     options, fitting_font(text, font, room));
}

/// The title, and the labels of the axes at the edges of the cell.
std::string label_commands(const Panel& panel, const Axes& axes, const Box& cell,
                           const Layout& layout) {
  const Box& box = axes.box;
  const double middle = (box.left + box.right) / 2;
  const double half_way = (box.bottom + box.top) / 2;
  // A text that is longer than its axis may stand out on either side, as far as the cell goes.
  const double room = 2 * std::min(middle - cell.left, cell.right - middle) - 6;
  const double height = cell.top - cell.bottom;
  return text_command(panel.title, title_font, room, place(middle, cell.top - 11, layout),
                      "center") +
         text_command(panel.x_label, label_font, room, place(middle, cell.bottom + 7, layout),
                      "center") +
         text_command(panel.y_label, label_font, 0.9 * height,
                      place(cell.left + 8, half_way, layout), "center rotate by 90") +
         text_command(is_coloured(panel) && panel.color_bar ? panel.color_label : "", label_font,
                      0.9 * height, place(cell.right - 7, half_way, layout), "center rotate by 90");
}

std::string shade_commands(const Panel& panel, const Span& range) {
  std::string commands;
  for (const auto& [low, high] : panel.shaded_x) {
    commands += fmt::format(
        "set object rectangle from first {}, graph 0 to first {}, graph 1 behind fillcolor {} "
        "fillstyle solid noborder\n",
        std::clamp(low, range.low, range.high), std::clamp(high, range.low, range.high),
        shade_color);
  }
  return commands;
}

std::string key_command(const Panel& panel, const Axes& axes, const Box& cell,
                        const Layout& layout) {
  const Key key = make_key(panel, cell.width(), axes.box.width());
  if (key.rows == 0) return "unset key\n";
  return fmt::format(
      "set key at {} center top horizontal Left reverse samplen 2.5 spacing 1.2 maxcols {} font "
      "',{}'\n",
      place((cell.left + cell.right) / 2, cell.bottom, layout), key.columns, key.font);
}

std::string margin_commands(const Box& box, const Layout& layout) {
  return fmt::format(
      "set lmargin at screen {}\nset rmargin at screen {}\n"
      "set bmargin at screen {}\nset tmargin at screen {}\n",
      box.left / layout.width(), box.right / layout.width(), box.bottom / layout.height(),
      box.top / layout.height());
}

std::string color_commands(const Panel& panel, const Axes& axes, const Layout& layout) {
  if (!is_coloured(panel)) return "";
  constexpr double gap = 6;
  constexpr double breadth = 10;
  const Box& box = axes.box;
  std::string commands = fmt::format("set palette defined ({})\n", palette);
  commands += axis_commands(axes.color, "-0.6,0");
  if (!panel.color_bar) return commands + "unset colorbox\n";
  return commands + fmt::format("set colorbox vertical user origin {} size {}\n",
                                place(box.right + gap, box.bottom, layout),
                                place(breadth, box.height(), layout));
}

std::string panel_commands(const Panel& panel, const Box& cell, const Layout& layout) {
  const Axes axes = make_axes(panel, cell);
  std::string commands =
      "reset\n"
      "set minussign\n"
      "set border 15 lw 0.8 lc rgb '#404040'\n"
      "set grid xtics ytics back lt 1 lw 0.5 lc rgb '#d8d8d8'\n"
      "set clip two\n"
      "set boxwidth 0.9 relative\n";
  commands += axis_commands(axes.x, "0,0.3");
  commands += axis_commands(axes.y, "0.6,0");
  commands += color_commands(panel, axes, layout);
  commands += margin_commands(axes.box, layout) + key_command(panel, axes, cell, layout);
  commands += label_commands(panel, axes, cell, layout) + shade_commands(panel, axes.x.range);
  return commands + data_commands(panel) + plot_command(panel);
}

/// In a plot of its own, that has nothing else.
std::string caption_commands(const Layout& layout) {
  if (layout.caption().empty()) return "";
  std::string commands = "reset\nunset border\nunset tics\nunset key\nset margins 0,0,0,0\n";
  for (std::size_t i = 0; i < layout.caption().size(); ++i) {
    commands += text_command(layout.caption()[i], caption_font, layout.width(),
                             place(8, layout.caption_line(i), layout), "left");
  }
  return commands + "plot [0:1] [0:1] NaN notitle\n";
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

std::string gnuplot_script(const Figure& figure, FigureFormat format) {
  check(figure);
  const Layout layout(figure);
  std::string commands =
      fmt::format("set encoding utf8\n{}set multiplot\n", terminal_command(format, layout));
  for (std::size_t i = 0; i < figure.panels.size(); ++i)
    commands += panel_commands(figure.panels[i], layout.cell(i), layout);
  return commands + caption_commands(layout) + "unset multiplot\n";
}

void draw(const Figure& figure, const std::filesystem::path& path, FigureFormat format) {
  const std::string script = gnuplot_script(figure, format);
  check_target(path);
  write_drawing(path, run_gnuplot(script));
}

}  // namespace isochron
