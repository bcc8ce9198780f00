#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/quadrature/tanh_sinh.hpp>
#include <boost/math/special_functions/ellint_1.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/well.hpp"

namespace test_well {

using namespace isochron;

namespace {

using std::numbers::pi;
constexpr double eps = std::numeric_limits<double>::epsilon();

/// A well under test and what theory says of its shape.
struct Sample {
  Well well;
  bool isochronous = false;
  bool analytic = true;  // at the minimum
};

std::vector<Sample> samples() {
  const auto with = [](const char* name, const std::map<std::string, double>& values) {
    return make_well(name, values);
  };
  return {
      {with("harmonic", {}), true},
      {with("harmonic", {{"omega", 3.5}}), true},
      {with("duffing", {}), false},
      {with("duffing", {{"beta", 7}}), false},
      {with("duffing", {{"beta", 0}}), true},
      {with("duffing", {{"beta", -0.1}}), false},
      {with("duffing", {{"omega", 1.7}, {"beta", 0.4}}), false},
      {with("duffing", {{"omega", 2.5}, {"beta", -0.9}}), false},
      {with("pendulum", {}), false},
      {with("pendulum", {{"omega", 2.5}}), false},
      {with("morse", {}), false},
      {with("morse", {{"D", 0.7}, {"a", 1.3}}), false},
      {with("poschl-teller", {}), false},
      {with("poschl-teller", {{"U0", 0.7}, {"a", 1.3}}), false},
      {with("isotonic", {}), true},
      {with("isotonic", {{"omega", 2}, {"a", 0.5}}), true},
      {with("parabolic-shear", {}), true},
      {with("parabolic-shear", {{"omega", 2}, {"beta", 1.5}}), true},
      {with("parabolic-shear", {{"omega", 0.5}, {"beta", -0.4}}), true},
      {with("parabolic-shear", {{"beta", 0}}), true},
      {with("hyperbolic-shear", {}), true},
      {with("hyperbolic-shear", {{"omega", 0.5}, {"kappa", -0.9}, {"c", 0.3}}), true},
      {with("hyperbolic-shear", {{"kappa", 0.999}, {"c", 2}}), true},
      {with("hyperbolic-shear", {{"kappa", 0}}), true},
      {with("log-shear", {}), true},
      {with("log-shear", {{"omega", 1.5}, {"lambda", 1}}), true},
      {with("split-harmonic", {}), true, false},
      {with("split-harmonic", {{"omega_left", 3}, {"omega_right", 0.4}}), true, false},
      {with("tan2", {}), false},
      {with("tan2", {{"U0", 0.7}, {"a", 1.3}}), false},
      {with("double-well", {}), false},
      {with("cubic", {}), false},
      {with("toda", {}), false},
      {with("power", {}), false, false},
      {with("power", {{"A", 2}, {"n", 2}}), true},
      {with("power", {{"A", 0.3}, {"n", 1.5}}), false, false},
      {with("power", {{"A", 1}, {"n", 3.7}}), false, false},
  };
}

std::string description(const Well& well) {
  std::string text = well.name();
  for (const NamedParameter& p : well.parameters()) {
    text += ", " + p.name + " = " + std::to_string(p.value);
  }
  return text;
}

/// Energies from the bottom of the well to nearly its brim.
std::vector<double> energies(const Well& well) {
  const double limit = well.energy_limit();
  const double top = std::isfinite(limit) ? limit : 8;
  return {1e-3 * top, 0.1 * top, 0.4 * top, 0.8 * top, 0.99 * top};
}

/// The distance of x to the minimum and to the edges.
double room(const Well& well, double x) {
  const auto [left, right] = well.domain();
  return std::min({std::abs(x), x - left, right - x});
}

/// Points inside the well, some near its turning points, none nearer than 1e-3 to the minimum or to
/// an edge.
std::vector<double> points(const Well& well) {
  std::vector<double> x;
  for (const double energy : energies(well)) {
    const auto [left, right] = well.turning_points(energy);
    for (const double part : {0.1, 0.5, 0.9, 1.0}) {
      for (const double end : {left, right}) {
        if (room(well, part * end) > 1e-3) x.push_back(part * end);
      }
    }
  }
  return x;
}

/// Fourth-order central difference; the step stays within 1e-4 of the distance to the minimum and
/// to an edge: truncation of relative size 1e-12 or less, and cancellation of 1e4 eps.
template <class G>
double difference(const G& g, const Well& well, double x) {
  const double h = 1e-4 * std::min(1.0, room(well, x));
  return (8 * (g(x + h) - g(x - h)) - (g(x + 2 * h) - g(x - 2 * h))) / (12 * h);
}

/// The period integral (P) with U(x) = E sin^2(phi) on either side, dx = dU/|f|:
///
///   T = 2 sqrt(2E) int_0^(pi/2) sin(phi) (1/f(x1) - 1/f(x2)) dphi,  x_i = x_i(E sin^2 phi),
///
/// without the difference E - U that has no digits near the turning points. Independent of the
/// closed form of T. Tanh-sinh bears the algebraic singularity of |x|^n at phi = 0.
double period_by_quadrature(const Well& well, double energy) {
  boost::math::quadrature::tanh_sinh<double> quadrature;
  const auto integrand = [&](double phi) {
    const double potential = energy * std::pow(std::sin(phi), 2);
    const auto [left, right] =
        well.turning_points(std::max(potential, std::numeric_limits<double>::min()));
    return std::sin(phi) * (1 / well.force(left) - 1 / well.force(right));
  };
  return 2 * std::sqrt(2 * energy) * quadrature.integrate(integrand, 0.0, pi / 2, 1e-12);
}

/// Right-hand side of the width theorem (W), with t = 1 - c: U (1 - c^2) = U t (2 - t).
double width_from_periods(const Well& well, double energy) {
  boost::math::quadrature::tanh_sinh<double> quadrature;
  const auto period = [&](double t) {
    return well.period(std::max(energy * t * (2 - t), std::numeric_limits<double>::min()));
  };
  return std::sqrt(2 * energy) / pi * quadrature.integrate(period, 0.0, 1.0, 1e-12);
}

/// Derivatives U2, U3, U4 at the minimum, from differences of f' = -U''.
struct Derivatives {
  double second, third, fourth;
};
Derivatives derivatives_at_minimum(const Well& well) {
  const double h = 1e-3;
  const double left = well.force_slope(-h);
  const double middle = well.force_slope(0);
  const double right = well.force_slope(h);
  return {-middle, (left - right) / (2 * h), (2 * middle - left - right) / (h * h)};
}

template <class Call>
std::string message(const Call& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

}  // namespace

TEST_CASE("wells: U is the potential of the definition") {
  const auto check = [](const Well& well, double x, double potential) {
    CAPTURE(well.name());
    CAPTURE(x);
    CHECK(well.potential(x) == doctest::Approx(potential).epsilon(1e-13));
  };
  for (const double x : {-1.3, -0.4, 0.7, 2.1}) {
    const double x2 = x * x;
    check(make_well("harmonic", {{"omega", 3}}), x, 9 * x2 / 2);
    check(make_well("duffing", {{"beta", 0.2}}), x, x2 / 2 + 0.2 * x2 * x2 / 4);
    check(make_well("pendulum"), x, 1 - std::cos(x));
    check(make_well("morse", {{"D", 3}, {"a", 0.5}}), x, 3 * std::pow(1 - std::exp(-x / 2), 2));
    check(make_well("poschl-teller", {{"U0", 3}, {"a", 0.5}}), x,
          3 * std::pow(std::tanh(x / 2), 2));
    check(make_well("isotonic", {{"omega", 3}, {"a", 2}}), x,
          9. / 8 * x2 * std::pow((x + 4) / (x + 2), 2));
    check(make_well("tan2", {{"U0", 3}, {"a", 0.5}}), x, 3 * std::pow(std::tan(x / 2), 2));
    check(make_well("double-well"), x, x2 * std::pow(x + 2, 2) / 4);
    check(make_well("cubic"), x, x2 / 2 - x2 * x / 3);
    check(make_well("toda"), x, std::exp(x) - x - 1);
    check(make_well("split-harmonic", {{"omega_left", 2}, {"omega_right", 5}}), x,
          (x < 0 ? 4 : 25) * x2 / 2);
    check(make_well("power", {{"A", 3}, {"n", 2.5}}), x, 3 * std::pow(std::abs(x), 2.5));
  }
  for (const double y : {-1.3, -0.4, 0.7, 2.1}) {
    check(make_well("parabolic-shear", {{"omega", 3}, {"beta", 0.4}}), y + 0.2 * y * y,
          9 * y * y / 2);
    check(make_well("parabolic-shear", {{"omega", 3}, {"beta", -0.4}}), y - 0.2 * y * y,
          9 * y * y / 2);
    check(make_well("hyperbolic-shear", {{"omega", 3}, {"kappa", -0.7}, {"c", 0.4}}),
          y - 0.7 * (std::sqrt(y * y + 0.16) - 0.4), 9 * y * y / 2);
    check(make_well("log-shear", {{"omega", 3}, {"lambda", 0.6}}),
          y + std::log(std::cosh(0.6 * y)) / 0.6, 9 * y * y / 2);
  }
}

TEST_CASE("wells: the turning points lie at U = E, from the bottom to the brim") {
  for (const Sample& sample : samples()) {
    const Well& well = sample.well;
    CAPTURE(description(well));
    std::vector<double> all = energies(well);
    for (const double tiny : {1e-30, 1e-20, 1e-12, 1e-6}) all.push_back(tiny);
    if (std::isinf(well.energy_limit()) && std::isinf(well.domain().left)) all.push_back(1e4);
    for (const double energy : all) {
      CAPTURE(energy);
      const auto [left, right] = well.turning_points(energy);
      CHECK(left < 0);
      CHECK(right > 0);
      for (const double x : {left, right}) {
        // A relative error eps of x moves U by |x U'/U| eps; a power 1/n of E may cost as many eps
        // as E has e-folds over n.
        const double condition = std::abs(x * well.force(x) / energy);
        CHECK(std::abs(well.potential(x) / energy - 1) < 16 * eps * (1 + condition));
      }
    }
  }
}

TEST_CASE("double-well and cubic: the period grows logarithmically at the barrier") {
  // Terms of order (1 - E/E_b) log(1 - E/E_b) are left, and one rounding of the cubic's barrier.
  const double rest = 0x1p-36;
  CHECK(make_well("double-well").period((1 - rest) / 4) ==
        doctest::Approx(std::log(64 / rest)).epsilon(1e-9));
  CHECK(make_well("cubic").period((1 - rest) / 6) ==
        doctest::Approx(std::log(432 / rest)).epsilon(1e-9));
}

TEST_CASE("wells: f = -U' and f' agree with differences") {
  for (const Sample& sample : samples()) {
    const Well& well = sample.well;
    CAPTURE(description(well));
    for (const double x : points(well)) {
      CAPTURE(x);
      const double force = -difference([&](double at) { return well.potential(at); }, well, x);
      const double slope = difference([&](double at) { return well.force(at); }, well, x);
      const double scale = std::abs(well.potential(x) / x) + std::abs(well.force(x));
      CHECK(std::abs(well.force(x) - force) < 1e-10 * scale);
      CHECK(std::abs(well.force_slope(x) - slope) <
            1e-10 * (std::abs(well.force(x) / x) + std::abs(well.force_slope(x))));
    }
  }
}

TEST_CASE("wells: no digits are lost near the minimum") {
  for (const Sample& sample : samples()) {
    if (!sample.analytic) continue;
    const Well& well = sample.well;
    CAPTURE(description(well));
    const double stiffness = -well.force_slope(0);
    for (const double x : {-1e-12, 1e-12, -1e-15, 1e-15}) {
      // The next terms of the series are smaller by x U'''/U''.
      CHECK(well.potential(x) / (stiffness * x * x / 2) == doctest::Approx(1).epsilon(2e-11));
      CHECK(well.force(x) / (-stiffness * x) == doctest::Approx(1).epsilon(2e-11));
    }
    CHECK(well.potential(0) == 0);
    CHECK(well.force(0) == 0);
  }
}

TEST_CASE("wells: the period is the integral (P)") {
  for (const Sample& sample : samples()) {
    const Well& well = sample.well;
    CAPTURE(description(well));
    for (const double energy : energies(well)) {
      CAPTURE(energy);
      const double integral = period_by_quadrature(well, energy);
      CHECK(std::abs(integral / well.period(energy) - 1) < 1e-11);
    }
  }
}

TEST_CASE("wells: the width theorem (W)") {
  for (const Sample& sample : samples()) {
    const Well& well = sample.well;
    CAPTURE(description(well));
    for (const double energy : energies(well)) {
      CAPTURE(energy);
      const auto [left, right] = well.turning_points(energy);
      CHECK(std::abs(width_from_periods(well, energy) / (right - left) - 1) < 1e-11);
    }
  }
}

TEST_CASE("isochronous wells: constant period and the width law (I)") {
  for (const Sample& sample : samples()) {
    if (!sample.isochronous) continue;
    const Well& well = sample.well;
    CAPTURE(description(well));
    const double period = well.period(0.1);
    for (const double energy : energies(well)) {
      CAPTURE(energy);
      CHECK(std::abs(well.period(energy) / period - 1) < 4 * eps);
      const auto [left, right] = well.turning_points(energy);
      const double width = std::sqrt(2 * energy) * period / pi;  // 2 sqrt(2E)/omega
      CHECK(std::abs((right - left) / width - 1) < 8 * eps);
    }
  }
}

TEST_CASE("the other wells: the period depends on the energy") {
  for (const Sample& sample : samples()) {
    if (sample.isochronous) continue;
    const Well& well = sample.well;
    CAPTURE(description(well));
    const std::vector<double> all = energies(well);
    CHECK(std::abs(well.period(all.back()) / well.period(all.front()) - 1) > 0.1);
  }
}

TEST_CASE("wells: with the defaults T = 2 pi at small energies") {
  for (const std::string& name : well_names()) {
    if (name == "power" || name == "double-well") continue;
    CAPTURE(name);
    CHECK(make_well(name).period(1e-12) == doctest::Approx(2 * pi).epsilon(1e-11));
  }
}

TEST_CASE("Morse and Poschl-Teller wells share T(E)") {
  const Well morse = make_well("morse", {{"D", 3}, {"a", 0.8}});
  const Well symmetric = make_well("poschl-teller", {{"U0", 3}, {"a", 0.8}});
  for (const double energy : energies(morse)) {
    CHECK(morse.period(energy) == symmetric.period(energy));
    CHECK(morse.turning_points(energy).right > symmetric.turning_points(energy).right);
  }
}

TEST_CASE("Duffing and pendulum: periods by Legendre's K(k)") {
  using boost::math::ellint_1;
  for (const double beta : {1e-6, 0.3, 1.0, 50.0}) {
    const Well duffing = make_well("duffing", {{"beta", beta}});
    for (const double energy : {1e-3, 0.5, 4.0, 100.0}) {
      const double amplitude2 = (std::sqrt(1 + 4 * beta * energy) - 1) / beta;
      const double m = beta * amplitude2 / (2 * (1 + beta * amplitude2));
      const double period = 4 * ellint_1(std::sqrt(m)) / std::sqrt(1 + beta * amplitude2);
      // beta A^2 above is a difference of numbers of order one.
      CHECK(std::abs(duffing.period(energy) / period - 1) < 16 * eps);
    }
  }
  const Well pendulum = make_well("pendulum");
  for (const double energy : {1e-6, 0.1, 1.0, 1.9}) {
    CHECK(std::abs(pendulum.period(energy) / (4 * ellint_1(std::sqrt(energy / 2))) - 1) < 16 * eps);
  }
  // T = 2 log(32/(2 - E)) up to terms of order 2 - E near the separatrix.
  CHECK(pendulum.period(2 - 0x1p-40) == doctest::Approx(2 * std::log(0x1p45)).epsilon(1e-11));
}

TEST_CASE("wells: T(E) at small amplitude") {
  for (const Sample& sample : samples()) {
    if (!sample.analytic) continue;
    const Well& well = sample.well;
    CAPTURE(description(well));
    const auto [u2, u3, u4] = derivatives_at_minimum(well);
    const double expected = (5 * u3 * u3 - 3 * u2 * u4) / (24 * u2 * u2 * u2);
    const double size = (5 * u3 * u3 + 3 * u2 * std::abs(u4)) / (24 * u2 * u2 * u2);
    const double harmonic = 2 * pi / std::sqrt(u2);
    const auto slope = [&](double energy) { return (well.period(energy) / harmonic - 1) / energy; };
    const double energy = 1e-4 / std::max(size, 1.0);
    const double found = 2 * slope(energy / 2) - slope(energy);  // without the term of order E
    // Left are E^2 (third order) relative to the coefficients, differences of h = 1e-3, and eps/E.
    CHECK(std::abs(found - expected) < 1e-4 * size + 8 * eps / energy);
  }
}

TEST_CASE("wells: their force fields") {
  for (const Sample& sample : samples()) {
    const Well& well = sample.well;
    CAPTURE(description(well));
    // Low enough for the steps of check_force, 1e-3, to be short before an edge.
    const auto [left, right] = well.turning_points(energies(well)[1]);
    Block q(1, 9);
    q << left, 0.7 * left, 0.3 * left, 0.1 * left, 0.05 * right, 0.1 * right, 0.3 * right,
        0.7 * right, right;
    const ForceFieldPtr field = well.force_field();
    CHECK(field->dimension() == 1);
    CHECK(field->parameters() == 0);
    const Vector none(0);
    const Block force = field->force(none, q);
    for (Index b = 0; b < q.cols(); ++b) CHECK(force(0, b) == well.force(q(0, b)));
    const ForceCheck check = check_force(*field, none, q);
    CAPTURE(check.summary());
    CHECK(check.passed());
  }
}

TEST_CASE("wells: a force field outlives its well") {
  const ForceFieldPtr field = make_well("duffing").force_field();
  CHECK(field->force(Vector(0), 2) == -10);
}

TEST_CASE("wells: outside the domain U is infinite and the force NaN") {
  const auto check_edge = [](const Well& well, double edge) {
    CAPTURE(description(well));
    const auto [left, right] = well.domain();
    CHECK((edge < 0 ? left : right) == edge);
    for (const double x : {edge, 1.5 * edge, 100 * edge}) {
      CHECK(std::isinf(well.potential(x)));
      CHECK(std::isnan(well.force(x)));
      CHECK(std::isnan(well.force_slope(x)));
      CHECK(std::isnan(well.force_field()->force(Vector(0), x)));
    }
    CHECK(std::isfinite(well.force(edge * (1 - 1e-9))));
    CHECK(well.force(edge * (1 - 1e-9)) * edge < 0);
  };
  check_edge(make_well("isotonic", {{"a", 0.5}}), -0.5);
  check_edge(make_well("parabolic-shear", {{"beta", 2}}), -0.25);
  check_edge(make_well("parabolic-shear", {{"beta", -2}}), 0.25);
  check_edge(make_well("log-shear", {{"lambda", 2}}), -std::numbers::ln2 / 2);
  check_edge(make_well("tan2", {{"a", 0.5}}), -pi);
  check_edge(make_well("tan2", {{"a", 0.5}}), pi);
}

TEST_CASE("wells: bad input is refused in one sentence") {
  CHECK(
      message([] { (void)make_well("harmonik"); }) ==
      "there is no well 'harmonik': known are harmonic, isotonic, parabolic-shear, "
      "hyperbolic-shear, log-shear, split-harmonic, duffing, pendulum, morse, poschl-teller, tan2, "
      "power, double-well, cubic, toda");
  CHECK(message([] { (void)well_parameters(""); }).starts_with("there is no well ''"));
  CHECK(message([] {
          (void)make_well("morse", {{"d", 1}});
        }) == "the well morse has no parameter 'd': admissible are D, a");
  CHECK(message([] {
          (void)make_well("cubic", {{"a", 1}});
        }) == "the well cubic has no parameter 'a': it has none");
  CHECK(message([] {
          (void)make_well("harmonic", {{"omega", -1}});
        }) == "the well harmonic needs a finite omega > 0, not omega = -1");
  CHECK(message([] {
          (void)make_well("hyperbolic-shear", {{"kappa", 1}});
        }) == "the well hyperbolic-shear needs -1 < kappa < 1, not kappa = 1");
  CHECK(message([] {
          (void)make_well("duffing", {{"beta", INFINITY}});
        }) == "the well duffing needs a finite beta, not beta = inf");
  CHECK(message([] {
          (void)make_well("power", {{"n", 1}});
        }) == "the well power needs a finite n > 1, not n = 1");
  CHECK(message([] {
          (void)make_well("isotonic", {{"a", NAN}});
        }) == "the well isotonic needs a finite a > 0, not a = nan");
  CHECK(message([] { (void)make_well("pendulum").period(2); }) ==
        "the well pendulum has no periodic orbit of energy E = 2: admissible is 0 < E < 2");
  CHECK(message([] { (void)make_well("harmonic").turning_points(0); }) ==
        "the well harmonic has no periodic orbit of energy E = 0: admissible is a finite E > 0");
}

TEST_CASE("wells: parameters are listed with their values") {
  CHECK(well_parameters("morse").size() == 2);
  const Well well = make_well("split-harmonic", {{"omega_right", 3}});
  CHECK(well.parameters()[0].name == "omega_left");
  CHECK(well.parameters()[0].value == well_parameters("split-harmonic")[0].value);
  CHECK(well.parameters()[1].name == "omega_right");
  CHECK(well.parameters()[1].value == 3);
}

}  // namespace test_well
