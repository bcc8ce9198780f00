#pragma once

#include "isochron/force_field.hpp"

namespace isochron {

/// The right half of an isochronous well, point by point: U at the turning points of one energy is
/// the same. Unit mass, everything dimensionless.
struct RightHalf {
  Vector potential;  ///< U above the bottom [K]
  Vector position;   ///< x2(U) [K]
  Vector force;      ///< f(x2) < 0 [K]
};

/// The right half that makes a left half isochronous with period T = 2 pi/omega (Landau and
/// Lifshitz, Mechanics, section 12): the width at every U is that of the harmonic well, and hence
///
///   x2 = x1 + 2 sqrt(2 U)/omega,   1/f(x2) = 1/f(x1) - 2/(omega sqrt(2 U)),
///
/// at the given positions x1 [K], increasing and left of the bottom. U is the quadrature of f from
/// there; `field` (D = 1) is not evaluated right of the bottom.
///
/// x2 increases with U, so that there is such a half at all, where f(x1) > omega sqrt(2 U)/2.
/// Throws InputError naming the position nearest to the bottom where this fails, and unless
/// positions are as above and finite, and T > 0 is finite.
[[nodiscard]] RightHalf isochronous_completion(const ForceField& field, ConstVectorRef theta,
                                               double bottom, ConstVectorRef positions,
                                               double period);

}  // namespace isochron
