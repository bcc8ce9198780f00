#include "leaf_task.hpp"

#include "elimination.hpp"
#include "isochron/random.hpp"
#include "stoppable_algebra.hpp"
#include "triangular_tree.hpp"

namespace isochron {
namespace {

/// The first own parameter of a leaf, among all.
Index first_own(const JacobianLeaf& leaf) { return leaf.first_group * leaf.jacobian.own.cols(); }

/// [J | b], of the shared parameters.
Eigen::MatrixXd beside(const Eigen::MatrixXd& j, const Vector& b) {
  Eigen::MatrixXd both(j.rows(), j.cols() + 1);
  both << j, b;
  return both;
}

/// The part of parameters that belongs to a leaf.
Vector parameters_of(const JacobianLeaf& leaf, const Vector& all) {
  const GroupedJacobian& j = leaf.jacobian;
  const Index shared = j.shared.cols();
  const Index own = static_cast<Index>(j.group_sizes.size()) * j.own.cols();
  Vector both(shared + own);
  both << all.head(shared), all.segment(shared + first_own(leaf), own);
  return both;
}

/// Of one leaf.
Vector vector_of(const JacobianLeaf& leaf, const AffineResiduals& b) {
  Vector constant = b.constant.segment(leaf.first_row, leaf.residuals.size());
  if (b.along.size() == 0) return constant;
  return constant + product(leaf.jacobian, parameters_of(leaf, b.along));
}

/// vector: J^T r, the squares of the shared columns, those of the own ones. Segment: J^T r of
/// these.
std::pair<LeafSum, OwnSegment> linearised(const JacobianLeaf& leaf) {
  const GroupedJacobian& j = leaf.jacobian;
  LeafSum found;
  const Index shared = j.shared.cols();
  found.vector = Vector::Zero(2 * shared + j.own.cols());
  found.is_finite = leaf.residuals.allFinite() && is_finite(j);
  if (!found.is_finite) return {found, {first_own(leaf), {}}};
  const Vector gradient = transposed_product(j, leaf.residuals);
  found.vector.head(shared) = gradient.head(shared);
  found.vector.segment(shared, shared) = j.shared.colwise().squaredNorm().transpose();
  found.vector.tail(j.own.cols()) = j.own.colwise().squaredNorm().transpose();
  return {found, {first_own(leaf), gradient.tail(gradient.size() - shared)}};
}

/// vector: by how much own parameters alone, damped, lower ||r||^2. Segment: their damping.
std::pair<LeafSum, OwnSegment> eliminated(const JacobianLeaf& leaf, double damping,
                                          const std::function<bool()>& stop) {
  const GroupedJacobian& j = leaf.jacobian;
  const Elimination elimination(j, damping);
  LeafSum found;
  found.triangle = triangle_of(
      beside(elimination.rest(j.shared), Vector(elimination.rest(leaf.residuals))), stop);
  const Vector alone = elimination.own(leaf.residuals, Vector::Zero(j.shared.cols()));
  const Vector gradient = transposed_product(j, leaf.residuals).tail(alone.size());
  found.vector = Vector::Constant(1, -gradient.dot(alone));
  return {found, {first_own(leaf), elimination.damping()}};
}

Vector left_of_right_side(const JacobianLeaf& leaf, const LeafTask& task) {
  const Vector of_leaf = vector_of(leaf, task.b);
  const Eigen::MatrixXd& j = leaf.jacobian.shared;
  if (!task.is_grouped) return j.transpose() * of_leaf;
  const Elimination elimination(leaf.jacobian, task.damping);
  return elimination.rest(j).transpose() * Vector(elimination.rest(of_leaf));
}

}  // namespace

Vector joined(const std::vector<OwnSegment>& segments, Index size) {
  Vector all(size);
  for (const auto& [first, values] : segments) {
    if (values.size() > 0) all.segment(first, values.size()) = values;
  }
  return all;
}

std::pair<LeafSum, OwnSegment> work_on(const JacobianLeaf& leaf, const LeafTask& task,
                                       const std::function<bool()>& stop_requested) {
  const GroupedJacobian& j = leaf.jacobian;
  LeafSum found;
  OwnSegment none{first_own(leaf), {}};
  switch (task.kind) {
    case LeafTask::linearise: return linearised(leaf);
    case LeafTask::factorise: {
      auto both = linearised(leaf);
      if (both.first.is_finite) {
        both.first.triangle = triangle_of(beside(j.shared, leaf.residuals), stop_requested);
      }
      return both;
    }
    case LeafTask::sketch: {
      // The same numbers for the same leaf, wherever it is.
      const auto seed = static_cast<std::uint64_t>(leaf.number);
      const Eigen::MatrixXd numbers = normal_states(j.shared.rows(), task.width, seed);
      found.matrix = multiply_transposed(j.shared, numbers, stop_requested);
      return {found, none};
    }
    case LeafTask::project:
      found.triangle = triangle_of(
          beside(multiply(j.shared, task.basis, stop_requested), leaf.residuals), stop_requested);
      return {found, none};
    case LeafTask::eliminate: return eliminated(leaf, task.damping, stop_requested);
    case LeafTask::right_side: found.vector = left_of_right_side(leaf, task); return {found, none};
    case LeafTask::own:
      return {found,
              {first_own(leaf),
               Elimination(j, task.damping).own(vector_of(leaf, task.b), task.shared)}};
  }
  return {found, none};
}

ReductionTree<LeafSum> leaf_tree(Index leaves, const std::function<bool()>& stop_requested) {
  return {leaves, [merge = merging_triangles(stop_requested)](LeafSum left, LeafSum right) {
            left.is_finite = left.is_finite && right.is_finite;
            if (!left.is_finite) return left;
            left.vector += right.vector;
            left.matrix += right.matrix;
            if (left.triangle.size() > 0) {
              left.triangle = merge(std::move(left.triangle), std::move(right.triangle));
            }
            return left;
          }};
}

}  // namespace isochron
