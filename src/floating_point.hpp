/// \file
/// Three doubles by short names, and a count as one.

#pragma once

#include <cstddef>
#include <limits>

namespace isochron {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
/// Twice the unit roundoff.
inline constexpr double epsilon = std::numeric_limits<double>::epsilon();

[[nodiscard]] constexpr double real(std::ptrdiff_t count) { return static_cast<double>(count); }

}  // namespace isochron
