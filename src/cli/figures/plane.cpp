#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "cli/figures/contours.hpp"
#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// A force in two dimensions, wherever it is asked for.
class PlaneForce {
 public:
  explicit PlaneForce(const ShownRun& shown)
      : field_(*shown.field), theta_(shown.run.state.theta) {}

  /// At points, a column each.
  [[nodiscard]] Block at(const Block& points) const { return field_.force(theta_, points); }

  /// By how much it is not the gradient of a potential: the largest curl over the largest
  /// derivative, at these points.
  [[nodiscard]] double curl(const Block& points) const {
    const auto linearisation = field_.linearisation(points.cols());
    Block force(2, points.cols());
    Block jacobians(4, points.cols());
    linearisation->linearise(theta_, points, force);
    linearisation->jacobians(jacobians);
    const double largest = jacobians.cwiseAbs().maxCoeff();
    const double curl = (jacobians.row(1) - jacobians.row(2)).cwiseAbs().maxCoeff();
    return largest > 0 ? curl / largest : 0;
  }

  /// U(q) - U(0) along the straight lines from 0, by Simpson's rule.
  [[nodiscard]] Vector potential(const Block& points) const {
    constexpr int intervals = 40;
    Vector sum = Vector::Zero(points.cols());
    for (int k = 0; k <= intervals; ++k) {
      const bool at_end = k == 0 || k == intervals;
      const double weight = (at_end ? 1.0 : k % 2 == 1 ? 4.0 : 2.0) / (3.0 * intervals);
      const Block here = points * (static_cast<double>(k) / intervals);
      sum -= weight * (at(here).array() * points.array()).colwise().sum().matrix().transpose();
    }
    return sum;
  }

 private:
  const ForceField& field_;
  const Vector& theta_;
};

/// Paths of the trajectories in the plane, one after the other.
struct Paths {
  const std::vector<double>& x;
  const std::vector<double>& y;
  Index samples;
};

std::optional<Paths> paths_of(const Run& run) {
  const auto& portraits = run.phase_portrait;
  if (run.motion == Motion::first_order && portraits.size() == 1) {
    return Paths{portraits[0].x, portraits[0].v, portraits[0].samples};
  }
  if (portraits.size() != 2) return std::nullopt;
  return Paths{portraits[0].x, portraits[1].x, portraits[0].samples};
}

/// Where trajectories start, and as far as they go on either side, up to twice that.
Vector ends_of(const std::vector<double>& visited, const Eigen::RowVectorXd& starts) {
  const double low = starts.minCoeff();
  const double high = starts.maxCoeff();
  const double reach = std::max(high - low, 1e-6);
  const auto [first, last] = bounds(visited);
  return Eigen::Vector2d(std::clamp(first, low - reach / 2, low) - 0.05 * reach,
                         std::clamp(last, high, high + reach / 2) + 0.05 * reach);
}

/// The shorter one as long as the other, so that equal units fill a box.
void make_equally_long(Vector& x, Vector& y) {
  const double length = std::max(x[1] - x[0], y[1] - y[0]);
  for (Vector* ends : {&x, &y}) {
    const double middle = ((*ends)[0] + (*ends)[1]) / 2;
    *ends << middle - length / 2, middle + length / 2;
  }
}

/// All pairs of coordinates; y varies fastest.
Block grid(const Vector& x, const Vector& y) {
  Block points(2, x.size() * y.size());
  for (Index i = 0; i < x.size(); ++i) {
    points.row(0).segment(i * y.size(), y.size()).setConstant(x[i]);
    points.row(1).segment(i * y.size(), y.size()) = y.transpose();
  }
  return points;
}

struct Arrows {
  Curve curve;
  double longest = 0;  ///< the force of the longest one
};

/// The longest as long as the arrows are apart.
Arrows arrows_of(const PlaneForce& force, const Vector& x, const Vector& y) {
  const Block points = grid(x, y);
  const Block f = force.at(points);
  Arrows arrows;
  arrows.longest = f.colwise().norm().maxCoeff();
  const double scale = arrows.longest > 0 ? std::min(x[1] - x[0], y[1] - y[0]) / arrows.longest : 0;
  const auto values = [](const Block& block, Index row) {
    return column(Vector(block.row(row).transpose()));
  };
  arrows.curve = make_curve("force", values(points, 0), values(points, 1), Curve::Style::arrows);
  arrows.curve.dx = values(scale * f, 0);
  arrows.curve.dy = values(scale * f, 1);
  arrows.curve.hue = 6;
  return arrows;
}

