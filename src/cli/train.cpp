#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>

#include "cli/run.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Everything that a training run is made of, checked before work starts.
struct Setup {
  std::filesystem::path output;
  std::vector<Index> layers;
  Symmetry symmetry = Symmetry::none;
  Motion motion = Motion::newtonian;
  Loss loss = Loss::periodic;
  double period = 0;
  std::int64_t restarts = 1;
  double checkpoint_interval = 5;
  bool quiet = false;
  TrainingOptions training;
};

long iteration_limit(const Options& options) {
  if (options.text("iterations") == "unlimited") return -1;
  return options.integer("iterations", 0, 1000000000);
}

Setup read_setup(const Options& options) {
  Setup setup;
  setup.output = options.text("output");
  if (options.text("force") != "mlp") {
    throw InputError("--force " + options.text("force") +
                     " has no parameters to train; train takes mlp");
  }
  if (!options.text("params").empty()) {
    throw InputError("--params is for the analytic forces of simulate; train takes none");
  }
  options.require_choice("activation", {"tanh"});
  options.require_choice("gradient", {"adjoint"});
  const Index dimension = options.integer("dimension", 1, 64);
  setup.layers = options.widths("hidden");
  setup.layers.insert(setup.layers.begin(), dimension);
  setup.layers.push_back(dimension);
  setup.symmetry =
      options.choice("symmetry", {"none", "odd"}) == 0 ? Symmetry::none : Symmetry::odd;
  setup.motion = motion(options);
  setup.loss = options.choice("loss", {"periodic", "antiperiodic"}) == 0 ? Loss::periodic
                                                                        : Loss::antiperiodic;
  setup.period = options.time("period");
  setup.restarts = options.integer("restarts", 1, 1000);
  setup.checkpoint_interval = options.number("checkpoint-interval", 1e-3, 1e6);
  setup.quiet = options.flag("quiet");

  TrainingOptions& training = setup.training;
  training.sensitivity.integrator = integrator_options(options);
  training.sensitivity.interpolation =
      options.choice("interpolation", {"polynomial", "hermite"}) == 0 ? Interpolation::polynomial
                                                                      : Interpolation::hermite;
  training.refine_tolerance = options.text("rtol") == "auto";
  training.optimizer.kind =
      options.choice("optimizer", {"lbfgs", "adam"}) == 0 ? OptimizerKind::lbfgs
                                                          : OptimizerKind::adam;
  training.optimizer.memory = static_cast<int>(options.integer("memory", 3, 1000));
  training.optimizer.learning_rate = options.number("learning-rate", 1e-300, 10);
  training.optimizer.max_iterations = iteration_limit(options);
  training.optimizer.loss_tolerance =
      options.number("loss-tolerance", 0, std::numeric_limits<double>::max());
  training.optimizer.gradient_tolerance =
      options.number("gradient-tolerance", 0, std::numeric_limits<double>::max());
  training.max_time = options.number("max-time", 1e-3, 1e9);
  training.stop_requested = signalled;
  return setup;
}

/// Lines of progress on stderr: one that updates on a terminal, plain ones every so often elsewhere.
class Progress {
 public:
  explicit Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

  void report(const TrainingState& state) {
    const double interval = terminal_ ? 0.1 : 5;
    const auto now = Clock::now();
    const bool first = last_ == Clock::time_point();
    if (quiet_ || (!first && std::chrono::duration<double>(now - last_).count() < interval)) return;
    last_ = now;
    print(state, terminal_ ? "\r" : "", terminal_ ? "\033[K" : "\n");
  }

  /// The last line, complete.
  void finish(const TrainingState& state) {
    if (!quiet_ && state.history.size() > 0) print(state, terminal_ ? "\r" : "", terminal_ ? "\033[K\n" : "\n");
    last_ = Clock::time_point();
  }

  void say(const std::string& line) const {
    if (!quiet_) std::cerr << line << '\n';
  }

 private:
  static void print(const TrainingState& state, const char* before, const char* after) {
    const History& h = state.history;
    std::fprintf(stderr,
                 "%siteration %6ld  loss %.3e  |gradient| %.2e  evaluations %6ld  time %6.1f s%s",
                 before, h.iteration.back(), h.loss.back(), h.gradient_norm.back(),
                 h.evaluations.back(), h.wall_time.back(), after);
    std::fflush(stderr);
  }

