#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>

#include "cli/objective.hpp"
#include "cli/option_table.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/training_run.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

// ------------------------------------------------------------------------------------- the options

long iteration_limit(const Options& options) {
  if (options.text("iterations") == "unlimited") return -1;
  return options.integer("iterations", 0, 1000000000, "unlimited");
}

OptimizerOptions optimizer_options(const Options& options) {
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  OptimizerOptions optimizer;
  optimizer.memory = static_cast<int>(options.integer("memory", 3, 1000));
  optimizer.learning_rate = options.number("learning-rate", 1e-12, 10);
  optimizer.max_iterations = iteration_limit(options);
  optimizer.loss_tolerance = options.number("loss-tolerance", 0, unbounded);
  optimizer.gradient_tolerance = options.number("gradient-tolerance", 0, unbounded);
  return optimizer;
}

/// Which derivatives the optimizer gets, and how accurate ones.
void read_derivatives(Options& options, Motion motion, TrainingOptions& training) {
  const auto is_default = [&](const char* key) {
    return options.origin(key) == Origin::default_value;
  };
  const bool fits = training.kind == OptimizerKind::least_squares;
  const bool least_squares = fits_residuals(training.kind);
  if (is_default("rtol") && !is_default("atol")) {
    options.settle("rtol", find_option("rtol", verb_train)->standard);
  } else if (is_default("rtol") && least_squares) {
    options.settle("rtol", "auto");
  }
  training.auto_tolerance = options.text("rtol") == "auto";
  if (*training.auto_tolerance && !is_default("atol")) {
    throw InputError("--atol " + options.text("atol") +
                     " does not fit --rtol auto, with which both tolerances follow the loss; give "
                     "--rtol a number");
  }
  if (fits && is_default("gradient")) {
    const bool multistep = is_multistep(integrator_options(options).method);
    options.settle("gradient", multistep && !is_default("method") ? "forward" : "discrete");
    if (is_default("method")) {
      options.settle("method", name(eighth_order(motion)));
    }
  }
  training.sensitivity = sensitivity_options(options, motion);
  if (fits && training.sensitivity.gradient == GradientMethod::adjoint) {
    throw InputError(
        "--gradient adjoint gives no Jacobian, which --optimizer least-squares needs; give "
        "discrete or forward");
  }
  // The usual method leaves the choice by tolerance to the training, also when a run goes on.
  const Method method = training.sensitivity.integrator.method;
  const Method usual = eighth_order(motion);
  const bool asked_for = method != usual || options.given("method");
  if (least_squares && asked_for && (fits || !is_multistep(method))) {
    training.jacobian = training.sensitivity;
  }
}

}  // namespace

TrainingSetup read_training_setup(Options& options) {
  require_trainable(options);
  TrainingSetup setup;
  setup.problem = read_problem(options);
  setup.network = read_network(options);
  if (options.text("period-multiple") != "any") {
    setup.period_multiple = static_cast<int>(options.integer("period-multiple", 1, 1000, "any"));
    if (setup.problem.loss == Loss::none) {
      throw InputError("--period-multiple needs a loss on trajectories, not --loss none");
    }
    if (setup.network->dimension() != 1 || setup.problem.motion != Motion::newtonian) {
      throw InputError("--period-multiple is for newtonian dynamics with --dimension 1");
    }
    if (options.origin("restarts") == Origin::default_value) options.settle("restarts", "20");
  }
  setup.restarts = options.integer("restarts", 1, 1000);
  setup.output_scale = options.number("output-scale", 0, 1e6);
  setup.checkpoint_interval = options.duration("checkpoint-interval", 1e-3, 1e6);
  setup.verdict_tolerance = options.number("verdict-tolerance", 1e-15, 1);
  setup.quiet = options.flag("quiet");

  TrainingOptions& training = setup.training;
  training.kind = static_cast<OptimizerKind>(options.choice(
      "optimizer", names({OptimizerKind::lbfgs, OptimizerKind::least_squares,
                          OptimizerKind::lbfgs_least_squares, OptimizerKind::adam})));
  training.optimizer = optimizer_options(options);
  read_derivatives(options, setup.problem.motion, training);
  training.sensitivity.validate(Dynamics(setup.network, setup.problem.motion));
  training.max_time = options.duration("max-time", 1e-3, 1e9);
  training.stop_requested = signalled;
  return setup;
}

