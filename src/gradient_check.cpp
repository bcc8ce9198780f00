#include "isochron/gradient_check.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <optional>

#include "clock.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"

namespace isochron {
namespace {

constexpr double reference_tolerance = 1e-14;
constexpr double difference_tolerance = 1e-13;
constexpr double allowed_over_tolerance = 100;
constexpr double allowed_over_cotangent_error = 3;
constexpr double allowed_over_estimate = 3;  // of the error of differences

/// The gradient S^T c that a Jacobian S of the states gives with the cotangents c = dL/dy, and the
/// sizes that errors are measured by. States of all parts of the objective, one after the other.
struct Reference {
  std::string name;
  double loss = 0;
  Vector gradient;
  std::vector<States> states;
  Vector cotangents;
  double jacobian_norm = 0;
};

/// A gradient that is on trial.
struct Candidate {
  CheckedGradient row;
  Vector gradient;
  double gradient_error = 0;
  std::vector<States> states;
};

/// From initial states that are not fitted.
Objective with_known_starts(const Objective& objective) {
  if (!objective.fits_initial_states()) return objective;
  return Objective(objective.dynamics(), objective.ensemble(), objective.observations());
}

/// The parts of a sum, each without the others.
std::vector<WeightedObjective> parts_of(const Objective& objective) {
  std::vector<WeightedObjective> parts;
  if (objective.counts_trajectories()) {
    parts.push_back({1, with_known_starts(objective.without_others())});
  }
  parts.insert(parts.end(), objective.others().begin(), objective.others().end());
  return parts;
}

class Checker {
 public:
  Checker(const Objective& objective, ConstVectorRef theta, const SensitivityOptions& options,
          bool at_minimum, const CheckProgress& progress)
      : progress_(progress),
        parts_(parts_of(objective)),
        dynamics_(objective.dynamics()),
        motion_(dynamics_.motion()),
        theta_(theta),
        options_(options),
        at_minimum_(at_minimum),
        by_forward_(reference(GradientMethod::forward, Method::adams)),
        by_discrete_(reference(GradientMethod::discrete, highest_order(motion_))) {
    check_.loss = by_forward_.loss;
    check_.gradient_norm = by_forward_.gradient.norm();
    check_.terms =
        by_forward_.jacobian_norm * std::max(by_forward_.cotangents.norm(), unknown_cotangents());
    if (!std::isfinite(check_.loss + check_.gradient_norm + check_.terms)) {
      throw NumericalError(
          fmt::format("nothing can be compared: the loss is {:g} and its gradient {:g}, with terms "
                      "of {:g}; give smaller initial states, a smaller force or a shorter --period",
                      check_.loss, check_.gradient_norm, check_.terms));
    }
    check_.reference_disagreement =
        over_terms((by_forward_.gradient - by_discrete_.gradient).norm());
    check_.condition = condition();
  }

  GradientCheck run() {
    const Method one_step = eighth_order(motion_);
    const Method asked = options_.integrator.method;
    const Method multistep = is_multistep(asked) ? asked : Method::adams;
    SensitivityOptions hermite = with(GradientMethod::adjoint, multistep);
    hermite.interpolation = Interpolation::hermite;
    add(with(GradientMethod::adjoint, multistep), ", polynomial", true);
    add(hermite, ", hermite", false);
    add(with(GradientMethod::forward, multistep), "", true);
    add(with(GradientMethod::discrete, one_step), "", true);
    if (has_method_of_its_own()) {
      add(with(GradientMethod::discrete, asked), "", true);
    }
    add(with(GradientMethod::discrete, Method::rk4),
        fmt::format(", {} steps", options_.integrator.steps), asked == Method::rk4);
    add(independent(GradientMethod::difference, highest_order(motion_), difference_tolerance),
        ", rtol 1e-13", true);
    const Candidate& differences = candidates_.back();
    choose_references(differences);
    for (Candidate& candidate : candidates_) {
      if (candidate.row.failure.empty()) compare(candidate);
      check_.gradients.push_back(std::move(candidate.row));
    }
    return std::move(check_);
  }

 private:
  /// Whether a one-step method is asked for beside those that are checked anyway.
  [[nodiscard]] bool has_method_of_its_own() const {
    const Method asked = options_.integrator.method;
    return !is_multistep(asked) && asked != eighth_order(motion_) && asked != Method::rk4;
  }

  void begin(const std::string& what) const {
    const int pieces = 9 + (has_method_of_its_own() ? 1 : 0);  // see Checker and run
    if (progress_) progress_(what, ++begun_, pieces);
  }

  [[nodiscard]] SensitivityOptions with(GradientMethod gradient, Method method) const {
    SensitivityOptions options = options_;
    options.gradient = gradient;
    options.integrator.method = method;
    return options;
  }

