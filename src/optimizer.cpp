#include "isochron/optimizer.hpp"

#include <ceres/ceres.h>

#include <cmath>
#include <limits>
#include <utility>

#include "isochron/error.hpp"

namespace isochron {
namespace {

/// The reasons to stop that are data of the iterate alone, in the order in which they are reported.
std::optional<StopReason> reached(const Iterate& iterate, const OptimizerOptions& options) {
  if (iterate.loss <= options.loss_tolerance) return StopReason::loss_tolerance;
  if (iterate.gradient_max_norm <= options.gradient_tolerance) {
    return StopReason::gradient_tolerance;
  }
  if (options.max_iterations >= 0 && iterate.iteration >= options.max_iterations) {
    return StopReason::max_iterations;
  }
  return std::nullopt;
}

/// f as Ceres sees it. A value that is not finite makes Evaluate fail, and the line search contracts.
class CeresFunction final : public ceres::FirstOrderFunction {
 public:
  CeresFunction(const Differentiable& f, Index size) : f_(f), size_(size), scratch_(size) {}

  bool Evaluate(const double* theta, double* cost, double* gradient) const override {
    const Eigen::Map<const Vector> at(theta, size_);
    Eigen::Map<Vector> slope(gradient != nullptr ? gradient : scratch_.data(), size_);
    *cost = f_(at, slope);
    return std::isfinite(*cost) && slope.allFinite();
  }
  int NumParameters() const override { return static_cast<int>(size_); }

 private:
  const Differentiable& f_;
  Index size_;
  mutable Vector scratch_;
};

/// Passes Ceres' iterations on, numbered across restarts of the L-BFGS memory.
class CeresObserver final : public ceres::IterationCallback {
 public:
  CeresObserver(const Vector& theta, const OptimizerOptions& options,
                const isochron::IterationCallback& observe)
      : theta_(theta), options_(options), observe_(observe) {}

  ceres::CallbackReturnType operator()(const ceres::IterationSummary& summary) override {
    const bool repeated_start = summary.iteration == 0 && started_;
    if (repeated_start) return ceres::SOLVER_CONTINUE;
    best_.iteration = started_ ? best_.iteration + 1 : 0;
    started_ = true;
    best_.loss = summary.cost;
    best_.theta = theta_;
    best_.gradient_norm = summary.gradient_norm;
    best_.gradient_max_norm = summary.gradient_max_norm;
    best_.step = summary.step_norm;
    reason_ = observe_(best_);
    if (!reason_) reason_ = reached(best_, options_);
    return reason_ ? ceres::SOLVER_TERMINATE_SUCCESSFULLY : ceres::SOLVER_CONTINUE;
  }

  [[nodiscard]] const Iterate& best() const { return best_; }
  [[nodiscard]] std::optional<StopReason> reason() const { return reason_; }
  [[nodiscard]] bool started() const { return started_; }

 private:
  const Vector& theta_;
  const OptimizerOptions& options_;
  const isochron::IterationCallback& observe_;
  Iterate best_;
  std::optional<StopReason> reason_;
  bool started_ = false;
};

Minimum minimize_lbfgs(const Differentiable& f, ConstVectorRef start,
                       const OptimizerOptions& options,
                       const isochron::IterationCallback& observe) {
  Vector theta = start;
  CeresObserver observer(theta, options, observe);
  const ceres::GradientProblem problem(new CeresFunction(f, theta.size()));
  ceres::GradientProblemSolver::Options settings;
  settings.line_search_direction_type = ceres::LBFGS;
  settings.line_search_type = ceres::WOLFE;
  settings.max_lbfgs_rank = options.memory;
  settings.max_num_iterations = std::numeric_limits<int>::max();
  settings.max_num_line_search_step_size_iterations = 30;
  settings.function_tolerance = 0;
  settings.gradient_tolerance = 0;
  settings.parameter_tolerance = 0;
  settings.logging_type = ceres::SILENT;
  settings.minimizer_progress_to_stdout = false;
  settings.update_state_every_iteration = true;
  settings.callbacks.push_back(&observer);

  // Ceres gives up when a line search fails. Stale curvature is the usual cause: start again without
  // memory as long as that helps.
  long iterations_before = -1;
  while (!observer.reason() && (!observer.started() ||
                                observer.best().iteration > iterations_before)) {
    iterations_before = observer.started() ? observer.best().iteration : -1;
    ceres::GradientProblemSolver::Summary summary;
    ceres::Solve(settings, problem, theta.data(), &summary);
    if (!observer.started()) {
      throw NumericalError("the loss cannot be evaluated at the initial parameters");
    }
    theta = observer.best().theta;
  }
  return {observer.best(), observer.reason().value_or(StopReason::no_progress)};
}

/// Adam with its usual decay rates (arXiv:1412.6980, algorithm 1).
Minimum minimize_adam(const Differentiable& f, ConstVectorRef start,
                      const OptimizerOptions& options,
                      const isochron::IterationCallback& observe) {
  constexpr double beta1 = 0.9;
  constexpr double beta2 = 0.999;
  constexpr double epsilon = 1e-8;
  Vector gradient(start.size());
  Vector mean = Vector::Zero(start.size());
  Vector square = Vector::Zero(start.size());
  Iterate now;
  now.theta = start;
  Iterate best;
  for (now.iteration = 0;; ++now.iteration) {
    now.loss = f(now.theta, gradient);
    if (!std::isfinite(now.loss)) {
      if (now.iteration == 0) {
        throw NumericalError("the loss cannot be evaluated at the initial parameters");
      }
      return {best, StopReason::no_progress};
    }
    now.gradient_norm = gradient.norm();
    now.gradient_max_norm = gradient.cwiseAbs().maxCoeff();
    if (now.iteration == 0 || now.loss < best.loss) best = now;
    std::optional<StopReason> reason = observe(now);
    if (!reason) reason = reached(now, options);
    if (reason) return {best, *reason};

    const double t = static_cast<double>(now.iteration + 1);
    mean = beta1 * mean + (1 - beta1) * gradient;
    square = beta2 * square + (1 - beta2) * gradient.cwiseAbs2();
    const Vector step =
        -options.learning_rate * (mean / (1 - std::pow(beta1, t)))
                                     .cwiseQuotient(((square / (1 - std::pow(beta2, t)))
                                                         .cwiseSqrt()
                                                         .array() +
                                                     epsilon)
                                                        .matrix());
    now.theta += step;
    now.step = step.norm();
  }
}

}  // namespace

std::string describe(StopReason reason) {
  switch (reason) {
    case StopReason::gradient_tolerance: return "gradient tolerance reached";
    case StopReason::loss_tolerance: return "loss tolerance reached";
    case StopReason::no_progress: return "no further progress at this accuracy";
    case StopReason::max_iterations: return "iteration limit reached";
    case StopReason::wall_time: return "time limit reached";
    case StopReason::interrupted: return "interrupted";
  }
  return "unknown";
}

Minimum minimize(const Differentiable& f, ConstVectorRef theta, const OptimizerOptions& options,
                 const IterationCallback& observe) {
  return options.kind == OptimizerKind::lbfgs ? minimize_lbfgs(f, theta, options, observe)
                                              : minimize_adam(f, theta, options, observe);
}

}  // namespace isochron