namespace {

// ---------------------------------------------------------------------------------------- resuming

/// --iterations are so many more; a stored limit counts from the beginning. What is stored again is
/// the sum.
void count_on(Options& options, TrainingSetup& setup, const Results& stored) {
  long& limit = setup.training.optimizer.max_iterations;
  if (limit < 0) return;
  const long done = iterations_done(stored.history);
  if (!options.given("iterations")) limit = std::max(0L, limit - done);
  options.settle("iterations", std::to_string(done + limit));
}

/// Complete, no iteration more is wanted, and nothing else is different.
bool nothing_left(const Options& options, const TrainingSetup& setup, const Results& stored) {
  if (setup.training.optimizer.max_iterations != 0 || options.given("output")) return false;
  if (stored.summary.count("loss_verified") == 0 || !left_out(stored).empty()) return false;
  for (const std::string& key : options.configuration_keys()) {
    if (key != "iterations" && options.given(key)) return false;
  }
  return true;
}

/// A resumed run has its weights: what chooses other ones must be as it was.
void keep_start(Options& options, const Options& stored) {
  if (options.follows_seed("weight-seed")) {
    options.settle("weight-seed", stored.text("weight-seed"));
  }
  for (const char* key : {"weight-seed", "output-scale", "restarts", "period-multiple"}) {
    if (!options.given(key) || options.text(key) == stored.text(key)) continue;
    throw InputError(std::string("--") + key + ' ' + options.text(key) +
                     " is for a new run; a resumed one goes on from its weights");
  }
}

template <class Matrix>
bool close(const Matrix& a, const Matrix& b) {
  constexpr double rounding = 1e-12;
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a - b).norm() <= rounding * std::max(a.norm(), b.norm());
}

bool hold_alike(const std::optional<ForceData>& a, const std::optional<ForceData>& b) {
  if (!a || !b) return !a && !b;
  return close(a->position, b->position) && close(a->force, b->force) && a->weight == b->weight;
}

/// The options on the problem that are not as stored, as they were typed.
std::string problem_options(const Options& options, const Options& stored) {
  std::string words;
  for (const std::string& key : options.configuration_keys()) {
    if (find_option(key, verb_train)->group != std::string("Problem") || !options.given(key) ||
        options.follows_seed(key) || options.text(key) == stored.text(key)) {
      continue;
    }
    words += (words.empty() ? "--" : " --") + key + ' ' + options.text(key);
  }
  return words.empty() ? "--initial-states" : words;
}

/// A run that is written into its own file goes on with its own problem: what was verified of the
/// one says nothing about another.
void keep_problem(Options options, const TrainingSetup& setup, const Options& original,
                  const Results& stored, const std::string& file) {
  const Objective objective =
      read_training_objective(options, setup.problem, *setup.network,
                              Dynamics(setup.network, setup.problem.motion), stored);
  const Results now = new_results("train", options, objective);
  const bool same = options.text("loss") == original.text("loss") &&
                    close(now.initial_states, stored.initial_states) &&
                    (stored.end_times.size() == 0 || close(now.end_times, stored.end_times)) &&
                    hold_alike(now.held, stored.held);
  if (same) return;
  throw InputError(problem_options(options, original) + " changes the problem that " + file +
                   " holds the results of; give another file by --output, and " + file +
                   " stays as it is");
}

int resume(Options options, const std::string& file) {
  std::optional<Results> stored = read_model(file);
  const bool into_itself = goes_into(options, file);
  std::optional<Output> output;
  std::optional<FormerFile> former;
  if (into_itself) {
    output.emplace(file, true);
    former.emplace(file);
    stored = read_model(file);  // again, now that nobody else writes it
  }
  const Options::Stored configuration = stored_options(*stored, file);
  Options original(verb_train, {});
  original.add_stored(configuration);
  options.add_stored(configuration);
  keep_start(options, original);
  TrainingSetup setup = read_training_setup(options);
  check_architecture(*setup.network, setup.problem.motion, *stored, file);
  if (into_itself) keep_problem(options, setup, original, *stored, file);
  count_on(options, setup, *stored);
  if (!into_itself) output.emplace(options.text("output"), options.flag("overwrite"));
  setup.output = std::move(output);
  setup.former = std::move(former);
  if (options.flag("verbose")) std::cerr << "configuration:\n" << options.echo();
  if (nothing_left(options, setup, *stored)) {
    std::printf("nothing left to do: %s has its %ld iterations; --iterations n does n more\n",
                file.c_str(), iterations_done(stored->history));
    return 0;
  }
  return run_training(options, std::move(setup), stored);
}

}  // namespace

int train(const Options& given) {
  Options options = given;
  const std::string file = options.text("resume");
  if (!file.empty()) return resume(std::move(options), file);
  TrainingSetup setup = read_training_setup(options);
  setup.output.emplace(options.text("output"), options.flag("overwrite"));
  if (options.flag("verbose")) std::cerr << "configuration:\n" << options.echo();
  return run_training(options, std::move(setup), std::nullopt);
}

}  // namespace isochron::cli
