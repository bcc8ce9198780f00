#include "elimination.hpp"

#include <cmath>

namespace isochron {
namespace {

/// Calls work(rows, parameters) with the range of each group's residuals, and that of its own
/// parameters among those of all groups.
template <class Work>
void for_each_group(const GroupedJacobian& j, const Work& work) {
  struct Range {
    Index first;
    Index size;
  };
  Index row = 0;
  Index parameter = 0;
  for (const Index rows : j.group_sizes) {
    work(Range{row, rows}, Range{parameter, j.own.cols()});
    row += rows;
    parameter += j.own.cols();
  }
}

}  // namespace

Vector product(const GroupedJacobian& j, const Vector& delta) {
  Vector change = j.shared * delta.head(j.shared.cols());
  const auto own = delta.tail(delta.size() - j.shared.cols());
  for_each_group(j, [&](auto rows, auto parameters) {
    change.segment(rows.first, rows.size) +=
        j.own.middleRows(rows.first, rows.size) * own.segment(parameters.first, parameters.size);
  });
  return change;
}

Vector transposed_product(const GroupedJacobian& j, const Vector& r) {
  const auto groups = static_cast<Index>(j.group_sizes.size());
  Vector all(j.shared.cols() + groups * j.own.cols());
  all.head(j.shared.cols()) = j.shared.transpose() * r;
  auto own = all.tail(groups * j.own.cols());
  for_each_group(j, [&](auto rows, auto parameters) {
    own.segment(parameters.first, parameters.size) =
        j.own.middleRows(rows.first, rows.size).transpose() * r.segment(rows.first, rows.size);
  });
  return all;
}

Elimination::Elimination(const GroupedJacobian& j, double damping) : jacobian_(j) {
  for_each_group(j, [&](auto rows, auto own) {
    Eigen::MatrixXd columns = Eigen::MatrixXd::Zero(rows.size + own.size, own.size);
    columns.topRows(rows.size) = j.own.middleRows(rows.first, rows.size);
    const double largest = columns.colwise().squaredNorm().maxCoeff();
    columns.bottomRows(own.size).diagonal().setConstant(std::sqrt(damping * largest));
    factors_.emplace_back(std::move(columns));
  });
}

Eigen::MatrixXd Elimination::rest(Eigen::MatrixXd all) const {
  std::size_t group = 0;
  for_each_group(jacobian_, [&](auto rows, auto) {
    auto part = all.middleRows(rows.first, rows.size);
    part = rotated(group++, part).bottomRows(rows.size).eval();
  });
  return all;
}

Vector Elimination::own(const Vector& b, const Vector& delta) const {
  Vector all(static_cast<Index>(factors_.size()) * jacobian_.own.cols());
  std::size_t group = 0;
  for_each_group(jacobian_, [&](auto rows, auto parameters) {
    const Vector moved = b.segment(rows.first, rows.size) +
                         jacobian_.shared.middleRows(rows.first, rows.size) * delta;
    all.segment(parameters.first, parameters.size) = -solved(group++, moved);
  });
  return all;
}

std::vector<Elimination::Group> Elimination::groups() const {
  std::vector<Group> all;
  for_each_group(jacobian_, [&](auto rows, auto parameters) {
    const std::size_t group = all.size();
    Group one;
    one.factor = factors_[group].matrixQR().topRows(parameters.size);
    one.factor.triangularView<Eigen::StrictlyLower>().setZero();
    one.by_shared = -solved(group, jacobian_.shared.middleRows(rows.first, rows.size));
    all.push_back(std::move(one));
  });
  return all;
}

/// Q^T of residuals or columns of a group, below which stand the rows of the damping.
Eigen::MatrixXd Elimination::rotated(std::size_t group, const Eigen::MatrixXd& rows) const {
  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(rows.rows() + jacobian_.own.cols(), rows.cols());
  all.topRows(rows.rows()) = rows;
  all.applyOnTheLeft(factors_[group].householderQ().adjoint());
  return all;
}

/// Least squares in a group's own parameters for the right-hand sides.
Eigen::MatrixXd Elimination::solved(std::size_t group, const Eigen::MatrixXd& right) const {
  const Index s = jacobian_.own.cols();
  return factors_[group].matrixQR().topRows(s).triangularView<Eigen::Upper>().solve(
      rotated(group, right).topRows(s));
}

}  // namespace isochron
