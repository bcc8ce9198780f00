#include "isochron/well.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/math/quadrature/tanh_sinh.hpp>
#include <cmath>
#include <numbers>
#include <utility>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "named_parameters.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

using std::numbers::pi;
using std::numbers::sqrt2;
using std::numbers::sqrt3;

/// Parameter values in the order of the table at the end.
using Values = std::vector<double>;

/// Arithmetic-geometric mean of a, b > 0. The complete elliptic integral of the first kind is
/// K(m) = pi/(2 agm(1, sqrt(1 - m))) (Gauss): accurate to the last digits up to m = 1, and real for
/// negative m as well.
double agm(double a, double b) {
  while (std::abs(a - b) > 1e-8 * a) {  // then the mean errs by (a - b)^2/(16 a)
    const double geometric = std::sqrt(a * b);
    a = (a + b) / 2;
    b = geometric;
  }
  return (a + b) / 2;
}

// ---- Isochronous wells: U = omega^2 y^2/2 with x = y + s(y), s even, |s'| < 1 ----

/// y(x) with its first two derivatives.
struct Inverse {
  double y;
  double slope;
  double curvature;
};

/// ds/da and d^2 s/(da dy) at y, for a parameter a of s.
struct ShearSlope {
  double value;
  double by_y;
};

/// The two directions of x = y + s(y).
struct Shear {
  std::function<double(double)> position;                            // x(y)
  std::function<Inverse(double)> inverse;                            // y(x), y'(x), y''(x)
  Interval domain = {-infinity, infinity};                           // the image of x(y)
  std::vector<std::function<ShearSlope(double)>> by_parameter = {};  // of y
};

/// df/da of f = -stiffness y y' at constant x. From x = y + s(y; a), y' = 1/(1 + ds/dy) and
/// y'' = -y'^3 d^2 s/dy^2,
///
///   dy/da = -y' ds/da,   dy'/da = -y'^2 d^2 s/(da dy) + (y''/y') dy/da.
double by_shear(double stiffness, const Inverse& at, const ShearSlope& s) {
  const double y_change = -at.slope * s.value;
  const double slope_change = -at.slope * at.slope * s.by_y + at.curvature / at.slope * y_change;
  return -stiffness * (y_change * at.slope + at.y * slope_change);
}

Well::Formulas isochronous(double omega, const Shear& shear) {
  const double stiffness = omega * omega;
  const auto inverse = shear.inverse;
  const auto position = shear.position;
  Well::Formulas well;
  well.potential = [=](double x) {
    const double y = inverse(x).y;
    return stiffness * y * y / 2;
  };
  well.force = [=](double x) {
    const auto [y, slope, curvature] = inverse(x);
    return -stiffness * y * slope;
  };
  well.force_slope = [=](double x) {
    const auto [y, slope, curvature] = inverse(x);
    return -stiffness * (slope * slope + y * curvature);
  };
  well.turning_points = [=](double energy) {
    const double amplitude = std::sqrt(2 * energy) / omega;
    return Interval{position(-amplitude), position(amplitude)};
  };
  well.period = [=](double) { return 2 * pi / omega; };
  well.domain = shear.domain;
  well.parameter_slopes = {[=](double x) {
    const auto [y, slope, curvature] = inverse(x);
    return -2 * omega * y * slope;
  }};
  for (const auto& s : shear.by_parameter) {
    well.parameter_slopes.emplace_back([=](double x) {
      const Inverse at = inverse(x);
      return by_shear(stiffness, at, s(at.y));
    });
  }
  return well;
}

