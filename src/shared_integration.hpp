#pragma once

#include <functional>
#include <vector>

#include "team.hpp"

namespace isochron {

/// The states of an ensemble at its observation times, or at the fractions tau of its end times, by
/// all ranks of the integrator's communicator. `own` is for the blocks of this rank.
[[nodiscard]] Share integrate_by_ranks(const Integrator& integrator, Integrator& own,
                                       ConstVectorRef theta, const Ensemble& ensemble,
                                       const Vector* tau);

/// The integrator's options for the blocks of one rank.
[[nodiscard]] IntegratorOptions for_one_rank(IntegratorOptions options, Index of_block);

/// The part of another rank. `own`: the user's own force fields.
[[nodiscard]] Share part_of_integration(const Communicator& communicator, Task task,
                                        MessageReader& request,
                                        const std::vector<ForceFieldPtr>& own,
                                        const std::function<bool()>& stop_requested);

}  // namespace isochron
