#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/force_data.hpp"
#include "isochron/mlp.hpp"
#include "oracles.hpp"

namespace test_force_data {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

/// A network, and force data that it does not match.
struct Wanted {
  std::shared_ptr<Mlp> mlp = std::make_shared<Mlp>(std::vector<Index>{1, 5, 4, 1});
  Vector theta = mlp->initial_parameters(3);
  ForceData data{Vector::LinSpaced(11, -2, 1), Vector::LinSpaced(11, 2, -3), 0.7};

  [[nodiscard]] double penalty(ConstVectorRef at) const {
    double sum = 0;
    for (Index k = 0; k < data.position.size(); ++k) {
      sum += std::pow(mlp->force(at, data.position[k]) - data.force[k], 2);
    }
    return data.weight * sum / static_cast<double>(data.position.size());
  }
};

}  // namespace

TEST_CASE("squared residuals and the returned penalty are weight * mean (f - f*)^2") {
  const Wanted h;
  const double expected = h.penalty(h.theta);
  Vector gradient = Vector::Zero(h.theta.size());
  CHECK(h.data.residuals(*h.mlp, h.theta).squaredNorm() ==
        doctest::Approx(expected).epsilon(1e-13));
  CHECK(h.data.add_penalty(*h.mlp, h.theta, gradient) == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("the gradient is the derivative of the penalty, and is added; rows are the Jacobian's") {
  const Wanted h;
  const Vector before = Vector::LinSpaced(h.theta.size(), 1, 2);
  Vector gradient = before;
  h.data.add_penalty(*h.mlp, h.theta, gradient);
  gradient -= before;
  const Eigen::MatrixXd jacobian = h.data.jacobian(*h.mlp, h.theta);
  REQUIRE(jacobian.rows() == 11);
  REQUIRE(jacobian.cols() == h.theta.size());
  constexpr double step = 1e-3;
  constexpr double truncation = 1e-9;  // of differences of fourth order or more at this step
  double largest_error = 0;
  for (Index p = 0; p < h.theta.size(); ++p) {
    const auto moved = [&](double by) {
      return Vector(h.theta + by * Vector::Unit(h.theta.size(), p));
    };
    const double slope =
        oracle::slope_at_zero([&](double by) { return h.penalty(moved(by)); }, step);
    largest_error = std::max(largest_error, std::abs(slope - gradient[p]));
    for (Index k = 0; k < 11; ++k) {
      const double row = oracle::slope_at_zero(
          [&](double by) { return h.data.residuals(*h.mlp, moved(by))[k]; }, step);
      largest_error = std::max(largest_error, std::abs(row - jacobian(k, p)));
    }
  }
  CHECK(largest_error <= truncation);
  // An error of 1e-6 in a derivative would be seen.
  CHECK(largest_error < 1e-6 * gradient.cwiseAbs().maxCoeff());
  const Vector by_rows = 2 * jacobian.transpose() * h.data.residuals(*h.mlp, h.theta);
  CHECK((by_rows - gradient).norm() <= 1e-13 * gradient.norm());
}

TEST_CASE("the misfit is the largest deviation, whatever the weight") {
  const auto harmonic = oracle::harmonic();
  for (const double weight : {1e-3, 1.0, 1e4}) {
    // -2 x against -2 x, but 0.25 off at one point.
    ForceData data{Vector::LinSpaced(5, -1, 1), Vector(), weight};
    data.force = -2 * data.position;
    data.force[3] += 0.25;
    CHECK(data.misfit(*harmonic, Vector::Constant(1, 2)) == doctest::Approx(0.25).epsilon(1e-14));
  }
}

TEST_CASE("what are no force data is refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Dynamics line(oracle::harmonic());
  const auto complaint = [&](const ForceData& data, const Dynamics& dynamics) {
    return message_of<InputError>([&] { data.validate(dynamics); });
  };
  const Vector two = Vector::Ones(2);
  CHECK(complaint({two, two, 1}, line).empty());
  CHECK(mentions(complaint({Vector(), Vector(), 1}, line), "at least one"));
  CHECK(mentions(complaint({two, Vector::Ones(3), 1}, line), "2 and 3"));
  CHECK(mentions(complaint({two, Vector::Constant(2, nan), 1}, line), "finite"));
  for (const double weight : {0.0, -1.0, nan})
    CHECK(mentions(complaint({two, two, weight}, line), "weight"));
  CHECK(mentions(complaint({two, two, 1}, Dynamics(oracle::linear(2))), "one dimension"));
  CHECK(mentions(complaint({two, two, 1}, Dynamics(oracle::harmonic(), Motion::first_order)),
                 "newtonian"));
}

}  // namespace test_force_data