/// x = y + beta y^2/2, hence y = 2 x/(1 + r) and y' = 1/r with r = sqrt(1 + 2 beta x). The edge is
/// where 1 + beta y = r vanishes.
Shear parabolic(double beta) {
  Shear shear;
  shear.position = [=](double y) { return y * (1 + beta * y / 2); };
  shear.inverse = [=](double x) {
    const double r = std::sqrt(std::fma(2 * beta, x, 1));
    return Inverse{2 * x / (1 + r), 1 / r, -beta / (r * r * r)};
  };
  if (beta > 0) shear.domain.left = -1 / (2 * beta);
  if (beta < 0) shear.domain.right = -1 / (2 * beta);
  shear.by_parameter = {[](double y) { return ShearSlope{y * y / 2, y}; }};
  return shear;
}

/// x = y + kappa (h - c), h = sqrt(y^2 + c^2), -1 < kappa <= 1. With X = x + kappa c and
/// R = sqrt(X^2 + (1 - kappa^2) c^2) the inverse is
///
///   y = (X - kappa R)/(1 - kappa^2),  y' = (R - kappa X)/((1 - kappa^2) R),  y'' = -kappa c^2/R^3.
///
/// Both directions are written as a factor times their argument, and a difference is replaced by
/// its conjugate:
///
///   (h + kappa y)(h - kappa y) = c^2 + (1 - kappa^2) y^2,
///   (R + kappa X)(R - kappa X) = (1 - kappa^2)(X^2 + c^2).
Shear hyperbolic(double kappa, double c) {
  const double slack = (1 - kappa) * (1 + kappa);
  Shear shear;
  shear.position = [=](double y) {
    const double h = std::hypot(y, c);
    const double sheared =
        kappa * y > 0 ? h + kappa * y : (c * c + slack * y * y) / (h - kappa * y);
    return y * ((sheared + c) / (h + c));
  };
  shear.inverse = [=](double x) {
    const double shifted = x + kappa * c;
    const double r = std::hypot(shifted, std::sqrt(slack) * c);
    const double unsheared = kappa * shifted > 0
                                 ? (shifted * shifted + c * c) / (r + kappa * shifted)
                                 : (r - kappa * shifted) / slack;
    return Inverse{x * ((unsheared + c) / (r + c)), unsheared / r, -kappa * c * c / (r * r * r)};
  };
  if (slack == 0) shear.domain.left = -c;
  const auto by_kappa = [=](double y) {
    const double h = std::hypot(y, c);
    return ShearSlope{y * y / (h + c), y / h};
  };
  const auto by_c = [=](double y) {
    const double h = std::hypot(y, c);
    return ShearSlope{-kappa * y * y / (h * (h + c)), -kappa * y * c / (h * h * h)};
  };
  shear.by_parameter = {by_kappa, by_c};
  return shear;
}

/// x = y + log(cosh(lambda y))/lambda, that is 2 exp(lambda x) = exp(2 lambda y) + 1. Hence
///
///   y = (x + log(g)/lambda)/2,  g = 2 - exp(-lambda x),  y' = 1/g,
///
/// where both terms of y have the sign of x.
Shear logarithmic(double lambda) {
  const auto left = [=](double y) { return std::log1p(std::expm1(2 * lambda * y) / 2) / lambda; };
  Shear shear;
  shear.position = [=](double y) { return y < 0 ? left(y) : left(-y) + 2 * y; };  // s is even
  shear.inverse = [=](double x) {
    const double m = -std::expm1(-lambda * x);
    const double g = 1 + m;
    return Inverse{(x + std::log1p(m) / lambda) / 2, 1 / g,
                   -lambda * std::exp(-lambda * x) / (g * g)};
  };
  shear.domain.left = -std::numbers::ln2 / lambda;
  shear.by_parameter = {[=](double y) {
    const double u = std::abs(lambda * y);
    const double tanh = std::tanh(u);
    const double log_cosh = u + std::log1p(std::expm1(-2 * u) / 2);
    return ShearSlope{(u * tanh - log_cosh) / (lambda * lambda), y * (1 - tanh) * (1 + tanh)};
  }};
  return shear;
}

Well::Formulas harmonic(const Values& p) {
  return isochronous(p[0], {[](double y) { return y; }, [](double x) { return Inverse{x, 1, 0}; }});
}

