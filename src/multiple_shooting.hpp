#pragma once

#include "isochron/objective.hpp"

namespace isochron {

/// Observed trajectories cut into windows that are shot at one by one: each starts where the data
/// are, however far off a trajectory from its beginning would be (multiple shooting, Bock 1981; for
/// neural ODEs Turan and Jaschke 2021, arXiv:2109.06786). As many windows of equal numbers of
/// observations as possible, `windows` at most. `stiffness`: weight of the gaps, over the largest
/// one of an observation of that component; of a component that is not observed, of any.
[[nodiscard]] Objective in_windows(const Objective& objective, Index windows, double stiffness);

/// The initial states of whole trajectories among those of their windows.
[[nodiscard]] States first_states(const Objective& windows, const States& of_windows);

}  // namespace isochron