  /// Nothing of what was asked for, which is on trial.
  [[nodiscard]] SensitivityOptions independent(GradientMethod gradient, Method method,
                                               double tolerance) const {
    SensitivityOptions options;
    options.gradient = gradient;
    options.integrator.method = method;
    options.integrator.rtol = options.integrator.atol = tolerance;
    options.integrator.max_step = options_.integrator.max_step;
    options.integrator.threads = options_.integrator.threads;
    options.integrator.stop_requested = options_.integrator.stop_requested;
    return options;
  }

  [[nodiscard]] Reference reference(GradientMethod gradient, Method method) const {
    const SensitivityOptions options = independent(gradient, method, reference_tolerance);
    Reference result;
    result.name = fmt::format("{}, {} at rtol 1e-14", name(gradient), name(method));
    begin("reference: " + result.name);
    result.gradient = Vector::Zero(theta_.size());
    for (const auto& [weight, part] : parts_) {
      StateJacobian at = ObjectiveFunction(part, options).trajectory_jacobian(theta_);
      States cotangents(at.states.rows(), at.states.cols());
      result.loss += weight * part.trajectory_loss(0, at.states, cotangents);
      result.gradient += weight * (at.jacobian.transpose() * cotangents.reshaped());
      result.jacobian_norm = std::hypot(result.jacobian_norm, at.jacobian.norm());
      result.states.push_back(std::move(at.states));
    }
    result.cotangents = cotangents_at(result.states);
    return result;
  }

  /// dL/dy at states.
  [[nodiscard]] Vector cotangents_at(const std::vector<States>& states) const {
    Vector all;
    for (std::size_t j = 0; j < parts_.size(); ++j) {
      States cotangents(states[j].rows(), states[j].cols());
      parts_[j].objective.trajectory_loss(0, states[j], cotangents);
      all.conservativeResize(all.size() + cotangents.size());
      all.tail(cotangents.size()) = parts_[j].weight * cotangents.reshaped();
    }
    return all;
  }

  /// By how much the cotangents change with states that are off by the tolerance: smaller ones are
  /// unknown.
  [[nodiscard]] double unknown_cotangents() const {
    std::vector<States> moved = by_forward_.states;
    for (std::size_t j = 0; j < parts_.size(); ++j) {
      const Ensemble& ensemble = parts_[j].objective.ensemble();
      const Eigen::ArrayXXd sizes = state_sizes(ensemble);
      for (Index i = 0; i < moved[j].cols(); ++i) {
        moved[j].col(i).array() +=
            options_.integrator.rtol * sizes.col(i / ensemble.observations());
      }
    }
    return (cotangents_at(moved) - by_forward_.cotangents).norm();
  }

  /// What relative errors of the states refer to.
  [[nodiscard]] Eigen::ArrayXXd state_sizes(const Ensemble& ensemble) const {
    const IntegratorOptions& integrator = options_.integrator;
    return ensemble.initial_states.array().abs() + std::max(1.0, integrator.atol / integrator.rtol);
  }

  /// The largest change of the gradient, over its terms, by relative errors of the initial states,
  /// over these errors.
  [[nodiscard]] double condition() const {
    begin("condition of the gradient");
    if (check_.terms == 0) return 1;  // no state depends on a parameter
    constexpr double error = 1e-8;
    constexpr unsigned directions = 3;
    Sensitivity sensitivity(dynamics_, independent(GradientMethod::discrete, highest_order(motion_),
                                                   reference_tolerance));
    double largest = 0;
    for (unsigned k = 0; k < directions; ++k) {
      Vector change = -by_discrete_.gradient;
      for (const auto& part : parts_) {
        const Objective& objective = part.objective;
        const StateLoss loss = [&](Index first, ConstStatesRef states, StatesRef cotangents) {
          return objective.trajectory_loss(first, states, cotangents);
        };
        Ensemble moved = objective.ensemble();
        moved.initial_states.array() +=
            error * state_sizes(objective.ensemble()) *
            normal_states(moved.initial_states.rows(), moved.size(), k).array();
        change += part.weight * sensitivity.gradient(theta_, moved, loss).gradient;
      }
      largest = std::max(largest, over_terms(change.norm()) / error);
    }
    return largest;
  }

  [[nodiscard]] double over_terms(double error) const {
    return error == 0 ? 0 : error / check_.terms;
  }

