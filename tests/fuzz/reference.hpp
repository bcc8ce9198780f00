#pragma once

// The motion with its derivatives in two directions of parameter space, in long double: the
// variational equations by Gragg's extrapolation method with fixed order 16 (Hairer, Norsett and
// Wanner, Solving Ordinary Differential Equations I, section II.9). Independent of the library.

#include <algorithm>
#include <stdexcept>

#include "models.hpp"

namespace isochron::fuzz {

/// The reference cannot be computed, or not in the time allowed.
struct NoReference : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Point = std::vector<Wide>;

inline bool finite(const Point& y) {
  return std::all_of(y.begin(), y.end(), [](const Wide& w) {
    return std::isfinite(w.value) && std::isfinite(w.slope[0]) && std::isfinite(w.slope[1]);
  });
}

/// Largest magnitudes: of the positions, of the velocities, and of the derivatives in each
/// direction.
struct Sizes {
  std::array<Real, 4> size{};

  Sizes(const Point& y, std::size_t dimension) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      Real& half = size[i < dimension ? 0 : 1];
      half = std::max(half, std::abs(y[i].value));
      for (std::size_t k : {0, 1}) size[2 + k] = std::max(size[2 + k], std::abs(y[i].slope[k]));
    }
  }
  void at_least(const Sizes& other, Real factor) {
    for (std::size_t k = 0; k < 4; ++k) size[k] = std::max(size[k], factor * other.size[k]);
  }
};

/// One trajectory of a model, y' = F(y; theta).
class Motions {
 public:
  Motions(const Model& model, Point theta)
      : model_(model),
        theta_(std::move(theta)),
        d_(static_cast<std::size_t>(model.field->dimension())) {}

  void derivative(const Point& y, Point& out) const {
    ++evaluations_;
    if (evaluations_ > most_evaluations) throw NoReference("too long");
    out.resize(y.size());
    const std::size_t velocity = y.size() - d_;
    if (velocity > 0) std::copy_n(y.begin() + static_cast<long>(d_), d_, out.begin());
    model_.force(y.data(), theta_.data(), out.data() + velocity);
  }

  /// From 0 to t by extrapolation, each step to `tolerance` and begun by kick(y).
  template <class Kick>
  Point solve(Point y, Real t, Real tolerance, Kick kick) const {
    constexpr int order = 2 * columns - 1;
    Real step = t / 8;
    Sizes scale(y, d_);
    Point slope, next;
    evaluations_ = 0;
    steps_ = 0;
    for (Real left = t; left != 0; ++steps_) {
      kick(y);
      derivative(y, slope);
      for (;;) {
        Real h = limited(step, slope);
        const bool last = std::abs(h) >= std::abs(left);
        if (last) h = left;
        Sizes sizes = scale;
        const Real error = attempt(y, slope, h, next, sizes) / tolerance;
        const Real factor =
            std::isfinite(error) ? 0.8L * std::pow(error + 1e-12L, -1.0L / order) : 0.1L;
        step = h * std::clamp(factor, 0.1L, 3.0L);
        if (error <= 1) {
          left = last ? 0 : left - h;
          scale = sizes;
          y.swap(next);
          break;
        }
        if (std::abs(step) < 1e-14L * std::abs(t)) throw NoReference("steps too short");
      }
    }
    return y;
  }

  /// Steps of the last `solve`.
  [[nodiscard]] long steps() const { return steps_; }

  /// From 0 to t by `steps` steps of the textbook method of order 4, each begun by kick(y).
  template <class Kick>
  [[nodiscard]] Point solve_rk4(Point y, Real t, long steps, Kick kick) const {
    const Wide h = t / static_cast<Real>(steps);
    Point k1, k2, k3, k4;
    evaluations_ = 0;
    for (long n = 0; n < steps; ++n) {
      kick(y);
      derivative(y, k1);
      derivative(moved(y, h / 2, k1), k2);
      derivative(moved(y, h / 2, k2), k3);
      derivative(moved(y, h, k3), k4);
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
      }
    }
    if (!finite(y)) throw NoReference("not finite");
    return y;
  }

 private:
  static constexpr long most_evaluations = 300000;
  static constexpr int columns = 8;

  static Point moved(const Point& y, const Wide& h, const Point& k) {
    Point result = y;
    for (std::size_t i = 0; i < y.size(); ++i) result[i] += h * k[i];
    return result;
  }

  /// A force that varies over lengths of order one is not to be stepped over.
  [[nodiscard]] Real limited(Real h, const Point& slope) const {
    if (!model_.local) return h;
    Real speed = 0;
    for (std::size_t i = 0; i < d_; ++i) speed = std::max(speed, std::abs(slope[i].value));
    return speed * std::abs(h) > 1 ? std::copysign(1 / speed, h) : h;
  }

  /// The last difference in the extrapolation tableau, relative to the sizes.
  Real attempt(const Point& y, const Point& slope, Real h, Point& next, Sizes& scale) const {
    std::array<Point, columns> row;
    for (int j = 0; j < columns; ++j) {
      row[static_cast<std::size_t>(j)] = midpoint(y, slope, h, 2 * (j + 1));
      for (int k = j - 1; k >= 0; --k) {  // Aitken and Neville in h^2
        const Real ratio = static_cast<Real>(j + 1) / static_cast<Real>(k + 1);
        const Real weight = 1 / (ratio * ratio - 1);
        Point& lower = row[static_cast<std::size_t>(k)];
        const Point& upper = row[static_cast<std::size_t>(k + 1)];
        for (std::size_t i = 0; i < y.size(); ++i) {
          lower[i] = upper[i] + weight * (upper[i] - lower[i]);
        }
      }
    }
    next = row[0];
    if (!finite(next)) return std::numeric_limits<Real>::infinity();
    Point difference = row[0];
    for (std::size_t i = 0; i < y.size(); ++i) difference[i] = row[0][i] - row[1][i];
    // A size that has just passed through zero is remembered for a while.
    Sizes sizes(next, d_);
    sizes.at_least(Sizes(y, d_), 1);
    sizes.at_least(scale, 0.3L);
    // Below this part of each other positions and velocities carry rounding errors.
    sizes.size[0] = std::max(sizes.size[0], 1e-3L * sizes.size[1]);
    sizes.size[1] = std::max(sizes.size[1], 1e-3L * sizes.size[0]);
    scale = sizes;
    const Sizes errors(difference, d_);
    Real worst = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      if (errors.size[k] > 0) worst = std::max(worst, errors.size[k] / sizes.size[k]);
    }
    return worst;
  }

  [[nodiscard]] Point midpoint(const Point& y, const Point& slope, Real h, int parts) const {
    const Wide part = h / static_cast<Real>(parts);
    Point before = y, here = moved(y, part, slope), force;
    for (int n = 1; n < parts; ++n) {
      derivative(here, force);
      before = moved(before, 2 * part, force);
      before.swap(here);
    }
    return here;
  }

  const Model& model_;
  Point theta_;
  std::size_t d_;
  mutable long evaluations_ = 0;
  mutable long steps_ = 0;
};

}  // namespace isochron::fuzz
