#include <optional>
#include <utility>

#include "elimination.hpp"
#include "linear_residuals.hpp"

namespace isochron {
namespace {

class HeldJacobian final : public LinearResiduals {
 public:
  explicit HeldJacobian(const GroupedResiduals& residuals) : residuals_(residuals) {}

  bool evaluate(ConstVectorRef theta, Vector& r) override { return residuals_(theta, r, nullptr); }

  bool move(ConstVectorRef theta) override {
    Vector r;
    GroupedJacobian j;
    if (!residuals_(theta, r, &j) || !r.allFinite() || !is_finite(j)) return false;
    r_ = std::move(r);
    jacobian_ = std::move(j);
    return true;
  }

  [[nodiscard]] const Vector& values() const override { return r_; }
  [[nodiscard]] Vector gradient() const override { return transposed_product(jacobian_, r_); }
  [[nodiscard]] Index parameters() const override { return jacobian_.shared.cols(); }
  [[nodiscard]] bool is_grouped() const override { return !jacobian_.group_sizes.empty(); }
  [[nodiscard]] Vector column_norms() const override {
    return jacobian_.shared.colwise().norm().transpose();
  }
  [[nodiscard]] double largest_column(const Vector& scale) const override {
    if (parameters() == 0) return jacobian_.own.colwise().squaredNorm().maxCoeff();
    return (jacobian_.shared * scale.asDiagonal()).colwise().squaredNorm().maxCoeff();
  }

  Eigen::MatrixXd eliminate(double damping) override {
    if (!is_grouped()) return jacobian_.shared;
    elimination_.emplace(jacobian_, damping);
    return elimination_->rest(jacobian_.shared);
  }
  [[nodiscard]] Vector rest() const override { return left_of(r_); }
  [[nodiscard]] RightSide rest(const AffineResiduals& b) override {
    return {left_of(vector_of(b)), {}};
  }
  [[nodiscard]] Vector own(const AffineResiduals& b, const Vector& shared) override {
    return elimination_->own(vector_of(b), shared);
  }
  [[nodiscard]] double predicted(const Vector& delta) const override {
    const Vector change = product(jacobian_, delta);
    return -(2 * r_ + change).dot(change);
  }

 private:
  [[nodiscard]] Vector left_of(const Vector& b) const {
    return is_grouped() ? Vector(elimination_->rest(b)) : b;
  }
  [[nodiscard]] Vector vector_of(const AffineResiduals& b) const {
    if (b.along.size() == 0) return b.constant;
    return b.constant + product(jacobian_, b.along);
  }

  const GroupedResiduals& residuals_;
  Vector r_;
  GroupedJacobian jacobian_;
  std::optional<Elimination> elimination_;
};

}  // namespace

std::unique_ptr<LinearResiduals> with_held_jacobian(const GroupedResiduals& residuals) {
  return std::make_unique<HeldJacobian>(residuals);
}

}  // namespace isochron
