#include "isochron/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "isochron/error.hpp"
#include "isochron/random.hpp"

namespace isochron {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A trial force of enormous slope takes 10^5 steps; no useful one takes ten times the steps of the
/// last accepted point.
constexpr long step_budget_factor = 10;
constexpr long smallest_step_budget = 1000;

/// Below this CVODES cannot keep what is asked of it.
constexpr double tightest_tolerance = 1e-13;

/// Keeps about this many snapshots, spaced logarithmically in the iteration.
constexpr std::size_t snapshot_count = 30;

/// The latest iterate replaces the last snapshot until the iteration has grown by a fixed ratio;
/// when there are too many, every other one goes.
void record_snapshot(Snapshots& snapshots, const Iterate& iterate) {
  const double ratio = 1.25;
  auto& at = snapshots.iteration;
  const std::size_t n = at.size();
  const bool replaces = n >= 2 &&
                        static_cast<double>(at[n - 1]) < ratio * static_cast<double>(at[n - 2]) &&
                        at[n - 1] > at[n - 2];
  if (replaces) {
    at.back() = iterate.iteration;
    snapshots.theta.back() = iterate.theta;
  } else {
    at.push_back(iterate.iteration);
    snapshots.theta.push_back(iterate.theta);
  }
  if (at.size() <= snapshot_count + 10) return;
  Snapshots thinned;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (i != 0 && i % 2 == 1 && i + 1 != at.size()) continue;
    thinned.iteration.push_back(at[i]);
    thinned.theta.push_back(std::move(snapshots.theta[i]));
  }
  snapshots = std::move(thinned);
}

/// One run: turns the objective into a function of theta, keeps the books, knows the deadline.
class Trainer {
 public:
  Trainer(const Dynamics& dynamics, const Objective& objective, TrainingState from,
          const TrainingOptions& options)
      : objective_(objective),
        options_(options),
        loss_(objective.final_loss()),
        sensitivity_options_(with_stop(options)),
        sensitivity_(dynamics, sensitivity_options_),
        state_(std::move(from)),
        start_(Clock::now()) {
    if (state_.history.size() > 0) {
      earlier_iterations_ = state_.history.iteration.back();
      earlier_evaluations_ = state_.history.evaluations.back();
      earlier_time_ = state_.history.wall_time.back();
    }
  }

  TrainingResult run() {
    try {
      return minimise();
    } catch (const NumericalError&) {
      // The very first evaluation failed.
      if (asked_to_stop()) return {std::move(state_), stop_reason()};
      throw NumericalError("the loss cannot be evaluated at the initial parameters: " + failure_);
    }
  }

 private:
  TrainingResult minimise() {
    OptimizerOptions optimizer = options_.optimizer;
    for (;;) {
      const Minimum minimum = minimize(
          [this](ConstVectorRef theta, VectorRef gradient) { return evaluate(theta, gradient); },
          state_.theta, optimizer, [this](const Iterate& iterate) { return observe(iterate); });
      const bool stuck = minimum.reason == StopReason::no_progress;
      if (!stuck) return {std::move(state_), minimum.reason};
      if (asked_to_stop()) return {std::move(state_), stop_reason()};
      if (!options_.refine_tolerance || !tighten()) {
        return {std::move(state_), minimum.reason};
      }
      // The optimizer starts afresh: values at two tolerances must not meet in one line search.
      if (optimizer.max_iterations >= 0) optimizer.max_iterations -= minimum.best.iteration;
      earlier_iterations_ = state_.history.iteration.back();
    }
  }

  SensitivityOptions with_stop(const TrainingOptions& options) {
    SensitivityOptions sensitivity = options.sensitivity;
    sensitivity.integrator.stop_requested = [this] { return asked_to_stop(); };
    return sensitivity;
  }

  [[nodiscard]] bool user_stop() const {
    return options_.stop_requested && options_.stop_requested();
  }
  [[nodiscard]] bool asked_to_stop() const {
    return user_stop() || seconds_since(start_) > options_.max_time;
  }
  [[nodiscard]] StopReason stop_reason() const {
    return user_stop() ? StopReason::interrupted : StopReason::wall_time;
  }

  /// A tenth of the tolerances; false at the limit.
  bool tighten() {
    if (sensitivity_options_.integrator.rtol <= tightest_tolerance) return false;
    IntegratorOptions& integrator = sensitivity_options_.integrator;
    integrator.rtol = std::max(tightest_tolerance, integrator.rtol / 10);
    integrator.atol = std::max(tightest_tolerance, integrator.atol / 10);
    sensitivity_ = Sensitivity(sensitivity_.dynamics(), sensitivity_options_);
    return true;
  }

  /// The loss and its gradient; infinite where the integration fails.
  double evaluate(ConstVectorRef theta, VectorRef gradient) {
    ++evaluations_;
    try {
      const LossGradient result = sensitivity_.gradient(theta, objective_.ensemble(), loss_);
      gradient = result.gradient;
      state_.forward += result.forward;
      state_.backward += result.backward;
      steps_of_last_ = std::max(result.forward.steps, result.backward.steps) / result.blocks;
      return result.loss;
    } catch (const NumericalError& error) {
      failure_ = error.what();  // a trial too far: the line search steps back
    } catch (const Interrupted&) {
      // The observer ends the run.
    }
    return std::numeric_limits<double>::infinity();
  }

