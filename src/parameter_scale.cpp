#include "isochron/parameter_scale.hpp"

#include <algorithm>
#include <cmath>

#include "sentence.hpp"

namespace isochron {
namespace {

double logistic(double theta) { return 1 / (1 + std::exp(-theta)); }

/// Of log a where the scale is logarithmic, else of a.
Interval range_of(const ParameterScale& scale) {
  const auto [left, right] = *scale.bounds;
  return scale.logarithmic ? Interval{std::log(left), std::log(right)} : *scale.bounds;
}

}  // namespace

double ParameterScale::value(double theta) const {
  if (!bounds) return logarithmic ? std::exp(theta) : theta;
  const auto [left, right] = range_of(*this);
  const double between = left + (right - left) * logistic(theta);
  // Rounding must not leave the bounds.
  return std::clamp(logarithmic ? std::exp(between) : between, bounds->left, bounds->right);
}

double ParameterScale::slope(double theta) const {
  if (!bounds) return logarithmic ? std::exp(theta) : 1;
  const auto [left, right] = range_of(*this);
  const double between = (right - left) * logistic(theta) * logistic(-theta);
  return logarithmic ? value(theta) * between : between;
}

double ParameterScale::theta(double value) const {
  require(std::isfinite(value), "{} is no value of a parameter; give a finite number", value);
  require(!logarithmic || value > 0, "{} has no logarithm; give a value > 0", value);
  if (!bounds) return logarithmic ? std::log(value) : value;
  require(value > bounds->left && value < bounds->right,
          "{} is outside of the bounds; give a value between {} and {}", value, bounds->left,
          bounds->right);
  const auto [left, right] = range_of(*this);
  const double number = logarithmic ? std::log(value) : value;
  return std::log((number - left) / (right - number));
}

void ParameterScale::validate() const {
  if (!bounds) return;
  const auto [left, right] = *bounds;
  require(left < right && std::isfinite(left) && std::isfinite(right),
          "the bounds {}:{} hold no number; give a finite lower one and a larger upper one", left,
          right);
  require(!logarithmic || left > 0,
          "the lower bound {} of a parameter on a logarithmic scale must be > 0", left);
}

bool operator==(const ParameterScale& a, const ParameterScale& b) {
  if (a.logarithmic != b.logarithmic || a.bounds.has_value() != b.bounds.has_value()) return false;
  return !a.bounds || (a.bounds->left == b.bounds->left && a.bounds->right == b.bounds->right);
}

}  // namespace isochron
