#include <atomic>
#include <cmath>
#include <utility>
#include <vector>

#include "elimination.hpp"
#include "isochron/error.hpp"
#include "linear_residuals.hpp"
#include "stoppable_algebra.hpp"
#include "triangular_tree.hpp"

namespace isochron {
namespace {

/// A sum over leaves, in their order whatever the order in which they come.
class SumOverLeaves {
 public:
  explicit SumOverLeaves(Index leaves) : parts_(static_cast<std::size_t>(leaves)) {}

  Vector& operator[](Index leaf) { return parts_[static_cast<std::size_t>(leaf)]; }
  [[nodiscard]] Vector total() const {
    Vector sum = parts_.front();
    for (std::size_t i = 1; i < parts_.size(); ++i) sum += parts_[i];
    return sum;
  }

 private:
  std::vector<Vector> parts_;
};

/// [J | b], of the shared parameters.
Eigen::MatrixXd beside(const Eigen::MatrixXd& j, const Vector& b) {
  Eigen::MatrixXd both(j.rows(), j.cols() + 1);
  both << j, b;
  return both;
}

/// The part of b or of parameters that belongs to a leaf.
Vector rows_of(const JacobianLeaf& leaf, const Vector& all) {
  return all.segment(leaf.first_row, leaf.residuals.size());
}
Vector own_of(const JacobianLeaf& leaf, const Vector& all) {
  const Index s = leaf.jacobian.own.cols();
  return all.segment(leaf.first_group * s,
                     static_cast<Index>(leaf.jacobian.group_sizes.size()) * s);
}
Vector parameters_of(const JacobianLeaf& leaf, const Vector& all) {
  const Index shared = leaf.jacobian.shared.cols();
  const Vector own = own_of(leaf, all.tail(all.size() - shared));
  Vector both(shared + own.size());
  both << all.head(shared), own;
  return both;
}

/// Of one leaf.
Vector vector_of(const JacobianLeaf& leaf, const AffineResiduals& b) {
  Vector constant = rows_of(leaf, b.constant);
  if (b.along.size() == 0) return constant;
  return constant + product(leaf.jacobian, parameters_of(leaf, b.along));
}

class JacobianLeaves final : public LinearResiduals {
 public:
  JacobianLeaves(const ResidualsInLeaves& residuals, const std::function<bool()>& stop_requested)
      : residuals_(residuals), stop_(stop_requested) {}

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

  Eigen::MatrixXd eliminate(double damping) override {
    if (is_grouped()) reduce(damping);
    return factor();
  }
  [[nodiscard]] Vector rest() const override {
    return triangle_.col(parameters()).head(parameters());
  }
  [[nodiscard]] RightSide rest(const AffineResiduals& b) override;
  [[nodiscard]] Vector own(const AffineResiduals& b, const Vector& shared) override;
  [[nodiscard]] double predicted(const Vector& delta) const override;

 private:
  void reduce(double damping);
  void again(const LeafVisitor& visit);
  [[nodiscard]] Eigen::MatrixXd factor() const {
    return triangle_.topLeftCorner(parameters(), parameters());
  }

