#pragma once

#include <initializer_list>
#include <optional>

#include "cli/configuration.hpp"
#include "isochron/period_law.hpp"
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

/// The periods that --period-law names, with their noise: of an analytic force for as many
/// amplitudes or energies as there are trajectories. Throws InputError.
[[nodiscard]] PeriodLaw period_law_asked_for(const Configuration& configuration);

/// An objective with the force that --hold asks for, and with f(0) = 0 where periods are prescribed
/// by energy to a force that is not odd. Throws InputError as above.
[[nodiscard]] Objective with_held_force(const Objective& objective,
                                        const Configuration& configuration,
                                        const std::optional<Run>& stored);

/// What is trained without --data: the losses on trajectories with such a force, or the problem of
/// `stored` where no option asks for another one.
[[nodiscard]] Objective training_objective(const Configuration& configuration,
                                           const Dynamics& dynamics,
                                           const std::optional<Run>& stored);

/// The first of these options that is given; null when none is.
[[nodiscard]] const char* first_given(const Configuration& configuration,
                                      std::initializer_list<const char*> keys);

/// Whether options ask for another problem than a stored one.
[[nodiscard]] bool asks_for_problem(const Configuration& configuration);

}  // namespace isochron::cli
