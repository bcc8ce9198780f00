#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/return_time.hpp"
#include "isochron/well_gradient.hpp"
#include "oracles.hpp"

namespace test_well_gradient {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using std::numbers::pi;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// x'' = -a x - b x^2 - c x^3.
ForceFieldPtr polynomial() {
  return make_force(
      3,
      [](double x, const auto& theta) {
        return -theta[0] * x - theta[1] * x * x - theta[2] * x * x * x;
      },
      [](double x, const auto& theta) {
        return -theta[0] - 2 * theta[1] * x - 3 * theta[2] * x * x;
      },
      [](double x, const auto&) {
        return std::array<double, 3>{-x, -x * x, -x * x * x};
      });
}

/// Another stiffness on either side of 0.
ForceFieldPtr split() {
  const auto side = [](double x) { return x < 0 ? 0 : 1; };
  return make_force(
      2, [=](double x, const auto& theta) { return -theta[side(x)] * x; },
      [=](double x, const auto& theta) { return -theta[side(x)]; },
      [=](double x, const auto&) {
        std::array<double, 2> slope{};
        slope[static_cast<std::size_t>(side(x))] = -x;
        return slope;
      });
}

PotentialWell well_of(const ForceField& field, const Vector& theta, double highest) {
  const std::optional<double> bottom = nearest_bottom(field, theta, -2, 2);
  REQUIRE(bottom);
  return PotentialWell(field, theta, *bottom, {-infinity, infinity}, highest);
}

/// By central differences at two steps, extrapolated.
template <class F>
Vector differences(const F& f, const Vector& theta, double step) {
  Vector gradient(theta.size());
  for (Index p = 0; p < theta.size(); ++p) {
    const auto at = [&](double h) {
      Vector up = theta, down = theta;
      up[p] += h;
      down[p] -= h;
      return (f(up) - f(down)) / (2 * h);
    };
    gradient[p] = (4 * at(step) - at(2 * step)) / 3;
  }
  return gradient;
}

}  // namespace

TEST_CASE("the period of a spring goes with its stiffness as theta^(-1/2), at any energy") {
  const ForceFieldPtr field = polynomial();
  const Vector theta = Eigen::Vector3d(4, 0, 0);
  const PotentialWell well = well_of(*field, theta, 100);
  for (const double energy : {1e-8, 0.3, 90.0}) {
    const double expected = -pi * std::pow(theta[0], -1.5);
    CHECK(period_gradient(well, *field, theta, energy)[0] ==
          doctest::Approx(expected).epsilon(1e-11));
  }
  const Vector x = Vector::LinSpaced(7, -2, 1);
  const Eigen::MatrixXd gradients = potential_gradients(*field, theta, -0.5, x);
  REQUIRE(gradients.rows() == 3);
  for (Index i = 0; i < x.size(); ++i) {
    for (Index p = 0; p < 3; ++p) {
      const auto power = static_cast<double>(p + 2);
      const double expected = (std::pow(x[i], power) - std::pow(-0.5, power)) / power;
      CHECK(std::abs(gradients(p, i) - expected) <= 1e-13);
    }
  }
}

TEST_CASE("derivatives of periods agree with differences of them, up to the brim") {
  const ForceFieldPtr field = polynomial();
  const Vector theta = Eigen::Vector3d(1, 0.7, 0.05);
  const double brim = well_of(*field, theta, 100).energy_limit();
  REQUIRE(std::isfinite(brim));
  for (const double part : {1e-4, 0.1, 0.6, 0.97}) {
    const double energy = part * brim;
    const auto period = [&](const Vector& at) {
      return well_of(*field, at, energy).orbit(energy).period;
    };
    const Vector expected = differences(period, theta, 2e-4 * (1.1 - part));
    const Vector found = period_gradient(well_of(*field, theta, energy), *field, theta, energy);
    CAPTURE(part);
    CHECK((found - expected).norm() <= 1e-8 * expected.norm());
  }
}

