#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lanes.hpp"

namespace test_lanes {

using namespace isochron;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// One value through a lane; the other lanes hold something else.
double tanh_in_lane(double x, int lane) {
  Lanes lanes = broadcast(0.3);
  lanes[lane] = x;
  return tanh(lanes)[lane];
}

/// Largest errors of a tanh over a set of points, and whether it is odd.
struct Errors {
  double absolute = 0;
  double relative = 0;
  bool odd = true;

  void add(Lanes x) {
    const Lanes up = tanh(x);
    const Lanes down = tanh(-x);
    for (int k = 0; k < lane_count; ++k) {
      const long double exact = std::tanh(static_cast<long double>(x[k]));
      const auto error = static_cast<double>(std::abs(up[k] - exact));
      absolute = std::max(absolute, error);
      if (exact != 0) relative = std::max(relative, error / static_cast<double>(std::abs(exact)));
      odd = odd && down[k] == -up[k] && std::signbit(down[k]) != std::signbit(up[k]);
    }
  }

  void check() const {
    CHECK(absolute <= 1e-15);
    CHECK(relative <= 3 * eps);
    CHECK(odd);
  }
};

}  // namespace

TEST_CASE("lanes: tanh within 1e-15 on a dense grid") {
  const double step = 0x1p-13;
  Errors errors;
  for (double x = 0; x < 22; x += static_cast<double>(lane_count) * step) {
    Lanes lanes;
    for (Index k = 0; k < lane_count; ++k) lanes[k] = x + static_cast<double>(k) * step;
    errors.add(lanes);
  }
  errors.check();
}

TEST_CASE("lanes: tanh keeps its relative accuracy from the smallest normal number up") {
  Errors errors;
  for (double x = std::numeric_limits<double>::min(); x < 1e300; x *= 1.01) {
    Lanes lanes;
    for (Index k = 0; k < lane_count; ++k) {
      lanes[k] = (1 + 0.01 * static_cast<double>(k) / static_cast<double>(lane_count)) * x;
    }
    errors.add(lanes);
  }
  errors.check();
}

TEST_CASE("lanes: tanh of the special values, in every lane") {
  for (int lane = 0; lane < lane_count; ++lane) {
    const auto at = [&](double x) { return tanh_in_lane(x, lane); };
    for (const double large : {20.0, 1e308, infinity}) {
      CHECK(at(large) == doctest::Approx(1).epsilon(2 * eps));
      CHECK(at(-large) == -at(large));
    }
    CHECK(std::isnan(at(std::numeric_limits<double>::quiet_NaN())));
    CHECK(at(0.0) == 0);
    CHECK(!std::signbit(at(0.0)));
    CHECK(std::signbit(at(-0.0)));
    CHECK(std::abs(at(0x1p-1074)) <= 0x1p-1073);
    CHECK(at(-0x1.8p-1040) == doctest::Approx(-0x1.8p-1040).epsilon(1e-9));
  }
}

TEST_CASE("lanes: a NaN stays in its lane") {
  Lanes x = broadcast(0.5);
  x[1] = std::numeric_limits<double>::quiet_NaN();
  const Lanes t = tanh(x);
  for (int lane = 0; lane < lane_count; ++lane) CHECK(std::isnan(t[lane]) == (lane == 1));
}

TEST_CASE("lanes: lane_sums and lane_sum are the plain sums") {
  // Integers: every order of summation gives the same.
  Lanes v[lane_count];
  double expected[lane_count] = {};
  for (int i = 0; i < lane_count; ++i) {
    for (int k = 0; k < lane_count; ++k) {
      v[i][k] = (i * 7 + k * 13 + i * k * k) % 31 - 11;
      expected[i] += v[i][k];
    }
  }
  const Lanes sums = lane_sums(v);
  for (int i = 0; i < lane_count; ++i) {
    CHECK(sums[i] == expected[i]);
    CHECK(lane_sum(v[i]) == expected[i]);
  }
}

TEST_CASE("lanes: every entry of lane_sums' argument counts once, in its own lane") {
  for (int i = 0; i < lane_count; ++i) {
    for (int k = 0; k < lane_count; ++k) {
      Lanes v[lane_count] = {};
      v[i][k] = 1;
      const Lanes sums = lane_sums(v);
      for (int lane = 0; lane < lane_count; ++lane) CHECK(sums[lane] == (lane == i ? 1 : 0));
      CHECK(lane_sum(v[i]) == 1);
    }
  }
}

TEST_CASE("lanes: load fills up with zeros, store leaves the rest alone") {
  const std::vector<double> source = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (Index remaining = 1; remaining <= 9; ++remaining) {
    const Lanes lanes = load(source.data(), remaining);
    std::vector<double> target(9, -1);
    store(target.data(), lanes, remaining);
    for (Index k = 0; k < 9; ++k) {
      const auto at = static_cast<std::size_t>(k);
      if (k < lane_count) CHECK(lanes[k] == (k < remaining ? source[at] : 0));
      CHECK(target[at] == (k < std::min(remaining, lane_count) ? source[at] : -1));
    }
  }
}

TEST_CASE("padded: the next multiple of eight") {
  CHECK(padded(0) == 0);
  CHECK(padded(1) == 8);
  CHECK(padded(8) == 8);
  CHECK(padded(9) == 16);
  CHECK(padded(100) == 104);
}

}  // namespace test_lanes