  bool quiet_;
  bool terminal_;
  Clock::time_point last_;
};

void set(Results& results, const std::string& name, double value, const std::string& long_name) {
  results.summary[name] = {value, long_name};
}

/// The state of a run as it is stored, at checkpoints and at the end.
void record_state(Results& results, const TrainingState& state, const std::string& stop_reason) {
  results.model->theta = state.theta;
  results.model->theta_initial = state.theta_initial;
  results.history = state.history;
  results.snapshots = state.snapshots;
  set(results, "loss", state.loss, "loss at the end of training (1)");
  if (state.history.size() > 0) {
    set(results, "gradient_norm", state.history.gradient_norm.back(), "|dL/dtheta| at the end (1)");
    set(results, "iterations", static_cast<double>(state.history.iteration.back()),
        "iterations (1)");
    set(results, "evaluations", static_cast<double>(state.history.evaluations.back()),
        "evaluations of loss and gradient (1)");
    set(results, "wall_time", state.history.wall_time.back(), "wall time of training (s)");
  }
  const auto counts = [&](const std::string& name, const IntegrationCounts& c,
                          const std::string& words) {
    set(results, name + "_steps", static_cast<double>(c.steps), words + " steps (1)");
    set(results, name + "_right_hand_sides", static_cast<double>(c.right_hand_sides),
        words + " right-hand sides (1)");
    set(results, name + "_jacobians", static_cast<double>(c.jacobians), words + " Jacobians (1)");
    set(results, name + "_error_test_failures", static_cast<double>(c.error_test_failures),
        words + " error test failures (1)");
    set(results, name + "_convergence_failures", static_cast<double>(c.convergence_failures),
        words + " convergence failures (1)");
  };
  counts("forward", state.forward, "forward");
  counts("backward", state.backward, "backward");
  results.summary_text["stop_reason"] = stop_reason;
}

void restore_counts(const Results& results, const std::string& name, IntegrationCounts& counts) {
  const auto stored = [&](const char* what) {
    const auto found = results.summary.find(name + what);
    return found == results.summary.end() ? 0L : static_cast<long>(found->second.value);
  };
  counts.steps = stored("_steps");
  counts.right_hand_sides = stored("_right_hand_sides");
  counts.jacobians = stored("_jacobians");
  counts.error_test_failures = stored("_error_test_failures");
  counts.convergence_failures = stored("_convergence_failures");
}

std::string width_list(const std::vector<Index>& layers) {
  std::string text;
  for (const Index width : layers) text += (text.empty() ? "" : ",") + std::to_string(width);
  return text;
}

/// One `isochron train`.
class Run {
 public:
  Run(const Options& options, Setup setup, const std::optional<Results>& resumed)
      : options_(options),
        setup_(std::move(setup)),
        network_(std::make_shared<Mlp>(setup_.layers, setup_.symmetry)),
        dynamics_(network_, setup_.motion),
        objective_(setup_.loss, choose_states(resumed), setup_.period),
        results_(new_results("train", options)),
        progress_(setup_.quiet) {
    results_.title = title();
    results_.motion = setup_.motion;
    results_.model = ModelRecord{setup_.layers, "tanh", setup_.symmetry, {}, {}};
    results_.initial_states = objective_.ensemble().initial_states;
    results_.end_times = objective_.ensemble().end_times;
  }

  int execute(const std::optional<Results>& resumed) {
    catch_signals();
    setup_.training.progress = [this](const TrainingState& state) {
      progress_.report(state);
      checkpoint(state);
    };
    const TrainingResult result = resumed ? continue_run(*resumed) : train_restarts();
    progress_.finish(result.state);
    return signalled() || result.reason == StopReason::interrupted ? stop_early(result)
                                                                   : conclude(result);
  }

 private:
  [[nodiscard]] std::string title() const {
    return std::string(setup_.loss == Loss::periodic ? "periodic" : "antiperiodic") +
           " loss, network " + width_list(setup_.layers) + ", N = " +
           std::to_string(objective_.ensemble().size());
  }

  [[nodiscard]] States choose_states(const std::optional<Results>& resumed) const {
    const bool new_data = options_.given("initial-states") || options_.given("trajectories") ||
                          options_.given("seed") || options_.given("data-seed");
    if (resumed && !new_data) return resumed->initial_states;
    return initial_states(options_, dynamics_.state_dimension());
  }

