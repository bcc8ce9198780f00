// Where the states alone would allow a step of any length: at rest, and where no force acts. The
// derivatives of a one-step method are to be right there all the same.

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/sensitivity.hpp"
#include "one_step/tangent.hpp"
#include "oracles.hpp"

namespace test_tangent {

using namespace isochron;

namespace {

struct Way {
  Method method;
  bool freeze_steps;
};

constexpr Way newtonian_ways[] = {
    {Method::rkn8, false}, {Method::rkn8, true}, {Method::rkn12, false}, {Method::rk8, false}};
constexpr Way first_order_ways[] = {{Method::rk8, false}, {Method::rk8, true}};

SensitivityOptions discrete(const Way& way, double rtol) {
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.freeze_steps = way.freeze_steps;
  options.integrator.method = way.method;
  options.integrator.rtol = options.integrator.atol = rtol;
  return options;
}

/// The sum of all components of all final states.
double sum(Index, ConstStatesRef y, StatesRef cotangents) {
  cotangents.setOnes();
  return y.sum();
}

/// The error of dy(T)/dtheta and of the gradient of `sum`, twice over so that frozen steps count,
/// in units of the largest entry of `exact`.
double error(const Dynamics& dynamics, const Vector& theta, const Ensemble& ensemble,
             const Eigen::MatrixXd& exact, const SensitivityOptions& options) {
  Sensitivity sensitivity(dynamics, options);
  const double size = exact.cwiseAbs().maxCoeff();
  double worst = 0;
  for (int k = 0; k < 2; ++k) {
    const LossGradient result = sensitivity.gradient(theta, ensemble, sum);
    const StateJacobian jacobian = sensitivity.jacobian(theta, ensemble);
    const double rows = static_cast<double>(exact.rows());
    worst = std::max({worst, (jacobian.jacobian - exact).cwiseAbs().maxCoeff() / size,
                      (result.gradient.transpose() - exact.colwise().sum()).cwiseAbs().maxCoeff() /
                          (rows * size)});
    // The loss alone takes the same steps.
    CHECK(sensitivity.loss(theta, ensemble, sum).states == result.states);
  }
  return worst;
}

/// x'' = -k (x - c), theta = (k, c).
ForceFieldPtr spring() {
  return make_force(
      2, [](double x, const auto& p) { return -p[0] * (x - p[1]); },
      [](double, const auto& p) { return -p[0]; },
      [](double x, const auto& p) { return Eigen::Vector2d(-(x - p[1]), p[0]); });
}

/// d(x, v)(T)/d(k, c) of the spring at rest in c.
Eigen::MatrixXd spring_at_rest(double k, double end) {
  const double w = std::sqrt(k);
  return Eigen::MatrixXd{{0, 1 - std::cos(w * end)}, {0, w * std::sin(w * end)}};
}

constexpr double allowed_over_rtol = 20;

}  // namespace

TEST_CASE("a spring at rest: dx(T)/dc = 1 - cos(w T)" * doctest::test_suite("long")) {
  const Vector theta{{1.3, 0.4}};
  States rest(2, 1);
  rest << 0.4, 0;
  for (const Way& way : newtonian_ways) {
    CAPTURE(name(way.method));
    for (const double rtol : {1e-4, 1e-7, 1e-10, 1e-13}) {
      CAPTURE(rtol);
      for (const double end : {1e-3, 6.0, -6.0, 60.0}) {
        CAPTURE(end);
        const double w = std::sqrt(theta[0]) * std::abs(end);
        CHECK(error(Dynamics(spring()), theta, Ensemble(rest, end), spring_at_rest(theta[0], end),
                    discrete(way, rtol)) <= allowed_over_rtol * rtol * std::max(1.0, w));
      }
    }
  }
}

TEST_CASE("a spring at rest among orbits that move, in one block") {
  const Vector theta{{900.0, 0.4}};
  States states = States::Constant(2, 8, 0.4);
  states.row(1).setZero();
  // As slow as the others are: end times differ, so that the fast one takes most of the steps.
  Vector ends = Vector::Constant(8, 0.02);
  states.leftCols(7) += 0.01 * normal_states(2, 7, 3);
  ends[7] = 2;
  for (const Way& way : newtonian_ways) {
    CAPTURE(name(way.method));
    const Dynamics dynamics(spring());
    Sensitivity sensitivity(dynamics, discrete(way, 1e-9));
    const Eigen::MatrixXd jacobian =
        sensitivity.jacobian(theta, Ensemble(states, ends)).jacobian.bottomRows(2);
    const Eigen::MatrixXd exact = spring_at_rest(theta[0], ends[7]);
    CHECK((jacobian - exact).norm() <= allowed_over_rtol * 1e-9 * 60 * exact.norm());
  }
}

TEST_CASE("no force along the way: dx(T)/dp is an integral over df/dp") {
  // f = p cos(5 x), p = 0: x = x0 + v t, dx(T)/dp = int_0^T (T - t) cos(5 (x0 + v t)) dt.
  const auto field = make_force(
      1, [](double x, const auto& p) { return p[0] * std::cos(5 * x); },
      [](double x, const auto& p) { return -5 * p[0] * std::sin(5 * x); },
      [](double x, const auto&) { return std::array{std::cos(5 * x)}; });
  const double x0 = 0.3, v = 1.7, rate = 5 * v;
  States start(2, 1);
  start << x0, v;
  for (const double end : {1.0, 7.0}) {
    CAPTURE(end);
    const double first = 5 * x0, last = 5 * (x0 + v * end);
    const Eigen::MatrixXd exact{
        {-end * std::sin(first) / rate + (std::cos(first) - std::cos(last)) / (rate * rate)},
        {(std::sin(last) - std::sin(first)) / rate}};
    for (const Way& way : newtonian_ways) {
      CAPTURE(name(way.method));
      for (const double rtol : {1e-5, 1e-8, 1e-11}) {
        CAPTURE(rtol);
        CHECK(error(Dynamics(field), Vector::Zero(1), Ensemble(start, end), exact,
                    discrete(way, rtol)) <= allowed_over_rtol * rtol * rate * end);
      }
    }
  }
}

TEST_CASE("logistic growth at capacity: dy(T)/dK = 1 - exp(-r T)" * doctest::test_suite("long")) {
  // y' = r y (1 - y/K).
  const auto growth = make_force(
      2, [](double y, const auto& p) { return p[0] * y * (1 - y / p[1]); },
      [](double y, const auto& p) { return p[0] * (1 - 2 * y / p[1]); },
      [](double y, const auto& p) {
        return Eigen::Vector2d(y * (1 - y / p[1]), p[0] * y * y / (p[1] * p[1]));
      });
  for (const double capacity : {1.0, 1e6}) {
    for (const double end : {0.5, 6.0, 60.0}) {
      const Vector theta{{1.3, capacity}};
      const Eigen::MatrixXd exact{{0, 1 - std::exp(-theta[0] * end)}};
      for (const Way& way : first_order_ways) {
        for (const double rtol : {1e-5, 1e-8, 1e-11}) {
          CAPTURE(rtol);
          CHECK(error(Dynamics(growth, Motion::first_order), theta,
                      Ensemble(States::Constant(1, 1, capacity), end), exact,
                      discrete(way, rtol)) <= allowed_over_rtol * rtol);
        }
      }
    }
  }
}

TEST_CASE("a Lotka-Volterra equilibrium: the sum over a hundred times" *
          doctest::test_suite("long")) {
  // u1' = a u1 - u1 u2, u2' = -a u2 + u1 u2, a = 1, u(0) = (1, 1); over t = 0, 0.1, .., 10 the sum
  // of u1 + u2 has the derivative 202 - 2 sin(5.05) cos(5)/sin(0.05) by a (F. Sapienza et al.,
  // Differentiable programming for differential equations, arXiv 2406.09699).
  const auto field = make_force(
      2, 1,
      [](const Vector& u, const auto& p) {
        return Vector{{p[0] * u[0] - u[0] * u[1], -p[0] * u[1] + u[0] * u[1]}};
      },
      [](const Vector& u, const auto& p) {
        return Eigen::MatrixXd{{p[0] - u[1], -u[0]}, {u[1], -p[0] + u[0]}};
      },
      [](const Vector& u, const auto&) {
        return Eigen::MatrixXd{{u[0]}, {-u[1]}};
      });
  const double exact = 202 - 2 * std::sin(5.05) * std::cos(5.0) / std::sin(0.05);
  const Ensemble ensemble(States::Ones(2, 100), Vector::LinSpaced(100, 0.1, 10.0));
  for (const Way& way : first_order_ways) {
    for (const double rtol : {1e-4, 1e-7, 1e-10}) {
      CAPTURE(rtol);
      Sensitivity sensitivity(Dynamics(field, Motion::first_order), discrete(way, rtol));
      for (int k = 0; k < 2; ++k) {
        const double slope = sensitivity.gradient(Vector::Ones(1), ensemble, sum).gradient[0];
        CHECK(std::abs(slope - exact) <= allowed_over_rtol * rtol * exact);
      }
    }
  }
}

TEST_CASE("networks that give no force: the Jacobian is that of forward sensitivities") {
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const auto mlp = std::make_shared<Mlp>(std::vector<Index>{2, 8, 8, 2});
    const Dynamics dynamics(mlp, motion);
    Vector theta = mlp->initial_parameters(4);
    theta.tail(8 * 2 + 2).setZero();
    const Ensemble ensemble(normal_states(dynamics.state_dimension(), 6, 5), oracle::two_pi);
    SensitivityOptions forward;
    forward.gradient = GradientMethod::forward;
    forward.integrator.rtol = forward.integrator.atol = 1e-13;
    const Eigen::MatrixXd exact = Sensitivity(dynamics, forward).jacobian(theta, ensemble).jacobian;
    const bool newtonian = motion == Motion::newtonian;
    for (const Way& way :
         {Way{newtonian ? Method::rkn8 : Method::rk8, false}, Way{Method::rk8, true}}) {
      for (const double rtol : {1e-5, 1e-8, 1e-11}) {
        CAPTURE(rtol);
        CHECK(error(dynamics, theta, ensemble, exact, discrete(way, rtol)) <=
              allowed_over_rtol * rtol);
      }
    }
  }
}

