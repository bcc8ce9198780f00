#include "cli/training_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/network.hpp"
#include "cli/portraits.hpp"
#include "cli/progress.hpp"
#include "cli/remarks.hpp"
#include "cli/signals.hpp"
#include "cli/summary.hpp"
#include "cli/verdict.hpp"
#include "clock.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "memory.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

// -------------------------------------------------------------------------------- the stored state

/// |dL/dtheta| of the iterate that was kept, which need not be the last one.
double kept_gradient_norm(const TrainingState& state) {
  const History& h = state.history;
  const auto kept = std::find(h.loss.rbegin(), h.loss.rend(), state.loss);
  const auto back = kept == h.loss.rend() ? 0 : kept - h.loss.rbegin();
  return *(h.gradient_norm.rbegin() + back);
}

/// The state of a run as it is stored, at checkpoints and at the end.
void record_state(Results& results, const TrainingState& state, const std::string& stop_reason) {
  results.model->theta = state.theta;
  results.model->theta_initial = state.theta_initial;
  results.history = state.history;
  results.snapshots = state.snapshots;
  results.summary_text["stop_reason"] = stop_reason;
  set_counts(results, "forward", state.forward);
  set_counts(results, "backward", state.backward);
  const History& h = state.history;
  if (h.size() == 0) return;
  set_summary(results, "loss", state.loss, "loss at the end of training");
  set_summary(results, "gradient_norm", kept_gradient_norm(state), "|dL/dtheta| at the end");
  set_summary(results, "iterations", static_cast<double>(h.iteration.back()), "iterations");
  set_summary(results, "evaluations", static_cast<double>(h.evaluations.back()),
              "evaluations of loss and gradient");
  set_summary(results, "wall_time", h.wall_time.back(), "wall time of training", "s");
}

/// The state that a run goes on from.
TrainingState stored_state(const Results& stored) {
  TrainingState state;
  const ModelRecord& model = *stored.model;
  state.theta = model.theta;
  state.theta_initial = model.theta_initial.size() == 0 ? model.theta : model.theta_initial;
  state.history = stored.history;
  state.snapshots = stored.snapshots;
  state.forward = stored_counts(stored, "forward");
  state.backward = stored_counts(stored, "backward");
  return state;
}

// -------------------------------------------------------------------------------------- the report

/// What standard output says at the end of a run.
void print_report(const Results& results, const std::filesystem::path& file) {
  const auto number = [&](const char* name) {
    const auto found = results.summary.find(name);
    return found == results.summary.end() ? std::numeric_limits<double>::quiet_NaN()
                                          : found->second.value;
  };
  const auto has = [&](const char* name) { return results.summary.count(name) != 0; };
  std::printf("stopped after %ld iterations in %.1f s: %s\n", iterations_done(results.history),
              has("wall_time") ? number("wall_time") : 0.0,
              results.summary_text.at("stop_reason").c_str());
  for (const auto& [name, entry] : results.summary) {
    if (name.rfind("restart_", 0) != 0) continue;
    std::printf("%s: %.4e\n", entry.long_name.c_str(), entry.value);
  }
  if (has("weight_seed")) {
    const std::optional<std::uint64_t> seed = results.summary.at("weight_seed").whole;
    std::printf("weight seed kept %s\n", seed ? std::to_string(*seed).c_str()
                                              : sentence("%.0f", number("weight_seed")).c_str());
  }
  if (has("loss")) std::printf("loss             %.4e\n", number("loss"));
  if (has("loss_verified")) {
    std::printf("loss verified    %.4e +- %.0e\n", number("loss_verified"),
                number("loss_verified_error"));
  }
  if (has("hold_misfit")) {
    std::printf("of trajectories  %.4e; max |f - f*| where the force is held %.2e\n",
                number("loss_periodicity"), number("hold_misfit"));
  }
  if (has("loss_validation")) {
    std::printf(
        "on 10^4 unseen states: median %.1e, mean %.1e; mean inside the training radius %.1e\n",
        number("loss_validation_median"), number("loss_validation"),
        number("loss_validation_inside"));
  }
  if (has("oscillations_min")) {
    const auto hundredths = [&](const char* name) { return std::round(100 * number(name)) / 100; };
    std::printf("oscillations of an orbit in its period: %g to %g\n",
                hundredths("oscillations_min") + 0.0, hundredths("oscillations_max") + 0.0);
  }
  const auto periods = prescribed_periods_in_words(results);
  if (periods) std::printf("verdict          %s\n", periods->c_str());
  if (has("harmonic_n")) {
    std::printf("nearest harmonic force: n = %.0f, max |f + n^2 (2 pi/T)^2 x| on [-2, 2] = %.2e\n",
                number("harmonic_n"), number("harmonic_deviation"));
  }
  if (results.analysis) {
    std::printf("%-16s %s: %s\n", periods ? "isochrony" : "verdict",
                name(results.analysis->verdict), results.analysis->reason.c_str());
  }
  for (const std::string& remark : remarks(results, file)) {
    std::printf("note             %s\n", remark.c_str());
  }
  if (const std::vector<std::string> names = left_out(results); !names.empty()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    std::printf(
        "left out         %s: the time for it was over; to make up for it: isochron train --resume "
        "%s --iterations 0 --max-time S\n",
        list.c_str(), file.c_str());
  }
  std::printf("results          %s\n", shown(file.string(), longest_path).c_str());
}

