#pragma once

#include "isochron/results.hpp"

namespace isochron::cli {

/// U, f, phase portraits and orbits of a force into the results, as far as its dimension has them.
/// The portraits run over whole periods from the initial states of `objective`. What cannot be had
/// is absent, with the reason; throws Interrupted after a signal.
void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator);

}  // namespace isochron::cli
