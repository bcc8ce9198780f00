#include "isochron/training.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "clock.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/least_squares.hpp"
#include "isochron/random.hpp"
#include "isochron/stoppable_force.hpp"
#include "leaf_task.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// A trial force of enormous slope takes 10^5 steps; no useful one takes ten times the steps of the
/// last accepted point.
constexpr long step_budget_factor = 10;
constexpr long smallest_step_budget = 1000;

/// Below this CVODES cannot keep what is asked of it.
constexpr double tightest_of_cvodes = 1e-13;

// Least squares needs the residuals to about a hundredth of their size.
constexpr double tolerance_over_residual = 1e-2;
constexpr double loosest_tolerance = 1e-6;
constexpr double tightest_tolerance = 1e-14;
/// From here down rkn12 takes less time than rkn8.
constexpr double tolerance_of_rkn12 = 1e-9;

// L-BFGS hands over to least squares when the loss is this part of mean ||X(0)||^2: close enough
// for Levenberg-Marquardt to converge from every seed tried, while from a random start it ends in
// local minima of the periodic loss. Or when so many iterations have not halved the loss. (Held
// forces alone are measured by their own mean square.)
constexpr double handover_loss = 5e-3;
constexpr long slow_iterations = 50;

/// The states' errors that make residuals of 1, at least: of data their smallest standard error.
double unit_of_residuals(const Objective& objective) {
  const States& weight = objective.observations().weight;
  double unit = weight.size() == 0 ? 1 : 1 / std::sqrt(weight.maxCoeff());
  for (const WeightedObjective& part : objective.others()) {
    unit = std::min(unit, unit_of_residuals(part.objective) / std::sqrt(part.weight));
  }
  return unit;
}

/// A tolerance for residuals of this loss, in half decades: solvers are made anew for each.
double tolerance_for(double loss, double unit) {
  const double wanted = tolerance_over_residual * std::sqrt(loss) * unit;
  const double rounded = std::pow(10, std::floor(2 * std::log10(wanted)) / 2);
  return std::clamp(rounded, tightest_tolerance, loosest_tolerance);
}

States states_by(const Objective& objective, ConstVectorRef theta, IntegratorOptions options,
                 Method method, double tolerance) {
  options.method = method;
  options.rtol = options.atol = tolerance;
  return Integrator(objective.dynamics(), options).integrate(theta, objective.ensemble()).states;
}

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

/// How a loss is checked: by another method, at a tolerance and at a tenth of it, or at tenfold
/// where the method is at its limit.
struct Check {
  Method method;
  double tolerance;
  double other_tolerance;
};

/// Whether adams needs far more steps than any problem that is not stiff.
bool is_stiff(const Objective& objective, ConstVectorRef theta, IntegratorOptions options) {
  constexpr long many_steps = 20000;
  options.method = Method::adams;
  options.rtol = options.atol = tightest_tolerance;
  options.max_steps = std::min(options.max_steps, many_steps);
  try {
    static_cast<void>(
        Integrator(objective.dynamics(), options).integrate(theta, objective.ensemble()));
    return false;
  } catch (const NumericalError&) {
    return true;
  }
}

/// Stiff problems have no other method than bdf.
Check check_for(const Objective& objective, ConstVectorRef theta,
                const IntegratorOptions& trained_with) {
  const bool newtonian = objective.dynamics().motion() == Motion::newtonian;
  const Check by_bdf{Method::bdf, tightest_of_cvodes, tightest_of_cvodes / 10};
  if (trained_with.method == Method::adams) {
    return newtonian ? Check{Method::rkn12, 1e-14, 1e-13} : by_bdf;
  }
  const bool stiff = trained_with.method == Method::bdf && is_stiff(objective, theta, trained_with);
  return stiff ? by_bdf : Check{Method::adams, 1e-14, 1e-15};
}

