#include "isochron/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "linear_residuals.hpp"
#include "row_space.hpp"
#include "stoppable_algebra.hpp"

namespace isochron {
namespace {

/// r + J delta in the coordinates of a row space: solves for any damping and right-hand side.
class LinearModel {
 public:
  LinearModel(const Eigen::MatrixXd& j, double damping, RowSpace& space,
              const std::function<bool()>& stop_requested)
      : stop_(stop_requested),
        basis_(space.basis(j, damping)),
        qr_(multiply(j, basis_, stop_), stop_) {}

  /// Whether no direction was left out.
  [[nodiscard]] bool complete() const {
    return basis_.cols() == std::min(qr_.rows(), basis_.rows());
  }

  /// argmin ||b + J delta||^2 + mu ||delta||^2.
  [[nodiscard]] Vector step(const RightSide& b, double mu) {
    const Index k = basis_.cols();
    const Index rows = std::min(k, qr_.rows());
    if (!damped_ || mu != damped_by_) damp(mu);
    if (b.rows.size() == 0) return by_gradient(b.gradient);
    Vector right = Vector::Zero(k + rows);
    right.head(rows) = -(qr_.householderQ().transpose() * b.rows).head(rows);
    return basis_ * damped_->solve(right);
  }

 private:
  /// By the seminormal equations R^T R y = -(J basis)^T b of the damped factor R. What rounding
  /// errors of J^T b do is no more than what those of J do by the residuals that are left.
  [[nodiscard]] Vector by_gradient(const Vector& gradient) const {
    const auto factor = damped_->matrixQR().topRows(basis_.cols()).triangularView<Eigen::Upper>();
    return -basis_ * factor.solve(factor.transpose().solve(basis_.transpose() * gradient));
  }

  void damp(double mu) {
    const Index k = basis_.cols();
    const Index rows = std::min(k, qr_.rows());
    Eigen::MatrixXd damped = Eigen::MatrixXd::Zero(k + rows, k);
    damped.topRows(rows) = qr_.matrixQR().topRows(rows).triangularView<Eigen::Upper>();
    damped.bottomRows(k).diagonal().setConstant(std::sqrt(mu));
    damped_.emplace(std::move(damped), stop_);
    damped_by_ = mu;
  }

  const std::function<bool()>& stop_;
  Eigen::MatrixXd basis_;
  StoppableQr qr_;
  std::optional<StoppableQr> damped_;  // for the last damping asked for
  double damped_by_ = 0;
};

/// The same with a ridge, which bounds the condition: so by the normal equations, which are ten
/// times as fast.
class RidgeModel {
 public:
  /// `ridge`: of the parameters in whose units J is.
  RidgeModel(Eigen::MatrixXd j, Vector ridge, const std::function<bool()>& stop_requested)
      : stop_(stop_requested),
        jacobian_(std::move(j)),
        ridge_(std::move(ridge)),
        normal_(squared(jacobian_, stop_)) {}

  /// argmin ||b + J delta||^2 + sum_p ridge_p (theta_p + delta_p)^2 + mu ||delta||^2; NaN where
  /// rounding errors hide it, since mu is too small for parameters without a ridge.
  [[nodiscard]] Vector step(const RightSide& b, const Vector& theta, double mu) {
    if (!damped_ || mu != damped_by_) {
      Eigen::MatrixXd damped = normal_;
      damped.diagonal().array() += ridge_.array() + mu;
      damped_.emplace(std::move(damped), stop_);
      damped_by_ = mu;
    }
    if (!damped_->succeeded()) {
      return Vector::Constant(theta.size(), not_a_number);
    }
    if (b.rows.size() == 0) return damped_->solve(-b.gradient - ridge_.cwiseProduct(theta));
    return damped_->solve(-(jacobian_.transpose() * b.rows) - ridge_.cwiseProduct(theta));
  }

