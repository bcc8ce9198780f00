#pragma once

#include <optional>

#include "cli/run.hpp"

namespace isochron::cli {

/// The losses on trajectories that options ask for: the drawn, read or stored initial states over
/// --period, or the orbits of --period-law. Settles what the options leave open. Throws InputError
/// when options do not fit each other.
[[nodiscard]] Objective read_objective(Options& options, const Problem& problem,
                                       const Dynamics& dynamics,
                                       const std::optional<Results>& stored);

/// The same with the force that --hold asks for, and with f(0) = 0 where periods are prescribed by
/// energy to a force that is not odd.
[[nodiscard]] Objective read_training_objective(Options& options, const Problem& problem,
                                                const Mlp& network, const Dynamics& dynamics,
                                                const std::optional<Results>& stored);

}  // namespace isochron::cli