TEST_CASE("of a network, whose well moves with its parameters") {
  for (const Symmetry symmetry : {Symmetry::none, Symmetry::odd}) {
    const Mlp network({1, 6, 1}, symmetry, Skip::linear);
    Vector theta = network.initial_parameters(3, 1);
    theta[network.parameters() - (symmetry == Symmetry::none ? 2 : 1)] = -2;
    for (const double energy : {0.05, 1.5}) {
      const auto period = [&](const Vector& at) {
        return well_of(network, at, energy).orbit(energy).period;
      };
      const Vector expected = differences(period, theta, 1e-3);
      const PotentialWell well = well_of(network, theta, energy);
      const Vector found = period_gradient(well, network, theta, energy);
      CHECK((found - expected).norm() <= 1e-8 * expected.norm());
      // U from the moving bottom.
      const Vector x = Eigen::Vector3d(-0.8, 0.1, 1.1);
      const Eigen::MatrixXd gradients = potential_gradients(network, theta, well.bottom(), x);
      for (Index i = 0; i < x.size(); ++i) {
        const auto potential = [&](const Vector& at) {
          return well_of(network, at, 10).potential(x[i]);
        };
        const Vector of_potential = differences(potential, theta, 1e-3);
        CHECK((gradients.col(i) - of_potential).norm() <= 1e-8 * of_potential.norm());
      }
    }
  }
}

TEST_CASE("of return times, that know nothing of potentials") {
  const ForceFieldPtr field = polynomial();
  const Vector theta = Eigen::Vector3d(1, 0, 0.4);
  constexpr double energy = 0.8;
  IntegratorOptions tight;
  tight.rtol = tight.atol = 1e-13;
  const auto period = [&](const Vector& at) {
    // a x^2/2 + c x^4/4 = E.
    const double a = at[0], c = at[2];
    const double amplitude = std::sqrt((std::sqrt(a * a + 4 * c * energy) - a) / c);
    return return_time(Dynamics(field), at, amplitude, 20, tight);
  };
  Vector expected = Vector::Zero(3);
  for (const Index p : {0, 2}) {
    Vector up = theta, down = theta;
    constexpr double step = 1e-3;
    up[p] += step;
    down[p] -= step;
    expected[p] = (period(up) - period(down)) / (2 * step);
  }
  const Vector found = period_gradient(well_of(*field, theta, energy), *field, theta, energy);
  CHECK(std::abs(found[0] - expected[0]) <= 1e-5);
  CHECK(std::abs(found[2] - expected[2]) <= 1e-5);
}

TEST_CASE("of a well with a kink at its bottom, each side's own") {
  const ForceFieldPtr field = split();
  const Vector theta = Eigen::Vector2d(1.5, 6);
  const PotentialWell well(*field, theta, 0, {-infinity, infinity}, 2);
  const Vector found = period_gradient(well, *field, theta, 0.7);
  for (Index p = 0; p < 2; ++p) {
    CHECK(found[p] == doctest::Approx(-pi / 2 * std::pow(theta[p], -1.5)).epsilon(1e-9));
  }
}

TEST_CASE("what has no derivative says so") {
  const ForceFieldPtr field = polynomial();
  const Vector theta = Eigen::Vector3d(1, 0.7, 0.05);
  const PotentialWell well = well_of(*field, theta, 100);
  const double brim = well.energy_limit();
  CHECK(mentions(message_of<InputError>(
                     [&] { static_cast<void>(period_gradient(well, *field, theta, 1.01 * brim)); }),
                 "its height"));
  const Mlp plane({2, 4, 2}, Symmetry::none, Skip::none);
  CHECK(mentions(message_of<InputError>([&] {
                   static_cast<void>(potential_gradients(plane, plane.initial_parameters(1, 1), 0,
                                                         Vector::Ones(1)));
                 }),
                 "dimension 1"));
  const ForceFieldPtr pole = make_force(
      1, [](double, const auto&) { return 0.0; }, [](double, const auto&) { return 0.0; },
      [](double x, const auto&) { return std::array<double, 1>{x < 0.5 ? 1 : NAN}; });
  CHECK(mentions(message_of<NumericalError>([&] {
                   static_cast<void>(
                       potential_gradients(*pole, Vector::Ones(1), 0, Vector::Ones(1)));
                 }),
                 "not finite"));
}

}  // namespace test_well_gradient
