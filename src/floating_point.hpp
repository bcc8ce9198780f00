/// \file
/// Three doubles by short names.

#pragma once

#include <limits>

namespace isochron {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
/// Twice the unit roundoff.
inline constexpr double epsilon = std::numeric_limits<double>::epsilon();

}  // namespace isochron
