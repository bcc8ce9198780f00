#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "isochron/states.hpp"

namespace isochron {

// As many doubles as one SIMD register of the machine holds: GCC's and Clang's vector types, never
// wider than the machine, since GCC takes wider ones apart through memory. The same layers written
// with Highway run equally fast, its tanh takes 1.6 times as long.
#if defined(__AVX512F__)
#define ISOCHRON_LANE_BYTES 64
#elif defined(__AVX__)
#define ISOCHRON_LANE_BYTES 32
#else
#define ISOCHRON_LANE_BYTES 16
#endif
// NOLINTBEGIN(modernize-use-using): the attribute belongs to a typedef.
typedef double Lanes __attribute__((vector_size(ISOCHRON_LANE_BYTES)));
typedef std::int64_t LaneBits __attribute__((vector_size(ISOCHRON_LANE_BYTES)));
// NOLINTEND(modernize-use-using)
#undef ISOCHRON_LANE_BYTES

inline constexpr Index lane_count = sizeof(Lanes) / sizeof(double);
static_assert(block_padding % lane_count == 0);

/// So many points, filled up to full registers.
inline Index in_lanes(Index points) { return (points + lane_count - 1) / lane_count * lane_count; }

inline Lanes broadcast(double x) { return x - Lanes{}; }

/// The values from p on, or the `remaining` that are left of a row, filled up with zeros.
inline Lanes load(const double* p, Index remaining = lane_count) {
  Lanes lanes{};
  if (remaining >= lane_count) {
    std::memcpy(&lanes, p, sizeof lanes);
  } else {
    std::memcpy(&lanes, p, static_cast<std::size_t>(remaining) * sizeof(double));
  }
  return lanes;
}

inline void store(double* p, Lanes lanes, Index remaining = lane_count) {
  if (remaining >= lane_count) {
    std::memcpy(p, &lanes, sizeof lanes);
  } else {
    std::memcpy(p, &lanes, static_cast<std::size_t>(remaining) * sizeof(double));
  }
}

/// Sums of neighbouring lanes: (a_0 + a_1, a_2 + a_3, .., b_0 + b_1, ..).
template <int... k>
Lanes pair_sums(Lanes a, Lanes b, std::integer_sequence<int, k...>) {
  return __builtin_shufflevector(a, b, 2 * k...) + __builtin_shufflevector(a, b, 2 * k + 1 ...);
}

/// The sum over the lanes of each of lane_count vectors, in lanes. Halves their number in place
/// until one is left.
inline Lanes lane_sums(const Lanes* vectors) {
  Lanes v[lane_count];
  for (Index i = 0; i < lane_count; ++i) v[i] = vectors[i];
  for (Index n = lane_count / 2; n > 0; n /= 2) {
    for (Index i = 0; i < n; ++i) {
      v[i] = pair_sums(v[2 * i], v[2 * i + 1], std::make_integer_sequence<int, lane_count>{});
    }
  }
  return v[0];
}

inline double lane_sum(Lanes v) {
  double sum = 0;
  for (Index k = 0; k < lane_count; ++k) sum += v[k];
  return sum;
}

/// tanh in every lane, e/(e + 2) with the sign of x: within 3 ulp everywhere, exactly odd, NaN for
/// NaN. With r = |x| - n log(2)/2,
///
///   e = exp(2|x|) - 1 = 2^n (exp(2r) - 1) + (2^n - 1),   exp(2r) - 1 = 2r + r^2 P(r)
///
/// on |r| <= log(2)/4, P the minimax polynomial of degree 9 (computed with 60 digits; its error is
/// 4e-17 of the value). |x| saturates at 20.
inline Lanes tanh(Lanes x) {
  constexpr std::int64_t sign_bit = INT64_MIN;
  const LaneBits bits = reinterpret_cast<LaneBits>(x);
  const Lanes magnitude = reinterpret_cast<Lanes>(bits & ~sign_bit);
  const Lanes saturated = magnitude > 20.0 ? broadcast(20.0) : magnitude;

  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  const Lanes shifter = broadcast(0x1.8p52);
  const Lanes shifted = saturated * broadcast(2 * 1.4426950408889634074) + shifter;
  const Lanes n = shifted - shifter;
  const Lanes scale = reinterpret_cast<Lanes>((reinterpret_cast<LaneBits>(shifted) << 52) +
                                              (std::int64_t{1023} << 52));
  // log(2)/2 in two parts; n times the first is exact.
  const Lanes r = saturated - n * 0x1.62e42fefa38p-2 - n * 0x1.ef35793c7673p-46;

  Lanes p = broadcast(0x1.af389eea54156p-15);
  for (const double c : {0x1.28917c9f3a495p-12, 0x1.71de0db2eb873p-10, 0x1.a019b914881bap-8,
                         0x1.a01a01a7c2f2cp-6, 0x1.6c16c17889f3cp-4, 0x1.11111111109b5p-2,
                         0x1.5555555553d68p-1, 0x1.5555555555556p+0, 0x1.0000000000001p+1}) {
    p = p * r + c;
  }
  const Lanes e = scale * (r * r * p + (r + r)) + (scale - 1.0);
  return reinterpret_cast<Lanes>(reinterpret_cast<LaneBits>(e / (e + 2.0)) | (bits & sign_bit));
}

}  // namespace isochron