TEST_CASE("initial cotangents at rest: a row of the flow") {
  const Vector theta{{2.0, 0.4}};
  States rest(2, 1);
  rest << 0.4, 0;
  const Eigen::MatrixXd flow = oracle::harmonic_flow(theta[0], 9.0);
  for (const Way& way : newtonian_ways) {
    CAPTURE(name(way.method));
    const LossGradient result = Sensitivity(Dynamics(spring()), discrete(way, 1e-9))
                                    .gradient(theta, Ensemble(rest, 9.0), sum);
    CHECK((result.initial_cotangents.transpose() - flow.colwise().sum()).norm() <= 20 * 1e-9 * 13);
  }
}

TEST_CASE("a field whose derivative is nowhere finite keeps its loss") {
  const auto field = make_force(
      1, [](double, const auto&) { return 0.0; }, [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array{std::nan("")}; });
  States start(2, 1);
  start << 0.5, 1;
  const LossGradient result = Sensitivity(Dynamics(field), discrete({Method::rkn8, false}, 1e-9))
                                  .loss(Vector::Ones(1), Ensemble(start, 2.0), sum);
  CHECK(result.loss == doctest::Approx(3.5).epsilon(1e-12));
}

TEST_CASE("orbits that move take the steps that their states need") {
  const Dynamics dynamics(oracle::duffing());
  const Vector theta = Vector::Constant(1, 0.7);
  const Ensemble ensemble(normal_states(2, 40, 1), oracle::two_pi);
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8}) {
    for (const double rtol : {1e-6, 1e-8, 1e-10, 1e-12}) {
      CAPTURE(name(method));
      CAPTURE(rtol);
      const SensitivityOptions options = discrete({method, false}, rtol);
      Integrator plain(dynamics, options.integrator);
      const long steps = plain.integrate(theta, ensemble).counts.steps;
      const LossGradient result = Sensitivity(dynamics, options).gradient(theta, ensemble, sum);
      CHECK(static_cast<double>(result.forward.steps) <= 1.05 * static_cast<double>(steps));
    }
  }
}

}  // namespace test_tangent