std::string described(const IntegratorOptions& integrator) {
  return integrator.method == Method::rk4
             ? sentence("rk4 with %ld steps", static_cast<long>(integrator.steps))
             : sentence("%s at rtol %.1e", name(integrator.method), integrator.rtol);
}

/// How large the part of the force is that its linear skip does not hold.
double nonlinear_size(const Mlp& network, const std::function<bool()>& stop, const Vector& theta) {
  const auto layers = std::make_shared<Mlp>(network.layers(), network.symmetry());
  const Block x = Vector::LinSpaced(401, -2, 2).transpose();
  const Vector theta_of_layers = theta.head(layers->parameters());
  return stoppable_force(layers, stop)->force(theta_of_layers, x).cwiseAbs().maxCoeff();
}

// ----------------------------------------------------------------------------------------- the run

/// One `isochron train`.
class Run {
 public:
  explicit Run(TrainingSetup setup) : setup_(std::move(setup)), progress_(setup_.quiet) {
    const Mlp& network = *setup_.network;
    results_.title = std::string(name(objective_.loss())) + " loss, network " +
                     widths(network.layers()) +
                     ", N = " + std::to_string(objective_.ensemble().size());
    results_.model = ModelRecord::of(network);
  }

  /// With verification, portraits, analysis and validation, as far as there is time for them.
  /// Throws Interrupted after a signal.
  [[nodiscard]] Results completed(const TrainingResult& result, const Budget& budget) const {
    Results complete = results_;
    record_state(complete, result.state, describe(result.reason));
    add_verification(complete, result, budget.half());
    add_all_portraits(complete, result.state, budget.half());
    add_analysis(complete, result.state, budget.half());
    add_integration_floor(complete, result, budget.half());
    add_validation(complete, result, budget.rest());
    return complete;
  }

  int execute(const std::optional<Results>& resumed) {
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
  TrainingResult continue_run(const Results& stored) {
    for (const auto& [name, entry] : stored.summary) {
      if (name.rfind("restart_", 0) == 0 || name == "weight_seed" || name == "all_seeds_wall_time")
        results_.summary[name] = entry;
    }
    TrainingState state = stored_state(stored);
    progress_.say("resuming at iteration " + std::to_string(iterations_done(state.history)) +
                  "; the memory of the optimizer starts afresh");
    return isochron::train(objective_, std::move(state), setup_.training);
  }

  /// Whether there is time for another weight seed.
  [[nodiscard]] bool may_go_on(Clock::time_point start) const {
    return !signalled() && seconds_since(start) < setup_.training.max_time;
  }

  /// K weight seeds share half the time equally; the best goes on with what is left.
  TrainingResult train_restarts() {
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
    set_summary(results_, "all_seeds_wall_time", seconds_since(start),
                "wall time of all weight seeds", "s");
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
      progress_.say("weight seed " + std::to_string(seed) +
                    " is set aside: n = " + std::to_string(n));
    }
    if (signalled() && best_) return *best_;
    if (!evaluated) throw NumericalError("no weight seed can be trained; " + failure_);
    throw NumericalError("none of " + std::to_string(setup_.restarts) +
                         " weight seeds led to n = " + std::to_string(setup_.period_multiple) +
                         " within --max-time; give more --restarts or --max-time");
  }

