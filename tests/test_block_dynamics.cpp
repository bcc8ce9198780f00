#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "block_dynamics.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"

namespace test_block_dynamics {

using namespace isochron;

namespace {

/// Central differences of order 4 with this step leave h^4 + eps/h, about 1e-12.
constexpr double step = 1e-3;
constexpr double tolerance = 1e-10;

struct Case {
  Dynamics dynamics;
  Vector theta;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    for (const std::vector<Index>& layers :
         {std::vector<Index>{1, 16, 1}, {1, 16, 16, 1}, {2, 6, 5, 2}, {3, 4, 3}}) {
      const auto mlp = std::make_shared<Mlp>(layers);
      all.push_back({Dynamics(mlp, motion), mlp->initial_parameters(1)});
    }
    all.push_back({Dynamics(oracle::coupled(), motion), Vector{{1, 1.7, 0.4}}});
  }
  return all;
}

/// A block of 11 random states and cotangents at unequal end times.
struct Bench {
  explicit Bench(const Case& c)
      : theta(c.theta),
        y(normal_states(c.dynamics.state_dimension(), points, 2)),
        lambda(normal_states(c.dynamics.state_dimension(), points, 3)),
        times(oracle::unequal_times(points)),
        block(c.dynamics, padded(points)) {
    block.bind(theta.data(), times.data());
  }

  [[nodiscard]] Block derivative(const Block& at) {
    Block out(at.rows(), at.cols());
    block.derivative(at, out);
    return out;
  }

  static constexpr Index points = 11;
  Vector theta;
  Block y;
  Block lambda;
  Vector times;
  BlockDynamics block;
};

}  // namespace

TEST_CASE("the derivative is T (v, f(q)) for Newtonian and T f(y) for first-order motion") {
  for (const Case& c : cases()) {
    Bench bench(c);
    const Index d = c.dynamics.dimension();
    const bool newtonian = c.dynamics.motion() == Motion::newtonian;
    REQUIRE(c.dynamics.state_dimension() == (newtonian ? 2 * d : d));
    const Block derivative = bench.derivative(bench.y);
    const Block force = c.dynamics.field().force(c.theta, Block(bench.y.topRows(d)));
    Block acceleration(d, Bench::points);
    bench.block.acceleration(bench.y.topRows(d), acceleration);
    CHECK(acceleration == derivative.bottomRows(d));
    for (Index b = 0; b < Bench::points; ++b) {
      const double t = bench.times[b];
      CHECK((derivative.col(b).tail(d) - t * force.col(b)).norm() == doctest::Approx(0));
      if (newtonian) CHECK(derivative.col(b).head(d) == t * bench.y.col(b).tail(d));
    }
  }
}

TEST_CASE("the adjoint derivative is -(T dF/dy)^T lambda") {
  for (const Case& c : cases()) {
    Bench bench(c);
    const Index d = c.dynamics.dimension();
    bench.block.linearise(bench.y);
    Block out(bench.y.rows(), Bench::points);
    bench.block.adjoint_derivative(bench.lambda, out);
    for (Index row = 0; row < bench.y.rows(); ++row) {
      // Trajectories do not interact: one perturbation serves all columns.
      const auto shifted = [&](double h) {
        Block y = bench.y;
        y.row(row).array() += h;
        return Block(bench.derivative(y).cwiseProduct(bench.lambda));
      };
      const Block slope =
          (8 * (shifted(step) - shifted(-step)) - (shifted(2 * step) - shifted(-2 * step))) /
          (12 * step);
      const Eigen::RowVectorXd expected = -slope.colwise().sum();
      CHECK((out.row(row) - expected).norm() <= tolerance * (1 + expected.norm()));
    }
    Block half(d, Bench::points);
    bench.block.adjoint_acceleration(bench.lambda.bottomRows(d), half);
    CHECK(half == out.topRows(d));
  }
}

TEST_CASE("the parameter product is sum_b T_b (dF/dtheta)^T lambda_b, scaled and added") {
  for (const Case& c : cases()) {
    Bench bench(c);
    bench.block.linearise(bench.y);
    Vector product = Vector::Zero(c.theta.size());
    bench.block.add_parameter_product(bench.lambda, 1, product);
    for (Index p = 0; p < c.theta.size(); ++p) {
      const double at = c.theta[p];
      const double expected = oracle::slope_at_zero(
          [&](double h) {
            bench.theta[p] = at + h;
            const double value = bench.derivative(bench.y).cwiseProduct(bench.lambda).sum();
            bench.theta[p] = at;
            return value;
          },
          step);
      CHECK(std::abs(product[p] - expected) <= tolerance * (1 + product.norm()));
    }
    Vector sum = product;
    bench.block.add_parameter_product(bench.lambda, -3, sum);
    CHECK((sum + 2 * product).norm() <= 1e-14 * (1 + product.norm()));
  }
}

TEST_CASE("the Jacobians are those of the field, and J^T w agrees with them") {
  for (const Case& c : cases()) {
    Bench bench(c);
    const Index d = c.dynamics.dimension();
    bench.block.linearise(bench.y);
    Block jacobians(d * d, Bench::points);
    bench.block.jacobians(jacobians);
    Block half(d, Bench::points);
    bench.block.adjoint_acceleration(bench.lambda.bottomRows(d), half);
    for (Index b = 0; b < Bench::points; ++b) {
      const Eigen::MatrixXd transposed = jacobians.col(b).reshaped(d, d);  // J is row by row
      const Vector expected = -bench.times[b] * transposed * bench.lambda.col(b).tail(d);
      CHECK((half.col(b) - expected).norm() <= 1e-13 * (1 + expected.norm()));
    }
  }
}

TEST_CASE("smaller blocks than there is room for give the same columns") {
  for (const Case& c : cases()) {
    Bench bench(c);
    const Block all = bench.derivative(bench.y);
    for (const Index n : {1, 5, 8}) {
      CHECK((bench.derivative(bench.y.leftCols(n)) - all.leftCols(n)).norm() <=
            1e-14 * (1 + all.norm()));
    }
  }
}

}  // namespace test_block_dynamics
