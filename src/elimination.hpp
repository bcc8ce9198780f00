#pragma once

#include <Eigen/QR>
#include <vector>

#include "isochron/grouped_jacobian.hpp"

namespace isochron {

/// J delta, for the shared parameters and then those of each group.
[[nodiscard]] Vector product(const GroupedJacobian& j, const Vector& delta);

/// J^T r.
[[nodiscard]] Vector transposed_product(const GroupedJacobian& j, const Vector& r);

/// Least squares in the parameters of groups, for any values of the shared ones: with the columns
/// of a group's own parameters as Q R, what is left of its residuals are the rows of Q^T below R.
class Elimination {
 public:
  /// `damping`: of own parameters, over the largest squared column of their group. `j` is referred
  /// to, not copied.
  Elimination(const GroupedJacobian& j, double damping);

  /// What is left of the shared columns, or of residuals: M rows.
  [[nodiscard]] Eigen::MatrixXd rest(Eigen::MatrixXd all) const;

  /// The best own parameters of all groups for b + J_shared delta.
  [[nodiscard]] Vector own(const Vector& b, const Vector& delta) const;

  /// Of each group: R (s x s), and the change of its own best parameters with the shared ones
  /// (s x P).
  struct Group {
    Eigen::MatrixXd factor;
    Eigen::MatrixXd by_shared;
  };
  [[nodiscard]] std::vector<Group> groups() const;

 private:
  [[nodiscard]] Eigen::MatrixXd rotated(std::size_t group, const Eigen::MatrixXd& rows) const;
  [[nodiscard]] Eigen::MatrixXd solved(std::size_t group, const Eigen::MatrixXd& right) const;

  const GroupedJacobian& jacobian_;
  std::vector<Eigen::HouseholderQR<Eigen::MatrixXd>> factors_;
};

}  // namespace isochron