/// The integration floor of the objective's own trajectories at theta, as `trained_with` integrated
/// them.
double own_floor_of(const Objective& objective, ConstVectorRef theta,
                    const IntegratorOptions& trained_with) {
  Check check = check_for(objective, theta, trained_with);
  if (trained_with.method == Method::adams) {  // also for first-order motion more exact than bdf
    check = {highest_order(objective.dynamics().motion()), tightest_tolerance, tightest_tolerance};
  }
  const States trained =
      states_by(objective, theta, trained_with, trained_with.method, trained_with.rtol);
  const States exact = states_by(objective, theta, trained_with, check.method, check.tolerance);
  if (!objective.has_residuals()) {
    return std::abs(objective.trajectory_loss(trained) - objective.trajectory_loss(exact));
  }
  return (objective.residuals(trained) - objective.residuals(exact)).squaredNorm();
}

double floor_of(const Objective& objective, ConstVectorRef theta,
                const IntegratorOptions& trained_with) {
  double floor = objective.counts_trajectories() ? own_floor_of(objective, theta, trained_with) : 0;
  for (const WeightedObjective& part : objective.others()) {
    floor += part.weight * own_floor_of(part.objective, theta, trained_with);
  }
  return floor;
}

/// One run: its phases, their limits, and the history.
class Trainer {
 public:
  Trainer(const Objective& objective, TrainingState from, const TrainingOptions& options)
      : objective_(objective),
        options_(options),
        auto_tolerance_(options.tolerance_follows() && integrates()),
        state_(std::move(from)),
        start_(Clock::now()) {
    require_residuals();
    if (objective_.fits_initial_states() && state_.initial_states.size() == 0) {
      state_.initial_states = objective_.ensemble().initial_states;
    }
    if (state_.history.size() > 0) {
      earlier_iterations_ = state_.history.iteration.back();
      earlier_evaluations_ = state_.history.evaluations.back();
      earlier_time_ = state_.history.wall_time.back();
    }
  }

  TrainingResult run() {
    try {
      check_own_loss();
      const StopReason reason = minimise();
      return result(reason, integrator());
    } catch (const NumericalError&) {
      // The first evaluation of a phase failed.
      if (asked_to_stop()) return result(stop_reason(), integrator());
      if (observed_with_) return result(StopReason::no_progress, *observed_with_);
      throw NumericalError("the loss cannot be evaluated at the initial parameters: " + failure_);
    }
  }

 private:
  TrainingResult result(StopReason reason, IntegratorOptions integrator) {
    update_counts();
    return {std::move(state_), reason, std::move(integrator)};
  }

  StopReason minimise() {
    const OptimizerKind kind = options_.kind;
    if (kind == OptimizerKind::least_squares) return fit();
    const StopReason reason = descend();
    const bool fits_now =
        kind == OptimizerKind::lbfgs_least_squares && reason == StopReason::no_progress;
    return fits_now ? fit() : reason;
  }

  /// L-BFGS or Adam.
  StopReason descend() {
    const bool first_phase = options_.kind == OptimizerKind::lbfgs_least_squares;
    SensitivityOptions sensitivity = options_.sensitivity;
    if (first_phase && auto_tolerance_) set_tolerance(sensitivity, loosest_tolerance);
    use(sensitivity);
    may_tighten_ = auto_tolerance_ && !first_phase;
    const auto minimize = options_.kind == OptimizerKind::adam ? minimize_adam : minimize_lbfgs;
    return repeat([&](const OptimizerOptions& optimizer) {
      return minimize(
          [this](ConstVectorRef theta, VectorRef gradient) { return evaluate(theta, gradient); },
          unknowns(), optimizer,
          [&](const Iterate& iterate) {
            auto reason = observe(iterate);
            hand_over_ = first_phase && !reason && is_slow();
            return hand_over_ ? StopReason::no_progress : reason;
          });
    });
  }

