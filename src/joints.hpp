#pragma once

#include "isochron/objective.hpp"

namespace isochron {

/// The residuals of windows that should join: for each trajectory those of its windows, then the
/// gaps between them, sqrt(w/M) (y(end) - y(0) of the next window). `states`: of the windows at
/// their observation times; `starts`: at their beginnings.
[[nodiscard]] Vector joined_residuals(const Objective& windows, ConstStatesRef states,
                                      ConstStatesRef starts);

/// The same with the derivatives: a group for each trajectory, whose own parameters are the initial
/// states of its windows.
void joined_residuals(const Objective& windows, const StateJacobian& at, ConstStatesRef starts,
                      VectorRef residuals, GroupedJacobian& jacobian);

}  // namespace isochron
