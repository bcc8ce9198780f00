#include <algorithm>
#include <cstdio>

#include "cli/option_table.hpp"
#include "cli/resolved.hpp"
#include "cli/stored_run.hpp"
#include "cli/summary.hpp"
#include "cli/training_run.hpp"
#include "cli/verbs.hpp"
#include "isochron/error.hpp"

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
bool nothing_left(const Configuration& configuration, std::optional<long> left,
                  const Results& stored) {
  if (left != 0 || configuration.given("output")) return false;
  if (stored.summary.count("loss_verified") == 0 || !left_out(stored).empty()) return false;
  const std::vector<std::string> keys = given_keys(configuration);
  return std::all_of(keys.begin(), keys.end(), [](const auto& key) { return key == "iterations"; });
}

/// A resumed run has its weights: what chooses other ones must be as it was.
Configuration with_start_of(const Configuration& original, Configuration configuration) {
  if (configuration.source("weight-seed").follows_seed) {
    configuration.weight_seed = original.weight_seed;
  }
  for (const char* key : {"weight-seed", "output-scale", "restarts", "period-multiple"}) {
    const std::string text = text_of(configuration, key);
    if (!configuration.given(key) || text == text_of(original, key)) continue;
    throw InputError(std::string("--") + key + ' ' + text +
                     " is for a new run; a resumed one goes on from its weights");
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

/// The options on the problem that are not as stored, as they may be typed.
std::string problem_options(const Configuration& configuration, const Configuration& original) {
  std::string words;
  for (const std::string& key : given_keys(configuration)) {
    const std::string text = text_of(configuration, key);
    if (option_named(key, verb_train).group != std::string("Problem") ||
        configuration.source(key).follows_seed || text == text_of(original, key)) {
      continue;
    }
    words += (words.empty() ? "--" : " --") + key + ' ' + text;
  }
  return words.empty() ? "--initial-states" : words;
}

/// A run that is written into its own file goes on with its own problem: what was verified of the
/// one says nothing about another.
void keep_problem(const Configuration& configuration, const Objective& objective,
                  const Configuration& original, const Results& stored, const std::string& file) {
  const Ensemble& now = objective.ensemble();
  const bool same = configuration.loss == original.loss &&
                    close(now.initial_states, stored.initial_states) &&
                    (stored.end_times.size() == 0 || close(now.end_times, stored.end_times)) &&
                    hold_alike(objective.force_data(), stored.force_data);
  if (same) return;
  throw InputError(problem_options(configuration, original) + " changes the problem that " + file +
                   " holds the results of; give another file by --output, and " + file +
                   " stays as it is");
}

int resume(const Configuration& given) {
  const std::string& file = given.resume;
  std::optional<Results> stored = read_model(file);
  Output output = output_of(given, file);
  const bool into_itself = output.former().has_value();
  if (into_itself) stored = read_model(file);  // again, now that nobody else writes it
  const StoredConfiguration options = stored_options(*stored, file);
  const Configuration original = as_stored(verb_train, options);
  Configuration configuration = with_start_of(original, with_stored(given, options));
  check_architecture(configuration, *stored, file);
  const long done = iterations_done(stored->history);
  const std::optional<long> left = iterations_left(configuration, done);
  if (left) configuration.iterations = done + *left;  // what is stored again is the sum
  configuration = resolved(std::move(configuration));
  TrainingSetup setup = training_setup(configuration, stored);
  if (into_itself) keep_problem(configuration, setup.objective, original, *stored, file);
  setup.training.optimizer.max_iterations = left.value_or(-1);
  echo(with_orbits(configuration, setup.objective));
  if (nothing_left(configuration, left, *stored)) {
    std::printf("nothing left to do: %s has its %ld iterations; --iterations n does n more\n",
                file.c_str(), done);
    return 0;
  }
  setup.output = std::move(output);
  return run_training(std::move(setup), stored);
}

}  // namespace

int train(const Configuration& given) {
  if (!given.resume.empty()) return resume(given);
  const Configuration configuration = resolved(given);
  TrainingSetup setup = training_setup(configuration, std::nullopt);
  setup.output = output_of(configuration);
  echo(with_orbits(configuration, setup.objective));
  return run_training(std::move(setup), std::nullopt);
}

}  // namespace isochron::cli
