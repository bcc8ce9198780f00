#include <atomic>
#include <mutex>
#include <utility>

#include "isochron/error.hpp"
#include "leaf_task.hpp"
#include "linear_residuals.hpp"
#include "row_space.hpp"
#include "stoppable_algebra.hpp"

namespace isochron {
namespace {

class JacobianLeaves final : public LinearResiduals {
 public:
  JacobianLeaves(const ResidualsInLeaves& residuals, const std::function<bool()>& stop_requested)
      : residuals_(residuals), stop_(stop_requested), space_(stop_requested) {}

  bool evaluate(ConstVectorRef theta, Vector& r) override { return residuals_.values(theta, r); }

  bool move(ConstVectorRef theta) override;

  [[nodiscard]] const Vector& values() const override { return r_; }
  [[nodiscard]] Vector gradient() const override { return gradient_; }
  [[nodiscard]] Index parameters() const override { return residuals_.parameters; }
  [[nodiscard]] bool is_grouped() const override { return residuals_.grouped; }
  [[nodiscard]] Vector column_norms() const override { return shared_squares_.cwiseSqrt(); }
  [[nodiscard]] double largest_column(const Vector& scale) const override {
    if (parameters() == 0) return own_squares_.maxCoeff();
    return shared_squares_.cwiseProduct(scale.cwiseAbs2()).maxCoeff();
  }

  Eigen::MatrixXd eliminate(double damping) override;
  [[nodiscard]] bool is_complete() const override { return !residuals_.are_held; }
  [[nodiscard]] Vector rest() const override { return triangle_.rightCols(1).topRows(rank()); }
  [[nodiscard]] RightSide rest(const AffineResiduals& b) override;
  [[nodiscard]] Vector own(const AffineResiduals& b, const Vector& shared) override;
  [[nodiscard]] double predicted(const Vector& delta) const override;

 private:
  [[nodiscard]] LeafTask task(LeafTask::Kind kind) const;
  [[nodiscard]] bool apply(ConstVectorRef theta, Vector* residuals, const LeafTask& task,
                           LeafResult& result);
  [[nodiscard]] LeafResult again(const LeafTask& task);
  void eliminate_own(double damping);
  void project(double damping);
  /// Of the triangle, r aside.
  [[nodiscard]] Index rank() const { return triangle_.cols() - 1; }
  [[nodiscard]] auto factor() const { return triangle_.topLeftCorner(rank(), rank()); }

