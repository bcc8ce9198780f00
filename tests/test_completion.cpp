#include "isochron/completion.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "isochron/error.hpp"
#include "isochron/well.hpp"
#include "oracles.hpp"

namespace test_completion {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using oracle::two_pi;

namespace {

const Vector none;

RightHalf complete(const Well& well, double low, double period = two_pi) {
  return isochronous_completion(*well.force_field(), none, 0, Vector::LinSpaced(50, low, low / 50),
                                period);
}

double largest(const Vector& differences) { return differences.cwiseAbs().maxCoeff(); }

}  // namespace

TEST_CASE("the left half of an isochronous well is completed by its own right half") {
  const auto well = [](const char* name, const std::map<std::string, double>& values) {
    return make_well(name, values);
  };
  for (const Well& w : {well("harmonic", {}), well("hyperbolic-shear", {{"kappa", 0.5}, {"c", 1}}),
                        well("isotonic", {{"a", 5}}), well("log-shear", {{"lambda", 1}})}) {
    CAPTURE(w.name());
    const RightHalf right = complete(w, -0.6);
    const auto potential = [&](double x) { return w.potential(x); };
    const auto force = [&](double x) { return w.force(x); };
    CHECK(largest(right.potential - right.position.unaryExpr(potential)) <= 1e-13);
    CHECK(largest(right.force - right.position.unaryExpr(force)) <= 1e-12);
  }
}

TEST_CASE("half a parabola of another frequency is completed by the one that keeps the period") {
  // pi/omega_left + pi/omega_right = T.
  const double omega_left = 2;
  const double omega_right = 1 / (2 - 1 / omega_left);
  const RightHalf right =
      complete(make_well("split-harmonic", {{"omega_left", omega_left}, {"omega_right", 7}}), -3);
  CHECK(largest(right.force + omega_right * omega_right * right.position) <= 1e-13);
}

TEST_CASE("the completion of Morse is a force, -dU/dx, and not that of Morse") {
  const Well morse = make_well("morse", {{"D", 10}, {"a", 1 / std::sqrt(20.0)}});
  const double h = 1e-4;
  const Vector at = Eigen::Vector3d(-2 - h, -2, -2 + h);
  const RightHalf right = isochronous_completion(*morse.force_field(), none, 0, at, two_pi);
  const double slope =
      (right.potential[2] - right.potential[0]) / (right.position[2] - right.position[0]);
  CHECK(std::abs(right.force[1] + slope) <= 10 * h * h);
  CHECK(std::abs(right.position[1] + 2 - 2 * std::sqrt(2 * morse.potential(-2))) <= 1e-13);
  CHECK(std::abs(right.force[1] - morse.force(right.position[1])) > 0.1);
}

TEST_CASE("a left half without completion is refused where it fails first") {
  // The pendulum, sin|x| > sin(|x|/2): |x| < 2 pi/3.
  const Well pendulum = make_well("pendulum");
  const double edge = 2 * std::numbers::pi / 3;
  CHECK(complete(pendulum, -0.999 * edge).force.allFinite());
  const auto complaint = [&](double low, double period) {
    return message_of<InputError>([&] { static_cast<void>(complete(pendulum, low, period)); });
  };
  CHECK(mentions(complaint(-1.02 * edge, two_pi), "no isochronous completion"));
  CHECK(mentions(complaint(-3, two_pi), "at x = -2.1"));
  // A spring too weak for T at its bottom already: omega_left > omega/2.
  CHECK(complaint(-0.1, 1.01 * std::numbers::pi).empty());
  CHECK(mentions(complaint(-0.1, 0.99 * std::numbers::pi), "no isochronous completion"));
  // Left of x = -pi the force pushes outwards.
  CHECK(mentions(complaint(-6.3, two_pi), "no isochronous completion"));
}

TEST_CASE("positions that are no left half, and periods that are none, are refused") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Well well = make_well("harmonic");
  const auto complaint = [&](const Vector& positions, double period) {
    return message_of<InputError>([&] {
      static_cast<void>(isochronous_completion(*well.force_field(), none, 0, positions, period));
    });
  };
  CHECK(complaint(Eigen::Vector2d(-2, -1), two_pi).empty());
  CHECK(mentions(complaint(Eigen::Vector2d(-1, 0), two_pi), "x = 0"));
  CHECK(mentions(complaint(Eigen::Vector2d(-1, -2), two_pi), "x = -2"));
  CHECK(mentions(complaint(Eigen::Vector2d(-infinity, -1), two_pi), "x = -inf"));
  for (const double period : {0.0, -1.0, infinity, std::nan("")}) {
    CHECK(mentions(complaint(Vector::Constant(1, -1), period), "period"));
  }
}

}  // namespace test_completion
