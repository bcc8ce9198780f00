#include "isochron/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "clock.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double reference_tolerance = 1e-14;
constexpr double allowed_over_rtol = 100;
constexpr double allowed_over_residual_error = 3;

/// The gradient that a Jacobian gives, and the sizes that errors are measured by.
struct Reference {
  Vector gradient;
  States residuals;
  double jacobian_norm = 0;
};

class Checker {
 public:
  Checker(const Dynamics& dynamics, const Objective& objective, ConstVectorRef theta,
          const SensitivityOptions& options, bool at_minimum)
      : dynamics_(dynamics),
        objective_(objective),
        theta_(theta),
        options_(options),
        at_minimum_(at_minimum),
        by_forward_(reference(GradientMethod::forward, Method::adams)),
        by_discrete_(reference(GradientMethod::discrete, highest_order(dynamics.motion()))) {
    const auto n = static_cast<double>(objective.ensemble().size());
    check_.reference = "forward, adams at rtol 1e-14";
    check_.loss = Objective::mean_square(by_forward_.residuals);
    check_.gradient_norm = by_forward_.gradient.norm();
    check_.terms = 2 * by_forward_.jacobian_norm * by_forward_.residuals.norm() / n;
    check_.reference_disagreement =
        over_terms((by_forward_.gradient - by_discrete_.gradient).norm());
  }

  GradientCheck run() {
    const Method one_step = eighth_order(dynamics_.motion());
    const Method asked = options_.integrator.method;
    const Method multistep = is_multistep(asked) ? asked : Method::adams;
    SensitivityOptions hermite = with(GradientMethod::adjoint, multistep);
    hermite.interpolation = Interpolation::hermite;
    add(with(GradientMethod::adjoint, multistep), ", polynomial", true);
    add(hermite, ", hermite", false);
    add(with(GradientMethod::forward, multistep), "", true);
    add(with(GradientMethod::discrete, one_step), "", true);
    if (!is_multistep(asked) && asked != one_step && asked != Method::rk4) {
      add(with(GradientMethod::discrete, asked), "", true);
    }
    add(with(GradientMethod::discrete, Method::rk4),
        ", " + std::to_string(options_.integrator.steps) + " steps", asked == Method::rk4);
    add(with(GradientMethod::difference, multistep), "", true);
    return std::move(check_);
  }

 private:
  [[nodiscard]] SensitivityOptions with(GradientMethod gradient, Method method) const {
    SensitivityOptions options = options_;
    options.gradient = gradient;
    options.integrator.method = method;
    return options;
  }

  [[nodiscard]] Reference reference(GradientMethod gradient, Method method) const {
    // Nothing of what was asked for, which is on trial.
    SensitivityOptions options;
    options.gradient = gradient;
    options.integrator.method = method;
    options.integrator.rtol = options.integrator.atol = reference_tolerance;
    options.integrator.threads = options_.integrator.threads;
    options.integrator.stop_requested = options_.integrator.stop_requested;
    const FinalJacobian final =
        Sensitivity(dynamics_, options).jacobian(theta_, objective_.ensemble());
    Reference result;
    result.residuals = objective_.residuals(final.final_states);
    result.gradient = objective_.gradient(final);
    result.jacobian_norm = final.jacobian.norm();
    return result;
  }

  [[nodiscard]] double over_terms(double error) const {
    return error == 0 ? 0 : error / check_.terms;
  }

  void add(const SensitivityOptions& options, const std::string& variant, bool checked) {
    CheckedGradient row;
    row.method = options.gradient;
    row.variant = name(options.integrator.method) + variant;
    row.allowed = infinity;
    try {
      Sensitivity sensitivity(dynamics_, options);
      const FinalLoss loss = objective_.final_loss();
      const auto evaluate = [&] {
        return sensitivity.gradient(theta_, objective_.ensemble(), loss);
      };
      // The first call also makes the solvers; differences take long and make none.
      if (options.gradient != GradientMethod::difference) static_cast<void>(evaluate());
      const auto start = Clock::now();
      const LossGradient result = evaluate();
      row.seconds = seconds_since(start);
      const bool is_forward = options.gradient == GradientMethod::forward;
      compare(row, result, is_forward ? by_discrete_ : by_forward_);
      if (checked) row.allowed = allowance(result);
    } catch (const NumericalError& error) {
      row.failure = error.what();
    }
    check_.gradients.push_back(std::move(row));
  }

  void compare(CheckedGradient& row, const LossGradient& result, const Reference& reference) const {
    const Vector deviation = result.gradient - reference.gradient;
    row.worst_deviation = deviation.cwiseAbs().maxCoeff(&row.worst_component);
    row.relative_error = deviation.norm() == 0 ? 0 : deviation.norm() / reference.gradient.norm();
    row.error_of_terms = over_terms(deviation.norm());
  }

  [[nodiscard]] double allowance(const LossGradient& result) const {
    double allowed = allowed_over_rtol * options_.integrator.rtol;
    if (at_minimum_) {
      const States& exact = by_forward_.residuals;
      const double error = (objective_.residuals(result.final_states) - exact).norm();
      allowed += allowed_over_residual_error * error / exact.norm();
    }
    return allowed + over_terms(result.gradient_error);
  }

  const Dynamics& dynamics_;
  const Objective& objective_;
  ConstVectorRef theta_;
  const SensitivityOptions& options_;
  bool at_minimum_;
  Reference by_forward_;
  Reference by_discrete_;
  GradientCheck check_;
};

}  // namespace

bool CheckedGradient::reported_only() const { return failure.empty() && std::isinf(allowed); }

bool GradientCheck::passed() const {
  return std::all_of(gradients.begin(), gradients.end(),
                     [](const CheckedGradient& gradient) { return gradient.agrees(); });
}

GradientCheck check_gradients(const Dynamics& dynamics, const Objective& objective,
                              ConstVectorRef theta, const SensitivityOptions& options,
                              bool at_minimum) {
  return Checker(dynamics, objective, theta, options, at_minimum).run();
}

}  // namespace isochron