 private:
  const std::function<bool()>& stop_;
  Eigen::MatrixXd jacobian_;
  Vector ridge_;
  Eigen::MatrixXd normal_;                   // J^T J, its lower triangle
  std::optional<StoppableCholesky> damped_;  // for the last damping asked for
  double damped_by_ = 0;
};

/// One minimisation: the current point with its linear model, and the damping.
class LevenbergMarquardt {
 public:
  LevenbergMarquardt(std::unique_ptr<LinearResiduals> residuals, ConstVectorRef start,
                     const OptimizerOptions& options, const IterationCallback& observe)
      : residuals_(std::move(residuals)),
        options_(options),
        observe_(observe),
        space_(options.stop_requested) {
    if (!linearise(start)) {
      throw NumericalError("the residuals cannot be evaluated at the initial parameters");
    }
    damping_ = options.damping * largest_column();
  }

  Minimum run() {
    try {
      return iterate();
    } catch (const Interrupted&) {  // from the linear algebra
      return {now_, StopReason::interrupted};
    }
  }

 private:
  Minimum iterate() {
    for (;; ++now_.iteration) {
      std::optional<StopReason> reason = observe_ ? observe_(now_) : std::nullopt;
      if (!reason) reason = reached(now_, options_);
      if (!reason && progresses_little()) reason = StopReason::little_progress;
      if (reason) return {now_, *reason};
      build_model();
      if (now_.iteration == 0) find_damping();
      if (stationary()) reason = StopReason::stationary;
      if (!reason && !step()) reason = StopReason::no_progress;
      if (reason) return {now_, *reason};
    }
  }

  /// Takes r, J and the loss at theta; false where they cannot be had, and nothing has changed.
  bool linearise(const Vector& theta) {
    if (!residuals_->move(theta)) return false;
    now_.theta = theta;
    now_.loss = residuals_->values().squaredNorm() + penalty(theta);
    Vector gradient = 2 * residuals_->gradient();
    if (has_ridge()) gradient.head(parameters()) += 2 * pull(theta);
    now_.gradient_norm = gradient.norm();
    now_.gradient_max_norm = gradient.cwiseAbs().maxCoeff();
    rescale();
    return true;
  }

  /// Of the parameters that all residuals share.
  [[nodiscard]] Index parameters() const { return residuals_->parameters(); }
  [[nodiscard]] bool is_grouped() const { return residuals_->is_grouped(); }
  [[nodiscard]] bool has_ridge() const { return options_.ridge.size() > 0; }
  [[nodiscard]] double penalty(const Vector& theta) const {
    return has_ridge() ? pull(theta).dot(theta.head(parameters())) : 0;
  }
  [[nodiscard]] Vector pull(const Vector& theta) const {
    return options_.ridge.cwiseProduct(theta.head(parameters()));
  }
  [[nodiscard]] double largest_column() const { return residuals_->largest_column(scale_); }

  void rescale() {
    if (!options_.scale_parameters) {
      scale_ = Vector::Ones(parameters());
      return;
    }
    const Vector norms = residuals_->column_norms();
    largest_norms_ = largest_norms_.size() == 0 ? norms : largest_norms_.cwiseMax(norms);
    scale_ = (largest_norms_.array() > 0).select(largest_norms_.cwiseInverse(), 1.0);
  }

  /// The norm that is damped, of the shared parameters; where there are none, of all.
  [[nodiscard]] double size(const Vector& delta) const {
    if (parameters() == 0) return delta.norm();
    return delta.head(parameters()).cwiseQuotient(scale_).norm();
  }

  void build_model() {
    const std::function<bool()>& stop = options_.stop_requested;
    const double largest = is_grouped() ? largest_column() : 0;
    Eigen::MatrixXd shared = residuals_->eliminate(largest > 0 ? damping_ / largest : damping_);
    if (parameters() == 0) return;
    shared = shared * scale_.asDiagonal();
    if (has_ridge()) {
      const Vector ridge = options_.ridge.cwiseProduct(scale_.cwiseAbs2());
      ridge_model_.emplace(std::move(shared), ridge, stop);
    } else {
      model_.emplace(shared, damping_, space_, stop);
    }
  }

