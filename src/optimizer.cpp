#include "isochron/optimizer.hpp"

#include <LBFGS.h>

#include <cmath>
#include <exception>
#include <new>
#include <utility>

#include "floating_point.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

/// Ends LBFGSpp from inside a callback: for a reason to stop, or with what the function threw.
struct Stop {
  std::optional<StopReason> reason;
  std::exception_ptr error;
};

/// f as LBFGSpp sees it, which also learns of accepted steps (from ObservedLineSearch) and numbers
/// them across restarts.
class ObservedFunction {
 public:
  ObservedFunction(const Differentiable& f, const OptimizerOptions& options,
                   const IterationCallback& observe)
      : f_(f), options_(options), observe_(observe) {}

  double operator()(const Vector& theta, Vector& gradient) {
    const double loss = guarded([&] { return f_(theta, gradient); });
    const bool usable = std::isfinite(loss) && gradient.allFinite();
    if (std::exchange(at_start_, false)) {
      if (!usable) throw NumericalError("the loss cannot be evaluated at the initial parameters");
      if (best_.theta.size() == 0) report(theta, loss, gradient);
    }
    if (usable) return loss;
    return infinity;  // fails the sufficient decrease, so the bracket closes in
  }

  /// The next point is one to start from.
  void begin() { at_start_ = true; }

  void accept(const Vector& theta, double loss, const Vector& gradient, double step) {
    ++best_.iteration;
    best_.step = step;
    report(theta, loss, gradient);
  }

  [[nodiscard]] const Iterate& best() const { return best_; }

 private:
  template <class F>
  auto guarded(F&& call) -> decltype(call()) {
    try {
      return call();
    } catch (...) {
      throw Stop{std::nullopt, std::current_exception()};
    }
  }

  void report(const Vector& theta, double loss, const Vector& gradient) {
    best_.loss = loss;
    best_.theta = theta;
    best_.gradient_norm = gradient.norm();
    best_.gradient_max_norm = gradient.cwiseAbs().maxCoeff();
    std::optional<StopReason> reason;
    if (observe_) reason = guarded([&] { return observe_(best_); });
    if (!reason) reason = reached(best_, options_);
    if (reason) throw Stop{reason, nullptr};
  }

  const Differentiable& f_;
  const OptimizerOptions& options_;
  const IterationCallback& observe_;
  Iterate best_;
  bool at_start_ = false;
};

/// LBFGSpp's bracketing line search; it alone knows which points are accepted.
template <class Scalar>
struct ObservedLineSearch {
  static void LineSearch(ObservedFunction& f, Scalar& fx, Vector& x, Vector& gradient, Scalar& step,
                         const Vector& direction, const Vector& from,
                         const LBFGSpp::LBFGSParam<Scalar>& parameters) {
    LBFGSpp::LineSearchBracketing<Scalar>::LineSearch(f, fx, x, gradient, step, direction, from,
                                                      parameters);
    f.accept(x, fx, gradient, (x - from).norm());
  }
};

LBFGSpp::LBFGSParam<double> lbfgs_parameters(const OptimizerOptions& options) {
  LBFGSpp::LBFGSParam<double> parameters;
  parameters.m = options.memory;
  parameters.epsilon = 0;  // all tests for stopping are in reached()
  parameters.epsilon_rel = 0;
  parameters.max_iterations = 0;
  parameters.linesearch = LBFGSpp::LBFGS_LINESEARCH_BACKTRACKING_STRONG_WOLFE;
  parameters.max_linesearch = 40;
  return parameters;
}

}  // namespace

