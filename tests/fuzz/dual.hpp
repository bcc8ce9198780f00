#pragma once

#include <array>
#include <cmath>

namespace isochron::fuzz {

/// A number with its derivatives in K directions: forward-mode automatic differentiation.
template <class T, int K>
struct Dual {
  T value{};
  std::array<T, K> slope{};

  Dual() = default;
  Dual(T number) : value(number) {}

  /// A function of x with value f and derivative df there.
  static Dual chain(const Dual& x, T f, T df) {
    Dual result(f);
    for (int k = 0; k < K; ++k) result.slope[k] = df * x.slope[k];
    return result;
  }

  friend Dual operator+(Dual a, const Dual& b) {
    a.value += b.value;
    for (int k = 0; k < K; ++k) a.slope[k] += b.slope[k];
    return a;
  }
  friend Dual operator-(Dual a, const Dual& b) {
    a.value -= b.value;
    for (int k = 0; k < K; ++k) a.slope[k] -= b.slope[k];
    return a;
  }
  friend Dual operator*(const Dual& a, const Dual& b) {
    Dual result(a.value * b.value);
    for (int k = 0; k < K; ++k) result.slope[k] = a.slope[k] * b.value + a.value * b.slope[k];
    return result;
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    Dual result(a.value / b.value);
    for (int k = 0; k < K; ++k) {
      result.slope[k] = (a.slope[k] - result.value * b.slope[k]) / b.value;
    }
    return result;
  }
  Dual operator-() const { return Dual() - *this; }
  Dual& operator+=(const Dual& b) { return *this = *this + b; }

  friend Dual exp(const Dual& x) {
    const T e = std::exp(x.value);
    return chain(x, e, e);
  }
  friend Dual sin(const Dual& x) { return chain(x, std::sin(x.value), std::cos(x.value)); }
  friend Dual cos(const Dual& x) { return chain(x, std::cos(x.value), -std::sin(x.value)); }
  friend Dual sqrt(const Dual& x) {
    const T root = std::sqrt(x.value);
    return chain(x, root, 1 / (2 * root));
  }
  friend Dual tanh(const Dual& x) {
    const T t = std::tanh(x.value);
    const T c = std::cosh(x.value);  // 1 - t^2 would cancel
    return chain(x, t, 1 / (c * c));
  }
};

/// What references are computed in: 64-bit mantissas, and two directions in parameter space.
using Real = long double;
using Wide = Dual<Real, 2>;

}  // namespace isochron::fuzz
