#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "cli/signals.hpp"
#include "clock.hpp"

namespace isochron::cli {

/// The time for what follows a training that had `max_time` from `start`: half as much again, or
/// 5 s where that is more. What the training took too much is taken off.
class Budget {
 public:
  /// `reserved`: s, for what cannot be stopped at the end.
  Budget(Clock::time_point start, double max_time, double reserved = 0) {
    const double granted = std::max(max_time / 2, 5.0);
    seconds_ = std::min(granted, max_time + granted - seconds_since(start)) - reserved;
  }

  /// True after a signal, or when half of the time that is left now has passed: what comes first
  /// must leave some to the others.
  [[nodiscard]] std::function<bool()> half() const { return limit(left() / 2); }
  /// The same for all that is left.
  [[nodiscard]] std::function<bool()> rest() const { return limit(left()); }

 private:
  [[nodiscard]] double left() const { return seconds_ - seconds_since(granted_); }

  static std::function<bool()> limit(double seconds) {
    return
        [begin = Clock::now(), seconds] { return signalled() || seconds_since(begin) > seconds; };
  }

  Clock::time_point granted_ = Clock::now();
  double seconds_;
};

}  // namespace isochron::cli