  /// Near a minimum what is left of the loss lies in directions of small singular values, and a
  /// damping above them would see nothing of it: lowers the first damping until it does. Where a
  /// ridge keeps part of the loss for good, until it sees half of what there is.
  void find_damping() {
    constexpr double seen = 1e-2;  // of the loss
    const double least = 1e-20 * damping_;
    if (has_ridge()) {
      const double half = 0.5 * predicted(solve(1e-12 * damping_));
      const double enough = std::min(half, seen * now_.loss);
      while (damping_ > least && predicted(solve(damping_)) < enough) damping_ /= 100;
      if (is_grouped()) build_model();
      return;
    }
    while (damping_ > least && predicted(solve(damping_)) < seen * now_.loss) {
      damping_ /= 100;
      build_model();
    }
  }

  /// The step that minimises the damped linear model.
  [[nodiscard]] Vector solve(double mu) {
    const Vector shared = solve_shared({residuals_->rest(), {}}, now_.theta, mu);
    return is_grouped() ? completed({residuals_->values(), {}}, shared) : shared;
  }

  /// argmin ||b + J delta||^2 + sum_p ridge_p delta_p^2 + mu ||delta / scale||^2, own parameters of
  /// groups damped as they were eliminated.
  [[nodiscard]] Vector solve(const AffineResiduals& b, double mu) {
    RightSide right = residuals_->rest(b);
    if (right.rows.size() == 0) right.gradient = scale_.cwiseProduct(right.gradient);
    const Vector shared = solve_shared(right, Vector::Zero(now_.theta.size()), mu);
    return is_grouped() ? completed(b, shared) : shared;
  }

  /// With the best own parameters.
  [[nodiscard]] Vector completed(const AffineResiduals& b, const Vector& shared) {
    Vector all(now_.theta.size());
    all << shared, residuals_->own(b, shared);
    return all;
  }

  /// The shared parameters of argmin ||b + J delta||^2 + sum_p ridge_p (theta_p + delta_p)^2 +
  /// mu ||delta / scale||^2.
  [[nodiscard]] Vector solve_shared(const RightSide& b, const Vector& theta, double mu) {
    if (parameters() == 0) return {};
    if (!has_ridge()) return scale_.cwiseProduct(model_->step(b, mu));
    const Vector in_units = theta.head(parameters()).cwiseQuotient(scale_);
    return scale_.cwiseProduct(ridge_model_->step(b, in_units, mu));
  }

  /// By how much the linear model lowers the loss: ||r||^2 - ||r + J delta||^2, and of the ridge.
  [[nodiscard]] double predicted(const Vector& delta) const {
    const double of_residuals = residuals_->predicted(delta);
    if (!has_ridge()) return of_residuals;
    return of_residuals + penalty(now_.theta) - penalty(now_.theta + delta);
  }

  /// Whether even an undamped step would lower the loss by no more than its rounding errors.
  [[nodiscard]] bool stationary() {
    if (now_.gradient_max_norm == 0) return true;  // without a damping if J is 0
    const bool complete =
        has_ridge() || parameters() == 0 || (model_->complete() && residuals_->is_complete());
    return complete && predicted(solve(epsilon * damping_)) <= 4 * epsilon * now_.loss;
  }

  [[nodiscard]] bool progresses_little() {
    constexpr std::size_t steps = 3;
    losses_.push_back(now_.loss);
    if (options_.progress_tolerance == 0 || losses_.size() <= steps) return false;
    const double before = losses_[losses_.size() - 1 - steps];
    return before - now_.loss <= options_.progress_tolerance * now_.loss;
  }

