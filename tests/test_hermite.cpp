#include "one_step/hermite.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace test_hermite {

using namespace isochron;
using namespace isochron::one_step;

namespace {

/// y, y', .. of a function at the nodes, as the weights take them.
template <class Function>
Vector values_at(const std::vector<double>& nodes, int known, const Function& derivative) {
  Vector values(static_cast<Index>(nodes.size()) * known);
  for (Index i = 0; i < values.size(); ++i) {
    values[i] = derivative(static_cast<int>(i) % known, nodes[static_cast<std::size_t>(i / known)]);
  }
  return values;
}

struct Interpolated {
  double value;
  double slope;
};

Interpolated interpolate(const std::vector<double>& nodes, int known, const Vector& at_nodes,
                         double t) {
  Vector values(at_nodes.size()), slopes(at_nodes.size());
  Hermite(nodes, known).weights(t, values.data(), slopes.data());
  return {values.dot(at_nodes), slopes.dot(at_nodes)};
}

/// The derivative of order s of sin(t + s pi/2).
double sine(int s, double t) { return std::sin(t + s * std::acos(0.0)); }

}  // namespace

TEST_CASE("Hermite interpolation is exact for all polynomials of its degree, and no more") {
  const std::vector<double> nodes = {-0.7, -0.1, 0.4, 1.5};
  for (const int known : {2, 3}) {
    for (std::size_t count = 1; count <= nodes.size(); ++count) {
      const std::vector<double> first(nodes.begin(), nodes.begin() + static_cast<Index>(count));
      const int degree = known * static_cast<int>(count) - 1;
      for (int n = 0; n <= degree + 1; ++n) {
        const auto power = [n](int s, double t) {
          double factor = 1;
          for (int i = 0; i < s; ++i) factor *= n - i;
          return n < s ? 0 : factor * std::pow(t, n - s);
        };
        const Vector at_nodes = values_at(first, known, power);
        for (const double t : {-0.5, 0.11, 1.2}) {
          const auto [value, slope] = interpolate(first, known, at_nodes, t);
          const double rounding = 1e-13 * (1 + at_nodes.cwiseAbs().maxCoeff());
          if (n <= degree) {
            CHECK(std::abs(value - power(0, t)) <= 1e2 * rounding);
            CHECK(std::abs(slope - power(1, t)) <= 1e3 * rounding);
          } else {
            CHECK(std::abs(value - power(0, t)) > 1e3 * rounding);
          }
        }
      }
    }
  }
}

TEST_CASE("at nodes Hermite interpolation returns what is known there, to the last bit") {
  const std::vector<double> nodes = {0.05, 0.13, 0.41, 0.7, 0.77, 1};
  for (const int known : {2, 3}) {
    const Vector at_nodes = values_at(nodes, known, sine);
    for (std::size_t j = 0; j < nodes.size(); ++j) {
      const auto [value, slope] = interpolate(nodes, known, at_nodes, nodes[j]);
      CHECK(value == sine(0, nodes[j]));
      if (known == 3) CHECK(slope == sine(1, nodes[j]));
    }
  }
}

TEST_CASE("Hermite interpolation converges at its order") {
  for (const int known : {2, 3}) {
    const auto errors = [&](double h) {
      const std::vector<double> nodes = {0.6, 0.6 + h, 0.6 + 2.5 * h};
      const double t = 0.6 + 1.4 * h;
      const auto [value, slope] = interpolate(nodes, known, values_at(nodes, known, sine), t);
      return Interpolated{std::abs(value - sine(0, t)), std::abs(slope - sine(1, t))};
    };
    const auto [coarse, coarse_slope] = errors(0.2);
    const auto [fine, fine_slope] = errors(0.1);
    const double order = 3 * known;
    CHECK(std::log2(coarse / fine) == doctest::Approx(order).epsilon(0.1));
    CHECK(std::log2(coarse_slope / fine_slope) == doctest::Approx(order - 1).epsilon(0.1));
  }
}

TEST_CASE("the nearest nodes lie on both sides as far as there are any") {
  for (const Index count : {2, 3, 4, 6}) {
    for (Index all = count; all < 12; ++all) {
      for (Index n = 0; n + 1 < all; ++n) {
        const Index first = first_of_nearest(n, count, all);
        CHECK(first >= 0);
        CHECK(first + count <= all);
        CHECK(first <= n);
        CHECK(n + 1 < first + std::max<Index>(count, 2));
        const Index before = n - first, after = first + count - 1 - (n + 1);
        if (first > 0 && first + count < all) CHECK((before - after == 0 || before - after == 1));
      }
    }
  }
}

}  // namespace test_hermite
