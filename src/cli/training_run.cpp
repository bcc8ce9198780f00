#include "cli/training_run.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "cli/progress.hpp"
#include "cli/run_report.hpp"
#include "cli/signals.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "memory.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// One `isochron train`.
class Training {
 public:
  explicit Training(TrainingSetup setup)
      : setup_(std::move(setup)),
        progress_(setup_.quiet, setup_.training.max_time,
                  setup_.training.optimizer.max_iterations) {}

  int execute(const std::optional<Run>& resumed) {
    training_memory(objective_, setup_.training).require(available_memory());
    catch_signals();
    setup_.training.progress = [this](const TrainingState& state) {
      progress_.report(state);
      checkpoint(state);
    };
    const TrainingResult result = resumed ? continue_run(*resumed) : train_restarts();
    progress_.finish(result.state);
    return signalled() ? stop_early(result) : conclude(result);
  }

 private:
  TrainingResult continue_run(const Run& stored) {
    setup_.run.restarts = stored.restarts;
    setup_.run.weight_seed = stored.weight_seed;
    setup_.run.restarts_time = stored.restarts_time;
    TrainingState state = stored.state;
    if (state.theta_initial.size() == 0) state.theta_initial = state.theta;
    progress_.say("resuming at iteration {}; the memory of the optimizer starts afresh",
                  iterations_done(state.history));
    if (setup_.fit) return fit(std::move(state));
    return isochron::train(objective_, std::move(state), setup_.training);
  }

  [[nodiscard]] TrainingState fresh_state() const {
    TrainingState state;
    state.theta_initial = state.theta =
        initial_parameters(objective_, setup_.weight_seed, setup_.output_scale);
    return state;
  }

  /// To observations.
  TrainingResult fit(TrainingState from) {
    setup_.fit->training.progress = setup_.training.progress;
    fit_ = fit_observations(objective_, std::move(from), *setup_.fit);
    return fit_->training;
  }

  /// Whether there is time for another weight seed.
  [[nodiscard]] bool may_go_on(Clock::time_point start) const {
    return !signalled() && seconds_since(start) < setup_.training.max_time;
  }

  /// K weight seeds share half the time equally; the best goes on with what is left.
  TrainingResult train_restarts() {
    if (setup_.fit) return fit(fresh_state());
    if (setup_.period_multiple > 0) return train_multiple();
    if (setup_.restarts == 1) return train_seed(setup_.weight_seed, setup_.training);
    const auto start = Clock::now();
    TrainingOptions training = setup_.training;
    training.max_time = setup_.training.max_time / static_cast<double>(2 * setup_.restarts);
    for (std::int64_t k = 0; k < setup_.restarts && (k == 0 || may_go_on(start)); ++k) {
      try_seed(setup_.weight_seed + static_cast<std::uint64_t>(k), training,
               k + 1 == setup_.restarts);
    }
    TrainingResult result = finish_best(training, setup_.training.max_time - seconds_since(start));
    setup_.run.restarts_time = seconds_since(start);
    return result;
  }

  /// The first weight seed whose orbits oscillate as often as wanted goes on; it is known when the
  /// loss is small.
  TrainingResult train_multiple() {
    constexpr double decided = 1e-6;
    const auto start = Clock::now();
    TrainingOptions training = setup_.training;
    double& tolerance = training.optimizer.loss_tolerance;
    tolerance = std::max(tolerance, decided);
    bool evaluated = false;
    for (std::int64_t k = 0; k < setup_.restarts && (k == 0 || may_go_on(start)); ++k) {
      training.max_time = (setup_.training.max_time - seconds_since(start)) / 4;
      const std::uint64_t seed = setup_.weight_seed + static_cast<std::uint64_t>(k);
      best_.reset();
      try_seed(seed, training, false);
      if (!best_) continue;
      evaluated = true;
      const int n =
          oscillations(best_->state.theta, setup_.training.max_time - seconds_since(start));
      if (best_->reason == StopReason::loss_tolerance && n == setup_.period_multiple) {
        training = setup_.training;
        const double left = setup_.training.max_time - seconds_since(start);
        best_->reason = best_->state.loss <= training.optimizer.loss_tolerance
                            ? StopReason::loss_tolerance
                            : StopReason::wall_time;
        return finish_best(training, left);
      }
      progress_.say("weight seed {} is set aside: its orbits oscillate {} times in T, not {}", seed,
                    n, setup_.period_multiple);
    }
    if (signalled() && best_) return *best_;
    if (!evaluated) throw NumericalError("no weight seed can be trained; " + failure_);
    throw NumericalError(fmt::format(
        "none of {} weight seeds led to n = {} within --max-time; give more --restarts or "
        "--max-time",
        setup_.restarts, setup_.period_multiple));
  }

  /// In T: of the harmonic force nearest to the trained one; in prescribed periods: of the orbit
  /// with the fewest. 0 when there is no time to find out.
  [[nodiscard]] int oscillations(const Vector& theta, double time_left) const {
    IntegratorOptions integrator = setup_.training.sensitivity.integrator;
    integrator.stop_requested = [start = Clock::now(), time_left] {
      return signalled() || seconds_since(start) > time_left;
    };
    const Dynamics dynamics(
        stoppable_force(objective_.dynamics().shared_field(), integrator.stop_requested),
        objective_.dynamics().motion());
    try {
      if (!prescribes_periods(objective_.loss())) {
        return fit_harmonic(dynamics.field(), theta, objective_.period()).n;
      }
      const auto portraits =
          phase_portraits(dynamics, theta, objective_.whole_periods(), integrator);
      return static_cast<int>(std::lround(winding_numbers(portraits.front(), 0).minCoeff()));
    } catch (const Interrupted&) {
      return 0;
    }
  }

