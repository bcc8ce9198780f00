#pragma once

// Turning points and periods of the wells to thirty digits, from the definitions of their
// potentials and independent of src/well.cpp: root finding and quadrature in 50 digits. Everything
// is dimensionless.

#include <array>
#include <boost/math/constants/constants.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace isochron::reference {

using Real = boost::multiprecision::cpp_bin_float_50;
using Parameters = std::map<std::string, double>;

/// The orbit of energy E, computed in 50 digits and rounded to double: turning points x1 < 0 < x2,
/// width x2 - x1, shear (x1 + x2)/2, and the period.
struct Reference {
  double x1, x2, width, shear, period;
};

/// A well and its twelve energies.
struct Case {
  std::string well;
  Parameters parameters;
  std::array<double, 12> energies;
};

namespace detail {

/// A function of one variable and its derivative.
template <class R>
struct Jet {
  R value, slope;
};

/// A well as a curve (x(s), U(s)), both 0 at s = 0: most have x = s, the shears s = y. U falls on
/// left < s < 0 and rises on 0 < s < right.
struct Curve {
  std::function<Jet<Real>(const Real&)> potential;
  std::function<Jet<double>(const double&)> rough;  // the same in double, where a search starts
  std::function<Jet<Real>(const Real&)> position = [](const Real& s) { return Jet<Real>{s, 1}; };
  double left = -std::numeric_limits<double>::infinity();
  double right = std::numeric_limits<double>::infinity();
  bool singular = false;  // dx/d(sqrt U) is at 0; then U is even
};

inline Curve curve(const std::string& name, const Parameters& parameters) {
  const auto of = [&](const char* parameter) { return parameters.at(parameter); };
  const auto make = [](const auto& potential) {
    Curve well;
    well.potential = potential;
    well.rough = potential;
    return well;
  };
  // U = omega^2 s^2/2, omega = `left` on the left of 0.
  const auto harmonic = [&](double left, double right) {
    return make([=]<class R>(const R& s) {
      const R stiffness = s < 0 ? R(left) * left : R(right) * right;
      return Jet<R>{stiffness * s * s / 2, stiffness * s};
    });
  };
  const auto shear = [&](const std::function<Jet<Real>(const Real&)>& position) {
    Curve well = harmonic(of("omega"), of("omega"));
    well.position = position;
    return well;
  };
  constexpr double pi = boost::math::constants::pi<double>();
  // Those of double; argument-dependent lookup finds those of Real.
  using std::cos, std::exp, std::sin, std::tan, std::tanh;

  if (name == "harmonic") return harmonic(of("omega"), of("omega"));
  if (name == "isotonic") {
    Curve well = make([w = of("omega"), a = of("a")]<class R>(const R& x) {
      const R z = x + a;
      const R y = x * (z + a) / (2 * z);
      return Jet<R>{R(w) * w * y * y / 2, R(w) * w * y * (1 + R(a) * a / (z * z)) / 2};
    });
    well.left = -of("a");
    return well;
  }
  if (name == "parabolic-shear") {
    const double b = of("beta");
    Curve well = shear([b](const Real& y) { return Jet<Real>{y + b * y * y / 2, 1 + b * y}; });
    (b > 0 ? well.left : well.right) = -1 / b;
    return well;
  }
  if (name == "hyperbolic-shear") {
    return shear([k = of("kappa"), c = of("c")](const Real& y) {
      const Real h = sqrt(Real(y * y + Real(c) * c));
      return Jet<Real>{y + k * (h - c), 1 + k * y / h};
    });
  }
  if (name == "log-shear") {
    return shear([l = of("lambda")](const Real& y) {
      return Jet<Real>{y + log(cosh(Real(l * y))) / l, 1 + tanh(Real(l * y))};
    });
  }
  if (name == "split-harmonic") return harmonic(of("omega_left"), of("omega_right"));
  if (name == "duffing") {
    const double b = of("beta");
    Curve well = make([b]<class R>(const R& x) {
      const R x2 = x * x;
      return Jet<R>{x2 / 2 + b * x2 * x2 / 4, x + b * x2 * x};
    });
    if (b < 0) {
      well.right = 1 / std::sqrt(-b);
      well.left = -well.right;
    }
    return well;
  }
  if (name == "pendulum") {
    Curve well = make([]<class R>(const R& x) { return Jet<R>{1 - cos(x), sin(x)}; });
    well.left = -pi;
    well.right = pi;
    return well;
  }
  if (name == "morse") {
    return make([d = of("D"), a = of("a")]<class R>(const R& x) {
      const R e = exp(R(-a * x));
      return Jet<R>{d * (1 - e) * (1 - e), 2 * R(d) * a * e * (1 - e)};
    });
  }
  if (name == "poschl-teller") {
    return make([d = of("U0"), a = of("a")]<class R>(const R& x) {
      const R t = tanh(R(a * x));
      return Jet<R>{d * t * t, 2 * R(d) * a * t * (1 - t * t)};
    });
  }
  if (name == "tan2") {
    Curve well = make([d = of("U0"), a = of("a")]<class R>(const R& x) {
      const R t = tan(R(a * x));
      return Jet<R>{d * t * t, 2 * R(d) * a * t * (1 + t * t)};
    });
    well.right = pi / (2 * of("a"));
    well.left = -well.right;
    return well;
  }
  if (name == "power") {  // s^2 = |x|^n
    Curve well = make([f = of("A")]<class R>(const R& s) { return Jet<R>{f * s * s, 2 * f * s}; });
    well.position = [n = of("n")](const Real& s) {
      const Real slope_of_log = 2 / Real(n);
      const Real size = pow(Real(abs(s)), slope_of_log);
      return Jet<Real>{s < 0 ? Real(-size) : size, slope_of_log * size / abs(s)};
    };
    well.singular = true;
    return well;
  }
  if (name == "double-well") {
    Curve well = make([]<class R>(const R& x) {
      const R z = x * (x + 2);
      return Jet<R>{z * z / 4, z * (x + 1)};
    });
    well.left = -1;
    return well;
  }
  if (name == "cubic") {
    Curve well = make([]<class R>(const R& x) {
      return Jet<R>{x * x / 2 - x * x * x / 3, x - x * x};
    });
    well.right = 1;
    return well;
  }
  if (name == "toda") {
    return make([]<class R>(const R& x) {
      const R e = exp(x);
      return Jet<R>{e - x - 1, e - 1};
    });
  }
  throw std::invalid_argument("no reference for the well " + name);
}

/// s with U = E, right (side = 1) or left (-1) of 0: bisection in double, then Newton's
/// method until a step is below 1e-21, its error below 1e-40.
inline Real turning_point(const Curve& well, const Real& energy, int side) {
  const double target = static_cast<double>(energy);
  const double end = side < 0 ? well.left : well.right;
  double outer = std::isfinite(end) ? end : side;
  if (!std::isfinite(end)) {
    while (well.rough(outer).value < target) outer *= 2;
  }
  while (well.rough(outer / 2).value >= target) outer /= 2;
  double inner = outer / 2;
  for (int i = 0; i < 40; ++i) {
    const double middle = (inner + outer) / 2;
    (well.rough(middle).value < target ? inner : outer) = middle;
  }
  Real s = inner;
  for (int i = 0; i < 20; ++i) {
    const auto [value, slope] = well.potential(s);
    const Real step = (value - energy) / slope;
    s -= step;
    if (abs(step) < 1e-21 * abs(s)) return s;
  }
  throw std::runtime_error("Newton's method found no turning point");
}

/// With y = sqrt(2 U) on the right of the minimum, -sqrt(2 U) on its left, an orbit is the circle
/// y = sqrt(2E) sin(phi), x' = sqrt(2E) cos(phi): its period is the integral of dx/dy over phi.
/// This is |dx/dy| = |y x'(s)/U'(s)| at phi (side = 1) or -phi (-1), from sin(phi).
inline Real integrand(const Curve& well, const Real& energy, const Real& sine, int side) {
  const Real u = energy * sine * sine;
  const Real s = turning_point(well, u, side);
  return Real(sqrt(Real(2 * u)) * well.position(s).slope / abs(well.potential(s).slope));
}

/// Doubles n until sum(n) changes by less than 1e-30 of itself.
template <class Sum>
Real converged(const Sum& sum) {
  Real last = sum(16);
  for (int n = 32; n <= 1 << 13; n *= 2) {
    const Real next = sum(n);
    if (abs(Real(next - last)) < 1e-30 * abs(next)) return next;
    last = next;
  }
  throw std::runtime_error("the quadrature of a period does not converge");
}

/// Midpoint rule over the turn of phi: geometric convergence where x(y) is analytic, and exact
/// where x(y) is linear on either side of 0.
inline Real period_on_circle(const Curve& well, const Real& energy) {
  const Real pi = boost::math::constants::pi<Real>();
  return converged([&](int n) {
    Real sum = 0;
    for (int k = 0; k < n / 2; ++k) {
      const Real sine = sin(Real((2 * k + 1) * pi / (2 * n)));
      sum += integrand(well, energy, sine, -1) + integrand(well, energy, sine, 1);
    }
    return Real(2 * pi / n * sum);
  });
}

/// Double exponential rule on 0 < phi < pi/2, phi = (pi/2)/(1 + exp(-pi sinh t)), for even wells
/// with an algebraic singularity at phi = 0 (Takahasi and Mori 1974). At |t| = 4.8 a square root of
/// phi is 1e-41.
inline Real period_by_double_exponential(const Curve& well, const Real& energy) {
  const Real pi = boost::math::constants::pi<Real>();
  return converged([&](int n) {
    const Real spacing = Real(4.8) * 2 / n;
    Real sum = 0;
    for (int k = 0; k < n; ++k) {
      const Real g = exp(Real((k + 0.5) * spacing - Real(4.8)));
      const Real e = exp(Real(-pi * (g - 1 / g) / 2));
      const Real phi = pi / 2 / (1 + e);
      const Real weight = phi * pi * (g + 1 / g) / 2 * (e / (1 + e));
      sum += weight * integrand(well, energy, sin(phi), 1);
    }
    return Real(4 * spacing * sum);
  });
}

}  // namespace detail