/// In y the isotonic well is the hyperbolic shear with kappa = 1: y = x (x + 2a)/(2 (x + a)).
Well::Formulas isotonic(const Values& p) {
  Shear shear = hyperbolic(1, p[1]);
  shear.by_parameter.erase(shear.by_parameter.begin());  // kappa
  return isochronous(p[0], shear);
}

Well::Formulas parabolic_shear(const Values& p) {
  const double omega = p[0];
  const double beta = p[1];
  Well::Formulas well = isochronous(omega, parabolic(beta));
  well.energy_limit = std::pow(omega / beta, 2) / 2;
  return well;
}

Well::Formulas hyperbolic_shear(const Values& p) {
  return isochronous(p[0], hyperbolic(p[1], p[2]));
}

Well::Formulas log_shear(const Values& p) { return isochronous(p[0], logarithmic(p[1])); }

/// Half a period on either side: 2/omega = 1/omega_left + 1/omega_right, and y = x omega_left/omega
/// left of 0, x omega_right/omega right of it.
Well::Formulas split_harmonic(const Values& p) {
  const double omega = 2 / (1 / p[0] + 1 / p[1]);
  const auto scale = [=](double side) { return (side < 0 ? p[0] : p[1]) / omega; };
  Well::Formulas well = isochronous(omega, {[=](double y) { return y / scale(y); },
                                            [=](double x) {
                                              return Inverse{x * scale(x), scale(x), 0};
                                            }});
  well.parameter_slopes = {[=](double x) { return x < 0 ? -2 * p[0] * x : 0; },
                           [=](double x) { return x < 0 ? 0 : -2 * p[1] * x; }};
  return well;
}

// ---- Wells whose period depends on the energy ----

/// In the time omega t, with b = beta/omega^2 and e = E/omega^2, x'' = -x - b x^3 has the energy e.
/// With r = sqrt(1 + 4 b e): A^2 = (r - 1)/b = 4 e/(1 + r), and 4 K(m)/sqrt(1 + b A^2) with
/// m = b A^2/(2 (1 + b A^2)) becomes the agm below, for either sign of b.
Well::Formulas duffing(const Values& p) {
  const double omega = p[0];
  const double stiffness = omega * omega;
  const double beta = p[1];
  const double b = beta / stiffness;
  const auto root = [=](double e) { return std::sqrt(std::fma(4 * b, e, 1)); };
  Well::Formulas well;
  well.potential = [=](double x) { return x * x * (2 * stiffness + beta * x * x) / 4; };
  well.force = [=](double x) { return -x * (stiffness + beta * x * x); };
  well.force_slope = [=](double x) { return -stiffness - 3 * beta * x * x; };
  well.parameter_slopes = {[=](double x) { return -2 * omega * x; },
                           [](double x) { return -x * x * x; }};
  well.turning_points = [=](double energy) {
    const double e = energy / stiffness;
    const double amplitude = 2 * std::sqrt(e / (1 + root(e)));
    return Interval{-amplitude, amplitude};
  };
  well.period = [=](double energy) {
    const double r = root(energy / stiffness);
    return 2 * pi / (omega * agm(std::sqrt(r), std::sqrt((1 + r) / 2)));
  };
  if (beta < 0) well.energy_limit = -stiffness * stiffness / (4 * beta);
  return well;
}

/// T = 4 K(m = E/(2 omega^2))/omega.
Well::Formulas pendulum(const Values& p) {
  const double omega = p[0];
  const double stiffness = omega * omega;
  Well::Formulas well;
  well.potential = [=](double x) { return 2 * stiffness * std::pow(std::sin(x / 2), 2); };
  well.force = [=](double x) { return -stiffness * std::sin(x); };
  well.force_slope = [=](double x) { return -stiffness * std::cos(x); };
  well.parameter_slopes = {[=](double x) { return -2 * omega * std::sin(x); }};
  well.turning_points = [=](double energy) {
    const double amplitude = 2 * std::atan2(std::sqrt(energy), std::sqrt(2 * stiffness - energy));
    return Interval{-amplitude, amplitude};
  };
  well.period = [=](double energy) {
    return 2 * pi / (omega * agm(1, std::sqrt(1 - energy / (2 * stiffness))));
  };
  well.energy_limit = 2 * stiffness;
  return well;
}

