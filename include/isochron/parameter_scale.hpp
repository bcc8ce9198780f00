#pragma once

#include <optional>

#include "isochron/states.hpp"

namespace isochron {

/// How a parameter a follows from the number theta that is fitted in its place:
///
///   linear             a = theta
///   logarithmic        a = exp(theta), so that a > 0
///   bounds             a = low + (high - low)/(1 + exp(-theta))
///   lower bound alone  a = low + exp(theta)
///   upper bound alone  a = high - exp(-theta)
///   logarithmic, too   log a and the logarithms of two bounds; an upper one alone stands for 0 and
///                      that, and a lower one alone is as above
///
/// Within bounds a is never outside of them, whatever theta is.
struct ParameterScale {
  bool logarithmic = false;
  std::optional<Interval> bounds;  ///< left < right, one of them perhaps infinite: absent;
                                   ///< logarithmic: finite ones > 0

  /// a(theta), and da/dtheta.
  [[nodiscard]] double value(double theta) const;
  [[nodiscard]] double slope(double theta) const;

  /// theta(a). Throws InputError unless a is finite and inside the bounds, or a > 0 where the scale
  /// is logarithmic.
  [[nodiscard]] double theta(double value) const;

  /// Throws InputError unless the bounds are as they should be.
  void validate() const;
};

[[nodiscard]] bool operator==(const ParameterScale& a, const ParameterScale& b);

}  // namespace isochron
