#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>

#include "isochron/error.hpp"
#include "isochron/objective.hpp"
#include "isochron/period_law.hpp"
#include "oracles.hpp"

namespace test_period_law {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

const Vector none;

/// The mean square by which the orbits of a law miss their start in a well.
double miss(const PeriodLaw& law, const Well& well) {
  const Objective objective(Dynamics(well.force_field()), law.orbits());
  IntegratorOptions options;
  options.rtol = options.atol = 1e-12;
  Integrator integrator(objective.dynamics(), options);
  return objective.trajectory_loss(integrator.integrate(none, objective.ensemble()).states);
}

}  // namespace

TEST_CASE("the orbits of a well's law close in it, and in no other") {
  struct Case {
    const char* well;
    double largest_amplitude;
    double largest_energy;
  };
  for (const Case& c : {Case{"pendulum", 3, 1.9}, Case{"duffing", 2, 6}, Case{"morse", 1, 0.5}}) {
    CAPTURE(c.well);
    const Well well = make_well(c.well);
    for (const PeriodBy by : {PeriodBy::amplitude, PeriodBy::energy}) {
      const double high = by == PeriodBy::amplitude ? c.largest_amplitude : c.largest_energy;
      const PeriodLaw law = period_law(well, by, law_arguments(by, 0, high, 12));
      CHECK(miss(law, well) <= 1e-18);
      CHECK(miss(law, make_well("harmonic")) > 1e-3);
    }
  }
}

TEST_CASE("by amplitude an orbit starts at rest, by energy twice at 0") {
  const PeriodLaw law{PeriodBy::amplitude, Eigen::Vector2d(0.5, 2), Eigen::Vector2d(3, 4)};
  const Ensemble at_rest = law.orbits();
  CHECK(at_rest.initial_states == (States(2, 2) << 0.5, 2, 0, 0).finished());
  CHECK(at_rest.end_times == Eigen::Vector2d(3, 4));
  const Ensemble through =
      PeriodLaw{PeriodBy::energy, Eigen::Vector2d(0.5, 2), Eigen::Vector2d(3, 4)}.orbits();
  CHECK(through.initial_states == (States(2, 4) << 0, 0, 0, 0, 1, 2, -1, -2).finished());
  CHECK(through.end_times == Eigen::Vector4d(3, 4, 3, 4));
}

TEST_CASE("arguments from 0 are Chebyshev points, in the amplitude or in the speed") {
  constexpr Index n = 7;
  const Vector amplitudes = law_arguments(PeriodBy::amplitude, 0, 3, n);
  for (Index k = 0; k < n; ++k) {
    // Zeros of the Chebyshev polynomial of degree 2n on [-3, 3].
    CHECK(std::abs(std::cos(2 * n * std::acos(amplitudes[k] / 3))) <= 1e-13);
    CHECK(amplitudes[k] > (k == 0 ? 0 : amplitudes[k - 1]));
  }
  CHECK(amplitudes[n - 1] < 3);
  const Vector energies = law_arguments(PeriodBy::energy, 0, 9, n);
  CHECK((energies.cwiseSqrt() - amplitudes).cwiseAbs().maxCoeff() <= 1e-14);
  const Vector above = law_arguments(PeriodBy::energy, 4, 9, n);
  CHECK((above.cwiseSqrt() - Vector::Constant(n, 2) - amplitudes / 3).cwiseAbs().maxCoeff() <=
        1e-14);
}

TEST_CASE("noise is relative, normal, and decided by the seed") {
  constexpr Index n = 20000;
  PeriodLaw law{PeriodBy::energy, Vector::LinSpaced(n, 1, 2), Vector::LinSpaced(n, 3, 5)};
  const PeriodLaw noisy = with_noise(law, 0.01, 4);
  const Vector z = (noisy.period.cwiseQuotient(law.period).array() - 1) / 0.01;
  const double expected_error = 1 / std::sqrt(static_cast<double>(n));
  CHECK(std::abs(z.mean()) <= 5 * expected_error);
  CHECK(std::abs(z.squaredNorm() / n - 1) <= 5 * std::numbers::sqrt2 * expected_error);
  CHECK(with_noise(law, 0.01, 4).period == noisy.period);
  CHECK(with_noise(law, 0.01, 5).period != noisy.period);
  CHECK(with_noise(law, 0, 4).period == law.period);
}

