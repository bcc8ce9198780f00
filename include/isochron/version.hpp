#pragma once

namespace isochron {

/// The version of the program and the library (semantic versioning).
inline constexpr const char* version = "0.1.0";

}  // namespace isochron