Curve potential_lines(const PlaneForce& force, const Vector& x, const Vector& y) {
  constexpr int lines = 14;
  const Vector potential = force.potential(grid(x, y));
  const Eigen::MatrixXd values =
      Eigen::Map<const Eigen::MatrixXd>(potential.data(), y.size(), x.size()).transpose();
  const Eigen::MatrixXd above = values.array() - values.minCoeff();
  std::vector<double> levels;
  // Even in the amplitude, so that lines are about as far apart at the bottom as at the top.
  for (int k = 1; k < lines; ++k) {
    const double part = static_cast<double>(k) / lines;
    levels.push_back(above.maxCoeff() * part * part);
  }
  Curve curve = contours(x, y, above, levels);
  curve.label = "potential";
  return curve;
}

void add_paths(Panel& panel, const Paths& paths) {
  constexpr Index orbits = 3;
  if (paths.samples <= 0) return;
  const auto samples = static_cast<std::ptrdiff_t>(paths.samples);
  const auto count = static_cast<Index>(paths.x.size()) / paths.samples;
  for (const Index i : spread(count, orbits)) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(i) * samples;
    const auto part = [&](const std::vector<double>& values) {
      return std::vector<double>(values.begin() + first, values.begin() + first + samples);
    };
    Curve path = make_curve(fmt::format("orbit {}", i), part(paths.x), part(paths.y));
    path.hue = panel.curves.size();
    panel.curves.push_back(std::move(path));
  }
}

Figure plane_figure(const ShownRun& shown, const Paths& paths) {
  constexpr Index arrows_each_way = 13;
  constexpr Index lines_each_way = 81;
  constexpr double largest_curl = 0.1;
  const bool newtonian = shown.run.motion == Motion::newtonian;
  const States& starts = shown.run.ensemble.initial_states;
  const PlaneForce force(shown);
  Vector across = ends_of(paths.x, starts.row(0));
  Vector up = ends_of(paths.y, starts.row(1));
  make_equally_long(across, up);
  const auto x = [&](Index points) { return Vector::LinSpaced(points, across[0], across[1]); };
  const auto y = [&](Index points) { return Vector::LinSpaced(points, up[0], up[1]); };
  const double curl = force.curl(grid(x(arrows_each_way), y(arrows_each_way)));
  Panel panel;
  panel.x_label = newtonian ? "position x₁" : "component y₁";
  panel.y_label = newtonian ? "position x₂" : "component y₂";
  panel.equal_axes = true;
  const bool has_potential = newtonian && curl <= largest_curl;
  if (has_potential) {
    panel.curves.push_back(potential_lines(force, x(lines_each_way), y(lines_each_way)));
    panel.color_label = "potential U";
  }
  Arrows arrows = arrows_of(force, x(arrows_each_way), y(arrows_each_way));
  panel.curves.push_back(std::move(arrows.curve));
  add_paths(panel, paths);
  panel.x_range = {across[0], across[1]};
  panel.y_range = {up[0], up[1]};
  Figure figure{{panel}};
  figure.panel_width = 380;
  figure.panel_height = 330;
  say_below(figure, fmt::format("Longest arrow: |f| = {}.", in_words(arrows.longest)));
  if (has_potential) {
    say_below(figure, fmt::format("U from its lowest value, by the work along straight lines from "
                                  "0; the curl of f is at most {} of its derivatives.",
                                  in_words(curl)));
  } else if (newtonian) {
    say_below(figure, fmt::format("The curl of f is up to {} of its derivatives: it has no "
                                  "potential.",
                                  in_words(curl)));
  }
  return figure;
}

}  // namespace

Figures plane_figures(const ShownRun& shown) {
  if (!shown.field || shown.field->dimension() != 2) return {};
  const std::optional<Paths> paths = paths_of(shown.run);
  if (!paths || paths->x.empty()) return {};
  return {{"configuration_plane", plane_figure(shown, *paths)}};
}

}  // namespace isochron::cli