  TrainingResult finish_best(TrainingOptions training, double time_left) const {
    if (best_->reason != StopReason::wall_time || time_left <= 0) return *best_;
    training.max_time = time_left;
    long& limit = training.optimizer.max_iterations;
    if (limit >= 0) limit = std::max(0L, limit - iterations_done(best_->state.history));
    return isochron::train(objective_, best_->state, training);
  }

  TrainingResult train_seed(std::uint64_t seed, const TrainingOptions& training) {
    return isochron::train(
        objective_, starting_parameters(objective_.dynamics().field(), seed, setup_.output_scale),
        training);
  }

  /// A seed whose loss cannot even be evaluated is passed over, unless none is left.
  void try_seed(std::uint64_t seed, const TrainingOptions& training, bool is_last) {
    Restart restart;
    restart.weight_seed = seed;
    try {
      TrainingResult trial = train_seed(seed, training);
      progress_.finish(trial.state);
      progress_.say("weight seed {}: {}", seed, describe(trial.reason));
      restart.loss = trial.state.loss;
      setup_.run.restarts.push_back(restart);
      if (best_ && best_->state.history.size() > 0 && !(trial.state.loss < best_->state.loss))
        return;
      best_ = std::move(trial);
      setup_.run.weight_seed = seed;
    } catch (const NumericalError& error) {
      if (is_last && !best_) throw;
      setup_.run.restarts.push_back(restart);
      failure_ = fmt::format("weight seed {}: {}", seed, error.what());
      progress_.say("{}", failure_);
    }
  }

  /// What a checkpoint keeps: the better of this weight seed and those before.
  void checkpoint(const TrainingState& state) {
    const bool first = last_checkpoint_ == Clock::time_point();
    if (!first && seconds_since(last_checkpoint_) < setup_.checkpoint_interval) return;
    write(best_ && best_->state.loss < state.loss ? best_->state : state, "running");
    last_checkpoint_ = Clock::now();
  }

  void write(const TrainingState& state, const std::string& stop_reason) {
    const auto start = Clock::now();
    record(setup_.run, state, stop_reason);
    save();
    written_ = state.history.size();
    writing_time_ = seconds_since(start);
  }

  void save() {
    setup_.output->save(results_image(setup_.output->path(), setup_.run, setup_.output->former()));
  }

  [[nodiscard]] int stop_early(const TrainingResult& result) {
    write(result.state, "interrupted");
    say("isochron: interrupted; {0} is complete up to here, go on with: isochron train --resume "
        "{0}\n",
        shown(setup_.output->path()));
    return signal_status();
  }

  int conclude(const TrainingResult& result) {
    // Safe before what may take a while.
    const std::size_t iterates = result.state.history.size();
    const bool is_written = setup_.restarts == 1 && written_ == iterates;
    if (iterates > 0 && !is_written) write(result.state, "running");
    progress_.say("verifying");
    try {
      const double reserved = std::max(writing_time_, likely_writing_time(result.state));
      const FinishOptions options{time_to_finish(started_, setup_.training.max_time, reserved),
                                  signalled};
      if (fit_) {
        finish_fit(options);
      } else {
        finish(setup_.run, objective_, result, options);
      }
      save();
      print_run(setup_.run, setup_.output->path());
      return 0;
    } catch (const Interrupted&) {
      return stop_early(result);
    }
  }

  void finish_fit(const FinishOptions& options) {
    finish(setup_.run, *fit_, options);
    if (!setup_.held_out) return;
    TrainingOptions training = setup_.fit->training;
    training.progress = nullptr;
    training.max_time = std::max(0.0, time_to_finish(started_, setup_.training.max_time));
    try {
      const OtherData other = predict(*setup_.held_out, *fit_, training);
      setup_.run.fit.chi_squared_holdout = other.chi_squared;
      setup_.run.held_out = observation_table(other.objective.ensemble(),
                                              other.objective.observations(), other.predictions);
    } catch (const NumericalError& error) {
      setup_.run.absent["chi_squared_holdout"] = error.what();
    }
  }

  /// s, on a disk of moderate speed.
  [[nodiscard]] double likely_writing_time(const TrainingState& state) const {
    constexpr double bytes_per_second = 1e8;
    const auto snapshots = static_cast<Index>(state.snapshots.theta.size());
    const Index numbers =
        (snapshots + 2) * state.theta.size() + 4 * objective_.ensemble().initial_states.size();
    return static_cast<double>(numbers) * sizeof(double) / bytes_per_second;
  }

  Clock::time_point started_ = Clock::now();
  TrainingSetup setup_;
  const Objective& objective_ = setup_.objective;
  Progress progress_;
  std::optional<TrainingResult> best_;  ///< of the weight seeds so far
  std::optional<ObservationFit> fit_;   ///< to observations
  std::string failure_;                 ///< of the last one that could not be evaluated
  Clock::time_point last_checkpoint_;
  std::optional<std::size_t> written_;  ///< iterations in the file, if there is one of this run
  double writing_time_ = 0;             ///< s, that it took
};

}  // namespace

double time_to_finish(Clock::time_point start, double max_time, double reserved) {
  const double granted = std::max(max_time / 2, 5.0);
  return std::min(granted, max_time + granted - seconds_since(start)) - reserved;
}

int run_training(TrainingSetup setup, const std::optional<Run>& resumed) {
  return Training(std::move(setup)).execute(resumed);
}

}  // namespace isochron::cli