  /// Least squares.
  StopReason fit() {
    hand_over_ = false;
    fitting_ = true;
    may_tighten_ = auto_tolerance_;
    const std::vector<double>& losses = state_.history.loss;
    use(jacobian_options(tolerance_of(losses.empty() ? 1 : losses.back())));
    const auto observer = [this](const Iterate& iterate) {
      auto reason = observe(iterate);
      if (!reason && has_absorbed_errors(iterate)) reason = StopReason::integration_floor;
      return reason;
    };
    return repeat([&](const OptimizerOptions& optimizer) {
      if (function_->needs_leaves() || can_hold_leaves(optimizer)) {
        return minimize_least_squares(residuals_in_leaves(), unknowns(), optimizer, observer);
      }
      return minimize_least_squares(
          [this](ConstVectorRef theta, Vector& residuals, GroupedJacobian* jacobian) {
            return evaluate(theta, residuals, jacobian);
          },
          unknowns(), optimizer, observer);
    });
  }

  /// Whether each rank can hold the leaves that it is to find directions in.
  [[nodiscard]] bool can_hold_leaves(const OptimizerOptions& optimizer) const {
    return function_->can_hold_leaves() && !objective_.fits_initial_states() &&
           optimizer.ridge.size() == 0 && !optimizer.scale_parameters;
  }

  ResidualsInLeaves residuals_in_leaves() {
    ResidualsInLeaves residuals;
    residuals.leaves = function_->leaves();
    residuals.parameters = objective_.dynamics().parameters();
    residuals.grouped = objective_.fits_initial_states();
    residuals.values = [this](ConstVectorRef theta, Vector& r) {
      return evaluate(theta, r, nullptr);
    };
    residuals.reduce = [this](ConstVectorRef theta, Vector* r, const LeafTask& task,
                              LeafResult& result) { return evaluate(theta, r, task, result); };
    residuals.are_held = !function_->needs_leaves();
    return residuals;
  }

  /// Minimises again with tighter tolerances for as long as that is allowed and there is no more
  /// progress. The optimizer starts afresh: values at two tolerances must not be compared.
  template <class Minimise>
  StopReason repeat(const Minimise& minimise) {
    for (;;) {
      OptimizerOptions optimizer = options_.optimizer;
      optimizer.stop_requested = [this] { return asked_to_stop(); };
      if (optimizer.max_iterations >= 0) optimizer.max_iterations -= iterations_done_;
      const Minimum minimum = minimise(optimizer);
      earlier_iterations_ = state_.history.iteration.back();
      if (minimum.reason == StopReason::interrupted) return stop_reason();
      if (hand_over_ || minimum.reason != StopReason::no_progress) return minimum.reason;
      if (asked_to_stop()) return stop_reason();
      if (may_tighten_ && tighten()) continue;
      const bool least_squares_follow =
          options_.kind == OptimizerKind::lbfgs_least_squares && !fitting_;
      if (least_squares_follow) return minimum.reason;
      return state_.loss <= 10 * floor_at(unknowns()) ? StopReason::integration_floor
                                                      : minimum.reason;
    }
  }

  /// Whether L-BFGS has done its part.
  [[nodiscard]] bool is_slow() const {
    const double scale = objective_.scale();
    const double large = scale > 0 ? scale : state_.history.loss.front();
    if (state_.loss <= handover_loss * large) return true;
    const auto n = static_cast<long>(state_.history.size());
    return n > slow_iterations &&
           state_.loss >
               0.5 * state_.history.loss[static_cast<std::size_t>(n - 1 - slow_iterations)];
  }

  /// Whether trajectories count, whichever.
  [[nodiscard]] bool integrates() const {
    return objective_.counts_trajectories() || !objective_.others().empty();
  }

  /// Looks when the loss has fallen tenfold and the tolerance can follow it no more.
  bool has_absorbed_errors(const Iterate& iterate) {
    const IntegratorOptions& integrator = function_->options().integrator;
    const bool tolerance_follows = auto_tolerance_ && integrator.rtol > tightest_tolerance;
    if (tolerance_follows || iterate.loss > 0.1 * floor_known_at_) return false;
    floor_known_at_ = iterate.loss;
    return iterate.loss <= floor_at(iterate.theta);
  }

