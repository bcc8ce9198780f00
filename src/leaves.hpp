#pragma once

#include "isochron/objective.hpp"

namespace isochron {

/// How the residuals of an objective are cut into parts whose rows of the Jacobian can be held.
struct Leaves {
  Index trajectories = 1;  ///< of each but the last
  Index count = 1;         ///< with one for other objectives and force data, where there are any
};

/// Leaves of whole blocks of the integrator, and whole trajectories of windows that should join,
/// with at least `rows_over_parameters` P residuals each as far as all are observed: the more, the
/// less is spent on merging their triangles.
[[nodiscard]] Leaves cut_into_leaves(const Objective& objective,
                                     const IntegratorOptions& integrator);

inline constexpr Index rows_over_parameters = 8;

/// Whether there are so many that triangles take much less than the Jacobian, and a few ranks have
/// several each.
[[nodiscard]] bool are_many(const Leaves& leaves);

/// Whether the whole Jacobian of the trajectories' residuals is too large for least squares to hold
/// it and what it is factorised by: more than `largest_held` numbers, of many leaves. Smaller ones
/// are faster held, where a sketch finds the few directions that matter.
[[nodiscard]] bool is_too_large_to_hold(const Objective& objective, const Leaves& leaves);

inline constexpr double largest_held = 0x1p25;

}  // namespace isochron