  std::optional<StopReason> observe(const Iterate& iterate) {
    // A continued run has its starting point in the history already.
    const bool continued_start = iterate.iteration == 0 && state_.history.size() > 0;
    if (continued_start) {
      state_.loss = iterate.loss;  // of this problem, at this tolerance
    } else {
      record(iterate);
    }
    sensitivity_.limit_steps(std::max(smallest_step_budget, step_budget_factor * steps_of_last_));
    if (options_.progress) options_.progress(state_);
    if (asked_to_stop()) return stop_reason();
    return std::nullopt;
  }

  void record(const Iterate& iterate) {
    Iterate numbered = iterate;
    numbered.iteration += earlier_iterations_;
    History& history = state_.history;
    if (history.size() == 0 || iterate.loss < state_.loss) {
      state_.theta = iterate.theta;
      state_.loss = iterate.loss;
    }
    history.iteration.push_back(numbered.iteration);
    history.loss.push_back(iterate.loss);
    history.gradient_norm.push_back(iterate.gradient_norm);
    history.step.push_back(iterate.step);
    history.evaluations.push_back(earlier_evaluations_ + evaluations_);
    history.integrator_steps.push_back(state_.forward.steps + state_.backward.steps);
    history.wall_time.push_back(earlier_time_ + seconds_since(start_));
    record_snapshot(state_.snapshots, numbered);
  }

  const Objective& objective_;
  const TrainingOptions& options_;
  FinalLoss loss_;
  SensitivityOptions sensitivity_options_;
  Sensitivity sensitivity_;
  TrainingState state_;
  Clock::time_point start_;
  long evaluations_ = 0;
  long steps_of_last_ = 0;
  std::string failure_;
  long earlier_iterations_ = 0;
  long earlier_evaluations_ = 0;
  double earlier_time_ = 0;
};

}  // namespace

TrainingResult train(const Dynamics& dynamics, const Objective& objective, ConstVectorRef theta_0,
                     const TrainingOptions& options) {
  TrainingState start;
  start.theta_initial = theta_0;
  start.theta = theta_0;
  return train(dynamics, objective, std::move(start), options);
}

TrainingResult train(const Dynamics& dynamics, const Objective& objective, TrainingState from,
                     const TrainingOptions& options) {
  return Trainer(dynamics, objective, std::move(from), options).run();
}

VerifiedLoss verify_loss(const Dynamics& dynamics, const Objective& objective, ConstVectorRef theta,
                         const IntegratorOptions& trained_with) {
  struct Check {
    Method method;
    double tolerance;
    double other_tolerance;  // a tenth, or tenfold where the method is at its limit
  };
  const bool newtonian = dynamics.motion() == Motion::newtonian;
  const Check check = trained_with.method != Method::adams ? Check{Method::adams, 1e-14, 1e-15}
                      : newtonian                          ? Check{Method::rkn12, 1e-14, 1e-13}
                                                           : Check{Method::bdf, 1e-13, 1e-14};
  const auto at_tolerance = [&](double tolerance) {
    IntegratorOptions options = trained_with;
    options.method = check.method;
    options.rtol = options.atol = tolerance;
    return Integrator(dynamics, options).integrate(theta, objective.ensemble()).states;
  };
  VerifiedLoss verified;
  verified.final_states = at_tolerance(check.tolerance);
  verified.loss = Objective::mean_square(objective.residuals(verified.final_states));
  const States other = at_tolerance(check.other_tolerance);
  verified.error = std::abs(Objective::mean_square(objective.residuals(other)) - verified.loss);
  return verified;
}

ValidationLoss validate_loss(const Dynamics& dynamics, const Objective& objective,
                             ConstVectorRef theta, const IntegratorOptions& integrator,
                             Index trajectories, std::uint64_t seed) {
  const States& seen = objective.ensemble().initial_states;
  const Objective fresh(objective.loss(), normal_states(seen.rows(), trajectories, seed),
                        objective.period());
  const States final_states =
      Integrator(dynamics, integrator).integrate(theta, fresh.ensemble()).states;
  const Vector losses = fresh.residuals(final_states).colwise().squaredNorm();
  const double radius = seen.colwise().norm().maxCoeff();

  ValidationLoss validation;
  validation.mean = losses.mean();
  double sum_inside = 0;
  long inside = 0;
  for (Index i = 0; i < losses.size(); ++i) {
    if (fresh.ensemble().initial_states.col(i).norm() > radius) continue;
    sum_inside += losses[i];
    ++inside;
  }
  validation.inside = inside == 0 ? std::numeric_limits<double>::quiet_NaN()
                                  : sum_inside / static_cast<double>(inside);
  Vector sorted = losses;
  const Index middle = sorted.size() / 2;
  std::nth_element(sorted.begin(), sorted.begin() + middle, sorted.end());
  validation.median = sorted[middle];
  return validation;
}

}  // namespace isochron