  /// The integration floor; 0 where it cannot be had.
  double floor_at(const Vector& unknowns) {
    double floor = 0;
    if (!integrates()) return floor;
    IntegratorOptions within_time = integrator();
    within_time.stop_requested = [this] { return asked_to_stop(); };
    TrainingState there;
    take(unknowns, there);
    try_to([&] { floor = floor_of(objective_at(objective_, there), there.theta, within_time); });
    return floor;
  }

  /// The integrator options of the current phase, without this run's stop callback and step limit.
  [[nodiscard]] IntegratorOptions integrator() const {
    const IntegratorOptions& asked = options_.sensitivity.integrator;
    if (!function_) return asked;
    IntegratorOptions integrator = function_->options().integrator;
    integrator.stop_requested = asked.stop_requested;
    integrator.max_steps = asked.max_steps;
    return integrator;
  }

  static void set_tolerance(SensitivityOptions& sensitivity, double tolerance) {
    sensitivity.integrator.rtol = sensitivity.integrator.atol = tolerance;
  }

  [[nodiscard]] SensitivityOptions jacobian_options(double tolerance) const {
    SensitivityOptions jacobian = options_.jacobian.value_or(options_.sensitivity);
    if (auto_tolerance_) set_tolerance(jacobian, tolerance);
    if (options_.jacobian) return jacobian;
    const bool alone = options_.kind == OptimizerKind::least_squares;
    if (alone && jacobian.integrator.method == Method::bdf) {  // a stiff problem
      jacobian.gradient = GradientMethod::forward;
      if (auto_tolerance_) set_tolerance(jacobian, std::max(tolerance, tightest_of_cvodes));
      return jacobian;
    }
    const Motion motion = objective_.dynamics().motion();
    const bool tight = jacobian.integrator.rtol < tolerance_of_rkn12;
    jacobian.gradient = GradientMethod::discrete;
    jacobian.integrator.method = tight ? highest_order(motion) : eighth_order(motion);
    jacobian.freeze_steps = true;
    return jacobian;
  }

  void use(SensitivityOptions sensitivity) {
    sensitivity.integrator.stop_requested = [this] { return asked_to_stop(); };
    update_counts();
    earlier_forward_ = state_.forward;
    earlier_backward_ = state_.backward;
    function_.emplace(objective_, std::move(sensitivity));
  }

  [[nodiscard]] bool user_stop() const {
    return options_.stop_requested && options_.stop_requested();
  }
  [[nodiscard]] bool asked_to_stop() const {
    return user_stop() || roughly_seconds_since(start_) > options_.max_time;
  }
  [[nodiscard]] StopReason stop_reason() const {
    return user_stop() ? StopReason::interrupted : StopReason::wall_time;
  }

  /// A tenth of the tolerances; false at the limit.
  bool tighten() {
    SensitivityOptions sensitivity = function_->options();
    IntegratorOptions& integrator = sensitivity.integrator;
    const double limit = is_multistep(integrator.method) ? tightest_of_cvodes : tightest_tolerance;
    if (integrator.rtol <= limit) return false;
    integrator.rtol = std::max(limit, integrator.rtol / 10);
    integrator.atol = std::max(limit, integrator.atol / 10);
    use(fitting_ ? jacobian_options(integrator.rtol) : std::move(sensitivity));
    return true;
  }

  [[nodiscard]] double tolerance_of(double loss) const {
    return tolerance_for(loss, unit_of_residuals(objective_));
  }

  /// Makes residuals of this loss accurate enough, and never less accurate than before.
  void follow(double loss) {
    const double tolerance = tolerance_of(loss);
    if (!auto_tolerance_ || tolerance >= function_->options().integrator.rtol) return;
    use(jacobian_options(tolerance));
  }

