#pragma once

#include <string>
#include <vector>

#include "figure/axes.hpp"

// Where panels, their keys and the caption have their places in a figure.

namespace isochron::drawing {

/// The key of a panel. Its columns are as wide as the longest label needs.
struct Key {
  double font = 0;
  int columns = 1;
  int rows = 0;
};

/// For a panel of this width, whose axes are `box_width` apart.
[[nodiscard]] Key make_key(const Panel& panel, double panel_width, double box_width);

/// The whole figure: rows of panels, below each row its keys, which cover no data, and below all
/// the caption.
class Layout {
 public:
  explicit Layout(const Figure& figure);

  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double height() const { return height_; }
  /// Of panel number i, without its key.
  [[nodiscard]] const Box& cell(std::size_t i) const { return cells_[i]; }
  [[nodiscard]] const std::vector<std::string>& caption() const { return caption_; }

  /// Of a line of the caption, its middle above the lower edge.
  [[nodiscard]] double caption_line(std::size_t i) const;

 private:
  double width_ = 0;
  double height_ = 0;
  std::vector<Box> cells_;
  std::vector<std::string> caption_;
};

}  // namespace isochron::drawing