/// df/da for the parameters of U = depth phi(a x): f = depth a F(a x) with F = -phi'.
std::vector<std::function<double(double)>> by_depth_and_rate(const Well::Formulas& well,
                                                             double depth, double a) {
  const auto force = well.force;
  const auto force_slope = well.force_slope;
  return {[=](double x) { return force(x) / depth; },
          [=](double x) { return (force(x) + x * force_slope(x)) / a; }};
}

/// T(E) of the Morse and of the Poschl-Teller well of the same depth and range.
double finite_depth_period(double depth, double a, double energy) {
  return sqrt2 * pi / (a * std::sqrt(depth - energy));
}

/// Turning points: exp(-a x) = 1 -+ s with s = sqrt(E/D); on the right
/// exp(a x) - 1 = s/(1 - s) = s (1 + s) D/(D - E).
Well::Formulas morse(const Values& p) {
  const double depth = p[0];
  const double a = p[1];
  Well::Formulas well;
  well.potential = [=](double x) { return depth * std::pow(std::expm1(-a * x), 2); };
  well.force = [=](double x) { return 2 * depth * a * std::exp(-a * x) * std::expm1(-a * x); };
  well.force_slope = [=](double x) {
    const double e = std::exp(-a * x);
    return 2 * depth * a * a * e * (1 - 2 * e);
  };
  well.parameter_slopes = by_depth_and_rate(well, depth, a);
  well.turning_points = [=](double energy) {
    const double s = std::sqrt(energy / depth);
    return Interval{-std::log1p(s) / a, std::log1p(s * (1 + s) * (depth / (depth - energy))) / a};
  };
  well.period = [=](double energy) { return finite_depth_period(depth, a, energy); };
  well.energy_limit = depth;
  return well;
}

/// Turning points: tanh^2(a x) = E/U0, or sinh^2(a x) = E/(U0 - E).
Well::Formulas poschl_teller(const Values& p) {
  const double depth = p[0];
  const double a = p[1];
  Well::Formulas well;
  well.potential = [=](double x) { return depth * std::pow(std::tanh(a * x), 2); };
  well.force = [=](double x) {
    return -2 * depth * a * std::tanh(a * x) / std::pow(std::cosh(a * x), 2);
  };
  well.force_slope = [=](double x) {
    const double t = std::tanh(a * x);
    return -2 * depth * a * a * (1 - 3 * t * t) / std::pow(std::cosh(a * x), 2);
  };
  well.parameter_slopes = by_depth_and_rate(well, depth, a);
  well.turning_points = [=](double energy) {
    const double amplitude = std::asinh(std::sqrt(energy / (depth - energy))) / a;
    return Interval{-amplitude, amplitude};
  };
  well.period = [=](double energy) { return finite_depth_period(depth, a, energy); };
  well.energy_limit = depth;
  return well;
}

/// Turning points: tan(a x) = sqrt(E/U0). With u = sin(a x) the period integral is that of the
/// harmonic well, T = sqrt(2) int du/(a sqrt(E - (U0 + E) u^2)) = sqrt(2) pi/(a sqrt(U0 + E)).
Well::Formulas tan_squared(const Values& p) {
  const double scale = p[0];
  const double a = p[1];
  Well::Formulas well;
  well.potential = [=](double x) { return scale * std::pow(std::tan(a * x), 2); };
  well.force = [=](double x) {
    const double t = std::tan(a * x);
    return -2 * scale * a * t * (1 + t * t);
  };
  well.force_slope = [=](double x) {
    const double t2 = std::pow(std::tan(a * x), 2);
    return -2 * scale * a * a * (1 + t2) * (1 + 3 * t2);
  };
  well.parameter_slopes = by_depth_and_rate(well, scale, a);
  well.turning_points = [=](double energy) {
    const double amplitude = std::atan(std::sqrt(energy / scale)) / a;
    return Interval{-amplitude, amplitude};
  };
  well.period = [=](double energy) { return sqrt2 * pi / (a * std::sqrt(scale + energy)); };
  well.domain = {-pi / (2 * a), pi / (2 * a)};
  return well;
}

