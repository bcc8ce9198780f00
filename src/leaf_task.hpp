#pragma once

#include <map>
#include <utility>
#include <vector>

#include "isochron/grouped_jacobian.hpp"
#include "linear_residuals.hpp"
#include "message.hpp"
#include "reduction_tree.hpp"

namespace isochron {

/// What is done with each leaf of a Jacobian J (its rows of the shared parameters) and its
/// residuals r. What is found is added up over leaves, by whichever processes have them.
struct LeafTask {
  enum Kind {
    linearise,   ///< J^T r, and the squares of the columns
    factorise,   ///< the same, and the triangle of [J r]
    sketch,      ///< J^T times `width` columns of random numbers
    project,     ///< the triangle of [J basis, r]
    eliminate,   ///< the triangle of what is left of [J r] when own parameters are eliminated
    right_side,  ///< J^T b of what is left
    own,         ///< the best own parameters for b + J shared
  };
  Kind kind = linearise;
  long point = 0;        ///< the same for the same theta
  bool is_held = false;  ///< whether the leaves of a point are kept until there is another one
  bool is_grouped = false;
  double damping = 0;  ///< of own parameters
  Index width = 0;
  Eigen::MatrixXd basis;  ///< P columns of directions
  AffineResiduals b;
  Vector shared;

  /// Whether the residuals at theta are asked for as well.
  [[nodiscard]] bool is_at_new_point() const { return kind == linearise || kind == factorise; }
};

/// What is found in one leaf or in some.
struct LeafSum {
  bool is_finite = true;
  Vector vector;
  Eigen::MatrixXd matrix;
  Eigen::MatrixXd triangle;
};

/// Of successive own parameters, from this one on among those of all groups.
using OwnSegment = std::pair<Index, Vector>;

/// What is found in all leaves.
struct LeafResult {
  LeafSum sum;
  std::vector<OwnSegment> own;
};

/// The segments as one vector for all groups.
[[nodiscard]] Vector joined(const std::vector<OwnSegment>& segments, Index size);

/// Throws Interrupted.
[[nodiscard]] std::pair<LeafSum, OwnSegment> work_on(const JacobianLeaf& leaf, const LeafTask& task,
                                                     const std::function<bool()>& stop_requested);

/// Adds up what was found in leaves. `stop_requested` must outlive it.
[[nodiscard]] ReductionTree<LeafSum> leaf_tree(Index leaves,
                                               const std::function<bool()>& stop_requested);

template <class Archive, Is<AffineResiduals> T>
void transfer(Archive& archive, T& b) {
  archive(b.constant, b.along);
}
template <class Archive, Is<LeafTask> T>
void transfer(Archive& archive, T& task) {
  archive(task.kind, task.point, task.is_held, task.is_grouped, task.damping, task.width,
          task.basis, task.b, task.shared);
}
template <class Archive, Is<LeafSum> T>
void transfer(Archive& archive, T& sum) {
  archive(sum.is_finite, sum.vector, sum.matrix, sum.triangle);
}

}  // namespace isochron