  /// In T: of the harmonic force nearest to the trained one; in prescribed periods: of the orbit
  /// with the fewest.
  /// 0 when there is no time to find out.
  [[nodiscard]] int oscillations(const Vector& theta, double time_left) const {
    const auto stop = [start = Clock::now(), time_left] {
      return signalled() || seconds_since(start) > time_left;
    };
    const Dynamics dynamics = stopping(stop);
    try {
      if (!prescribes_periods(objective_.loss())) {
        return fit_harmonic(dynamics.field(), theta, objective_.period()).n;
      }
      const auto portraits = phase_portraits(dynamics, theta, objective_.whole_periods(),
                                             stopping(integrator(), stop));
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
    return isochron::train(objective_,
                           setup_.network->initial_parameters(seed, setup_.output_scale), training);
  }

  /// A seed whose loss cannot even be evaluated is passed over, unless none is left.
  void try_seed(std::uint64_t seed, const TrainingOptions& training, bool is_last) {
    const std::string words = "weight seed " + std::to_string(seed);
    const std::string restart = "restart_" + std::to_string(seed - setup_.weight_seed);
    try {
      TrainingResult trial = train_seed(seed, training);
      progress_.finish(trial.state);
      progress_.say(words + ": " + describe(trial.reason));
      if (trial.state.history.size() > 0) {
        set_summary(results_, restart + "_loss", trial.state.loss,
                    "loss of " + words + " when it was set aside");
      }
      if (best_ && best_->state.history.size() > 0 && !(trial.state.loss < best_->state.loss))
        return;
      best_ = std::move(trial);
      set_summary(results_, "weight_seed", static_cast<double>(seed), "weight seed that was kept");
      results_.summary["weight_seed"].whole = seed;
    } catch (const NumericalError& error) {
      if (is_last && !best_) throw;
      failure_ = words + ": " + error.what();
      results_.summary_text[restart] = failure_;
      progress_.say(failure_);
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
    Results results = results_;
    record_state(results, state, stop_reason);
    save(results);
    written_ = state.history.size();
    writing_time_ = seconds_since(start);
  }

  void save(const Results& results) {
    setup_.output->save(results_image(setup_.output->path(), results, setup_.output->former()));
  }

  [[nodiscard]] int stop_early(const TrainingResult& result) {
    write(result.state, "interrupted");
    std::fprintf(stderr,
                 "isochron: interrupted; %s is complete up to here, go on with: isochron train "
                 "--resume %s\n",
                 shown(setup_.output->path()).c_str(), shown(setup_.output->path()).c_str());
    return signal_status();
  }

  int conclude(const TrainingResult& result) {
    // Safe before what may take a while.
    const std::size_t iterates = result.state.history.size();
    const bool is_written = setup_.restarts == 1 && written_ == iterates;
    if (iterates > 0 && !is_written) write(result.state, "running");
    progress_.say("verifying");
    try {
      const Budget budget(started_, setup_.training.max_time,
                          std::max(writing_time_, likely_writing_time(result.state)));
      const Results complete = completed(result, budget);
      save(complete);
      print_report(complete, setup_.output->path());
      return 0;
    } catch (const Interrupted&) {
      return stop_early(result);
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

  using Stop = std::function<bool()>;

  [[nodiscard]] const IntegratorOptions& integrator() const {
    return setup_.training.sensitivity.integrator;
  }
  static IntegratorOptions stopping(IntegratorOptions integrator, const Stop& stop) {
    integrator.stop_requested = stop;
    return integrator;
  }
  [[nodiscard]] Dynamics stopping(const Stop& stop) const {
    return Dynamics(stoppable_force(setup_.network, stop), objective_.dynamics().motion());
  }

  void add_verification(Results& results, const TrainingResult& result, const Stop& stop) const {
    const Vector& theta = result.state.theta;
    results.summary_text["integrated_by"] = described(result.integrator);
    compute_or_explain(results, "loss_verified", [&] {
      const VerifiedLoss verified = verify_loss(objective_, result, stop);
      results.final_states = verified.states;
      results.residuals = objective_.deviations(verified.states);
      set_summary(results, "loss_verified", verified.loss,
                  "loss by another method, tighter tolerance");
      set_summary(results, "loss_verified_error", verified.error, "error of the verified loss");
      if (!objective_.force_data()) return;
      set_summary(results, "loss_periodicity", verified.of_trajectories,
                  "the part of trajectories in the verified loss");
    });
    if (const auto& data = objective_.force_data()) {
      set_summary(results, "hold_weight", data->weight, "weight of the force data");
      compute_or_explain(results, "hold_misfit", [&] {
        set_summary(results, "hold_misfit", data->misfit(stopping(stop).field(), theta),
                    "max |f - f*| where the force is held");
      });
    }
  }

  void add_integration_floor(Results& results, const TrainingResult& result,
                             const Stop& stop) const {
    compute_or_explain(results, "integration_floor", [&] {
      set_summary(results, "integration_floor", integration_floor(objective_, result, stop),
                  "mean square of how residuals differ from an independent method's at 1e-14");
    });
  }

  /// Why there are no fresh states to validate with; empty when there are.
  [[nodiscard]] std::string no_validation() const {
    if (prescribes_periods(objective_.loss())) {
      return "the periods are prescribed for these orbits, fresh ones have none";
    }
    if (!objective_.counts_trajectories()) return "trajectories do not count in the loss";
    return setup_.states_are_drawn
               ? ""
               : "the initial states came from a file, so there is no distribution "
                 "to draw from";
  }

  void add_validation(Results& results, const TrainingResult& result, const Stop& stop) const {
    if (const std::string reason = no_validation(); !reason.empty()) {
      results.summary_text["loss_validation"] = "absent: " + reason;
      return;
    }
    constexpr Index fresh_states = 10000;
    // Any other seed would do; this one is never equal to the data's.
    const std::uint64_t seed = ~setup_.data_seed;
    compute_or_explain(results, "loss_validation", [&] {
      const ValidationLoss validation = validate_loss(objective_, result, fresh_states, seed, stop);
      set_summary(results, "loss_validation", validation.mean, "mean loss on 10^4 fresh states");
      set_summary(results, "loss_validation_median", validation.median,
                  "median loss on 10^4 fresh states");
      set_summary(results, "loss_validation_inside", validation.inside,
                  "mean loss on fresh states within the training radius");
    });
  }

  void add_analysis(Results& results, const TrainingState& state, const Stop& stop) const {
    compute_or_explain(results, "analysis", [&] {
      results.analysis =
          certify_trained(setup_, stop, state.theta, verified_loss_of_trajectories(results));
      if (!results.analysis)
        results.summary_text["analysis"] = std::string("absent: ") + no_certificate;
    });
  }

  void add_all_portraits(Results& results, const TrainingState& state, const Stop& stop) const {
    const Dynamics dynamics = stopping(stop);
    const IntegratorOptions options = stopping(integrator(), stop);
    compute_or_explain(results, "phase_portrait_before", [&] {
      results.phase_portrait_before =
          phase_portraits(dynamics, state.theta_initial, objective_.whole_periods(), options);
    });
    add_portraits(results, dynamics, state.theta, objective_, options);
    if (!results.force) return;
    if (prescribes_periods(objective_.loss())) {
      const Vector turns = winding_numbers(results.phase_portrait.front(), 0);
      set_summary(results, "oscillations_min", turns.minCoeff(),
                  "fewest oscillations of an orbit in its period");
      set_summary(results, "oscillations_max", turns.maxCoeff(),
                  "most oscillations of an orbit in its period");
    } else {
      compute_or_explain(results, "harmonic_n", [&] {
        const HarmonicFit fit = fit_harmonic(dynamics.field(), state.theta, objective_.period());
        set_summary(results, "harmonic_n", fit.n,
                    "n of the -(2 pi n/T)^2 x nearest to f on [-2, 2]");
        set_summary(results, "harmonic_deviation", fit.deviation,
                    "max |f + (2 pi n/T)^2 x| on [-2, 2]");
      });
    }
    if (setup_.network->skip() == Skip::none) return;
    const auto add_size = [&](const char* name, const Vector& theta, const char* when) {
      compute_or_explain(results, name, [&] {
        set_summary(results, name, nonlinear_size(*setup_.network, stop, theta),
                    std::string("max |f - linear skip| on [-2, 2], ") + when + " training");
      });
    };
    add_size("nonlinear_size_before", state.theta_initial, "before");
    add_size("nonlinear_size", state.theta, "after");
  }

  Clock::time_point started_ = Clock::now();
  TrainingSetup setup_;
  const Objective& objective_ = setup_.objective;
  Results& results_ = setup_.record;  ///< what is the same at every checkpoint and at the end
  Progress progress_;
  std::optional<TrainingResult> best_;  ///< of the weight seeds so far
  std::string failure_;                 ///< of the last one that could not be evaluated
  Clock::time_point last_checkpoint_;
  std::optional<std::size_t> written_;  ///< iterations in the file, if there is one of this run
  double writing_time_ = 0;             ///< s, that it took
};

}  // namespace

long iterations_done(const History& history) {
  return history.size() == 0 ? 0 : history.iteration.back();
}

std::optional<Certificate> certify_trained(const TrainingSetup& setup,
                                           const std::function<bool()>& stop_requested,
                                           const Vector& theta, std::optional<double> loss) {
  const Objective& objective = setup.objective;
  if (!moves_on_a_line(objective.dynamics())) return std::nullopt;
  CertificateOptions certificate = certificate_options(objective.loss(), objective.period(), loss);
  certificate.tolerance = setup.verdict_tolerance;
  certificate.stop_requested = stop_requested;
  const ForceFieldPtr field = stoppable_force(setup.network, stop_requested);
  return certify(*field, theta, objective.ensemble().initial_states, certificate);
}

int run_training(TrainingSetup setup, const std::optional<Results>& resumed) {
  return Run(std::move(setup)).execute(resumed);
}

Results complete_results(TrainingSetup setup, const TrainingResult& result, const Budget& budget) {
  return Run(std::move(setup)).completed(result, budget);
}

}  // namespace isochron::cli