/// T = 2 sqrt(2 pi) Gamma(1/n) (E/A)^(1/n)/(n Gamma(1/n + 1/2) sqrt(E)).
Well::Formulas power(const Values& p) {
  const double factor = p[0];
  const double n = p[1];
  const auto amplitude = [=](double energy) { return std::pow(energy / factor, 1 / n); };
  const double scale = 2 * std::sqrt(2 * pi) * std::tgamma(1 / n) / (n * std::tgamma(1 / n + 0.5));
  Well::Formulas well;
  well.potential = [=](double x) { return factor * std::pow(std::abs(x), n); };
  well.force = [=](double x) {
    return std::copysign(factor * n * std::pow(std::abs(x), n - 1), -x);
  };
  well.force_slope = [=](double x) { return -factor * n * (n - 1) * std::pow(std::abs(x), n - 2); };
  const auto force = well.force;
  well.parameter_slopes = {
      [=](double x) { return force(x) / factor; },
      [=](double x) { return x == 0 ? 0 : force(x) * (1 / n + std::log(std::abs(x))); }};
  well.turning_points = [=](double energy) {
    return Interval{-amplitude(energy), amplitude(energy)};
  };
  well.period = [=](double energy) { return scale * amplitude(energy) / std::sqrt(energy); };
  return well;
}

/// With z = x + 1 and s = 2 sqrt(E), E - U = (z2^2 - z^2)(z^2 - z1^2)/4, z1^2 = 1 - s,
/// z2^2 = 1 + s. Hence T = 2 sqrt(2) K(m)/z2 with m = 1 - z1^2/z2^2 (Byrd and Friedman, 218.00).
Well::Formulas double_well(const Values&) {
  // z1, z2, where 1 - s = (1 - 4 E)/(1 + s) keeps its digits below the barrier.
  const auto turning_z = [](double energy) {
    const double s = 2 * std::sqrt(energy);
    return Interval{std::sqrt((1 - 4 * energy) / (1 + s)), std::sqrt(1 + s)};
  };
  Well::Formulas well;
  well.potential = [](double x) { return std::pow(x * (x + 2) / 2, 2); };
  well.force = [](double x) { return -x * (x + 1) * (x + 2); };
  well.force_slope = [](double x) { return -2 - 3 * x * (x + 2); };
  well.turning_points = [=](double energy) {
    const auto [z1, z2] = turning_z(energy);
    const double s = 2 * std::sqrt(energy);
    return Interval{-s / (1 + z1), s / (1 + z2)};
  };
  well.period = [=](double energy) {
    const auto [z1, z2] = turning_z(energy);
    return sqrt2 * pi / agm(z2, z1);
  };
  well.energy_limit = 0.25;
  return well;
}

