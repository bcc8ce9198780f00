#include "cli/training_setup.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <limits>
#include <map>

#include "cli/force_option.hpp"
#include "cli/objective.hpp"
#include "cli/observed_objective.hpp"
#include "cli/resolved.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/well.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// Oscillations are counted where orbits go around in a well.
void check_period_multiple(const Configuration& configuration, const Dynamics& dynamics) {
  if (!configuration.period_multiple) return;
  require(configuration.loss != Loss::none,
          "--period-multiple needs a loss on trajectories, not --loss none");
  require(dynamics.moves_on_a_line(),
          "--period-multiple is for newtonian dynamics with --dimension 1");
}

/// Whether the problem is that of --data, and not a stored one.
bool asks_for_data(const Configuration& configuration, const std::optional<Run>& stored) {
  if (configuration.data.empty()) return false;
  return asks_for_problem(configuration) || !stored || stored->loss != Loss::observations;
}

/// That trajectories start inside of the domain that the known term of their force has at first.
void check_domain(const Objective& objective) {
  for (const WeightedObjective& part : objective.others()) check_domain(part.objective);
  const auto known = structure_of(objective.dynamics().field()).known;
  const std::vector<std::string> wells = well_names();
  if (!known || std::find(wells.begin(), wells.end(), known->name) == wells.end()) return;
  std::map<std::string, double> values;
  for (const AnalyticParameter& p : known->parameters) values.emplace(p.name, p.value);
  const auto [left, right] = make_well(known->name, values).domain();
  const States& starts = objective.ensemble().initial_states;
  for (Index i = 0; i < starts.cols(); ++i) {
    require(
        starts(0, i) > left && starts(0, i) < right,
        "the force {} is defined for {:g} < x < {:g}, but trajectory {} (counted from 0) starts "
        "at x = {:g}; give other --params",
        known->name, left, right, i, starts(0, i));
  }
}

bool same_states(const States& a, const States& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && a == b;
}

}  // namespace

Run described_run(const Configuration& configuration, const Objective& objective,
                  const std::optional<TrainingOptions>& training,
                  const std::optional<Run>& stored) {
  Run run = new_run(objective, training);
  run.environment["threads"] = fmt::format("{}", threads_of(configuration));
  run.config = configuration_json(configuration);
  run.verdict_tolerance = configuration.verdict_tolerance;
  if (stored && same_states(stored->ensemble.initial_states, run.ensemble.initial_states)) {
    run.data_seed = stored->data_seed;
  } else if (asks_for_closed_orbits(objective.loss()) && !prescribes_periods(objective.loss()) &&
             states_are_drawn(configuration)) {
    run.data_seed = configuration.data_seed;
  }
  return run;
}

TrainingSetup training_setup(const Configuration& configuration, const std::optional<Run>& stored) {
  const Dynamics dynamics(trainable_field(configuration), configuration.motion);
  check_period_multiple(configuration, dynamics);
  require_seeds(configuration, "weight-seed", configuration.weight_seed, configuration.restarts);
  const TrainingOptions training = training_options(
      configuration, dynamics, stored && stored->options ? *stored->options : usual_options());
  std::optional<Objective> held_out;
  bool estimates_noise = stored && stored->estimates_noise;
  Objective objective = [&] {
    if (asks_for_data(configuration, stored)) {
      ObservedProblem problem = observed_problem(configuration, dynamics);
      held_out = std::move(problem.held_out);
      estimates_noise = problem.estimates_noise;
      return std::move(problem.objective);
    }
    return training_objective(configuration, dynamics, stored);
  }();
  check_domain(objective);
  const bool fits = objective.loss() == Loss::observations;
  if (!fits) refuse_options_of_data(configuration);
  const Configuration complete = with_orbits(configuration, objective);
  Run run = described_run(complete, objective, training, stored);
  run.estimates_noise = estimates_noise;
  return {.objective = std::move(objective),
          .training = training,
          .fit = fits ? std::optional(fit_options(configuration, training, estimates_noise))
                      : std::nullopt,
          .held_out = std::move(held_out),
          .run = std::move(run),
          .weight_seed = configuration.weight_seed,
          .restarts = configuration.restarts,
          .period_multiple = configuration.period_multiple.value_or(0),
          .output_scale = configuration.output_scale,
          .checkpoint_interval = configuration.checkpoint_interval,
          .quiet = configuration.quiet};
}

void require_seeds(const Configuration& configuration, const std::string& key, std::uint64_t first,
                   std::int64_t count) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t last_first = last - static_cast<std::uint64_t>(count - 1);
  if (first <= last_first) return;
  throw not_admissible(
      configuration, key,
      fmt::format("at most {}, for {} seeds are counted up from it and {} is the largest one",
                  last_first, count, last));
}

}  // namespace isochron::cli
