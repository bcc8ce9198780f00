#pragma once

#include "cli/configuration.hpp"

namespace isochron::cli {

/// With what follows from other values where nobody has asked for it: --restarts from
/// --period-multiple, --rtol from --atol and --optimizer, --gradient and --method from each other.
/// Origins stay. (Only training has such options.)
[[nodiscard]] Configuration resolved(Configuration configuration);

/// With the number of trajectories and the period that these orbits have, whatever file they came
/// from, and without the --initial-states that other options have overruled.
[[nodiscard]] Configuration with_orbits(Configuration configuration, const Objective& objective);

/// Whether initial states come from N(0, I) rather than from a file.
[[nodiscard]] bool states_are_drawn(const Configuration& configuration);

}  // namespace isochron::cli