Minimum minimize_lbfgs(const Differentiable& f, ConstVectorRef start,
                       const OptimizerOptions& options, const IterationCallback& observe) {
  ObservedFunction function(f, options, observe);
  const auto parameters = lbfgs_parameters(options);  // the solver refers to it
  Vector theta = start;
  for (long iterations_before = -1; function.best().iteration > iterations_before;) {
    const bool first = iterations_before < 0;
    iterations_before = function.best().iteration;  // NOLINT(clang-analyzer-deadcode.DeadStores)
    function.begin();
    try {
      LBFGSpp::LBFGSSolver<double, ObservedLineSearch> solver(parameters);
      double loss = 0;
      solver.minimize(function, theta, loss);
      break;  // a gradient of exactly zero
    } catch (const Stop& stop) {
      if (stop.error) std::rethrow_exception(stop.error);
      return {function.best(), *stop.reason};
    } catch (const NumericalError&) {
      // What could be evaluated once need not be so again: steps depend on what was before.
      if (first) throw;
      break;
    } catch (const std::bad_alloc&) {
      throw;  // not by the line search
    } catch (const std::exception&) {
      // A failed line search. Stale curvature is the usual cause: start again without memory, as
      // long as that helps.
      theta = function.best().theta;
    }
  }
  return {function.best(), StopReason::no_progress};
}

// With the usual decay rates (arXiv:1412.6980, algorithm 1).
Minimum minimize_adam(const Differentiable& f, ConstVectorRef start,
                      const OptimizerOptions& options, const IterationCallback& observe) {
  constexpr double beta1 = 0.9;
  constexpr double beta2 = 0.999;
  constexpr double eps = 1e-8;
  constexpr int most_halvings = 30;
  Vector gradient(start.size());
  Vector step = Vector::Zero(start.size());
  Vector mean = Vector::Zero(start.size());
  Vector square = Vector::Zero(start.size());
  Iterate now;
  now.theta = start;
  Iterate best;
  for (now.iteration = 0;; ++now.iteration) {
    now.loss = f(now.theta, gradient);
    // A step too far: half of it.
    for (int k = 0; !std::isfinite(now.loss) || !gradient.allFinite(); ++k) {
      if (now.iteration == 0) {
        throw NumericalError("the loss cannot be evaluated at the initial parameters");
      }
      if (k == most_halvings) return {best, StopReason::no_progress};
      step /= 2;
      now.theta -= step;
      now.loss = f(now.theta, gradient);
    }
    now.step = step.norm();
    now.gradient_norm = gradient.norm();
    now.gradient_max_norm = gradient.cwiseAbs().maxCoeff();
    if (now.iteration == 0 || now.loss < best.loss) best = now;
    std::optional<StopReason> reason = observe ? observe(now) : std::nullopt;
    if (!reason) reason = reached(now, options);
    if (reason) return {best, *reason};

    const double t = static_cast<double>(now.iteration + 1);
    mean = beta1 * mean + (1 - beta1) * gradient;
    square = beta2 * square + (1 - beta2) * gradient.cwiseAbs2();
    step = -options.learning_rate *
           (mean / (1 - std::pow(beta1, t)))
               .cwiseQuotient(
                   ((square / (1 - std::pow(beta2, t))).cwiseSqrt().array() + eps).matrix());
    now.theta += step;
  }
}

std::optional<StopReason> reached(const Iterate& iterate, const OptimizerOptions& options) {
  if (options.loss_tolerance > 0 && iterate.loss <= options.loss_tolerance) {
    return StopReason::loss_tolerance;
  }
  if (options.gradient_tolerance > 0 && iterate.gradient_max_norm <= options.gradient_tolerance) {
    return StopReason::gradient_tolerance;
  }
  if (options.max_iterations >= 0 && iterate.iteration >= options.max_iterations) {
    return StopReason::max_iterations;
  }
  return std::nullopt;
}

std::string describe(StopReason reason) {
  switch (reason) {
    case StopReason::gradient_tolerance: return "gradient tolerance reached";
    case StopReason::loss_tolerance: return "loss tolerance reached";
    case StopReason::little_progress: return "little progress left";
    case StopReason::stationary: return "stationary point reached";
    case StopReason::no_progress: return "no further progress at this accuracy";
    case StopReason::integration_floor: return "residual at the integration floor";
    case StopReason::max_iterations: return "iteration limit reached";
    case StopReason::wall_time: return "time limit reached";
    case StopReason::interrupted: return "interrupted";
  }
  return "unknown";
}

}  // namespace isochron
