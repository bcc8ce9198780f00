#pragma once

#include <optional>

#include "isochron/states.hpp"

namespace isochron {

/// How a parameter a follows from the number theta that is fitted in its place:
///
///   linear             a = theta
///   logarithmic        a = exp(theta), so that a > 0
///   bounds             a = low + (high - low)/(1 + exp(-theta))
///   both               log a = log low + (log high - log low)/(1 + exp(-theta))
///
/// Within bounds a is never outside of them, whatever theta is.
struct ParameterScale {
  bool logarithmic = false;
  std::optional<Interval> bounds;  ///< finite, left < right; logarithmic: left > 0

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
