#pragma once

#include <Eigen/QR>
#include <vector>

#include "isochron/grouped_jacobian.hpp"

namespace isochron {

[[nodiscard]] bool is_finite(const GroupedJacobian& j);

/// J delta, for the shared parameters and then those of each group.
[[nodiscard]] Vector product(const GroupedJacobian& j, const Vector& delta);

/// J^T r.
[[nodiscard]] Vector transposed_product(const GroupedJacobian& j, const Vector& r);

struct GroupPlace;

/// Least squares in the parameters of groups, for any values of the shared ones: with the columns
/// of a group's own parameters as Q R, what is left of its residuals are the rows of Q^T below R.
///
/// A chain is block bidiagonal, and goes group by group. Of R from the group's own rows above those
/// of its gap, another Q R is taken: its lower half, s rows that depend on the parameters of the
/// next group alone, joins the rows of that group,
///
///   Q^T [ R  0 ] = [ R'  U ]
///       [ G  L ]   [ 0   C ].
class Elimination {
 public:
  /// `damping`: of own parameters, over the largest squared column of their chain. `j` is referred
  /// to, not copied.
  Elimination(const GroupedJacobian& j, double damping);

  /// What was added to the squared columns of own parameters, of all groups one after the other.
  [[nodiscard]] const Vector& damping() const { return damping_; }

  /// What is left of the shared columns, or of residuals: M rows.
  [[nodiscard]] Eigen::MatrixXd rest(Eigen::MatrixXd all) const;

  /// The best own parameters of all groups for b + J_shared delta.
  [[nodiscard]] Vector own(const Vector& b, const Vector& delta) const;

  /// Of each chain of g groups: R (g s x g s), and the change of its best own parameters with the
  /// shared ones (g s x P).
  struct Group {
    Eigen::MatrixXd factor;
    Eigen::MatrixXd by_shared;
  };
  [[nodiscard]] std::vector<Group> groups() const;

 private:
  using Qr = Eigen::HouseholderQR<Eigen::MatrixXd>;
  struct Factor {
    Qr rows;                 // of the group's rows, what the gap before has left above them
    Qr gap;                  // of R of these, above the gap to the next group, where there is one
    Eigen::MatrixXd linked;  // U: the rows of R by the parameters of the next group
  };

  void factorise(const GroupPlace& at, double damping, Eigen::MatrixXd& left_of_gap);
  [[nodiscard]] Eigen::MatrixXd rotate(const GroupPlace& at, Eigen::MatrixXd& all) const;
  [[nodiscard]] Eigen::MatrixXd solved(Eigen::MatrixXd right) const;
  /// R of a group by its own parameters.
  [[nodiscard]] auto factor(std::size_t group) const {
    const Factor& of = factors_[group];
    const Qr& qr = of.linked.size() > 0 ? of.gap : of.rows;
    return qr.matrixQR().topRows(jacobian_.own.cols()).triangularView<Eigen::Upper>();
  }

  const GroupedJacobian& jacobian_;
  Vector damping_;
  std::vector<Factor> factors_;
};

}  // namespace isochron