/// The orbit of `energy` in the well `name` with all of its parameters; each number is exact but
/// for its rounding to double. Throws std::invalid_argument for a well without reference.
inline Reference reference(const std::string& name, const Parameters& parameters, double energy) {
  using namespace detail;
  const Curve well = curve(name, parameters);
  const Real x1 = well.position(turning_point(well, energy, -1)).value;
  const Real x2 = well.position(turning_point(well, energy, 1)).value;
  const Real period =
      well.singular ? period_by_double_exponential(well, energy) : period_on_circle(well, energy);
  const auto rounded = [](const Real& value) { return static_cast<double>(value); };
  return {rounded(x1), rounded(x2), rounded(x2 - x1), rounded((x1 + x2) / 2), rounded(period)};
}

/// The fifteen wells, with energies from 1e-6 to 0.99 of the energy of escape, or to 50.
inline std::vector<Case> reference_cases() {
  constexpr std::array<double, 12> unbounded = {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1,
                                                0.5,  1,    3,    10,   25,   50};
  const auto below = [](double escape) {
    std::array<double, 12> energies = {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05,
                                       0.1,  0.25, 0.5,  0.75, 0.9,  0.99};
    for (double& energy : energies) energy *= escape;
    return energies;
  };
  return {
      {"harmonic", {{"omega", 1.7}}, unbounded},
      {"isotonic", {{"omega", 1}, {"a", 5}}, unbounded},
      {"isotonic", {{"omega", 2}, {"a", 1.5}}, unbounded},
      {"parabolic-shear", {{"omega", 1}, {"beta", 0.1}}, below(50)},
      {"parabolic-shear", {{"omega", 2}, {"beta", -0.8}}, below(3.125)},
      {"hyperbolic-shear", {{"omega", 1}, {"kappa", 0.5}, {"c", 1}}, unbounded},
      {"log-shear", {{"omega", 1.5}, {"lambda", 0.5}}, unbounded},
      {"split-harmonic", {{"omega_left", 0.75}, {"omega_right", 1.5}}, unbounded},
      {"duffing", {{"beta", 1}}, unbounded},
      {"duffing", {{"beta", -0.1}}, below(2.5)},
      {"pendulum", {}, below(2)},
      {"morse", {{"D", 12.5}, {"a", 0.2}}, below(12.5)},
      {"poschl-teller", {{"U0", 0.7}, {"a", 1.3}}, below(0.7)},
      {"tan2", {{"U0", 12.5}, {"a", 0.2}}, unbounded},
      {"power", {{"A", 0.25}, {"n", 4}}, unbounded},
      {"power", {{"A", 0.3}, {"n", 1.5}}, unbounded},
      {"double-well", {}, below(0.25)},
      {"cubic", {}, below(1. / 6)},
      {"toda", {}, unbounded},
  };
}

}  // namespace isochron::reference
