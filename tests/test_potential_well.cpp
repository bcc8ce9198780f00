#include <doctest/doctest.h>

#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/return_time.hpp"
#include "isochron/well.hpp"

namespace test_potential_well {

using namespace isochron;

namespace {

using std::numbers::pi;

const Vector none(0);
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Interval everywhere{-infinity, infinity};

PotentialWell explore(const Well& well, double highest_energy) {
  return PotentialWell(*well.force_field(), none, 0, everywhere, highest_energy);
}

/// f = -stiffness (x - centre): D = 1, no parameters.
ForceFieldPtr shifted(double stiffness, double centre) {
  return make_force(
      0, [=](double x, const auto&) { return -stiffness * (x - centre); },
      [=](double, const auto&) { return -stiffness; },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

/// f = x - x^3: wells at -1 and 1, a barrier of 1/4 at 0.
ForceFieldPtr two_wells() {
  return make_force(
      0, [](double x, const auto&) { return x - x * x * x; },
      [](double x, const auto&) { return 1 - 3 * x * x; },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

/// A network with a well, steep and asymmetric.
struct Network {
  Mlp field{{1, 16, 16, 1}};
  Vector theta;
  double bottom = 0;
};

Network network_with_well(std::uint64_t first_seed) {
  Network network;
  for (std::uint64_t seed = first_seed;; ++seed) {
    network.theta = network.field.initial_parameters(seed);
    network.theta.tail(17) *= 20;
    for (const auto& [x, stable] : equilibria(network.field, network.theta, -1.5, 1.5)) {
      network.bottom = x;
      if (stable) return network;
    }
  }
}

double potential_at(const ForceField& field, double from, double to) {
  return potentials(field, none, from, Vector::Constant(1, to))[0];
}

}  // namespace

TEST_CASE("potentials are those of the wells, from position to position") {
  for (const std::string& name : well_names()) {
    const Well well = make_well(name);
    if (name == "power") continue;  // |x|^4 and its kin: below
    CAPTURE(name);
    const Eigen::Vector3d positions(-0.4, 0.2, 0.7);
    for (const double zero : {-0.3, 0.0, 0.5}) {
      const Vector found = potentials(*well.force_field(), none, zero, positions);
      for (Index i = 0; i < 3; ++i) {
        const double exact = well.potential(positions[i]) - well.potential(zero);
        CHECK(std::abs(found[i] - exact) <= 1e-12 * (1 + std::abs(exact)));
      }
    }
  }
  CHECK(potential_at(*shifted(1, 0), 0.7, 0.7) == 0);
}

TEST_CASE("potentials of far positions are exact and cheap") {
  // f = -x exp(-x^2) - x/(1 + x^2): structure of size 1, and a tail without a scale.
  const auto potential = [](double x) {
    return -std::exp(-x * x) / 2 + std::log1p(x * x) / 2 + 0.5;
  };
  long evaluations = 0;
  const auto field = make_force(
      0,
      [&](double x, const auto&) {
        ++evaluations;
        return -x * std::exp(-x * x) - x / (1 + x * x);
      },
      [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  for (const double reach : {1.0, 1e4, 1e8, 1e20, 1e100}) {
    CAPTURE(reach);
    evaluations = 0;
    const Vector positions{{-reach, 0.3, reach / 7, -1e-9, reach, 2.5}};
    const Vector found = potentials(*field, none, 0.0, positions);
    for (Index i = 0; i < positions.size(); ++i) {
      const double x = positions[i];
      const double exact = x == -1e-9 ? 1e-18 : potential(x);
      CHECK(std::abs(found[i] - exact) <= 1e-12 * exact);
    }
    CHECK(evaluations < 1000 * (30 + std::log(reach)));
  }
  // From a far zero to structure near 0, and out on the other side.
  const double far = potentials(*field, none, 1e6, Vector::Constant(1, -1e6))[0];
  CHECK(std::abs(far) <= 1e-11);
  const double to_bottom = potentials(*field, none, 1e6, Vector::Zero(1))[0];
  CHECK(std::abs(to_bottom + potential(1e6)) <= 1e-12 * potential(1e6));

  // A pendulum that has turned often.
  const ForceFieldPtr pendulum = make_well("pendulum").force_field();
  const double turned = potential_at(*pendulum, 0, 1e4);
  CHECK(std::abs(turned - (1 - std::cos(1e4))) <= 1e-10);
}

TEST_CASE("potentials near the bottom of a network's well are those of its curvature") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Network network = network_with_well(seed);
    const double h = 1e-5;
    const double curvature = (network.field.force(network.theta, network.bottom - h) -
                              network.field.force(network.theta, network.bottom + h)) /
                             (2 * h);
    for (const double d : {1e-8, -1e-9, 1e-10}) {
      const double u = potentials(network.field, network.theta, network.bottom,
                                  Vector::Constant(1, network.bottom + d))[0];
      CHECK(std::abs(u / (curvature * d * d / 2) - 1) <= 1e-2);
    }
    // From 0, when the bottom is very near to it.
    CHECK_NOTHROW(static_cast<void>(
        potentials(network.field, network.theta, 0, Vector::Constant(1, -7e-12))));
  }
}

TEST_CASE("a potential that cannot be had is refused, not summed for ever") {
  const ForceFieldPtr pendulum = make_well("pendulum").force_field();
  CHECK_THROWS_AS(static_cast<void>(potential_at(*pendulum, 0, 1e12)), NumericalError);
  const auto inverse = make_force(
      0, [](double x, const auto&) { return 1 / (x * x * x); },
      [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  CHECK_THROWS_AS(static_cast<void>(potential_at(*inverse, 1, -1)), NumericalError);
  CHECK(std::abs(potential_at(*inverse, 1, 1e-3) - (0.5e6 - 0.5)) <= 1e-6);
}

TEST_CASE("equilibria are found with their stability") {
  constexpr double precision = 1e-14;
  for (const double centre : {-1.3, -0.01, 0.0, 0.3, 1.999}) {
    const auto found = equilibria(*shifted(2, centre), none, -2, 2);
    REQUIRE(found.size() == 1);
    CHECK(found.front().stable);
    CHECK(std::abs(found.front().position - centre) <= precision);
  }
  const auto unstable = equilibria(*shifted(-1, 0.3), none, -2, 2);
  REQUIRE(unstable.size() == 1);
  CHECK_FALSE(unstable.front().stable);
  CHECK(equilibria(*shifted(1, 3), none, -2, 2).empty());  // outside

  const auto three = equilibria(*two_wells(), none, -2, 3);
  REQUIRE(three.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(std::abs(three[static_cast<std::size_t>(i)].position - (i - 1)) <= precision);
    CHECK(three[static_cast<std::size_t>(i)].stable == (i != 1));
  }
  // A zero at either end of the range, seen from one side only.
  for (const double end : {-1.0, 1.0}) {
    const auto at_end = equilibria(*shifted(1, 0), none, std::min(end, 0.0), std::max(end, 0.0));
    REQUIRE(at_end.size() == 1);
    CHECK(at_end.front().position == 0);
    CHECK(at_end.front().stable);
  }
}

TEST_CASE("orbits of wells with closed forms") {
  for (const std::string& name : well_names()) {
    const Well well = make_well(name);
    const double top = std::min(well.energy_limit(), 50.0);
    const PotentialWell explored = explore(well, top);
    CAPTURE(name);
    for (double energy = 1e-6 * top; energy < 0.999 * top; energy *= 4.1) {
      CAPTURE(energy);
      const WellOrbit orbit = explored.orbit(energy);
      const auto [left, right] = well.turning_points(energy);
      CHECK(std::abs(orbit.left - left) <= 1e-13 * (right - left));
      CHECK(std::abs(orbit.right - right) <= 1e-13 * (right - left));
      CHECK(std::abs(orbit.period / well.period(energy) - 1) <= 1e-13);
      CHECK(orbit.period_error <= 1e-12 * orbit.period);
      CHECK(std::abs(explored.potential(orbit.right) / energy - 1) <= 1e-12);
    }
  }
}

TEST_CASE("wells that are not analytic at the bottom, and energies close to a brim or an edge") {
  const auto agrees = [](const Well& well, double highest, double energy, double precision) {
    CAPTURE(well.name());
    CAPTURE(energy);
    const WellOrbit orbit = explore(well, highest).orbit(energy);
    const double exact = well.period(energy);
    CHECK(std::abs(orbit.period / exact - 1) <= precision);
    CHECK(std::abs(orbit.period - exact) <= 10 * orbit.period_error);
  };
  for (const double n : {1.2, 1.5, 2.5, 3.0}) {
    for (const double energy : {1e-4, 0.3, 7.0}) {
      agrees(make_well("power", {{"n", n}}), 10, energy, 1e-12);
    }
  }
  for (const double gap : {1e-3, 1e-6, 1e-9}) {
    // The period grows like log(1/gap), and the gap is known to roundoff/gap.
    agrees(make_well("pendulum"), 3, 2 - gap, 1e-15 / gap + 1e-12);
    agrees(make_well("morse"), 12.5, 12.5 - gap, 1e-14 / gap + 1e-12);
  }
  // Turning points 0.016 from the edge of the domain.
  agrees(make_well("isotonic", {{"a", 0.5}}), 40, 30, 1e-12);
}

TEST_CASE("the period of a network is the return time that CVODES finds") {
  IntegratorOptions options;
  options.rtol = options.atol = 1e-13;
  for (const std::uint64_t seed : {0U, 10U, 20U}) {
    const Network network = network_with_well(seed);
    const PotentialWell well(network.field, network.theta, network.bottom, everywhere, 4);
    const Dynamics dynamics(std::make_shared<Mlp>(network.field), Motion::newtonian);
    const double top = std::min(4.0, well.energy_limit());
    for (const double part : {0.01, 0.5, 0.99}) {
      const WellOrbit orbit = well.orbit(part * top);
      const double period = return_time(dynamics, network.theta, network.bottom + orbit.right,
                                        3 * orbit.period, options);
      CHECK(std::abs(orbit.period / period - 1) <= 1e-9);
      CHECK(orbit.period_error <= 1e-11 * orbit.period);
    }
  }
}

TEST_CASE("width theorem: the width follows from the periods, whatever the shear") {
  // width(U) = (sqrt(2 U)/pi) int_0^1 T(U (1 - c^2)) dc.
  const Network network = network_with_well(0);
  const PotentialWell well(network.field, network.theta, network.bottom, everywhere, 3);
  const double top = 0.8 * std::min(3.0, well.energy_limit());
  const double mean_period = boost::math::quadrature::gauss<double, 30>::integrate(
      [&](double c) { return well.orbit(top * (1 - c * c)).period; }, 0.0, 1.0);
  const WellOrbit orbit = well.orbit(top);
  CHECK(std::abs(orbit.width() / (std::sqrt(2 * top) / pi * mean_period) - 1) <= 1e-11);
  CHECK(std::abs(orbit.shear()) > 1e-3 * orbit.width());  // a case that says something
}

TEST_CASE("the mean of g over both branches is constant where the well is isochronous") {
  for (const char* name : {"harmonic", "isotonic", "hyperbolic-shear", "log-shear"}) {
    const PotentialWell well = explore(make_well(name), 5);
    for (const double energy : {0.01, 1.0, 4.0}) {
      CHECK(std::abs(well.orbit(energy).mean_g * std::sqrt(2.0) - 1) <= 1e-12);
    }
  }
  CHECK(std::abs(explore(make_well("duffing"), 5).orbit(1).mean_g * std::sqrt(2.0) - 1) > 1e-2);
}

TEST_CASE("small amplitudes") {
  const auto morse = explore(make_well("morse", {{"D", 12.5}, {"a", 0.2}}), 3).small_amplitude();
  REQUIRE(morse);
  // U = D (1 - exp(-a x))^2: derivatives 2 D a^2, -6 D a^3, 14 D a^4.
  CHECK(std::abs(morse->u2 - 1) <= 1e-12);
  CHECK(std::abs(morse->u3 + 0.6) <= 1e-11);
  CHECK(std::abs(morse->u4 - 0.28) <= 1e-10);
  // T = T_0/sqrt(1 - E/D).
  CHECK(std::abs(morse->period_slope() - 0.04) <= 1e-10);
  CHECK(std::abs(explore(make_well("pendulum"), 1).small_amplitude()->period_slope() - 0.125) <=
        1e-10);
  CHECK(std::abs(explore(make_well("hyperbolic-shear"), 3).small_amplitude()->period_slope()) <=
        1e-9);
  CHECK_FALSE(explore(make_well("split-harmonic"), 3).small_amplitude());
  CHECK_FALSE(explore(make_well("power", {{"n", 1.5}}), 3).small_amplitude());
  CHECK_FALSE(explore(make_well("power", {{"n", 4}}), 3).small_amplitude());  // no curvature
}

TEST_CASE("the height of a well") {
  CHECK(explore(make_well("pendulum"), 1.9).energy_limit() == infinity);
  CHECK(std::abs(explore(make_well("pendulum"), 5).energy_limit() - 2) <= 1e-13);
  const PotentialWell right(*two_wells(), none, 1, everywhere, 10);
  CHECK(std::abs(right.energy_limit() - 0.25) <= 1e-14);
  CHECK(std::abs(right.extent().left) <= 1e-7);
  // The range ends before the brim does.
  const PotentialWell cut(*two_wells(), none, 1, {0.5, 3}, 10);
  CHECK(cut.energy_limit() == doctest::Approx(0.140625).epsilon(1e-13));
}

TEST_CASE("what is not there is refused in one sentence") {
  CHECK_THROWS_WITH_AS(static_cast<void>(explore(make_well("pendulum"), 5).orbit(2.5)),
                       doctest::Contains("no orbit of energy 2.5: admissible is 0 < E < 2"),
                       InputError);
  CHECK_THROWS_WITH_AS(static_cast<void>(explore(make_well("harmonic"), 5).orbit(7)),
                       doctest::Contains("E < 5, up to where it was followed"), InputError);
  CHECK_THROWS_AS(static_cast<void>(explore(make_well("harmonic"), 5).orbit(0)), InputError);
  CHECK_THROWS_AS(static_cast<void>(explore(make_well("harmonic"), 5).orbit(std::nan(""))),
                  InputError);
  CHECK_THROWS_WITH_AS(PotentialWell(*shifted(-1, 0), none, 0, everywhere, 1),
                       doctest::Contains("no well at x = 0"), InputError);
  for (const double bottom : {-1.0, 2.0, std::nan("")}) {
    CHECK_THROWS_WITH_AS(PotentialWell(*shifted(1, 0), none, bottom, {-1, 1}, 1),
                         doctest::Contains("must lie within its range"), InputError);
  }
  const PotentialWell narrow(*shifted(1, 0), none, 0, {-1, 1}, 10);
  CHECK_THROWS_WITH_AS(static_cast<void>(narrow.potential(2)),
                       doctest::Contains("from x = -1 to 1"), InputError);

  const Dynamics pendulum(make_well("pendulum").force_field(), Motion::newtonian);
  CHECK_THROWS_AS(static_cast<void>(return_time(pendulum, none, 1, 3, {})), NumericalError);
  IntegratorOptions one_step;
  one_step.method = Method::rkn8;
  CHECK_THROWS_AS(static_cast<void>(return_time(pendulum, none, 1, 30, one_step)), InputError);
}

}  // namespace test_potential_well
