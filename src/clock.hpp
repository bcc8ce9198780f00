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

/// The same, some milliseconds late at most and several times faster: for what every step of an
/// integration asks.
[[nodiscard]] inline double roughly_seconds_since(Clock::time_point start) {
  std::timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // that of Clock, at the last tick of the kernel
  const auto since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return std::chrono::duration<double>(since_boot - start.time_since_epoch()).count();
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
