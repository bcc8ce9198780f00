#include "cli/training_setup.hpp"

#include <limits>

#include "cli/environment.hpp"
#include "cli/network.hpp"
#include "cli/objective.hpp"
#include "cli/resolved.hpp"
#include "cli/solver_options.hpp"
#include "cli/verdict.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

/// Oscillations are counted where orbits go around in a well.
void check_period_multiple(const Configuration& configuration, const Dynamics& dynamics) {
  if (!configuration.period_multiple) return;
  if (configuration.loss == Loss::none) {
    throw InputError("--period-multiple needs a loss on trajectories, not --loss none");
  }
  if (!moves_on_a_line(dynamics)) {
    throw InputError("--period-multiple is for newtonian dynamics with --dimension 1");
  }
}

}  // namespace

TrainingSetup training_setup(const Configuration& configuration,
                             const std::optional<Results>& stored) {
  require_trainable(configuration);
  const auto network = network_of(configuration);
  const Dynamics dynamics(network, configuration.motion);
  check_period_multiple(configuration, dynamics);
  require_seeds(configuration, "weight-seed", configuration.weight_seed, configuration.restarts);
  const TrainingOptions training = training_options(configuration, dynamics);
  Objective objective = training_objective(configuration, dynamics, stored);
  const Configuration complete = with_orbits(configuration, objective);
  Results record = new_results(complete, objective);
  return {.network = network,
          .objective = std::move(objective),
          .training = training,
          .record = std::move(record),
          .states_are_drawn = states_are_drawn(complete),
          .data_seed = configuration.data_seed,
          .weight_seed = configuration.weight_seed,
          .restarts = configuration.restarts,
          .period_multiple = configuration.period_multiple.value_or(0),
          .output_scale = configuration.output_scale,
          .checkpoint_interval = configuration.checkpoint_interval,
          .verdict_tolerance = configuration.verdict_tolerance,
          .quiet = configuration.quiet};
}

void require_seeds(const Configuration& configuration, const std::string& key, std::uint64_t first,
                   std::int64_t count) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t last_first = last - static_cast<std::uint64_t>(count - 1);
  if (first <= last_first) return;
  throw not_admissible(configuration, key,
                       "at most " + std::to_string(last_first) + ", for " + std::to_string(count) +
                           " seeds begin there and " + std::to_string(last) + " is the last one");
}

}  // namespace isochron::cli