  void add(const SensitivityOptions& options, const std::string& variant, bool checked) {
    Candidate candidate;
    CheckedGradient& row = candidate.row;
    row.method = options.gradient;
    row.variant = name(options.integrator.method) + variant;
    row.allowed = infinity;
    begin(fmt::format("{}, {}", name(row.method), row.variant));
    try {
      for (const WeightedObjective& part : parts_) differentiate(part, options, candidate);
      if (checked) {
        row.allowed = allowance(candidate, options.integrator.rtol);
        if (!std::isfinite(row.allowed)) {
          check_.doubt =
              fmt::format("undecided: what the {} method may err by is unknown (condition {:.1e})",
                          name(row.method), check_.condition);
        }
      }
    } catch (const NumericalError& error) {
      row.failure = error.what();
    }
    candidates_.push_back(std::move(candidate));
  }

  /// Adds the part's gradient, and the time that it takes.
  void differentiate(const WeightedObjective& part, const SensitivityOptions& options,
                     Candidate& candidate) const {
    ObjectiveFunction function(part.objective, options);
    const auto evaluate = [&] { return function.trajectory_gradient(theta_); };
    // The first call also makes the solvers; differences take long and make none.
    if (options.gradient != GradientMethod::difference) static_cast<void>(evaluate());
    const auto start = Clock::now();
    LossGradient result = evaluate();
    candidate.row.seconds += seconds_since(start);
    if (candidate.gradient.size() == 0) candidate.gradient = Vector::Zero(theta_.size());
    candidate.gradient += part.weight * result.gradient;
    candidate.gradient_error += part.weight * result.gradient_error;
    candidate.states.push_back(std::move(result.states));
  }

  /// Where the two references differ by more than the differences can be wrong, the one that these
  /// are near to is right.
  void choose_references(const Candidate& differences) {
    const auto names = [&] { check_.reference = reference_->name; };
    names();
    const auto distance = [&](const Reference& reference) {
      return over_terms((differences.gradient - reference.gradient).norm());
    };
    const bool known = differences.row.failure.empty();
    const double resolved =
        known ? differences.row.allowed : allowed_over_tolerance * options_.integrator.rtol;
    if (check_.reference_disagreement <= resolved) return;
    const bool forward_holds = known && distance(by_forward_) <= resolved;
    const bool discrete_holds = known && distance(by_discrete_) <= resolved;
    if (forward_holds == discrete_holds) {
      check_.doubt = fmt::format(
          "undecided: the two references differ by {:.1e} of the terms, and the differences agree "
          "with neither",
          check_.reference_disagreement);
      return;
    }
    reference_ = reference_of_forward_ = forward_holds ? &by_forward_ : &by_discrete_;
    names();
  }

  void compare(Candidate& candidate) const {
    CheckedGradient& row = candidate.row;
    const bool is_forward = row.method == GradientMethod::forward;
    const Reference& reference = is_forward ? *reference_of_forward_ : *reference_;
    const Vector deviation = candidate.gradient - reference.gradient;
    row.worst_deviation = deviation.cwiseAbs().maxCoeff(&row.worst_component);
    row.relative_error = deviation.norm() == 0 ? 0 : deviation.norm() / reference.gradient.norm();
    row.error_of_terms = over_terms(deviation.norm());
  }

  [[nodiscard]] double allowance(const Candidate& result, double tolerance) const {
    double allowed = allowed_over_tolerance * tolerance * std::max(1.0, check_.condition);
    if (at_minimum_) {
      const Vector& exact = by_forward_.cotangents;
      const double error = (cotangents_at(result.states) - exact).norm();
      if (error > 0) allowed += allowed_over_cotangent_error * error / exact.norm();
    }
    return allowed + allowed_over_estimate * over_terms(result.gradient_error);
  }

  const CheckProgress& progress_;
  mutable int begun_ = 0;  // pieces of the work
  std::vector<WeightedObjective> parts_;
  Dynamics dynamics_;
  Motion motion_;
  ConstVectorRef theta_;
  const SensitivityOptions& options_;
  bool at_minimum_;
  Reference by_forward_;
  Reference by_discrete_;
  const Reference* reference_ = &by_forward_;
  const Reference* reference_of_forward_ = &by_discrete_;  // not by itself, as far as both hold
  std::vector<Candidate> candidates_;
  GradientCheck check_;
};

}  // namespace

bool CheckedGradient::reported_only() const { return failure.empty() && std::isinf(allowed); }

bool GradientCheck::passed() const {
  return doubt.empty() &&
         std::all_of(gradients.begin(), gradients.end(),
                     [](const CheckedGradient& gradient) { return gradient.agrees(); });
}

GradientCheck check_gradients(const Objective& objective, ConstVectorRef theta,
                              const SensitivityOptions& options, bool at_minimum,
                              const CheckProgress& progress) {
  return Checker(objective, theta, options, at_minimum, progress).run();
}

}  // namespace isochron