  /// Moves on by an accepted step; false when there is none.
  bool step() {
    constexpr int most_rejections = 30;
    double growth = 2;
    for (int rejections = 0; rejections < most_rejections; ++rejections) {
      const Vector straight = solve(damping_);
      if (size(straight) <= epsilon * size(now_.theta)) return false;
      const bool possible = straight.allFinite() && !too_far(straight);
      const std::optional<Vector> delta = possible ? accelerated(straight) : std::nullopt;
      if (delta) {
        const double gain = gain_ratio(straight, *delta);
        if (gain > 0 && linearise(Vector(now_.theta + *delta))) {
          now_.step = delta->norm();
          damping_ *= std::max(1.0 / 3, 1 - std::pow(2 * gain - 1, 3));
          return true;
        }
      }
      damping_ *= growth;
      growth *= 2;
      if (is_grouped()) build_model();
    }
    return false;
  }

  /// Whether the first step, in scaled units, would be longer than the start is far from 0 (the
  /// first trust region of More 1978, with factor 1). A long one may end on a plateau for good.
  [[nodiscard]] bool too_far(const Vector& straight) const {
    if (!options_.scale_parameters || now_.iteration > 0) return false;
    const double reach = size(now_.theta);
    return reach > 0 && size(straight) > reach;
  }

  /// Geodesic acceleration: adds half the acceleration of the geodesic along which the linear model
  /// would stay exact. Nothing where the residuals curve too much for the step to be trusted.
  std::optional<Vector> accelerated(const Vector& straight) {
    constexpr double probe = 0.5;  // of the step
    constexpr double most_curvature = 0.75;
    Vector r;
    if (!residuals_->evaluate(now_.theta + probe * straight, r) || !r.allFinite())
      return std::nullopt;
    const AffineResiduals second{2 / (probe * probe) * (r - residuals_->values()),
                                 -2 / probe * straight};
    const Vector correction = 0.5 * solve(second, damping_);
    if (2 * size(correction) > most_curvature * size(straight)) return std::nullopt;
    return straight + correction;
  }

  [[nodiscard]] double gain_ratio(const Vector& straight, const Vector& delta) const {
    Vector r;
    const Vector trial = now_.theta + delta;
    if (!residuals_->evaluate(trial, r) || !r.allFinite()) return -1;
    const Vector& before = residuals_->values();
    double gain = (before - r).dot(before + r);
    if (has_ridge()) gain += penalty(now_.theta) - penalty(trial);
    return gain / predicted(straight);
  }

  std::unique_ptr<LinearResiduals> residuals_;
  const OptimizerOptions& options_;
  const IterationCallback& observe_;
  Iterate now_;
  Vector largest_norms_;  // of the columns of J so far
  Vector scale_;          // one over the units in which parameters are damped
  RowSpace space_;
  std::optional<LinearModel> model_;
  std::optional<RidgeModel> ridge_model_;  // in its place with a ridge
  std::vector<double> losses_;             // of all iterates
  double damping_ = 0;
};

}  // namespace

Minimum minimize_least_squares(const Residuals& residuals, ConstVectorRef theta,
                               const OptimizerOptions& options, const IterationCallback& observe) {
  const GroupedResiduals without_groups = [&](ConstVectorRef at, Vector& r, GroupedJacobian* j) {
    return residuals(at, r, j != nullptr ? &j->shared : nullptr);
  };
  return minimize_least_squares(without_groups, theta, options, observe);
}

Minimum minimize_least_squares(const GroupedResiduals& residuals, ConstVectorRef theta,
                               const OptimizerOptions& options, const IterationCallback& observe) {
  return LevenbergMarquardt(with_held_jacobian(residuals), theta, options, observe).run();
}

Minimum minimize_least_squares(const ResidualsInLeaves& residuals, ConstVectorRef theta,
                               const OptimizerOptions& options, const IterationCallback& observe) {
  return LevenbergMarquardt(with_jacobian_in_leaves(residuals, options.stop_requested), theta,
                            options, observe)
      .run();
}

}  // namespace isochron
