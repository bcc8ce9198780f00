#include "elimination.hpp"

#include <algorithm>
#include <cmath>

namespace isochron {

/// Where a group stands in a grouped Jacobian.
struct GroupPlace {
  std::size_t group;
  std::size_t chain;
  Index parameter;   ///< its first one among those of all groups
  Index row;         ///< its first residual
  Index rows;        ///< its residuals without the gap to the next group, which follows them
  Index gap_before;  ///< residuals of the gap to the group before: s, or 0
  Index gap;         ///< residuals of the gap to the next group: s, or 0
  Index link;        ///< first row of this gap among the links
};

namespace {

/// Calls work(place) for each group.
template <class Work>
void for_each_group(const GroupedJacobian& j, const Work& work) {
  const auto length = static_cast<std::size_t>(j.chain_length);
  const Index s = j.own.cols();
  Index row = 0;
  Index link = 0;
  for (std::size_t group = 0; group < j.group_sizes.size(); ++group) {
    const std::size_t in_chain = group % length;
    const Index gap = in_chain + 1 < length ? s : 0;
    const Index rows = j.group_sizes[group] - gap;
    work(GroupPlace{group, group / length, static_cast<Index>(group) * s, row, rows,
                    in_chain > 0 ? s : 0, gap, link});
    row += rows + gap;
    link += gap;
  }
}

/// The largest squared column of each chain.
std::vector<double> largest_columns(const GroupedJacobian& j) {
  std::vector<double> largest(j.group_sizes.size() / static_cast<std::size_t>(j.chain_length), 0);
  const Index s = j.own.cols();
  for_each_group(j, [&](const GroupPlace& at) {
    const Index rows = at.rows + at.gap;
    Eigen::MatrixXd columns = Eigen::MatrixXd::Zero(rows + s, s);
    columns.topRows(rows) = j.own.middleRows(at.row, rows);
    if (at.gap_before > 0) columns.bottomRows(s) = j.links.middleRows(at.link - s, s);
    largest[at.chain] = std::max(largest[at.chain], columns.colwise().squaredNorm().maxCoeff());
  });
  return largest;
}

}  // namespace

bool is_finite(const GroupedJacobian& j) {
  return j.shared.allFinite() && j.own.allFinite() && j.links.allFinite();
}

Vector product(const GroupedJacobian& j, const Vector& delta) {
  Vector change = j.shared * delta.head(j.shared.cols());
  const auto own = delta.tail(delta.size() - j.shared.cols());
  const Index s = j.own.cols();
  for_each_group(j, [&](const GroupPlace& at) {
    const Index rows = at.rows + at.gap;
    change.segment(at.row, rows) += j.own.middleRows(at.row, rows) * own.segment(at.parameter, s);
    if (at.gap == 0) return;
    change.segment(at.row + at.rows, s) +=
        j.links.middleRows(at.link, s) * own.segment(at.parameter + s, s);
  });
  return change;
}

Vector transposed_product(const GroupedJacobian& j, const Vector& r) {
  const auto groups = static_cast<Index>(j.group_sizes.size());
  const Index s = j.own.cols();
  Vector all = Vector::Zero(j.shared.cols() + groups * s);
  all.head(j.shared.cols()) = j.shared.transpose() * r;
  auto own = all.tail(groups * s);
  for_each_group(j, [&](const GroupPlace& at) {
    const Index rows = at.rows + at.gap;
    own.segment(at.parameter, s) +=
        j.own.middleRows(at.row, rows).transpose() * r.segment(at.row, rows);
    if (at.gap == 0) return;
    own.segment(at.parameter + s, s) +=
        j.links.middleRows(at.link, s).transpose() * r.segment(at.row + at.rows, s);
  });
  return all;
}

Elimination::Elimination(const GroupedJacobian& j, double damping) : jacobian_(j) {
  const std::vector<double> largest = largest_columns(j);
  const Index s = j.own.cols();
  damping_.resize(static_cast<Index>(j.group_sizes.size()) * s);
  factors_.reserve(j.group_sizes.size());
  Eigen::MatrixXd left_of_gap;
  for_each_group(j, [&](const GroupPlace& at) {
    const double added = damping * largest[at.chain];
    damping_.segment(at.parameter, s).setConstant(added);
    factorise(at, std::sqrt(added), left_of_gap);
  });
}

/// `left_of_gap`: C of the group before, and then of this one.
void Elimination::factorise(const GroupPlace& at, double damping, Eigen::MatrixXd& left_of_gap) {
  const Index s = jacobian_.own.cols();
  Eigen::MatrixXd columns = Eigen::MatrixXd::Zero(at.gap_before + at.rows + s, s);
  if (at.gap_before > 0) columns.topRows(s) = left_of_gap;
  columns.middleRows(at.gap_before, at.rows) = jacobian_.own.middleRows(at.row, at.rows);
  columns.bottomRows(s).diagonal().setConstant(damping);
  Factor& factor = factors_.emplace_back();
  factor.rows.compute(columns);
  if (at.gap == 0) return;
  Eigen::MatrixXd with_gap(2 * s, s);
  with_gap.topRows(s) = factor.rows.matrixQR().topRows(s).triangularView<Eigen::Upper>();
  with_gap.bottomRows(s) = jacobian_.own.middleRows(at.row + at.rows, s);
  factor.gap.compute(with_gap);
  Eigen::MatrixXd by_next = Eigen::MatrixXd::Zero(2 * s, s);
  by_next.bottomRows(s) = jacobian_.links.middleRows(at.link, s);
  by_next.applyOnTheLeft(factor.gap.householderQ().adjoint());
  factor.linked = by_next.topRows(s);
  left_of_gap = by_next.bottomRows(s);
}

/// Q^T of residuals or columns, below which stand rows of 0 for the damping. Returns the rows of R;
/// in `all` what is left stands in those of the gap before and of the group, and what goes to the
/// next group in those of the gap to it.
Eigen::MatrixXd Elimination::rotate(const GroupPlace& at, Eigen::MatrixXd& all) const {
  const Index s = jacobian_.own.cols();
  const Factor& factor = factors_[at.group];
  auto rows = all.middleRows(at.row - at.gap_before, at.gap_before + at.rows);
  Eigen::MatrixXd rotated = Eigen::MatrixXd::Zero(rows.rows() + s, rows.cols());
  rotated.topRows(rows.rows()) = rows;
  rotated.applyOnTheLeft(factor.rows.householderQ().adjoint());
  rows = rotated.bottomRows(rows.rows());
  if (at.gap == 0) return rotated.topRows(s);
  auto gap = all.middleRows(at.row + at.rows, s);
  Eigen::MatrixXd with_gap(2 * s, rows.cols());
  with_gap << rotated.topRows(s), gap;
  with_gap.applyOnTheLeft(factor.gap.householderQ().adjoint());
  gap = with_gap.bottomRows(s);
  return with_gap.topRows(s);
}

Eigen::MatrixXd Elimination::rest(Eigen::MatrixXd all) const {
  for_each_group(jacobian_, [&](const GroupPlace& at) { static_cast<void>(rotate(at, all)); });
  return all;
}

/// Least squares in the parameters of all groups for the right-hand sides.
Eigen::MatrixXd Elimination::solved(Eigen::MatrixXd right) const {
  const Index s = jacobian_.own.cols();
  Eigen::MatrixXd x(static_cast<Index>(factors_.size()) * s, right.cols());
  for_each_group(jacobian_,
                 [&](const GroupPlace& at) { x.middleRows(at.parameter, s) = rotate(at, right); });
  for (std::size_t group = factors_.size(); group-- > 0;) {
    const Index first = static_cast<Index>(group) * s;
    const Eigen::MatrixXd& linked = factors_[group].linked;
    Eigen::MatrixXd own = x.middleRows(first, s);
    if (linked.size() > 0) own -= linked * x.middleRows(first + s, s);
    factor(group).solveInPlace(own);
    x.middleRows(first, s) = own;
  }
  return x;
}

Vector Elimination::own(const Vector& b, const Vector& delta) const {
  Vector moved = b;
  for_each_group(jacobian_, [&](const GroupPlace& at) {
    const Index rows = at.rows + at.gap;
    moved.segment(at.row, rows) =
        Vector(b.segment(at.row, rows) + jacobian_.shared.middleRows(at.row, rows) * delta);
  });
  return -solved(moved);
}

std::vector<Elimination::Group> Elimination::groups() const {
  const Index s = jacobian_.own.cols();
  const Index size = jacobian_.chain_length * s;
  const Eigen::MatrixXd by_shared = -solved(jacobian_.shared);
  std::vector<Group> all;
  for_each_group(jacobian_, [&](const GroupPlace& at) {
    const Index first = at.parameter % size;
    if (first == 0) {
      all.push_back({Eigen::MatrixXd::Zero(size, size), by_shared.middleRows(at.parameter, size)});
    }
    Eigen::MatrixXd& whole = all.back().factor;
    whole.block(first, first, s, s) = factor(at.group);
    if (at.gap > 0) whole.block(first, first + s, s, s) = factors_[at.group].linked;
  });
  return all;
}

}  // namespace isochron
