#include <fmt/format.h>
#include <algorithm>

#include "cli/option_table.hpp"
#include "cli/print.hpp"
#include "cli/resolved.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/training_run.hpp"
#include "cli/verbs.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// How many iterations a resumed run may still do: --iterations are so many more, a stored limit
/// counts from the beginning.
std::optional<long> iterations_left(const Configuration& configuration, long done) {
  if (!configuration.iterations || configuration.given("iterations")) {
    return configuration.iterations;
  }
  return std::max(0L, *configuration.iterations - done);
}

/// Complete, no iteration more is wanted, and nothing else is different.
bool nothing_left(const Configuration& configuration, std::optional<long> left, const Run& stored) {
  if (left != 0 || configuration.given("output")) return false;
  if (!stored.is_verified() || !left_out(stored).empty()) return false;
  const std::vector<std::string> keys = given_keys(configuration);
  return std::all_of(keys.begin(), keys.end(), [](const auto& key) { return key == "iterations"; });
}

/// A resumed run has its weights: what chooses other ones must be as it was.
Configuration with_start_of(const Configuration& original, Configuration configuration) {
  if (configuration.source("weight-seed").follows_seed) {
    configuration.weight_seed = original.weight_seed;
  }
  for (const char* key : {"weight-seed", "output-scale", "restarts", "period-multiple"}) {
    require(!configuration.given(key) || text_of(configuration, key) == text_of(original, key),
            "{} is for a new run; a resumed one goes on from its weights",
            as_typed(configuration, key));
  }
  return configuration;
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

/// Whether a sum has the stored parts beside its first one.
bool same_others(const Objective& sum, const std::vector<OtherObjective>& stored) {
  return std::equal(sum.others().begin(), sum.others().end(), stored.begin(), stored.end(),
                    [](const WeightedObjective& a, const OtherObjective& b) {
                      const Ensemble& ensemble = a.objective.ensemble();
                      return a.weight == b.weight && a.objective.loss() == b.loss &&
                             close(ensemble.initial_states, b.ensemble.initial_states) &&
                             close(ensemble.end_times, b.ensemble.end_times);
                    });
}

/// The options on the problem that are not as stored, as they may be typed.
std::string problem_options(const Configuration& configuration, const Configuration& original) {
  std::vector<std::string> words;
  for (const std::string& key : given_keys(configuration)) {
    const bool changed = option_named(key, verb_train).group == std::string("Problem") &&
                         !configuration.source(key).follows_seed &&
                         text_of(configuration, key) != text_of(original, key);
    if (changed) words.push_back(as_typed(configuration, key));
  }
  return words.empty() ? "what --initial-states, --period-law or --hold name"
                       : fmt::format("{}", fmt::join(words, " "));
}

/// A run that is written into its own file goes on with its own problem: what was verified of the
/// one says nothing about another.
void keep_problem(const Configuration& configuration, const Objective& objective,
                  const Configuration& original, const Run& stored, const std::string& file) {
  const Ensemble& now = objective.ensemble();
  const bool same =
      configuration.loss == original.loss &&
      close(now.initial_states, stored.ensemble.initial_states) &&
      (stored.ensemble.end_times.size() == 0 || close(now.end_times, stored.ensemble.end_times)) &&
      hold_alike(objective.force_data(), stored.force_data) &&
      same_others(objective, stored.others);
  require(same,
          "{0} changes the problem that {1} holds the results of; give another file by --output, "
          "and {1} stays as it is",
          problem_options(configuration, original), file);
}

/// What the program cannot know of a run that the library wrote.
void require_resumable(const Run& stored, const Configuration& given, const std::string& file) {
  require(!is_simulated(stored) || given.given("loss"),
          "{} comes from simulate, which trains nothing; go on with the training run that it was "
          "made from: isochron train --resume run.h5",
          shown(file));
  require(resumable(stored),
          "{} holds a run with the loss {}, which the library alone can resume: objective_of, then "
          "train",
          shown(file), stored.loss ? name(*stored.loss) : "");
  require(stored.loss || (given.given("loss") && given.given("output")),
          "{} does not say what the loss of its run was; give --loss and --period, and another "
          "file by --output",
          shown(file));
}

int resume(const Configuration& given) {
  const std::string& file = given.resume;
  std::optional<Run> stored = read_model(file);
  require_resumable(*stored, given, file);
  Output output = output_of(given, file);
  const bool into_itself = output.former().has_value();
  if (into_itself) stored = read_model(file);  // again, now that nobody else writes it
  const Configuration original = configuration_of(*stored, file);
  Configuration configuration = with_start_of(original, with_stored(given, original));
  check_architecture(configuration, *stored, file);
  const long done = iterations_done(stored->state.history);
  const std::optional<long> left = iterations_left(configuration, done);
  if (left) configuration.iterations = done + *left;  // what is stored again is the sum
  configuration = resolved(std::move(configuration));
  refuse_idle_options({&configuration, 1});
  TrainingSetup setup = training_setup(configuration, stored);
  if (into_itself) keep_problem(configuration, setup.objective, original, *stored, file);
  setup.training.optimizer.max_iterations = left.value_or(-1);
  echo(with_orbits(configuration, setup.objective));
  if (nothing_left(configuration, left, *stored)) {
    put("nothing left to do: {} has its {} iterations; --iterations n does n more\n", file, done);
    return 0;
  }
  setup.output = std::move(output);
  return run_training(std::move(setup), stored);
}

}  // namespace

int train(const Configuration& given) {
  if (!given.resume.empty()) return resume(given);
  const Configuration configuration = resolved(given);
  refuse_idle_options({&configuration, 1});
  TrainingSetup setup = training_setup(configuration, std::nullopt);
  setup.output = output_of(configuration);
  echo(with_orbits(configuration, setup.objective));
  return run_training(std::move(setup), std::nullopt);
}

}  // namespace isochron::cli
