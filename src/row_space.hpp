#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "floating_point.hpp"
#include "isochron/random.hpp"
#include "stoppable_algebra.hpp"

namespace isochron {

/// An orthonormal basis of the directions in which a matrix J acts, or of the whole space where
/// that is no larger: of its row space, found by a random sketch (Halko, Martinsson, Tropp, doi
/// 10.1137/090771806). Directions far below the damping, or lost in the rounding errors of J, are
/// left out.
class RowSpace {
 public:
  explicit RowSpace(const std::function<bool()>& stop_requested) : stop_(stop_requested) {}

  /// Throws Interrupted, as the next one does.
  [[nodiscard]] Eigen::MatrixXd basis(const Eigen::MatrixXd& j, double damping) {
    const auto sketch = [&](Index width) {
      if (numbers_.rows() != j.rows() || numbers_.cols() != width) {
        numbers_ = normal_states(j.rows(), width, 0);
      }
      return multiply_transposed(j, numbers_, stop_);
    };
    return basis(j.rows(), j.cols(), damping, sketch,
                 [&] { return Eigen::MatrixXd(j.transpose()); });
  }

  /// `sketch`: J^T times a matrix of so many columns of random numbers. `transposed`: J^T, for when
  /// it has fewer columns than rows; absent: never. Throws Interrupted.
  [[nodiscard]] Eigen::MatrixXd basis(Index rows, Index columns, double damping,
                                      const std::function<Eigen::MatrixXd(Index width)>& sketch,
                                      const std::function<Eigen::MatrixXd()>& transposed = {}) {
    const Index full = std::min(rows, columns);
    for (; 2 * width_ < full; width_ += width_ / 2) {
      const StoppableQr qr(sketch(width_), stop_);
      const auto sizes = qr.matrixQR().diagonal().cwiseAbs();
      const double negligible = std::max(0.1 * std::sqrt(damping), 64 * epsilon * sizes[0]);
      if (sizes[width_ - 1] <= negligible) return qr.thin_q(width_, stop_);
    }
    if (full == columns) return Eigen::MatrixXd::Identity(full, full);
    return StoppableQr(transposed(), stop_).thin_q(full, stop_);
  }

 private:
  const std::function<bool()>& stop_;
  Index width_ = 32;
  Eigen::MatrixXd numbers_;
};

}  // namespace isochron