  /// K weight seeds share the time: each gets an equal part, the best goes on with what is left.
  TrainingResult train_restarts() {
    const std::uint64_t seed = options_.seed("weight-seed");
    TrainingOptions training = setup_.training;
    if (setup_.restarts == 1) {
      return isochron::train(dynamics_, objective_, network_->initial_parameters(seed), training);
    }
    const auto start = Clock::now();
    std::optional<TrainingResult> best;
    training.max_time = setup_.training.max_time / static_cast<double>(2 * setup_.restarts);
    for (std::int64_t k = 0; k < setup_.restarts && !signalled(); ++k) {
      const std::uint64_t weight_seed = seed + static_cast<std::uint64_t>(k);
      TrainingResult trial = isochron::train(dynamics_, objective_,
                                             network_->initial_parameters(weight_seed), training);
      progress_.finish(trial.state);
      progress_.say("weight seed " + std::to_string(weight_seed) + ": " + describe(trial.reason));
      set(results_, "restart_" + std::to_string(k) + "_loss", trial.state.loss,
          "loss of weight seed " + std::to_string(weight_seed) + " when it was set aside (1)");
      if (!best || trial.state.loss < best->state.loss) best = std::move(trial);
    }
    const double used = std::chrono::duration<double>(Clock::now() - start).count();
    const bool finished = best->reason != StopReason::wall_time;
    training.max_time = setup_.training.max_time - used;
    if (finished || training.max_time <= 0) return *best;
    return isochron::train(dynamics_, objective_, std::move(best->state), training);
  }

  TrainingResult continue_run(const Results& from) {
    TrainingState state;
    state.theta_initial = from.model->theta_initial;
    state.theta = from.model->theta;
    state.history = from.history;
    state.snapshots = from.snapshots;
    restore_counts(from, "forward", state.forward);
    restore_counts(from, "backward", state.backward);
    const long done = state.history.size() == 0 ? 0 : state.history.iteration.back();
    long& limit = setup_.training.optimizer.max_iterations;
    if (limit >= 0 && !options_.given("iterations")) limit = std::max(0L, limit - done);
    progress_.say("resuming at iteration " + std::to_string(done) +
                  "; the memory of L-BFGS starts afresh");
    return isochron::train(dynamics_, objective_, std::move(state), setup_.training);
  }

  void checkpoint(const TrainingState& state) {
    const auto now = Clock::now();
    const double elapsed = std::chrono::duration<double>(now - last_checkpoint_).count();
    if (last_checkpoint_ != Clock::time_point() && elapsed < setup_.checkpoint_interval) return;
    Results partial = results_;
    record_state(partial, state, "running");
    write_results(setup_.output, partial);
    last_checkpoint_ = now;
  }

  int stop_early(const TrainingResult& result) {
    record_state(results_, result.state, "interrupted");
    write_results(setup_.output, results_);
    std::cerr << "interrupted; " << setup_.output.string()
              << " is complete up to here, go on with: isochron train --resume "
              << setup_.output.string() << '\n';
    return signalled() ? signal_status() : 0;
  }

  int conclude(const TrainingResult& result) {
    record_state(results_, result.state, describe(result.reason));
    write_results(setup_.output, results_);  // safe before verification and portraits
    try {
      add_verification(result.state.theta);
      add_all_portraits(result.state);
    } catch (const NumericalError& error) {
      results_.summary_text["verification"] = error.what();
      progress_.say(std::string("warning: ") + error.what());
    } catch (const Interrupted&) {
      return stop_early(result);
    }
    write_results(setup_.output, results_);
    report(result);
    return 0;
  }

  [[nodiscard]] IntegratorOptions integrator() const {
    IntegratorOptions options = setup_.training.sensitivity.integrator;
    options.stop_requested = signalled;
    return options;
  }

