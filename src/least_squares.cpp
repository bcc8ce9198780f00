#include "isochron/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "stoppable_algebra.hpp"

namespace isochron {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

/// An orthonormal basis of the directions in which J acts, or of the whole space where that is no
/// larger. Directions far below the damping, or lost in the rounding errors of J, are left out.
class RowSpace {
 public:
  explicit RowSpace(const std::function<bool()>& stop_requested) : stop_(stop_requested) {}

  [[nodiscard]] Eigen::MatrixXd basis(const Eigen::MatrixXd& j, double damping) {
    const Index full = std::min(j.rows(), j.cols());
    for (; 2 * width_ < full; width_ += width_ / 2) {
      if (sketch_.rows() != j.rows() || sketch_.cols() != width_) {
        sketch_ = normal_states(j.rows(), width_, 0);
      }
      const StoppableQr qr(multiply_transposed(j, sketch_, stop_), stop_);
      const auto sizes = qr.matrixQR().diagonal().cwiseAbs();
      const double negligible = std::max(0.1 * std::sqrt(damping), 64 * eps * sizes[0]);
      if (sizes[width_ - 1] <= negligible) return qr.thin_q(width_, stop_);
    }
    if (full == j.cols()) return Eigen::MatrixXd::Identity(full, full);
    return StoppableQr(j.transpose(), stop_).thin_q(full, stop_);
  }

 private:
  const std::function<bool()>& stop_;
  Index width_ = 32;
  Eigen::MatrixXd sketch_;
};

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
  [[nodiscard]] Vector step(const Vector& b, double mu) const {
    const Index k = basis_.cols();
    Eigen::MatrixXd damped = Eigen::MatrixXd::Zero(k + std::min(k, qr_.rows()), k);
    Vector right = Vector::Zero(damped.rows());
    const Index rows = std::min(k, qr_.rows());
    damped.topRows(rows) = qr_.matrixQR().topRows(rows).triangularView<Eigen::Upper>();
    damped.bottomRows(k).diagonal().setConstant(std::sqrt(mu));
    right.head(rows) = -(qr_.householderQ().transpose() * b).head(rows);
    return basis_ * StoppableQr(std::move(damped), stop_).solve(right);
  }

 private:
  const std::function<bool()>& stop_;
  Eigen::MatrixXd basis_;
  StoppableQr qr_;
};

/// One minimisation: the current point with its linear model, and the damping.
class LevenbergMarquardt {
 public:
  LevenbergMarquardt(const Residuals& residuals, ConstVectorRef start,
                     const OptimizerOptions& options, const IterationCallback& observe)
      : residuals_(residuals),
        options_(options),
        observe_(observe),
        space_(options.stop_requested) {
    if (!linearise(start)) {
      throw NumericalError("the residuals cannot be evaluated at the initial parameters");
    }
    damping_ =
        options.damping * (jacobian_ * scale_.asDiagonal()).colwise().squaredNorm().maxCoeff();
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
    Vector r;
    Eigen::MatrixXd j;
    if (!residuals_(theta, r, &j) || !r.allFinite() || !j.allFinite()) return false;
    r_ = std::move(r);
    jacobian_ = std::move(j);
    now_.theta = theta;
    now_.loss = r_.squaredNorm();
    const Vector gradient = 2 * (jacobian_.transpose() * r_);
    now_.gradient_norm = gradient.norm();
    now_.gradient_max_norm = gradient.cwiseAbs().maxCoeff();
    rescale();
    return true;
  }

  void rescale() {
    if (!options_.scale_parameters) {
      scale_ = Vector::Ones(jacobian_.cols());
      return;
    }
    const Vector norms = jacobian_.colwise().norm().transpose();
    largest_norms_ = largest_norms_.size() == 0 ? norms : largest_norms_.cwiseMax(norms);
    scale_ = (largest_norms_.array() > 0).select(largest_norms_.cwiseInverse(), 1.0);
  }

  /// The norm that is damped.
  [[nodiscard]] double size(const Vector& delta) const {
    return delta.cwiseQuotient(scale_).norm();
  }

  void build_model() {
    model_.emplace(jacobian_ * scale_.asDiagonal(), damping_, space_, options_.stop_requested);
  }

  /// Near a minimum what is left of the loss lies in directions of small singular values, and a
  /// damping above them would see nothing of it: lowers the first damping until it does.
  void find_damping() {
    constexpr double seen = 1e-2;  // of the loss
    const double least = 1e-20 * damping_;
    while (damping_ > least && predicted(solve(r_, damping_)) < seen * now_.loss) {
      damping_ /= 100;
      build_model();
    }
  }

  /// argmin ||b + J delta||^2 + mu ||delta / scale||^2.
  [[nodiscard]] Vector solve(const Vector& b, double mu) const {
    return scale_.cwiseProduct(model_->step(b, mu));
  }

  /// By how much the linear model lowers the loss: ||r||^2 - ||r + J delta||^2.
  [[nodiscard]] double predicted(const Vector& delta) const {
    const Vector change = jacobian_ * delta;
    return -(2 * r_ + change).dot(change);
  }

  /// Whether even an undamped step would lower the loss by no more than its rounding errors.
  [[nodiscard]] bool stationary() const {
    if (now_.gradient_max_norm == 0) return true;  // without a damping if J is 0
    return model_->complete() && predicted(solve(r_, eps * damping_)) <= 4 * eps * now_.loss;
  }

  /// Moves on by an accepted step; false when there is none.
  bool step() {
    constexpr int most_rejections = 30;
    double growth = 2;
    for (int rejections = 0; rejections < most_rejections; ++rejections) {
      const Vector straight = solve(r_, damping_);
      if (size(straight) <= eps * size(now_.theta)) return false;
      const std::optional<Vector> delta = too_far(straight) ? std::nullopt : accelerated(straight);
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
  std::optional<Vector> accelerated(const Vector& straight) const {
    constexpr double probe = 0.5;  // of the step
    constexpr double most_curvature = 0.75;
    Vector r;
    if (!residuals_(now_.theta + probe * straight, r, nullptr) || !r.allFinite())
      return std::nullopt;
    const Vector second = 2 / probe * ((r - r_) / probe - jacobian_ * straight);
    const Vector correction = 0.5 * solve(second, damping_);
    if (2 * size(correction) > most_curvature * size(straight)) return std::nullopt;
    return straight + correction;
  }

  [[nodiscard]] double gain_ratio(const Vector& straight, const Vector& delta) const {
    Vector r;
    if (!residuals_(now_.theta + delta, r, nullptr) || !r.allFinite()) return -1;
    return (r_ - r).dot(r_ + r) / predicted(straight);
  }

  const Residuals& residuals_;
  const OptimizerOptions& options_;
  const IterationCallback& observe_;
  Iterate now_;
  Vector r_;
  Eigen::MatrixXd jacobian_;
  Vector largest_norms_;  // of the columns of J so far
  Vector scale_;          // one over the units in which parameters are damped
  RowSpace space_;
  std::optional<LinearModel> model_;
  double damping_ = 0;
};

}  // namespace

Minimum minimize_least_squares(const Residuals& residuals, ConstVectorRef theta,
                               const OptimizerOptions& options, const IterationCallback& observe) {
  return LevenbergMarquardt(residuals, theta, options, observe).run();
}

}  // namespace isochron
