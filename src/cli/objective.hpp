#pragma once

#include <optional>

#include "cli/configuration.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// The initial states that are asked for: drawn, read from a file, or, when nothing is asked for,
/// those of `stored`. Columns are trajectories. Throws InputError.
[[nodiscard]] States initial_states(const Configuration& configuration, Index state_dimension,
                                    const std::optional<Run>& stored);

/// The losses on trajectories that are asked for: on initial states over --period, or on the orbits
/// of --period-law. Throws InputError when options do not fit each other.
[[nodiscard]] Objective trajectory_objective(const Configuration& configuration,
                                             const Dynamics& dynamics,
                                             const std::optional<Run>& stored);

/// The same with the force that --hold asks for, and with f(0) = 0 where periods are prescribed by
/// energy to a force that is not odd.
[[nodiscard]] Objective training_objective(const Configuration& configuration,
                                           const Dynamics& dynamics,
                                           const std::optional<Run>& stored);

}  // namespace isochron::cli
