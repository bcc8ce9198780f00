#include "central_differences.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "isochron/error.hpp"

namespace test_central_differences {

using namespace isochron;

namespace {

constexpr double precision = std::numeric_limits<double>::epsilon();

/// sin(u_k p_k), whose slopes are u_k cos(u_k p_k).
NoisyFunction sines(const Vector& scales) {
  return {[scales](ConstVectorRef p) -> Vector { return (scales.array() * p.array()).sin(); },
          precision, precision};
}

}  // namespace

TEST_CASE("differences: slopes at any scale, and how wrong they can be") {
  const Vector scales{{1e-12, 1e-3, 1, 1e3, 1e12}};
  const Vector theta = 0.7 * scales.cwiseInverse();
  const Slopes slopes = central_differences(sines(scales), theta, theta);
  for (Index p = 0; p < scales.size(); ++p) {
    CAPTURE(scales[p]);
    const double exact = scales[p] * std::cos(0.7);
    CHECK(std::abs(slopes.columns(p, p) - exact) <= 1e-9 * exact);
    CHECK(std::abs(slopes.columns(p, p) - exact) <= slopes.errors[p]);
    CHECK(slopes.errors[p] <= 1e-7 * exact);
  }
}

TEST_CASE("differences: a unit that is far off is found out") {
  for (const double unit : {1e-9, 1e-5, 1e4}) {
    CAPTURE(unit);
    const Slopes slopes = central_differences(sines(Vector::Ones(1)), Vector::Constant(1, 0.7),
                                              Vector::Constant(1, unit));
    CHECK(std::abs(slopes.columns(0, 0) - std::cos(0.7)) <= 1e-5);
    CHECK(std::abs(slopes.columns(0, 0) - std::cos(0.7)) <= slopes.errors[0]);
  }
}

TEST_CASE("differences: noise and kinks are in the error") {
  // Errors of 1e-6, other ones at every argument.
  const double noise = 1e-6;
  const NoisyFunction function{[=](ConstVectorRef p) -> Vector {
                                 return Vector::Constant(
                                     1, std::exp(p[0]) + noise * std::sin(1e9 * p[0]));
                               },
                               noise, noise};
  for (const double p : {-1.0, 0.0, 0.3, 2.0}) {
    const Slopes slopes = central_differences(function, Vector::Constant(1, p), Vector::Ones(1));
    CHECK(std::abs(slopes.columns(0, 0) - std::exp(p)) <= slopes.errors[0]);
    CHECK(slopes.errors[0] <= 1e-3);
  }
}

TEST_CASE("differences: where a step leaves the domain, a shorter one is taken") {
  const NoisyFunction root{[](ConstVectorRef p) -> Vector {
                             if (p[0] <= 0) throw NumericalError("no root");
                             return Vector::Constant(1, std::sqrt(p[0]));
                           },
                           precision, precision};
  const double p = 1e-8;
  const Slopes slopes = central_differences(root, Vector::Constant(1, p), Vector::Ones(1));
  CHECK(std::abs(slopes.columns(0, 0) * 2 * std::sqrt(p) - 1) <= 1e-8);
  const NoisyFunction nowhere{[](ConstVectorRef) -> Vector { throw NumericalError("nowhere"); },
                              precision, precision};
  CHECK_THROWS_AS((void)central_differences(nowhere, Vector::Ones(1), Vector::Ones(1)),
                  NumericalError);
}

TEST_CASE("differences: a parameter without influence, and no parameter") {
  const NoisyFunction constant{[](ConstVectorRef) -> Vector { return Vector::Ones(3); }, precision,
                               precision};
  const Slopes slopes = central_differences(constant, Vector::Ones(2), Vector::Ones(2));
  CHECK(slopes.columns.rows() == 3);
  CHECK(slopes.columns.norm() == 0);
  CHECK(slopes.errors.allFinite());
  const Slopes none = central_differences(constant, Vector(0), Vector(0));
  CHECK(none.columns.rows() == 3);
  CHECK(none.columns.cols() == 0);
}

}  // namespace test_central_differences
