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
  /// y, side by side.
  enum class Style { line, dashed, points, marked, band, bars } style = Style::line;
  std::vector<double> error = {};       ///< of points: bars from y - error to y + error
  std::vector<double> upper = {};       ///< of a band
  std::optional<std::size_t> hue = {};  ///< of which curve it has the colour; absent: its own
};

/// One pair of axes. Labels are plain text: no character in them has a special meaning.
struct Panel {
  std::string title;
  std::string x_label;  ///< with its unit: "position x (1)"
  std::string y_label;
  std::string color_label;  ///< of the colour bar, when a curve has colours
  std::vector<Curve> curves;
  bool log_x = false;
  bool log_y = false;
  bool equal_axes = false;  ///< one unit is as long on both axes; ignored on logarithmic axes
  std::optional<std::pair<double, double>> shaded_x;  ///< a range of x with a grey background
  std::string shaded_label;                           ///< in the key; empty: none
  std::optional<std::pair<double, double>> x_range;   ///< absent: what the data need
  std::optional<std::pair<double, double>> y_range;
  std::optional<std::pair<double, double>> color_range;  ///< the same in panels to be compared
};

/// Panels side by side, drawn by gnuplot.
struct Figure {
  std::vector<Panel> panels;
};

enum class FigureFormat { svg, png, pdf };

/// Draws the figure into `path` (written beside it and renamed: never a partial file). Throws
/// InputError when gnuplot is not installed, when the folder does not exist, when `path` is a
/// folder and when lengths or ranges are unsound; OutputError when drawing fails.
void draw(const Figure& figure, const std::filesystem::path& path, FigureFormat format);

}  // namespace isochron