/// E - U = (x - x1)(x - x2)(x - x3)/3 with roots 1/2 + cos(theta), cos(3 theta) = 1 - 12 E (Viete).
/// With h = arcsin(sqrt(6 E))/3 they are
///
///   x1 = -2 sin h sin(pi/3 - h),  x2 = 2 sin h sin(pi/3 + h),  x3 = 1/2 + cos 2h,
///
/// x3 - x1 = sqrt(3) sin(pi/3 + 2h) and x3 - x2 = sqrt(3) sin(pi/3 - 2h), and the period is
/// T = 2 sqrt(6) K(m)/sqrt(x3 - x1), 1 - m = (x3 - x2)/(x3 - x1) (Byrd and Friedman, 233.00).
Well::Formulas cubic(const Values&) {
  Well::Formulas well;
  well.potential = [](double x) { return x * x * (3 - 2 * x) / 6; };
  well.force = [](double x) { return -x * (1 - x); };
  well.force_slope = [](double x) { return 2 * x - 1; };
  // 1 - 6 E with one rounding: the barrier 1/6 is no machine number.
  const auto root = [](double energy) { return std::sqrt(std::fma(-6, energy, 1)); };
  well.turning_points = [=](double energy) {
    const double h = std::atan2(std::sqrt(6 * energy), root(energy)) / 3;
    return Interval{-2 * std::sin(h) * std::sin(pi / 3 - h),
                    2 * std::sin(h) * std::sin(pi / 3 + h)};
  };
  well.period = [=](double energy) {
    // pi/3 - 2h, which vanishes at the barrier.
    const double rest = std::atan2(root(energy), std::sqrt(6 * energy)) * 2 / 3;
    return pi * std::sqrt(2 * sqrt3) /
           agm(std::sqrt(std::sin(2 * pi / 3 - rest)), std::sqrt(std::sin(rest)));
  };
  well.energy_limit = 1. / 6;
  return well;
}

/// 2 U/x^2 of the Toda well, near 0 by its series 1 + x/3 (1 + x/4 (...)).
double toda_stiffness(double x) {
  if (std::abs(x) > 1) return 2 * (std::expm1(x) - x) / x / x;
  double series = 1;
  for (int k = 19; k > 2; --k) series = 1 + x / k * series;
  return series;
}

/// x(y) with U = y^2/2. Newton's method on y(x) = x sqrt(2 U/x^2), which is increasing and convex,
/// with y' = U'/y, where Lambert's W loses half of the digits: x = -1 - E - W(-exp(-1 - E)) starts
/// at its branch point.
double toda_position(double y) {
  double x = y > 0 ? std::log1p(y + y * y / 2) : y - y * y / 2;
  double step = x;
  constexpr double near = 1e-9;  // then x errs by less than step^2
  constexpr int most_steps = 100;
  for (int k = 0; k < most_steps && std::abs(step) > near * std::abs(x); ++k) {
    const double at = x * std::sqrt(toda_stiffness(x));
    step = (at - y) * (at / std::expm1(x));
    x -= step;
  }
  return x;
}

/// No closed form of T is known: with y = sqrt(2E) sin(phi) it is the integral of dx/dy = y/U' over
/// a turn of phi. A branch point, U' = 0 at x = 2 pi i, comes near phi = 0 at large E, an end of
/// the quadrature, where tanh-sinh crowds its nodes.
Well::Formulas toda(const Values&) {
  Well::Formulas well;
  well.potential = [](double x) { return x * (x * toda_stiffness(x)) / 2; };
  well.force = [](double x) { return -std::expm1(x); };
  well.force_slope = [](double x) { return -std::exp(x); };
  well.turning_points = [](double energy) {
    const double amplitude = std::sqrt(2 * energy);
    return Interval{toda_position(-amplitude), toda_position(amplitude)};
  };
  well.period = [](double energy) {
    boost::math::quadrature::tanh_sinh<double> quadrature;
    const auto slope = [](double y) { return y == 0 ? 1 : y / std::expm1(toda_position(y)); };
    const auto integrand = [&](double phi) {
      const double y = std::sqrt(2 * energy) * std::sin(phi);
      return slope(y) + slope(-y);
    };
    return 2 * quadrature.integrate(integrand, 0.0, pi / 2);
  };
  return well;
}

// ---- The table, and what users may ask of it ----

struct Entry {
  std::string name;
  std::vector<NamedParameter> parameters;  // with their defaults
  Well::Formulas (*build)(const Values&);
};

NamedParameter positive(const char* name, double value) { return {name, value, 0, infinity}; }

