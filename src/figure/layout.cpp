#include "figure/layout.hpp"

#include "figure/text.hpp"

namespace isochron::drawing {
namespace {

constexpr double key_line = 14;
constexpr double caption_spacing = 12;
constexpr double caption_edge = 8;  ///< around the caption
constexpr double edge = 4;          ///< below a key

/// Letters are narrower than the digits that text_width is about.
constexpr double narrowness = 0.88;

std::vector<std::string> caption_lines(const Figure& figure, double width) {
  return wrapped(figure.caption, narrowness * caption_font, width - 2 * caption_edge);
}

}  // namespace

// gnuplot takes fewer columns than it is told to when they are wider than the axes are apart, and
// then the rows would be more than the figure has room for: the widths are on the safe side.
Key make_key(const Panel& panel, double panel_width, double box_width) {
  constexpr double sample = 38;
  const double whole = 0.92 * panel_width;
  const double room = 0.95 * box_width;
  Key key;
  key.font = key_font;
  double widest = 0;
  int labels = 0;
  const auto add = [&](const std::string& label) {
    if (label.empty()) return;
    key.font = std::min(key.font, fitting_font(label, key_font, whole - sample));
    widest = std::max(widest, text_width(label, key_font));
    ++labels;
  };
  for (const Curve& curve : panel.curves) add(curve.label);
  if (!panel.shaded_x.empty()) add(panel.shaded_label);
  key.columns = std::max(static_cast<int>(room / (widest + sample)), 1);
  key.rows = (labels + key.columns - 1) / key.columns;
  return key;
}

Layout::Layout(const Figure& figure) {
  const std::size_t count = figure.panels.size();
  const std::size_t columns = std::min(count, static_cast<std::size_t>(figure.columns));
  const std::size_t rows = (count + columns - 1) / columns;
  width_ = static_cast<double>(columns) * figure.panel_width;
  caption_ = caption_lines(figure, width_);
  const double lines = static_cast<double>(caption_.size());
  height_ = caption_.empty() ? 0 : caption_spacing * lines + caption_edge;
  cells_.resize(count);
  for (std::size_t row = rows; row-- > 0;) {  // from the lowest up
    const std::size_t first = row * columns;
    const std::size_t end = std::min(count, first + columns);
    double keys = edge;
    for (std::size_t i = first; i < end; ++i) {
      const Panel& panel = figure.panels[i];
      // What is above and below does not change how far the axes are apart.
      const Axes axes = make_axes(panel, {0, figure.panel_width, 0, figure.panel_height});
      const Key key = make_key(panel, figure.panel_width, axes.box.width());
      keys = std::max(keys, edge + key_line * key.rows);
    }
    const double bottom = height_ + keys;
    height_ = bottom + figure.panel_height;
    for (std::size_t i = first; i < end; ++i) {
      const double left = static_cast<double>(i - first) * figure.panel_width;
      cells_[i] = {left, left + figure.panel_width, bottom, height_};
    }
  }
}

double Layout::caption_line(std::size_t i) const {
  return caption_edge / 2 + caption_spacing * (static_cast<double>(caption_.size() - i) - 0.5);
}

}  // namespace isochron::drawing
