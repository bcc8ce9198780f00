#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace isochron {

/// A curve of one panel. x and y have equal lengths, and so have the other columns where they are
/// not empty. A point that cannot be drawn (not finite, larger than 1e300, or below 1e-300 on a
/// logarithmic axis) breaks the line.
struct Curve {
  std::string label;  ///< in the key; empty: none
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> color;  ///< a value per point, drawn on the panel's colour scale; or empty
  /// marked: a line with a marker at every point; band: the area from y to `upper`; bars: from 0 to
  /// y, side by side; arrows: from (x, y) to (x + dx, y + dy).
  enum class Style { line, dashed, dotted, points, marked, band, bars, arrows } style = Style::line;
  std::vector<double> error = {};        ///< of markers: bars from y - error ..
  std::vector<double> error_above = {};  ///< .. to y + error_above; empty: to y + error
  std::vector<double> upper = {};        ///< of a band
  std::vector<double> dx = {};           ///< of arrows
  std::vector<double> dy = {};           ///< the same
  double width = 0;                      ///< of bars; 0: as wide as there is room
  std::optional<std::size_t> hue = {};   ///< of which curve it has the colour; absent: its own
};

/// A place on an axis, and what stands there.
struct AxisTick {
  double at;
  std::string label;
};

/// One pair of axes. Labels are plain text: no character in them has a special meaning.
struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::string color_label;  ///< of the colour bar, when a curve has colours
  std::vector<Curve> curves;
  bool log_x = false;
  bool log_y = false;
  bool equal_axes = false;        ///< one unit is as long on both axes; ignored on logarithmic axes
  bool color_bar = true;          ///< whether the colours have a scale beside the panel
  std::vector<AxisTick> x_ticks;  ///< these alone; empty: by the range
  std::vector<std::pair<double, double>> shaded_x;   ///< ranges of x with a grey background
  std::string shaded_label;                          ///< in the key; empty: none
  std::optional<std::pair<double, double>> x_range;  ///< absent: what the data need
  std::optional<std::pair<double, double>> y_range;
  std::optional<std::pair<double, double>> color_range;  ///< the same in panels to be compared
};

/// Panels in rows, drawn by gnuplot, and a caption below them. Sizes in points, 1/72 inch; text has
/// 9 to 11 points.
struct Figure {
  std::vector<Panel> panels;
  std::string caption = {};
  int columns = 2;            ///< panels in a row, at most
  double panel_width = 330;   ///< at least 120
  double panel_height = 269;  ///< without its key; at least 120
};

enum class FigureFormat { svg, png, pdf };

/// Draws the figure into `path` (written beside it and renamed: never a partial file). Throws
/// InputError when gnuplot is not installed, when the folder does not exist, when `path` is a
/// folder and when lengths or ranges are unsound; OutputError when drawing fails.
void draw(const Figure& figure, const std::filesystem::path& path, FigureFormat format);

/// What gnuplot is told, with all data. Throws InputError when lengths or ranges are unsound.
[[nodiscard]] std::string gnuplot_script(const Figure& figure, FigureFormat format);

}  // namespace isochron