  const ResidualsInLeaves& residuals_;
  const std::function<bool()>& stop_;
  Vector theta_;
  Vector r_;
  Vector gradient_;
  Vector shared_squares_;     // squared norms of the shared columns
  Vector own_squares_;        // of those of groups
  Eigen::MatrixXd triangle_;  // of [J | r], without groups or after their elimination
  double damping_ = 0;        // of the elimination
  double of_own_ = 0;         // by how much own parameters alone, damped, lower ||r||^2
  Vector own_damping_;        // of each group's parameters, which ||r||^2 above includes
};

bool JacobianLeaves::move(ConstVectorRef theta) {
  const Index shared = parameters();
  Vector r;
  Vector gradient(theta.size());
  SumOverLeaves gradients(residuals_.leaves), shared_squares(residuals_.leaves),
      own_squares(residuals_.leaves);
  TriangularTree tree(residuals_.leaves, merging_triangles(stop_));
  std::atomic<bool> finite{true};
  const bool evaluated = residuals_.visit(theta, &r, [&](const JacobianLeaf& leaf) {
    const GroupedJacobian& j = leaf.jacobian;
    if (!leaf.residuals.allFinite() || !is_finite(j)) finite = false;
    if (!finite) return;
    const Vector of_leaf = transposed_product(j, leaf.residuals);
    gradients[leaf.number] = of_leaf.head(shared);
    const Index own = of_leaf.size() - shared;
    gradient.segment(shared + leaf.first_group * j.own.cols(), own) = of_leaf.tail(own);
    shared_squares[leaf.number] = j.shared.colwise().squaredNorm().transpose();
    own_squares[leaf.number] = j.own.colwise().squaredNorm().transpose();
    if (is_grouped()) return;
    tree.add(leaf.number, triangle_of(beside(j.shared, leaf.residuals), stop_));
  });
  if (!evaluated || !finite) return false;
  theta_ = theta;
  r_ = std::move(r);
  gradient_ = std::move(gradient);
  gradient_.head(shared) = gradients.total();
  shared_squares_ = shared_squares.total();
  own_squares_ = own_squares.total();
  if (!is_grouped()) triangle_ = tree.root();
  return true;
}

/// Goes through the leaves at the point where they have been gone through before.
void JacobianLeaves::again(const LeafVisitor& visit) {
  if (residuals_.visit(theta_, nullptr, visit)) return;
  poll_stop(stop_);
  throw NumericalError("the derivatives of the residuals cannot be evaluated a second time");
}

void JacobianLeaves::reduce(double damping) {
  TriangularTree tree(residuals_.leaves, merging_triangles(stop_));
  SumOverLeaves of_own(residuals_.leaves);
  Vector own_damping(theta_.size() - parameters());
  again([&](const JacobianLeaf& leaf) {
    const GroupedJacobian& j = leaf.jacobian;
    const Elimination elimination(j, damping);
    tree.add(leaf.number, triangle_of(beside(elimination.rest(j.shared),
                                             Vector(elimination.rest(leaf.residuals))),
                                      stop_));
    const Vector alone = elimination.own(leaf.residuals, Vector::Zero(parameters()));
    const Vector gradient = transposed_product(j, leaf.residuals).tail(alone.size());
    of_own[leaf.number] = Vector::Constant(1, -gradient.dot(alone));
    own_damping.segment(leaf.first_group * j.own.cols(), alone.size()) = elimination.damping();
  });
  triangle_ = tree.root();
  damping_ = damping;
  of_own_ = of_own.total()[0];
  own_damping_ = std::move(own_damping);
}

RightSide JacobianLeaves::rest(const AffineResiduals& b) {
  SumOverLeaves gradients(residuals_.leaves);
  again([&](const JacobianLeaf& leaf) {
    const Vector of_leaf = vector_of(leaf, b);
    const Eigen::MatrixXd& j = leaf.jacobian.shared;
    if (!is_grouped()) {
      gradients[leaf.number] = j.transpose() * of_leaf;
      return;
    }
    const Elimination elimination(leaf.jacobian, damping_);
    gradients[leaf.number] = elimination.rest(j).transpose() * Vector(elimination.rest(of_leaf));
  });
  return {{}, gradients.total()};
}

Vector JacobianLeaves::own(const AffineResiduals& b, const Vector& shared) {
  Vector all(theta_.size() - parameters());
  again([&](const JacobianLeaf& leaf) {
    const Vector own = Elimination(leaf.jacobian, damping_).own(vector_of(leaf, b), shared);
    all.segment(leaf.first_group * leaf.jacobian.own.cols(), own.size()) = own;
  });
  return all;
}

/// With the best own parameters o for delta, damped by lambda,
///
///   ||r + J delta||^2 + lambda ||o||^2 = ||what is left of r and J, at the shared delta||^2,
///
/// and at delta = 0 that is ||r||^2 - of_own_.
double JacobianLeaves::predicted(const Vector& delta) const {
  const Vector left = rest();
  const Vector change = factor() * delta.head(parameters());
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