  void add_verification(const Vector& theta) {
    const VerifiedLoss verified = verify_loss(dynamics_, objective_, theta, integrator());
    results_.final_states = verified.final_states;
    results_.residuals = objective_.residuals(verified.final_states);
    set(results_, "loss_verified", verified.loss, "loss by another method, tighter tolerance (1)");
    set(results_, "loss_verified_error", verified.error, "error of the verified loss (1)");
    if (!options_.text("initial-states").empty()) {
      results_.summary_text["loss_validation"] =
          "absent: the initial states came from a file, so there is no distribution to draw from";
      return;
    }
    constexpr Index fresh_states = 10000;
    // Any other seed would do; this one is never equal to the data's.
    const std::uint64_t seed = ~options_.seed("data-seed");
    try {
      const ValidationLoss validation =
          validate_loss(dynamics_, objective_, theta, integrator(), fresh_states, seed);
      set(results_, "loss_validation", validation.mean, "mean loss on 10^4 fresh states (1)");
      set(results_, "loss_validation_median", validation.median,
          "median loss on 10^4 fresh states (1)");
      set(results_, "loss_validation_inside", validation.inside,
          "mean loss on fresh states within the training radius (1)");
    } catch (const NumericalError& error) {
      results_.summary_text["loss_validation"] = std::string("absent: ") + error.what();
    }
  }

  void add_all_portraits(const TrainingState& state) {
    const Ensemble one_period(objective_.ensemble().initial_states, setup_.period);
    results_.phase_portrait_before =
        phase_portraits(dynamics_, state.theta_initial, one_period, integrator());
    add_portraits(results_, dynamics_, state.theta, one_period, setup_.period, integrator());
    if (dynamics_.dimension() != 1 || setup_.motion != Motion::newtonian) return;
    const HarmonicFit fit = fit_harmonic(*network_, state.theta, setup_.period);
    set(results_, "harmonic_n", fit.n, "n of the -(2 pi n/T)^2 x nearest to f on [-2, 2] (1)");
    set(results_, "harmonic_deviation", fit.deviation, "max |f + (2 pi n/T)^2 x| on [-2, 2] (1)");
  }

  void report(const TrainingResult& result) const {
    const auto value = [&](const char* name) { return results_.summary.at(name).value; };
    const History& history = result.state.history;
    std::printf("stopped after %ld iterations in %.1f s: %s\n",
                history.size() == 0 ? 0 : history.iteration.back(),
                history.size() == 0 ? 0.0 : history.wall_time.back(),
                describe(result.reason).c_str());
    std::printf("loss             %.4e\n", result.state.loss);
    if (results_.summary.count("loss_verified") != 0) {
      std::printf("loss verified    %.4e +- %.0e\n", value("loss_verified"),
                  value("loss_verified_error"));
    }
    if (results_.summary.count("loss_validation") != 0) {
      std::printf("loss on 10^4 fresh states: mean %.2e, median %.2e, within the training radius %.2e\n",
                  value("loss_validation"), value("loss_validation_median"),
                  value("loss_validation_inside"));
    }
    if (results_.summary.count("harmonic_n") != 0) {
      std::printf("nearest harmonic force: n = %d, max |f + n^2 (2 pi/T)^2 x| on [-2, 2] = %.2e\n",
                  static_cast<int>(value("harmonic_n")), value("harmonic_deviation"));
    }
    std::printf("results          %s\n", setup_.output.c_str());
  }

  const Options& options_;
  Setup setup_;
  std::shared_ptr<const Mlp> network_;
  Dynamics dynamics_;
  Objective objective_;
  Results results_;
  Progress progress_;
  Clock::time_point last_checkpoint_;
};

void check_architecture(const Setup& setup, const ModelRecord& stored, const std::string& file) {
  if (setup.layers == stored.layers && setup.symmetry == stored.symmetry) return;
  throw InputError(file + " holds a network " + width_list(stored.layers) +
                   (stored.symmetry == Symmetry::odd ? " (odd)" : "") + ", the options ask for " +
                   width_list(setup.layers) + (setup.symmetry == Symmetry::odd ? " (odd)" : "") +
                   "; a resumed run keeps its architecture");
}

}  // namespace

int train(const Options& given) {
  Options options = given;
  const std::string resume = options.text("resume");
  std::optional<Results> resumed;
  if (!resume.empty()) {
    resumed = read_results(resume);
    if (!resumed->model || resumed->model->theta.size() == 0) {
      throw InputError(resume + " holds no model to resume");
    }
    options.add_resumed(stored_options(resumed->config, resume));
  }
  Setup setup = read_setup(options);
  const bool into_itself = resumed && !options.given("output");
  if (into_itself) setup.output = resume;
  check_output(setup.output, into_itself || options.flag("overwrite"));
  if (resumed) check_architecture(setup, *resumed->model, resume);
  if (options.flag("verbose")) std::cerr << "configuration:\n" << options.echo();
  return Run(options, std::move(setup), resumed).execute(resumed);
}

}  // namespace isochron::cli
