#pragma once

#include <chrono>
#include <ctime>
#include <string>

namespace isochron {

/// Of wall time: it never goes back.
using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of the day, UTC, ISO 8601.
[[nodiscard]] inline std::string time_of_day() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace isochron
