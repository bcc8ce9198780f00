#pragma once

#include <cstdint>
#include <random>

#include "isochron/states.hpp"

namespace isochron {

/// Random numbers that are the same on every platform and with every standard library.
///
/// Generator: std::mt19937_64 (Matsumoto and Nishimura; its output is fixed by the C++ standard).
/// Distributions are written here because the standard leaves theirs open.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Uniform on [0, 1): the upper 53 bits of one 64-bit draw, times 2^-53.
  double uniform();

  /// Standard normal by Marsaglia's polar method; the second value of each pair is kept.
  double normal();

 private:
  std::mt19937_64 engine_;
  double kept_ = 0;
  bool has_kept_ = false;
};

/// N states from N(0, I), `state_dimension` x N, drawn trajectory by trajectory.
[[nodiscard]] States normal_states(Index state_dimension, Index trajectories, std::uint64_t seed);

}  // namespace isochron