  /// The loss and its gradient; infinite where the integration fails.
  double evaluate(ConstVectorRef theta, VectorRef gradient) {
    double loss = infinity;
    ++evaluations_;
    try_to([&] { loss = function_->value(theta, gradient); });
    return loss;
  }

  /// All residuals and their Jacobian; false where the integration fails.
  bool evaluate(ConstVectorRef theta, Vector& residuals, GroupedJacobian* jacobian) {
    ++evaluations_;
    return try_to([&] {
      if (jacobian != nullptr) follow(trial_loss_);
      function_->residuals(theta, residuals, jacobian);
      if (jacobian == nullptr) trial_loss_ = residuals.squaredNorm();
    });
  }

  /// The same by a task in all leaves, or in those of a point where they have been before.
  bool evaluate(ConstVectorRef theta, Vector* residuals, const LeafTask& task, LeafResult& result) {
    if (residuals != nullptr || !task.is_held) ++evaluations_;
    return try_to([&] {
      if (residuals != nullptr) follow(trial_loss_);
      function_->reduce_residuals(theta, residuals, task, result);
    });
  }

  void require_residuals() const {
    const bool needed = fits_residuals(options_.kind) || auto_tolerance_;
    require(objective_.has_residuals() || !needed,
            "the loss is a number for each trajectory, which {} cannot use; give "
            "TrajectoryResiduals, or the optimizer lbfgs or adam with auto_tolerance = false",
            fits_residuals(options_.kind) ? fmt::format("the optimizer {}", name(options_.kind))
                                          : "a tolerance that follows the loss");
  }

  /// Of the first trajectories, beside where they pass.
  void check_own_loss() const {
    if (objective_.loss() != Loss::own || state_.history.size() > 0) return;
    constexpr Index most = 3;
    constexpr double beside = 1e-3;
    Ensemble first = objective_.ensemble();
    const Index count = std::min(most, first.size());
    first.initial_states.conservativeResize(Eigen::NoChange, count);
    first.end_times.conservativeResize(count);
    if (first.observations() > 1) first.earlier_times.conservativeResize(Eigen::NoChange, count);
    IntegratorOptions integrator = options_.sensitivity.integrator;
    integrator.stop_requested = [this] { return asked_to_stop(); };
    States states;
    try {
      states = Integrator(objective_.dynamics(), integrator).integrate(state_.theta, first).states;
    } catch (const NumericalError&) {
      return;  // which the first evaluation reports
    } catch (const Interrupted&) {
      return;
    }
    states += beside * normal_states(states.rows(), states.cols(), 0);
    check_loss(objective_, states);
  }

  /// False where the integration fails: a trial too far, or the end of the run, which the observer
  /// sees to.
  template <class F>
  bool try_to(const F& integrate) {
    try {
      integrate();
      return true;
    } catch (const NumericalError& error) {
      failure_ = error.what();
    } catch (const Interrupted&) {
    }
    return false;
  }

  /// What the solvers have done: in the phases before, and in the current one.
  void update_counts() {
    if (!function_) return;
    state_.forward = earlier_forward_;
    state_.backward = earlier_backward_;
    state_.forward += function_->forward();
    state_.backward += function_->backward();
  }

  std::optional<StopReason> observe(const Iterate& iterate) {
    update_counts();
    // A continued run has its starting point in the history already.
    const bool continued_start = iterate.iteration == 0 && state_.history.size() > 0;
    if (continued_start) {
      state_.loss = iterate.loss;  // of this problem, at this tolerance
    } else {
      record(iterate);
    }
    iterations_done_ += iterate.iteration > 0 ? 1 : 0;
    observed_with_ = integrator();
    function_->limit_steps(
        std::max(smallest_step_budget, step_budget_factor * function_->steps_of_last()));
    if (options_.progress) {
      const auto before = Clock::now();
      options_.progress(state_);
      reporting_ += seconds_since(before);
    }
    if (asked_to_stop()) return stop_reason();
    return std::nullopt;
  }

