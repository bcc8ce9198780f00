#pragma once

#include "isochron/objective.hpp"

namespace isochron {

/// The residuals of windows that should join: of each window those of its data, and below them the
/// gap to the next one, sqrt(w/M) (y(end) - y(0) of the next window); above those of a trajectory's
/// first window how far it starts from where it is known to. `states`: of the windows at their
/// observation times; `starts`: at their beginnings.
[[nodiscard]] Vector joined_residuals(const Objective& windows, ConstStatesRef states,
                                      ConstStatesRef starts);

/// The same with the derivatives: a group for each window, whose own parameters are its initial
/// state, and a chain for each trajectory. `residuals` and `jacobian.shared` have their size.
void joined_residuals(const Objective& windows, const StateJacobian& at, ConstStatesRef starts,
                      VectorRef residuals, GroupedJacobian& jacobian);

/// Of any objective's trajectories, those of gaps between windows included; and with the
/// derivatives, written to the first rows.
[[nodiscard]] Vector residuals_at(const Objective& objective, ConstStatesRef states,
                                  ConstStatesRef starts);
void residuals_at(const Objective& objective, const StateJacobian& at, ConstStatesRef starts,
                  VectorRef residuals, GroupedJacobian& jacobian);

/// Residuals of gaps and of known starts among those of the trajectories before this one.
[[nodiscard]] Index gaps_before(const Objective& objective, Index trajectory);

}  // namespace isochron
