#include "isochron/parameter_scale.hpp"

#include <algorithm>
#include <cmath>

#include "sentence.hpp"

namespace isochron {
namespace {

double logistic(double theta) { return 1 / (1 + std::exp(-theta)); }

/// Whether it is log a that lies between two bounds. One bound alone makes a scale that is
/// logarithmic anyway, near the bound or near 0.
bool bounds_logarithm(const ParameterScale& scale) {
  return scale.logarithmic && std::isfinite(scale.bounds->left) &&
         std::isfinite(scale.bounds->right);
}

/// Of log a or of a.
Interval range_of(const ParameterScale& scale) {
  const auto [left, right] = *scale.bounds;
  if (bounds_logarithm(scale)) return {std::log(left), std::log(right)};
  return {scale.logarithmic ? std::max(left, 0.0) : left, right};
}

/// The place in a range, and its derivative by theta.
double place(const Interval& range, double theta) {
  const auto [left, right] = range;
  if (std::isinf(right)) return left + std::exp(theta);
  if (std::isinf(left)) return right - std::exp(-theta);
  return left + (right - left) * logistic(theta);
}

double place_slope(const Interval& range, double theta) {
  const auto [left, right] = range;
  if (std::isinf(right)) return std::exp(theta);
  if (std::isinf(left)) return std::exp(-theta);
  return (right - left) * logistic(theta) * logistic(-theta);
}

}  // namespace

double ParameterScale::value(double theta) const {
  if (!bounds) return logarithmic ? std::exp(theta) : theta;
  const double between = place(range_of(*this), theta);
  // Rounding must not leave the bounds.
  return std::clamp(bounds_logarithm(*this) ? std::exp(between) : between, bounds->left,
                    bounds->right);
}

double ParameterScale::slope(double theta) const {
  if (!bounds) return logarithmic ? std::exp(theta) : 1;
  const double between = place_slope(range_of(*this), theta);
  return bounds_logarithm(*this) ? value(theta) * between : between;
}

double ParameterScale::theta(double value) const {
  require(std::isfinite(value), "{} is no value of a parameter; give a finite number", value);
  require(!logarithmic || value > 0, "{} has no logarithm; give a value > 0", value);
  if (!bounds) return logarithmic ? std::log(value) : value;
  require(value > bounds->left && value < bounds->right,
          "{} is outside of the bounds; give a value between {} and {}", value, bounds->left,
          bounds->right);
  const auto [left, right] = range_of(*this);
  const double number = bounds_logarithm(*this) ? std::log(value) : value;
  if (std::isinf(right)) return std::log(number - left);
  if (std::isinf(left)) return -std::log(right - number);
  return std::log((number - left) / (right - number));
}

void ParameterScale::validate() const {
  if (!bounds) return;
  const auto [left, right] = *bounds;
  require(left < right && (std::isfinite(left) || std::isfinite(right)),
          "the bounds {}:{} hold no number, or every one; give a finite lower one, a larger upper "
          "one, or both",
          left, right);
  require(!logarithmic || left > 0 || (std::isinf(left) && right > 0),
          "the lower bound {} of a parameter on a logarithmic scale must be > 0", left);
}

bool operator==(const ParameterScale& a, const ParameterScale& b) {
  if (a.logarithmic != b.logarithmic || a.bounds.has_value() != b.bounds.has_value()) return false;
  return !a.bounds || (a.bounds->left == b.bounds->left && a.bounds->right == b.bounds->right);
}

}  // namespace isochron
