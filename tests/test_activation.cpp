#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "activation.hpp"

namespace test_activation {

using namespace isochron;

namespace {

using Function = std::function<long double(long double)>;

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Exact {
  Activation activation;
  Function value;
  Function slope;
};

long double phi(long double z) { return std::erfc(-z / std::sqrt(2.0L)) / 2; }
long double density(long double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0L));
}

const std::vector<Exact> functions = {
    {Activation::tanh, [](long double z) { return std::tanh(z); },
     [](long double z) { return 1 / (std::cosh(z) * std::cosh(z)); }},
    {Activation::softplus,
     [](long double z) { return std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z))); },
     [](long double z) { return 1 / (1 + std::exp(-z)); }},
    {Activation::sin, [](long double z) { return std::sin(z); },
     [](long double z) { return std::cos(z); }},
    {Activation::gelu, [](long double z) { return z * phi(z); },
     [](long double z) { return phi(z) + z * density(z); }}};

struct At {
  double value;
  double slope;
};

/// At z in one lane; the other ones hold something else.
At at(Activation activation, double z) {
  Lanes value[2] = {broadcast(0.3), broadcast(0.2)};
  Lanes slopes[2];
  value[1][lane_count - 1] = z;
  Lanes alone[2] = {value[0], value[1]};
  activate(activation, value, 2, slopes);
  activate(activation, alone, 2, nullptr);
  CHECK((alone[1][lane_count - 1] == value[1][lane_count - 1] ||
         std::isnan(alone[1][lane_count - 1])));
  return {value[1][lane_count - 1], slopes[1][lane_count - 1]};
}

}  // namespace

TEST_CASE("activation: values and slopes on a dense grid") {
  for (const Exact& exact : functions) {
    const auto [activation, value, slope] = exact;
    CAPTURE(name(exact.activation));
    double worst = 0;
    double worst_slope = 0;
    for (double z = -12; z <= 12; z += 0.0137) {
      const At found = at(activation, z);
      // gelu rounds z / sqrt(2), of which Phi has the condition number z^2.
      const double condition = activation == Activation::gelu ? 1 + z * z : 1;
      const auto size = static_cast<double>(std::abs(value(z)));
      const auto error = static_cast<double>(std::abs(found.value - value(z)));
      worst = std::max(worst, error / (size * condition));
      worst_slope = std::max(worst_slope, std::abs(static_cast<double>(found.slope - slope(z))));
    }
    CHECK(worst <= 4 * eps);
    CHECK(worst_slope <= 4 * eps);
  }
}

TEST_CASE("activation: far out, and where nothing is") {
  for (const double z : {50.0, 800.0, 1e6}) {
    CAPTURE(z);
    CHECK(at(Activation::softplus, z).value == z);
    CHECK(at(Activation::softplus, z).slope == 1);
    CHECK(at(Activation::gelu, z).value == z);
    CHECK(at(Activation::gelu, z).slope == 1);
    CHECK(at(Activation::gelu, -z).value <= 0);
    CHECK(at(Activation::gelu, -z).value >= -1e-300);
  }
  CHECK(at(Activation::softplus, -50).value == doctest::Approx(std::exp(-50)).epsilon(4 * eps));
  CHECK(at(Activation::softplus, -800).value == 0);
  for (const double z : {1e3, 1e6, 1e9}) {
    const auto exact = static_cast<double>(std::sin(static_cast<long double>(z)));
    CHECK(std::abs(at(Activation::sin, z).value - exact) <= 2 * eps);
  }
  for (const auto& each : functions) {
    CAPTURE(name(each.activation));
    CHECK(std::isnan(at(each.activation, std::nan("")).value));
  }
  CHECK(std::isnan(at(Activation::sin, infinity).value));
}

TEST_CASE("activation: sin is odd to the last bit") {
  for (double z = 0.003; z < 100; z *= 1.07) {
    CHECK(at(Activation::sin, -z).value == -at(Activation::sin, z).value);
    CHECK(at(Activation::sin, -z).slope == at(Activation::sin, z).slope);
  }
}

}  // namespace test_activation
