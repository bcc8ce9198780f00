#pragma once

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <functional>

#include "isochron/states.hpp"

namespace isochron {

/// Throws Interrupted when `stop_requested` is given and says so.
void poll_stop(const std::function<bool()>& stop_requested);

/// Householder's QR as Eigen does it, in panels of columns when it takes long, so that it can be
/// stopped in between: then the constructor throws Interrupted.
class StoppableQr : public Eigen::HouseholderQR<Eigen::MatrixXd> {
 public:
  StoppableQr(Eigen::MatrixXd matrix, const std::function<bool()>& stop_requested);

  /// The first columns of Q. Throws Interrupted.
  [[nodiscard]] Eigen::MatrixXd thin_q(Index columns,
                                       const std::function<bool()>& stop_requested) const;
};

/// Cholesky's factor L of a symmetric positive definite matrix, in panels of columns, so that it
/// can be stopped in between.
class StoppableCholesky {
 public:
  /// Reads the lower triangle. Throws Interrupted.
  StoppableCholesky(Eigen::MatrixXd matrix, const std::function<bool()>& stop_requested);

  /// Whether the matrix was positive definite; otherwise there is nothing to be solved.
  [[nodiscard]] bool succeeded() const { return succeeded_; }
  [[nodiscard]] Vector solve(Vector right) const;

 private:
  Eigen::MatrixXd factor_;  // its lower triangle
  bool succeeded_ = true;
};

/// a^T a, of which only the lower triangle is set, in panels of rows. Throws Interrupted.
[[nodiscard]] Eigen::MatrixXd squared(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                      const std::function<bool()>& stop_requested);

/// a b, in panels of rows when it takes long. Throws Interrupted.
[[nodiscard]] Eigen::MatrixXd multiply(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                       const Eigen::Ref<const Eigen::MatrixXd>& b,
                                       const std::function<bool()>& stop_requested);
/// a^T b, likewise.
[[nodiscard]] Eigen::MatrixXd multiply_transposed(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                                  const Eigen::Ref<const Eigen::MatrixXd>& b,
                                                  const std::function<bool()>& stop_requested);

}  // namespace isochron