  void record(const Iterate& iterate) {
    Iterate numbered = iterate;
    numbered.iteration += earlier_iterations_;
    History& history = state_.history;
    if (history.size() == 0 || iterate.loss < state_.loss) {
      take(iterate.theta, state_);
      state_.loss = iterate.loss;
    }
    history.iteration.push_back(numbered.iteration);
    history.loss.push_back(iterate.loss);
    history.gradient_norm.push_back(iterate.gradient_norm);
    history.step.push_back(iterate.step);
    history.evaluations.push_back(earlier_evaluations_ + evaluations_);
    history.integrator_steps.push_back(state_.forward.steps + state_.backward.steps);
    history.wall_time.push_back(earlier_time_ + seconds_since(start_) - reporting_);
    if (history.optimizer.size() + 1 == history.size()) {
      history.optimizer.push_back(static_cast<long>(optimizer()));
    }
    numbered.theta.conservativeResize(objective_.dynamics().parameters());
    record_snapshot(state_.snapshots, numbered);
  }

  /// That is at work.
  [[nodiscard]] OptimizerKind optimizer() const {
    if (fitting_) return OptimizerKind::least_squares;
    return options_.kind == OptimizerKind::adam ? OptimizerKind::adam : OptimizerKind::lbfgs;
  }

  /// What the optimizer sees: theta, and the initial states where they are fitted.
  [[nodiscard]] Vector unknowns() const {
    Vector all(objective_.unknowns());
    all.head(state_.theta.size()) = state_.theta;
    if (objective_.fits_initial_states()) {
      all.tail(state_.initial_states.size()) = state_.initial_states.reshaped();
    }
    return all;
  }
  void take(const Vector& unknowns, TrainingState& state) const {
    state.theta = unknowns.head(objective_.dynamics().parameters());
    if (!objective_.fits_initial_states()) return;
    const States& shape = objective_.ensemble().initial_states;
    state.initial_states = unknowns.tail(shape.size()).reshaped(shape.rows(), shape.cols());
  }

  const Objective& objective_;
  const TrainingOptions& options_;
  bool auto_tolerance_;                        // tolerances follow the loss
  std::optional<ObjectiveFunction> function_;  // of the current phase
  TrainingState state_;
  std::optional<IntegratorOptions> observed_with_;  // the last iterate
  Clock::time_point start_;
  double reporting_ = 0;  // s spent in options_.progress
  long evaluations_ = 0;
  long iterations_done_ = 0;
  double trial_loss_ = infinity;
  double floor_known_at_ = infinity;
  bool hand_over_ = false;    // L-BFGS has done its part
  bool fitting_ = false;      // by least squares
  bool may_tighten_ = false;  // tolerances, in this phase
  std::string failure_;
  IntegrationCounts earlier_forward_;  // of the phases before
  IntegrationCounts earlier_backward_;
  long earlier_iterations_ = 0;
  long earlier_evaluations_ = 0;
  double earlier_time_ = 0;
};

}  // namespace

const char* name(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::lbfgs: return "lbfgs";
    case OptimizerKind::least_squares: return "least-squares";
    case OptimizerKind::lbfgs_least_squares: return "lbfgs+least-squares";
    case OptimizerKind::adam: return "adam";
  }
  return "";
}

Objective objective_at(const Objective& objective, const TrainingState& state) {
  const bool fitted = objective.fits_initial_states() && state.initial_states.size() > 0;
  return fitted ? objective.starting_at(state.initial_states) : objective;
}

bool TrainingOptions::tolerance_follows() const {
  const IntegratorOptions& asked = sensitivity.integrator;
  const IntegratorOptions standard;
  const bool as_default = asked.rtol == standard.rtol && asked.atol == standard.atol;
  return auto_tolerance.value_or(fits_residuals(kind) && as_default);
}

TrainingResult train(const Objective& objective, ConstVectorRef theta_0,
                     const TrainingOptions& options) {
  TrainingState start;
  start.theta_initial = theta_0;
  start.theta = theta_0;
  return train(objective, std::move(start), options);
}

