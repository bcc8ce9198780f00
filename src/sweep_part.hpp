#pragma once

#include <algorithm>
#include <numeric>

namespace isochron {

/// Which runs of a sweep one of several jobs makes; by itself all of them.
struct SweepPart {
  long number = 1;  ///< counted from 1
  long of = 1;

  [[nodiscard]] bool operator==(const SweepPart&) const = default;

  /// The part, of so many, that a run belongs to. Parts take runs in turn, so that their numbers of
  /// runs differ by at most one, and a sweep of more runs leaves to each part what it has. As
  /// configurations take turns in the same order, each part would meet only some of them where the
  /// two numbers have a common divisor: when both orders are about to repeat themselves, that of
  /// the parts moves on by one. Then the parts differ by at most one run of each configuration,
  /// too.
  [[nodiscard]] long number_of(long run, long configurations) const {
    const long repeats = std::max(1L, std::lcm(configurations, of));
    return (run + run / repeats) % of + 1;
  }
  [[nodiscard]] bool holds(long run, long configurations) const {
    return number_of(run, configurations) == number;
  }
};

/// The most parts of a sweep.
inline constexpr long most_parts = 1000000;

}  // namespace isochron
