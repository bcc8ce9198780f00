#pragma once

#include <chrono>

namespace isochron {

/// Of wall time: it never goes back.
using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace isochron