TrainingResult train(const Objective& objective, TrainingState from,
                     const TrainingOptions& options) {
  return Trainer(objective, std::move(from), options).run();
}

// ------------------------------------------------------------------------ what the training is
// worth

namespace {

Objective stopping(const Objective& objective, const std::function<bool()>& stop_requested) {
  if (!stop_requested) return objective;
  return objective.with(stoppable_force(objective.dynamics().shared_field(), stop_requested));
}

/// The integrator of a training, with the caller's way to stop it.
IntegratorOptions stopping(IntegratorOptions integrator,
                           const std::function<bool()>& stop_requested) {
  if (stop_requested) integrator.stop_requested = stop_requested;
  return integrator;
}

}  // namespace

VerifiedLoss verify_loss(const Objective& asked, const TrainingResult& result,
                         const std::function<bool()>& stop_requested) {
  const Objective objective = stopping(objective_at(asked, result.state), stop_requested);
  const IntegratorOptions trained_with = stopping(result.integrator, stop_requested);
  const Vector& theta = result.state.theta;
  const Check check = check_for(objective, theta, trained_with);
  const auto at_tolerance = [&](double tolerance) {
    return states_by(objective, theta, trained_with, check.method, tolerance);
  };
  VerifiedLoss verified;
  verified.states = at_tolerance(check.tolerance);
  verified.of_trajectories = objective.trajectory_loss(verified.states);
  verified.loss = objective.total(verified.states, theta);
  double loss = objective.total(at_tolerance(check.other_tolerance), theta);
  for (const WeightedObjective& part : objective.others()) {
    const auto loss_at = [&](double tolerance) {
      return part.objective.trajectory_loss(
          states_by(part.objective, theta, trained_with, check.method, tolerance));
    };
    verified.of_others.push_back(loss_at(check.tolerance));
    verified.loss += part.weight * verified.of_others.back();
    loss += part.weight * loss_at(check.other_tolerance);
  }
  verified.error = std::abs(loss - verified.loss);
  return verified;
}

double integration_floor(const Objective& objective, const TrainingResult& result,
                         const std::function<bool()>& stop_requested) {
  return floor_of(stopping(objective_at(objective, result.state), stop_requested),
                  result.state.theta, stopping(result.integrator, stop_requested));
}

ValidationLoss validate_loss(const Objective& asked, const TrainingResult& result,
                             Index trajectories, std::uint64_t seed,
                             const std::function<bool()>& stop_requested) {
  require(asks_for_closed_orbits(asked.loss()) && !prescribes_periods(asked.loss()),
          "the loss {} belongs to its own trajectories: it asks nothing of unseen ones",
          name(asked.loss()));
  const Objective objective = stopping(asked, stop_requested);
  const States& seen = objective.ensemble().initial_states;
  const Objective unseen(objective.dynamics(), objective.loss(),
                         normal_states(seen.rows(), trajectories, seed), objective.period());
  const States states =
      Integrator(objective.dynamics(), stopping(result.integrator, stop_requested))
          .integrate(result.state.theta, unseen.ensemble())
          .states;
  const Vector losses = unseen.deviations(states).colwise().squaredNorm();
  const double radius = seen.colwise().norm().maxCoeff();

  ValidationLoss validation;
  validation.mean = losses.mean();
  double sum_inside = 0;
  long inside = 0;
  for (Index i = 0; i < losses.size(); ++i) {
    if (unseen.ensemble().initial_states.col(i).norm() > radius) continue;
    sum_inside += losses[i];
    ++inside;
  }
  validation.inside = inside == 0 ? not_a_number : sum_inside / static_cast<double>(inside);
  Vector sorted = losses;
  const Index middle = sorted.size() / 2;
  std::nth_element(sorted.begin(), sorted.begin() + middle, sorted.end());
  validation.median = sorted[middle];
  return validation;
}

}  // namespace isochron