const std::vector<Entry>& table() {
  static const std::vector<Entry> entries = {
      {"harmonic", {positive("omega", 1)}, harmonic},
      {"isotonic", {positive("omega", 1), positive("a", 5)}, isotonic},
      {"parabolic-shear", {positive("omega", 1), {"beta", 0.1}}, parabolic_shear},
      {"hyperbolic-shear",
       {positive("omega", 1), {"kappa", 0.5, -1, 1}, positive("c", 1)},
       hyperbolic_shear},
      {"log-shear", {positive("omega", 1), positive("lambda", 0.125)}, log_shear},
      {"split-harmonic",
       {positive("omega_left", 0.75), positive("omega_right", 1.5)},
       split_harmonic},
      {"duffing", {positive("omega", 1), {"beta", 1}}, duffing},
      {"pendulum", {positive("omega", 1)}, pendulum},
      {"morse", {positive("D", 12.5), positive("a", 0.2)}, morse},
      {"poschl-teller", {positive("U0", 12.5), positive("a", 0.2)}, poschl_teller},
      {"tan2", {positive("U0", 12.5), positive("a", 0.2)}, tan_squared},
      {"power", {positive("A", 0.25), {"n", 4, 1, infinity}}, power},
      {"double-well", {}, double_well},
      {"cubic", {}, cubic},
      {"toda", {}, toda},
  };
  return entries;
}

const Entry& find_entry(const std::string& name) {
  const auto found = std::find_if(table().begin(), table().end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  require(found != table().end(), "there is no well '{}': known are {}", name,
          fmt::format("{}", fmt::join(well_names(), ", ")));
  return *found;
}

}  // namespace

Well::Well(std::string name, std::vector<NamedParameter> parameters, Formulas formulas)
    : name_(std::move(name)), parameters_(std::move(parameters)), formulas_(std::move(formulas)) {}

double Well::potential(double x) const { return contains(x) ? formulas_.potential(x) : infinity; }

double Well::force(double x) const { return contains(x) ? formulas_.force(x) : not_a_number; }

double Well::force_slope(double x) const {
  return contains(x) ? formulas_.force_slope(x) : not_a_number;
}

double Well::parameter_slope(Index parameter, double x) const {
  return contains(x) ? formulas_.parameter_slopes.at(static_cast<std::size_t>(parameter))(x)
                     : not_a_number;
}

Interval Well::turning_points(double energy) const {
  require_bounded(energy);
  return formulas_.turning_points(energy);
}

double Well::period(double energy) const {
  require_bounded(energy);
  return formulas_.period(energy);
}

ForceFieldPtr Well::force_field() const {
  return make_force(
      0, [well = *this](double x, const auto&) { return well.force(x); },
      [well = *this](double x, const auto&) { return well.force_slope(x); },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

bool Well::contains(double x) const {
  return !(x <= formulas_.domain.left || x >= formulas_.domain.right);
}

void Well::require_bounded(double energy) const {
  if (energy > 0 && energy < formulas_.energy_limit) return;
  throw InputError(
      fmt::format("the well {} has no periodic orbit of energy E = {:g}: admissible is {}", name_,
                  energy, admissible_range({"E", energy, 0, formulas_.energy_limit})));
}

std::vector<std::string> well_names() {
  std::vector<std::string> names;
  for (const Entry& entry : table()) names.push_back(entry.name);
  return names;
}

std::vector<NamedParameter> well_parameters(const std::string& name) {
  return find_entry(name).parameters;
}

Well make_well(const std::string& name, const std::map<std::string, double>& values) {
  const Entry& entry = find_entry(name);
  std::vector<NamedParameter> parameters = entry.parameters;
  for (const auto& [key, value] : values) {
    set_parameter("the well " + name, parameters, key, value);
  }
  Values ordered;
  for (const NamedParameter& parameter : parameters) ordered.push_back(parameter.value);
  return {name, std::move(parameters), entry.build(ordered)};
}

}  // namespace isochron
