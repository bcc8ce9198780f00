#include "activation.hpp"

#include <sleef.h>

#include <numbers>

namespace isochron {
namespace {

// SLEEF's functions for as many lanes as there are.
#if defined(__AVX512F__)
#define ISOCHRON_SLEEF(function, error) Sleef_##function##d8_##error
#elif defined(__AVX__)
#define ISOCHRON_SLEEF(function, error) Sleef_##function##d4_##error
#else
#define ISOCHRON_SLEEF(function, error) Sleef_##function##d2_##error
#endif

Lanes exp(Lanes x) { return ISOCHRON_SLEEF(exp, u10)(x); }

/// log(1 + e^z), without overflow and without loss for z << 0. Its slope is the logistic function.
void softplus(Lanes& value, Lanes* slope) {
  const Lanes z = value;
  const Lanes small = exp(z > 0.0 ? -z : z);  // e^-|z|
  value = (z > 0.0 ? z : Lanes{}) + ISOCHRON_SLEEF(log1p, u10)(small);
  if (slope != nullptr) *slope = (z > 0.0 ? broadcast(1.0) : small) / (1.0 + small);
}

void sine(Lanes& value, Lanes* slope) {
  const Lanes z = value;
  value = ISOCHRON_SLEEF(sin, u10)(z);
  if (slope != nullptr) *slope = ISOCHRON_SLEEF(cos, u10)(z);
}

/// z Phi(z), Phi the normal distribution function (Hendrycks, Gimpel, arXiv:1606.08415).
void gelu(Lanes& value, Lanes* slope) {
  using std::numbers::inv_sqrtpi, std::numbers::sqrt2;
  const Lanes z = value;
  const Lanes phi = 0.5 * ISOCHRON_SLEEF(erfc, u15)(z * (-1 / sqrt2));
  value = z * phi;
  if (slope != nullptr) *slope = phi + z * exp(-0.5 * z * z) * (inv_sqrtpi / sqrt2);
}

#undef ISOCHRON_SLEEF

/// Values alone first: a loop of nothing else keeps the constants of tanh in registers.
void hyperbolic_tangents(Lanes* values, Index count, Lanes* slopes) {
  for (Index i = 0; i < count; ++i) values[i] = tanh(values[i]);
  if (slopes == nullptr) return;
  for (Index i = 0; i < count; ++i) slopes[i] = 1.0 - values[i] * values[i];
}

}  // namespace

void activate(Activation activation, Lanes* values, Index count, Lanes* slopes) {
  const auto apply = [&](auto function) {
    for (Index i = 0; i < count; ++i) function(values[i], slopes == nullptr ? slopes : slopes + i);
  };
  switch (activation) {
    case Activation::tanh: return hyperbolic_tangents(values, count, slopes);
    case Activation::softplus: return apply(softplus);
    case Activation::sin: return apply(sine);
    case Activation::gelu: return apply(gelu);
  }
}

const char* name(Activation activation) {
  switch (activation) {
    case Activation::softplus: return "softplus";
    case Activation::sin: return "sin";
    case Activation::gelu: return "gelu";
    case Activation::tanh: break;
  }
  return "tanh";
}

}  // namespace isochron
