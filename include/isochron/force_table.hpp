#pragma once

#include "isochron/force_field.hpp"

namespace isochron {

/// A force through given values f_k at positions x_k (strictly increasing, at least 4): the
/// barycentric rational interpolant of Floater and Hormann (Numer. Math. 107, 2007) of order 3,
/// which is analytic and has no poles on the real line; its error falls like the fourth power of
/// the spacing. D = 1, no parameters; NaN outside [x_1, x_K]. Throws InputError when the values do
/// not fit that.
[[nodiscard]] ForceFieldPtr tabulated_force(const Vector& positions, const Vector& forces);

}  // namespace isochron
