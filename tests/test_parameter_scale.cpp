#include "isochron/parameter_scale.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "isochron/error.hpp"
#include "oracles.hpp"

namespace test_parameter_scale {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const std::vector<ParameterScale> scales = {
    {false, std::nullopt},           {true, std::nullopt},
    {false, Interval{-2, 3}},        {false, Interval{-3e-5, 0}},
    {true, Interval{0.01, 1e4}},     {false, Interval{2, infinity}},
    {false, Interval{-infinity, 2}}, {true, Interval{0.5, infinity}},
    {true, Interval{-infinity, 0.5}}};

/// Fourth-order central difference: errors of h^4 and of eps/h.
double differenced(const ParameterScale& scale, double theta) {
  constexpr double h = 1e-3;
  const auto at = [&](double step) { return scale.value(theta + step); };
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

}  // namespace

TEST_CASE("scales: the slope is that of the value, and theta its inverse") {
  for (const ParameterScale& scale : scales) {
    CAPTURE(scale.logarithmic);
    for (const double theta : {-4.0, -1.3, 0.0, 0.7, 5.0}) {
      CAPTURE(theta);
      const double value = scale.value(theta);
      CHECK(std::abs(scale.slope(theta) - differenced(scale, theta)) <=
            1e-9 * std::abs(scale.slope(theta)) + 1e-12 * std::abs(value));
      CHECK(std::abs(scale.theta(value) - theta) <= 1e-12);
    }
  }
}

TEST_CASE("scales: their closed forms") {
  CHECK(scales[0].value(0.3) == 0.3);
  CHECK(scales[1].value(std::log(7.0)) == doctest::Approx(7).epsilon(1e-15));
  CHECK(scales[2].value(0) == 0.5);
  CHECK(scales[2].value(std::log(4.0)) == doctest::Approx(2).epsilon(1e-15));
  CHECK(scales[4].value(0) == doctest::Approx(10).epsilon(1e-14));  // the geometric mean
  CHECK(scales[5].value(std::log(3.0)) == doctest::Approx(5).epsilon(1e-15));
  CHECK(scales[6].value(-std::log(3.0)) == doctest::Approx(-1).epsilon(1e-15));
  CHECK(scales[7].value(std::log(2.5)) == doctest::Approx(3).epsilon(1e-15));
  CHECK(scales[8].value(std::log(4.0)) == doctest::Approx(0.4).epsilon(1e-15));
  CHECK(scales[8].value(-30) == doctest::Approx(0.5 * std::exp(-30)).epsilon(1e-12));
}

TEST_CASE("scales: bounds are never left") {
  constexpr double largest = std::numeric_limits<double>::max();
  for (const ParameterScale& scale : scales) {
    if (!scale.bounds) continue;
    for (const double theta : {-largest, -800.0, -37.0, -36.0, 36.0, 37.0, 800.0, largest}) {
      CHECK(scale.value(theta) >= scale.bounds->left);
      CHECK(scale.value(theta) <= scale.bounds->right);
      const bool has_both = std::isfinite(scale.bounds->left + scale.bounds->right);
      if (!has_both && std::abs(theta) >= 700) continue;  // as without bounds: exp(theta)
      CHECK(std::isfinite(scale.slope(theta)));
      CHECK(scale.slope(theta) >= 0);
    }
  }
}

TEST_CASE("scales: what has no place on them is refused") {
  const auto message = [](const ParameterScale& scale, double value) {
    return message_of<InputError>([&] { static_cast<void>(scale.theta(value)); });
  };
  CHECK(mentions(message(scales[0], std::nan("")), "finite"));
  CHECK(mentions(message(scales[1], 0), "no logarithm"));
  CHECK(mentions(message(scales[1], -1), "no logarithm"));
  CHECK(mentions(message(scales[2], 3), "outside of the bounds"));
  CHECK(mentions(message(scales[2], -2.5), "between -2 and 3"));
  const auto invalid = [](const ParameterScale& scale) {
    return message_of<InputError>([&] { scale.validate(); });
  };
  CHECK(mentions(invalid({false, Interval{1, 1}}), "hold no number"));
  CHECK(mentions(invalid({false, Interval{-infinity, infinity}}), "hold no number, or every one"));
  CHECK(mentions(invalid({false, Interval{0, std::nan("")}}), "hold no number"));
  CHECK(mentions(invalid({true, Interval{-infinity, 0}}), "must be > 0"));
  CHECK(mentions(invalid({true, Interval{0, infinity}}), "must be > 0"));
  CHECK(invalid({false, Interval{0, infinity}}).empty());
  CHECK(mentions(message(scales[5], 2), "outside of the bounds"));
  CHECK(mentions(invalid({true, Interval{0, 1}}), "must be > 0"));
}

}  // namespace test_parameter_scale
