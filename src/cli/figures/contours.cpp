#include "cli/figures/contours.hpp"

#include <array>

#include "cli/figures/common.hpp"

namespace isochron::cli {
namespace {

struct Corner {
  double x;
  double y;
  double value;
};

/// Where a triangle that is linear between its corners has the level: a piece of a line, or none.
void add_piece(Curve& curve, const std::array<Corner, 3>& corners, double level) {
  std::vector<std::pair<double, double>> ends;
  for (std::size_t k = 0; k < corners.size(); ++k) {
    const Corner& a = corners[k];
    const Corner& b = corners[(k + 1) % corners.size()];
    if ((a.value < level) == (b.value < level)) continue;
    const double part = (level - a.value) / (b.value - a.value);
    ends.emplace_back(a.x + part * (b.x - a.x), a.y + part * (b.y - a.y));
  }
  if (ends.size() != 2) return;
  ends.emplace_back(gap, gap);
  for (const auto& [px, py] : ends) {
    curve.x.push_back(px);
    curve.y.push_back(py);
    curve.color.push_back(level);
  }
}

}  // namespace

Curve contours(const Vector& x, const Vector& y, const Eigen::MatrixXd& values,
               const std::vector<double>& levels) {
  Curve curve;
  const auto corner = [&](Index i, Index j) { return Corner{x[i], y[j], values(i, j)}; };
  for (Index i = 0; i + 1 < x.size(); ++i) {
    for (Index j = 0; j + 1 < y.size(); ++j) {
      const Corner a = corner(i, j), b = corner(i + 1, j), c = corner(i + 1, j + 1),
                   d = corner(i, j + 1);
      for (const double level : levels) {
        add_piece(curve, {a, b, c}, level);
        add_piece(curve, {a, c, d}, level);
      }
    }
  }
  return curve;
}

}  // namespace isochron::cli
