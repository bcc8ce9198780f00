#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "isochron/random.hpp"

namespace test_random {

using namespace isochron;

namespace {

constexpr int count = 1'000'000;
constexpr double sigmas = 5;  // a bound that a sound generator misses once in a million

template <class Draw>
std::vector<double> sample(const Draw& draw) {
  std::vector<double> values(count);
  for (double& value : values) value = draw();
  return values;
}

/// Mean of g over the sample.
template <class G>
double mean(const std::vector<double>& values, const G& g) {
  double sum = 0;
  for (const double value : values) sum += g(value);
  return sum / static_cast<double>(values.size());
}

double standard_error(double variance) { return std::sqrt(variance / count); }

}  // namespace

TEST_CASE("random: the generator is the one of the C++ standard") {
  std::mt19937_64 engine;
  engine.discard(9999);
  CHECK(engine() == 9981545732273789042ULL);  // [rand.predef]
}

TEST_CASE("random: uniform() is the upper 53 bits of a draw, times 2^-53") {
  // The first output of mt19937_64 for its default seed 5489 is 14514284786278117030.
  CHECK(Random(5489).uniform() == static_cast<double>(14514284786278117030ULL >> 11) / 0x1p53);
  Random random(42);
  std::mt19937_64 engine(42);
  for (int i = 0; i < 1000; ++i) {
    CHECK(random.uniform() == std::ldexp(static_cast<double>(engine() / 2048), -53));
  }
}

TEST_CASE("random: uniform() is uniform on [0, 1)") {
  Random random(1);
  const auto values = sample([&] { return random.uniform(); });
  for (const double value : values) {
    if (value < 0 || value >= 1) FAIL_CHECK(value);
  }
  // Moments 1/(k+1), of variance 1/(2k+1) - 1/(k+1)^2.
  for (int k = 1; k <= 4; ++k) {
    const double moment = mean(values, [&](double u) { return std::pow(u, k); });
    const double variance = 1.0 / (2 * k + 1) - 1.0 / ((k + 1) * (k + 1));
    CHECK(std::abs(moment - 1.0 / (k + 1)) < sigmas * standard_error(variance));
  }
}

TEST_CASE("random: normal() is Marsaglia's polar method") {
  std::mt19937_64 engine(7);
  const auto signed_uniform = [&] {
    return 2 * std::ldexp(static_cast<double>(engine() >> 11), -53) - 1;
  };
  Random random(7);
  for (int pair = 0; pair < 100; ++pair) {
    double x = 2;
    double y = 2;
    while (x * x + y * y >= 1) {
      x = signed_uniform();
      y = signed_uniform();
    }
    const double radius2 = x * x + y * y;
    const double scale = std::sqrt(-2 * std::log(radius2) / radius2);
    CHECK(random.normal() == doctest::Approx(scale * x).epsilon(1e-14));
    CHECK(random.normal() == doctest::Approx(scale * y).epsilon(1e-14));
  }
}

TEST_CASE("random: normal() is standard normal") {
  Random random(2);
  const auto values = sample([&] { return random.normal(); });
  // E x^k = 0, 1, 0, 3, 0, 15 with variance E x^2k - (E x^k)^2.
  const auto check_moment = [&](int k, double expected, double variance) {
    CAPTURE(k);
    const double moment = mean(values, [&](double x) { return std::pow(x, k); });
    CHECK(std::abs(moment - expected) < sigmas * standard_error(variance));
  };
  check_moment(1, 0, 1);
  check_moment(2, 1, 2);
  check_moment(3, 0, 15);
  check_moment(4, 3, 96);
  check_moment(5, 0, 945);
  check_moment(6, 15, 10170);
  for (const double bound : {0.5, 1.0, 2.0, 3.0, 4.0}) {
    CAPTURE(bound);
    const double expected = std::erfc(bound / std::sqrt(2.0));
    const double tail = mean(values, [&](double x) { return std::abs(x) > bound ? 1.0 : 0.0; });
    CHECK(std::abs(tail - expected) < sigmas * standard_error(expected * (1 - expected)));
  }
}

TEST_CASE("random: neighbouring normal draws are independent") {
  Random random(3);
  double product = 0;
  double product_of_squares = 0;
  double last = random.normal();
  for (int i = 0; i < count; ++i) {
    const double next = random.normal();
    product += last * next / count;
    product_of_squares += (last * last - 1) * (next * next - 1) / count;
    last = next;
  }
  CHECK(std::abs(product) < sigmas * standard_error(1));
  CHECK(std::abs(product_of_squares) < sigmas * standard_error(4));
}

TEST_CASE("normal_states: reproducible, and drawn trajectory by trajectory") {
  const States states = normal_states(3, 50, 11);
  CHECK(states == normal_states(3, 50, 11));
  CHECK(states != normal_states(3, 50, 12));
  CHECK(states.leftCols(20) == normal_states(3, 20, 11));
  Random random(11);
  for (Index i = 0; i < states.cols(); ++i) {
    for (Index row = 0; row < states.rows(); ++row) CHECK(states(row, i) == random.normal());
  }
}

}  // namespace test_random