TEST_CASE("orbits that do not exist and laws that are none are refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto law_complaint = [](const char* well, PeriodBy by, double argument) {
    return message_of<InputError>(
        [&] { static_cast<void>(period_law(make_well(well), by, Vector::Constant(1, argument))); });
  };
  for (const double energy : {2.0, 3.0, 0.0, -1.0}) {
    CHECK(mentions(law_complaint("pendulum", PeriodBy::energy, energy), "energy"));
  }
  CHECK(law_complaint("pendulum", PeriodBy::amplitude, 3.14).empty());
  // U(4) < 2 again, but behind the barrier.
  for (const double amplitude : {3.1416, 4.0, 0.0, -1.0, nan}) {
    CHECK(mentions(law_complaint("pendulum", PeriodBy::amplitude, amplitude), "amplitude"));
  }
  const auto range_complaint = [](double low, double high) {
    return message_of<InputError>(
        [&] { static_cast<void>(law_arguments(PeriodBy::energy, low, high, 3)); });
  };
  for (const double low : {-1.0, 2.0, nan}) CHECK(mentions(range_complaint(low, 2), "range"));
  const auto complaint = [](double argument, double period) {
    return message_of<InputError>([&] {
      PeriodLaw{PeriodBy::energy, Vector::Constant(1, argument), Vector::Constant(1, period)}
          .validate();
    });
  };
  CHECK(complaint(1, 1).empty());
  for (const double bad : {0.0, -1.0, nan}) {
    CHECK(mentions(complaint(bad, 1), "energy"));
    CHECK(mentions(complaint(1, bad), "period"));
  }
  CHECK(mentions(message_of<InputError>([] { PeriodLaw().validate(); }), "at least one"));
}

TEST_CASE("periods that fall so fast that the width would shrink are refused, by energy") {
  const auto complaint = [](PeriodBy by, const Vector& argument, const Vector& period) {
    return message_of<InputError>([&] { PeriodLaw{by, argument, period}.require_well(); });
  };
  // T = 2 pi (1 - E): the width is 2 sqrt(2 U) (1 - 2 U/3), highest at U = 1/2, a tenth lower at
  // U = 0.779. In any order; one energy twice is no harm.
  const auto linear = [](double highest) {
    Vector energy(42);
    energy << highest, Vector::LinSpaced(40, 0.001, highest).reverse(), 0.001;
    return energy;
  };
  const auto falling = [](const Vector& energy) {
    return Vector(2 * std::numbers::pi * (1 - energy.array()));
  };
  CHECK(complaint(PeriodBy::energy, linear(0.77), falling(linear(0.77))).empty());
  const Vector energy = linear(0.8);
  CHECK(mentions(complaint(PeriodBy::energy, energy, falling(energy)), "shrink from 1.33"));
  CHECK(complaint(PeriodBy::amplitude, energy, falling(energy)).empty());
  CHECK(mentions(complaint(PeriodBy::energy, Eigen::Vector2d(1, 2), Eigen::Vector2d(6, 0.1)),
                 "between E = 1 and 2"));
  CHECK(complaint(PeriodBy::energy, Vector::Constant(1, 1), Vector::Constant(1, 6)).empty());
}

TEST_CASE("the periods of wells are not refused: flat ones, steep ones, with noise") {
  struct Case {
    const char* well;
    std::map<std::string, double> values;
    double highest;
  };
  for (const Case& c : {Case{"power", {{"n", 1.2}}, 3}, Case{"power", {{"n", 20}}, 3},
                        Case{"duffing", {}, 6}, Case{"pendulum", {}, 1.99}}) {
    CAPTURE(c.well);
    for (const Index count : {2, 10, 200}) {
      const PeriodLaw law = period_law(make_well(c.well, c.values), PeriodBy::energy,
                                       law_arguments(PeriodBy::energy, 0, c.highest, count));
      CHECK_NOTHROW(law.require_well());
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CHECK_NOTHROW(with_noise(law, 0.03, seed).require_well());
      }
    }
  }
}

}  // namespace test_period_law