  const ResidualsInLeaves& residuals_;
  const std::function<bool()>& stop_;
  Vector theta_;
  Vector r_;
  Vector gradient_;
  Vector shared_squares_;     // squared norms of the shared columns
  Vector own_squares_;        // of those of groups
  RowSpace space_;            // of J
  Eigen::MatrixXd basis_;     // of the space; empty: all of it
  Eigen::MatrixXd triangle_;  // of [J basis | r], without groups or after their elimination
  long point_ = 0;
  double damping_ = 0;  // of the elimination
  double of_own_ = 0;   // by how much own parameters alone, damped, lower ||r||^2
  Vector own_damping_;  // of each group's parameters, which ||r||^2 above includes
};

LeafTask JacobianLeaves::task(LeafTask::Kind kind) const {
  LeafTask task;
  task.kind = kind;
  task.point = point_;
  task.is_held = residuals_.are_held;
  task.is_grouped = is_grouped();
  task.damping = damping_;
  return task;
}

/// Does a task in all leaves at theta; false where they cannot be had.
bool JacobianLeaves::apply(ConstVectorRef theta, Vector* residuals, const LeafTask& task,
                           LeafResult& result) {
  if (residuals_.reduce) return residuals_.reduce(theta, residuals, task, result);
  ReductionTree<LeafSum> tree = leaf_tree(residuals_.leaves, stop_);
  std::mutex mutex;
  const bool visited = residuals_.visit(theta, residuals, [&](const JacobianLeaf& leaf) {
    auto [sum, own] = work_on(leaf, task, stop_);
    tree.add(leaf.number, std::move(sum));
    const std::lock_guard lock(mutex);
    result.own.push_back(std::move(own));
  });
  if (visited) result.sum = std::move(tree.root());
  return visited;
}

bool JacobianLeaves::move(ConstVectorRef theta) {
  static std::atomic<long> points = 0;
  const Index shared = parameters();
  const bool by_triangle = !is_grouped() && !residuals_.are_held;
  LeafTask at_theta = task(by_triangle ? LeafTask::factorise : LeafTask::linearise);
  at_theta.point = ++points;
  Vector r;
  LeafResult found;
  if (!apply(theta, &r, at_theta, found) || !found.sum.is_finite) return false;
  point_ = at_theta.point;
  theta_ = theta;
  r_ = std::move(r);
  const Vector& sums = found.sum.vector;
  gradient_.resize(theta.size());
  gradient_ << sums.head(shared), joined(found.own, theta.size() - shared);
  shared_squares_ = sums.segment(shared, shared);
  own_squares_ = sums.tail(sums.size() - 2 * shared);
  triangle_ = std::move(found.sum.triangle);
  return true;
}

/// Does a task in the leaves of the point where they have been before.
LeafResult JacobianLeaves::again(const LeafTask& task) {
  LeafResult found;
  if (apply(theta_, nullptr, task, found)) return found;
  poll_stop(stop_);
  throw NumericalError("the derivatives of the residuals cannot be evaluated a second time");
}

Eigen::MatrixXd JacobianLeaves::eliminate(double damping) {
  if (is_grouped()) eliminate_own(damping);
  if (residuals_.are_held) {
    project(damping);
    return factor() * basis_.transpose();
  }
  return factor();
}

void JacobianLeaves::eliminate_own(double damping) {
  damping_ = damping;
  LeafResult found = again(task(LeafTask::eliminate));
  triangle_ = std::move(found.sum.triangle);
  of_own_ = found.sum.vector[0];
  own_damping_ = joined(found.own, theta_.size() - parameters());
}

/// Takes the directions in which J acts, and what it does there.
void JacobianLeaves::project(double damping) {
  basis_ = space_.basis(r_.size(), parameters(), damping, [this](Index width) {
    LeafTask sketch = task(LeafTask::sketch);
    sketch.width = width;
    return again(sketch).sum.matrix;
  });
  LeafTask onto_basis = task(LeafTask::project);
  onto_basis.basis = basis_;
  triangle_ = again(onto_basis).sum.triangle;
}

RightSide JacobianLeaves::rest(const AffineResiduals& b) {
  LeafTask of_b = task(LeafTask::right_side);
  of_b.b = b;
  return {{}, again(of_b).sum.vector};
}

Vector JacobianLeaves::own(const AffineResiduals& b, const Vector& shared) {
  LeafTask of_b = task(LeafTask::own);
  of_b.b = b;
  of_b.shared = shared;
  return joined(again(of_b).own, theta_.size() - parameters());
}

/// With the best own parameters o for delta, damped by lambda,
///
///   ||r + J delta||^2 + lambda ||o||^2 = ||what is left of r and J, at the shared delta||^2,
///
/// and at delta = 0 that is ||r||^2 - of_own_.
double JacobianLeaves::predicted(const Vector& delta) const {
  const Vector left = rest();
  const Vector shared = delta.head(parameters());
  const Vector change =
      residuals_.are_held ? factor() * (basis_.transpose() * shared) : Vector(factor() * shared);
  const double of_shared = -(2 * left + change).dot(change);
  if (!is_grouped()) return of_shared;
  return of_shared + of_own_ + own_damping_.dot(delta.tail(own_damping_.size()).cwiseAbs2());
}

}  // namespace

std::unique_ptr<LinearResiduals> with_jacobian_in_leaves(
    const ResidualsInLeaves& residuals, const std::function<bool()>& stop_requested) {
  return std::make_unique<JacobianLeaves>(residuals, stop_requested);
}

}  // namespace isochron
