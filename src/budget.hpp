#pragma once

#include <functional>

#include "clock.hpp"

namespace isochron {

/// Time for several computations, one after the other.
class Budget {
 public:
  /// `seconds` from now; `stop_requested` ends it earlier.
  Budget(double seconds, std::function<bool()> stop_requested)
      : seconds_(seconds), stop_requested_(std::move(stop_requested)) {}

  /// True when it is asked to stop, or when half of the time that is left now has passed: what
  /// comes first must leave some to the others.
  [[nodiscard]] std::function<bool()> half() const { return limit(left() / 2); }
  /// The same for all that is left.
  [[nodiscard]] std::function<bool()> rest() const { return limit(left()); }

 private:
  [[nodiscard]] double left() const { return seconds_ - seconds_since(granted_); }

  [[nodiscard]] std::function<bool()> limit(double seconds) const {
    return [asked = stop_requested_, begin = Clock::now(), seconds] {
      return asked() || seconds_since(begin) > seconds;
    };
  }

  Clock::time_point granted_ = Clock::now();
  double seconds_;
  std::function<bool()> stop_requested_;
};

}  // namespace isochron
