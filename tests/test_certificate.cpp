#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "certificate_fields.hpp"
#include "isochron/certificate.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "isochron/run.hpp"
#include "isochron/well.hpp"

namespace test_certificate {

using namespace isochron;

namespace {

constexpr double two_pi = 2 * std::numbers::pi;
const Vector none(0);

Certificate of_states(const Well& well, const CertificateOptions& options, double size = 1) {
  return certify(*well.force_field(), none, size * normal_states(2, 100, 3), options);
}

CertificateOptions asked(double period) {
  return {.period = period, .tolerance = 1e-4, .loss = std::nullopt};
}

/// f of x0 + x for a force f: the same well elsewhere.
ForceFieldPtr moved(const Well& well, double by) {
  return make_force(
      0, [=](double x, const auto&) { return well.force(x - by); },
      [=](double x, const auto&) { return well.force_slope(x - by); },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

/// Harmonic with a ripple on U of a size and wave number: isochronous at no energy or at few.
ForceFieldPtr rippled(double size, double waves) {
  return make_force(
      0, [=](double x, const auto&) { return -x - size * std::sin(waves * x); },
      [=](double x, const auto&) { return -1 - size * waves * std::cos(waves * x); },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

}  // namespace

TEST_CASE("the harmonic well, n times in T") {
  for (const int n : {1, 2, 3}) {
    const Certificate found = of_states(make_well("harmonic", {{"omega", n}}), asked(two_pi));
    CHECK(found.verdict == Isochrony::harmonic);
    CHECK(found.n == n);
    REQUIRE(found.center);
    CHECK(std::abs(*found.center) <= 1e-13);
    CHECK(found.period_deviation_max <= 1e-12);
    CHECK(found.width_deviation_max <= 1e-12);
    CHECK(found.shear_max <= 1e-12);
    CHECK(found.curve.size() == 200);
    CHECK(found.curve.front().energy == found.lowest_energy);
    CHECK(found.curve.back().energy == found.highest_energy);
  }
}

TEST_CASE("sheared wells are isochronous, and not harmonic") {
  for (const char* name : {"isotonic", "hyperbolic-shear", "log-shear"}) {
    const Certificate found = of_states(make_well(name), asked(two_pi));
    CAPTURE(name);
    CHECK(found.verdict == Isochrony::sheared);
    CHECK(found.n == 1);
    CHECK(found.period_deviation_max <= 1e-12);
    CHECK(found.width_deviation_max <= 1e-12);
    CHECK(found.shear_max > 0.01);
    CHECK(found.shear_max < 1);  // |dS/dA| < 1
  }
}

TEST_CASE("a moved well has its centre elsewhere") {
  const Certificate found =
      certify(*moved(make_well("harmonic"), 0.3), none, normal_states(2, 100, 3), asked(two_pi));
  CHECK(found.verdict == Isochrony::harmonic);
  CHECK(std::abs(*found.center - 0.3) <= 1e-13);
}

TEST_CASE("a well is found where trajectories went, too") {
  // One orbit that starts near its turning point, far from the bottom.
  const Well well = make_well("duffing");
  const States start = Eigen::Vector2d(-1.5, 0.01);
  CertificateOptions options = asked(0);
  CHECK_FALSE(certify(*well.force_field(), none, start, options).center);
  options.visited = Interval{-1.4, 1.45};
  const Certificate found = certify(*well.force_field(), none, start, options);
  REQUIRE(found.center);
  CHECK(std::abs(*found.center) <= 1e-12);
  CHECK(found.highest_energy ==
        doctest::Approx(well.potential(-1.5) + 0.01 * 0.01 / 2).epsilon(1e-12));
}

TEST_CASE("wells whose period depends on the energy") {
  const Certificate pendulum = of_states(make_well("pendulum"), asked(two_pi), 0.25);
  CHECK(pendulum.verdict == Isochrony::not_isochronous);
  CHECK(pendulum.period_deviation_max > 0.01);
  // |R - 1| <= sup |T/T_0 - 1| (width theorem).
  CHECK(pendulum.width_deviation_max <= pendulum.period_deviation_between);
  CHECK(pendulum.reason.find("max |n T(E)/T - 1|") != std::string::npos);

  // Orbits over the barrier.
  const Certificate escaping = of_states(make_well("pendulum"), asked(two_pi));
  CHECK(escaping.escaping > 0);
  CHECK(escaping.verdict != Isochrony::sheared);
}

TEST_CASE("the period at the median energy, when none is asked for") {
  const Certificate found = of_states(make_well("harmonic", {{"omega", 1.7}}), asked(0));
  CHECK(found.verdict == Isochrony::harmonic);
  CHECK(found.n == 1);
  CHECK(std::abs(found.period - two_pi / 1.7) <= 1e-12);
}

TEST_CASE("several wells") {
  const auto two_wells = make_force(
      0, [](double x, const auto&) { return x - x * x * x; },
      [](double x, const auto&) { return 1 - 3 * x * x; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Certificate found = certify(*two_wells, none, normal_states(2, 100, 3), asked(two_pi));
  CHECK(found.verdict == Isochrony::several_wells);
  CHECK(found.equilibria.size() == 3);
  CHECK(found.reason == "2 stable equilibria are visited: x = -1, x = 1");
}

TEST_CASE("isochronous at the samples, not between them") {
  // Two energies where a ripple leaves the period alone, found by bisection on its sign.
  const auto field = rippled(2e-3, 6);
  const PotentialWell well(*field, none, 0, {-4, 4}, 6);
  const auto delay = [&](double energy) { return well.orbit(energy).period - two_pi; };
  std::vector<double> zeros;
  double before = 0.05;
  for (double energy = 0.1; energy < 5 && zeros.size() < 2; energy += 0.05) {
    if (delay(before) * delay(energy) < 0) {
      double low = before;
      double high = energy;
      for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (delay(low) * delay(middle) <= 0 ? high : low) = middle;
      }
      zeros.push_back(low);
    }
    before = energy;
  }
  REQUIRE(zeros.size() == 2);
  States states = States::Zero(2, 2);
  for (Index i = 0; i < 2; ++i) states(1, i) = std::sqrt(2 * zeros[static_cast<std::size_t>(i)]);
  CHECK(certify(*field, none, states, asked(two_pi)).verdict == Isochrony::at_samples_only);
  CHECK(certify(*field, none, normal_states(2, 100, 3), asked(two_pi)).verdict ==
        Isochrony::not_isochronous);
}

TEST_CASE("the loss tells the unconverged from the not isochronous") {
  CertificateOptions options = asked(two_pi);
  options.loss = 1e-20;
  CHECK(of_states(make_well("duffing"), options).verdict == Isochrony::not_isochronous);
  options.loss = 0.3;
  CHECK(of_states(make_well("duffing"), options).verdict == Isochrony::not_converged);
  // The trap: omega = 1/2 with loss 8.
  options.loss = 8;
  const Certificate trapped = of_states(make_well("harmonic", {{"omega", 0.5}}), options);
  CHECK(trapped.verdict == Isochrony::not_converged);
  CHECK(trapped.n == 0);
  CHECK(trapped.reason.find("local minimum at omega T/(2 pi) = 0.5") != std::string::npos);
  CHECK(trapped.reason.find("--restarts") != std::string::npos);
}

TEST_CASE("a large loss is believed more than a good well") {
  CertificateOptions options = asked(two_pi);
  for (const char* well : {"harmonic", "hyperbolic-shear"}) {
    options.loss = 1e-20;
    CHECK(of_states(make_well(well), options).verdict != Isochrony::not_converged);
    options.loss = 0.3;
    const Certificate found = of_states(make_well(well), options);
    CHECK(found.verdict == Isochrony::not_converged);
    CHECK(found.reason.find("the loss is still 3.0e-01") != std::string::npos);
  }
}

TEST_CASE("a state beyond the brim is not held by the well, whatever its energy") {
  // U = x^2/2 - x^3/3: the brim is at x = 1, U = 1/6.
  const auto field = make_well("cubic").force_field();
  States states(2, 3);
  states << -0.1, 1.2, 2, 0, 0, 0;
  const Certificate found = certify(*field, none, states, asked(two_pi));
  CHECK(found.escaping == 2);
  CHECK(found.trajectories == 3);
  CHECK(found.reason == "2 of 3 trajectories are not held by the well");
  CHECK(found.highest_energy == doctest::Approx(0.01 / 2 + 0.001 / 3));
  // With an orbit over the brim the height is known.
  states(1, 0) = 1;
  const std::string over = certify(*field, none, states, asked(two_pi)).reason;
  CHECK(over.find("not held by the well, whose height is 0.1667") != std::string::npos);
}

TEST_CASE("nothing to look at is bad input") {
  const auto field = make_well("harmonic").force_field();
  CHECK_THROWS_AS(static_cast<void>(certify(*field, none, States(2, 0), asked(two_pi))),
                  InputError);
  CHECK_THROWS_AS(static_cast<void>(certify(*field, none, 0.0, Vector(0), asked(two_pi))),
                  InputError);
}

TEST_CASE("over half a period each orbit visits one of its turning points") {
  // Harmonic up to x = 1, stiffer beyond; only leftward orbits go further.
  const auto field = make_force(
      0, [](double x, const auto&) { return x < 1 ? -x : -x - std::pow(x - 1, 3); },
      [](double x, const auto&) { return x < 1 ? -1.0 : -1 - 3 * std::pow(x - 1, 2); },
      [](double, const auto&) { return std::array<double, 0>{}; });
  States states(2, 4);
  states << 0.1, 0.2, 0.3, -0.1,  // x
      0.9, -0.8, -2, 0.5;         // v
  CertificateOptions options = asked(two_pi);
  CHECK(certify(*field, none, states, options).verdict == Isochrony::not_isochronous);
  options.half_orbits = true;
  const Certificate found = certify(*field, none, states, options);
  CHECK(found.verdict == Isochrony::harmonic);
  CHECK(std::abs(found.highest_energy - (0.01 + 0.81) / 2) <= 1e-14);
  CHECK(found.trajectories == 4);

  const Dynamics dynamics(field);
  const auto verdict = [&](Loss loss) {
    return certify(Objective(dynamics, loss, states, two_pi), none, {}, options.tolerance)->verdict;
  };
  CHECK(verdict(Loss::periodic) == Isochrony::not_isochronous);
  CHECK(verdict(Loss::antiperiodic) == Isochrony::harmonic);
}

TEST_CASE("a force without a well") {
  const auto hill = make_force(
      0, [](double x, const auto&) { return x; }, [](double, const auto&) { return 1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Certificate found = certify(*hill, none, normal_states(2, 10, 3), asked(two_pi));
  CHECK(found.verdict == Isochrony::not_isochronous);
  CHECK_FALSE(found.center);
  CHECK(found.reason.find("no stable equilibrium from x = ") != std::string::npos);
  CHECK(found.curve.empty());
}

TEST_CASE("a force that is as good as none") {
  // A sign that changes by rounding errors, and a force that vanishes far out: neither hangs.
  const auto noise = make_force(
      0, [](double x, const auto&) { return x > 0.3 && x < 0.4 ? -1e-300 : 1e-300; },
      [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  CHECK(certify(*noise, none, normal_states(2, 10, 3), asked(two_pi)).curve.empty());
  const auto far = make_force(
      0, [](double x, const auto&) { return -1e-9 * x * std::exp(-x * x); },
      [](double x, const auto&) { return -1e-9 * (1 - 2 * x * x) * std::exp(-x * x); },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Certificate found = certify(*far, none, normal_states(2, 10, 3), asked(two_pi));
  CHECK(found.escaping == 10);
  CHECK(found.energy_limit < found.highest_energy);
  CHECK(found.verdict == Isochrony::not_isochronous);
}

TEST_CASE("given energies in place of states") {
  const auto field = make_well("hyperbolic-shear").force_field();
  const Certificate found = certify(*field, none, 0.0, Eigen::Vector3d(0.1, 1, 3), asked(two_pi));
  CHECK(found.verdict == Isochrony::sheared);
  CHECK(found.lowest_energy == 0.1);
  CHECK(found.highest_energy == 3);
  CHECK_THROWS_AS(static_cast<void>(certify(*field, none, States::Zero(3, 2), asked(two_pi))),
                  InputError);
  CHECK_THROWS_AS(static_cast<void>(certify(*field, none, normal_states(2, 5, 1),
                                            {.period = two_pi, .tolerance = 0, .loss = {}})),
                  InputError);
}

// --- numbers that are none -----------------------------------------------------------------------

namespace {

/// f = -stiffness x, times 1 + offset.
ForceFieldPtr spring(double stiffness, double offset = 0) {
  return make_force(
      0, [=](double x, const auto&) { return -stiffness * x * (1 + offset); },
      [=](double, const auto&) { return -stiffness * (1 + offset); },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

bool decides_nothing(const Certificate& found) {
  bool all_absent = true;
  for_each_certificate_number(found, [&](const char*, const char*, const char*, const auto& value) {
    if constexpr (std::is_same_v<decltype(value), const double&>) {
      const bool asked = &value == &found.tolerance || &value == &found.period;
      all_absent = all_absent && (asked || std::isnan(value));
    }
  });
  return all_absent && found.verdict == Isochrony::undecided && !found.reason.empty() &&
         found.curve.empty() && !found.center && !found.small_amplitude;
}

}  // namespace

TEST_CASE("a force, a state or an energy that is no number decides nothing") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const States states = normal_states(2, 20, 1);
  for (const double offset : {nan, infinity, 1e308}) {
    CAPTURE(offset);
    CHECK(decides_nothing(certify(*spring(1e10, offset), none, states, asked(two_pi))));
  }
  for (const double bad : {nan, infinity, 1e200}) {
    CAPTURE(bad);
    States one_bad = states;
    one_bad(1, 3) = bad;
    CHECK(decides_nothing(certify(*spring(1), none, one_bad, asked(two_pi))));
    CHECK(decides_nothing(certify(*spring(1), none, bad * states, asked(two_pi))));
  }
  CHECK(decides_nothing(certify(*spring(1), none, 0, Vector{{1, nan}}, asked(two_pi))));
  CHECK(std::string(name(Isochrony::undecided)) == "undecided");
}

TEST_CASE("huge and tiny forces have the verdict of all others, as far as numbers reach") {
  for (const double omega : {1e-60, 1e-20, 1e20, 1e60, 1e100}) {
    CAPTURE(omega);
    const double period = two_pi / omega;
    const Vector energies{{1e-6, 1, 1e6}};
    const Certificate found = certify(*spring(omega * omega), none, 0, energies, asked(period));
    CHECK(found.verdict == Isochrony::harmonic);
    CHECK(found.n == 1);
    CHECK(found.period_deviation_max <= 1e-10);
  }
}

}  // namespace test_certificate
