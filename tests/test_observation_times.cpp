// Derivatives of states at several observation times, by every method.

#include <doctest/doctest.h>

#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/sensitivity.hpp"
#include "oracles.hpp"

namespace test_observation_times {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using oracle::relative_error;

namespace {

constexpr Method multistep[] = {Method::adams, Method::bdf};

SensitivityOptions with(double tolerance, GradientMethod gradient, Method method) {
  SensitivityOptions options;
  options.gradient = gradient;
  options.integrator.method = method;
  options.integrator.rtol = options.integrator.atol = tolerance;
  options.integrator.block_size = 8;
  options.initial_states = true;
  return options;
}

/// All methods but differences.
std::vector<SensitivityOptions> ways(double tolerance, Motion motion) {
  std::vector<SensitivityOptions> all;
  for (const Method method : multistep) {
    SensitivityOptions options = with(tolerance, GradientMethod::adjoint, method);
    for (const long distance : {0, 20, 100000}) {
      options.checkpoint_distance = distance;
      all.push_back(options);
    }
    options = with(tolerance, GradientMethod::forward, method);
    for (const bool staggered : {true, false}) {
      options.staggered = staggered;
      all.push_back(options);
    }
  }
  for (const Method method : {eighth_order(motion), highest_order(motion)}) {
    SensitivityOptions options = with(tolerance, GradientMethod::discrete, method);
    for (const bool frozen : {false, true}) {
      options.freeze_steps = frozen;
      all.push_back(options);
    }
  }
  return all;
}

std::string text(const SensitivityOptions& way) {
  std::string words = std::string(name(way.gradient)) + ", " + name(way.integrator.method);
  if (way.checkpoint_distance > 0) words += ", checkpoints";
  if (way.gradient == GradientMethod::forward) {
    words += way.staggered ? ", staggered" : ", simultaneous";
  }
  if (way.freeze_steps) words += ", frozen";
  return words;
}

/// The relative error that errors of rtol in every step may add up to, over times and rates of
/// about one.
double permitted(const SensitivityOptions& way, const LossGradient& result) {
  return 10 * way.integrator.rtol *
         static_cast<double>(result.forward.steps + result.backward.steps);
}

/// A loss with a cotangent of its own for every trajectory at each of its observation times:
/// sum_ik w_ik . y_i(t_k).
StateLoss weighted_sum(const States& weights, Index observations) {
  return [&weights, observations](Index first, ConstStatesRef y, StatesRef cotangents) {
    cotangents = weights.middleCols(observations * first, y.cols());
    return y.cwiseProduct(cotangents).sum();
  };
}

/// sum_ik ||y_i(t_k)||^4/4: not quadratic.
double quartic(Index, ConstStatesRef y, StatesRef cotangents) {
  const Eigen::RowVectorXd square = y.colwise().squaredNorm();
  cotangents = y.array().rowwise() * square.array();
  return square.squaredNorm() / 4;
}

/// K times of their own for each of n trajectories, up to about `end`; every third runs backward.
Eigen::MatrixXd own_times(Index k, Index n, double end) {
  Random random(17);
  Eigen::MatrixXd times(k, n);
  for (Index i = 0; i < n; ++i) {
    double t = 0;
    for (Index j = 0; j < k; ++j) {
      t += (0.2 + random.uniform()) * end / static_cast<double>(k);
      times(j, i) = i % 3 == 2 ? -t : t;
    }
  }
  return times;
}

/// The same fractions of end times of their own.
Eigen::MatrixXd common_fractions(Index k, Index n) {
  const Vector fractions = own_times(k, 1, 1);
  return fractions / fractions[k - 1] * oracle::unequal_times(n).transpose();
}

/// With an observation where the trajectories start.
Eigen::MatrixXd from_start(const Eigen::MatrixXd& times) {
  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(times.rows() + 1, times.cols());
  all.bottomRows(times.rows()) = times;
  return all;
}

/// Every trajectory once for each of its observations, which is its end.
Ensemble repeated(const Ensemble& ensemble) {
  const Index k = ensemble.observations();
  Ensemble all(States(ensemble.initial_states.rows(), k * ensemble.size()),
               Vector(k * ensemble.size()));
  for (Index i = 0; i < ensemble.size(); ++i) {
    all.initial_states.middleCols(i * k, k).colwise() = ensemble.initial_states.col(i);
    all.end_times.segment(i * k, k) << ensemble.earlier_times.col(i), ensemble.end_times[i];
  }
  return all;
}

/// A network's random start.
struct Start {
  explicit Start(std::vector<Index> layers, Motion motion = Motion::newtonian)
      : mlp(std::make_shared<Mlp>(std::move(layers))),
        dynamics(mlp, motion),
        theta(mlp->initial_parameters(4)) {}

  [[nodiscard]] Ensemble ensemble(const Eigen::MatrixXd& times) const {
    return Ensemble::observed_at(normal_states(dynamics.state_dimension(), times.cols(), 1004),
                                 times);
  }

  std::shared_ptr<Mlp> mlp;
  Dynamics dynamics;
  Vector theta;
};

bool identical(const LossGradient& a, const LossGradient& b) {
  return a.loss == b.loss && a.gradient == b.gradient && a.states == b.states &&
         a.initial_cotangents == b.initial_cotangents && a.forward.steps == b.forward.steps &&
         a.forward.right_hand_sides == b.forward.right_hand_sides &&
         a.backward.steps == b.backward.steps &&
         a.backward.right_hand_sides == b.backward.right_hand_sides;
}

}  // namespace

// --- closed forms -------------------------------------------------------------------------------

namespace {

/// Linear systems at several times: the exact derivatives.
struct LinearProblem {
  LinearProblem(Motion motion, const Eigen::MatrixXd& times)
      : dynamics(oracle::linear(2), motion),
        theta(oracle::row_by_row(a)),
        ensemble(Ensemble::observed_at(normal_states(dynamics.state_dimension(), times.cols(), 2),
                                       times)),
        weights(normal_states(dynamics.state_dimension(), times.size(), 3)) {
    const Index rows = dynamics.state_dimension(), k = times.rows();
    states.resize(rows, times.size());
    jacobian.resize(states.size(), 4);
    by_start.resize(states.size(), rows);
    initial_cotangents = States::Zero(rows, times.cols());
    for (Index i = 0; i < times.size(); ++i) {
      const double t = times(i % k, i / k);
      const Eigen::MatrixXd flow = oracle::linear_flow(a, motion, t);
      const auto start = ensemble.initial_states.col(i / k);
      states.col(i) = flow * start;
      by_start.middleRows(i * rows, rows) = flow;
      initial_cotangents.col(i / k) += flow.transpose() * weights.col(i);
      for (Index p = 0; p < 4; ++p) {
        Eigen::MatrixXd direction = Eigen::MatrixXd::Zero(2, 2);
        direction(p / 2, p % 2) = 1;
        jacobian.block(i * rows, p, rows, 1) =
            oracle::linear_flow_slope(a, direction, motion, t) * start;
      }
    }
    gradient = jacobian.transpose() * weights.reshaped();
  }

  void check(const LossGradient& result, double error) const {
    CHECK((result.states - states).norm() <= error * states.norm());
    CHECK(relative_error(result.gradient, gradient) <= error);
    CHECK((result.initial_cotangents - initial_cotangents).norm() <=
          error * initial_cotangents.norm());
  }
  void check(const StateJacobian& result, double error) const {
    CHECK((result.states - states).norm() <= error * states.norm());
    CHECK((result.jacobian - jacobian).norm() <= error * jacobian.norm());
    CHECK((result.by_start - by_start).norm() <= error * by_start.norm());
  }

  Eigen::MatrixXd a{{-0.4, 1.1}, {-1.3, -0.2}};
  Dynamics dynamics;
  Vector theta;
  Ensemble ensemble;
  States weights;
  States states;
  RowMatrix jacobian;
  RowMatrix by_start;
  States initial_cotangents;
  Vector gradient;
};

}  // namespace

TEST_CASE("linear systems, observed at several times" * doctest::test_suite("long")) {
  const Index n = 11;
  const std::pair<Motion, Eigen::MatrixXd> cases[] = {
      {Motion::newtonian, own_times(5, n, 4)},
      {Motion::newtonian, from_start(common_fractions(2, n))},
      {Motion::first_order, from_start(own_times(3, n, 4))},
      {Motion::first_order, common_fractions(5, n)}};
  for (const auto& [motion, times] : cases) {
    CAPTURE(times.col(0).transpose());
    const LinearProblem problem(motion, times);
    const StateLoss loss = weighted_sum(problem.weights, times.rows());
    const auto check = [&](const SensitivityOptions& way, double least_error) {
      CAPTURE(text(way));
      Sensitivity sensitivity(problem.dynamics, way);
      for (int again = 0; again < 2; ++again) {
        const LossGradient result = sensitivity.gradient(problem.theta, problem.ensemble, loss);
        const double error = std::max(least_error, permitted(way, result));
        problem.check(result, error);
        const LossGradient alone = sensitivity.loss(problem.theta, problem.ensemble, loss);
        CHECK((alone.states == result.states || way.gradient == GradientMethod::difference));
        if (way.gradient == GradientMethod::adjoint) continue;
        problem.check(sensitivity.jacobian(problem.theta, problem.ensemble), error);
      }
    };
    for (const SensitivityOptions& way : ways(1e-10, motion)) check(way, 0);
    SensitivityOptions way = with(1e-10, GradientMethod::adjoint, Method::adams);
    way.interpolation = Interpolation::hermite;
    check(way, 1e-8);
    way = with(1e-10, GradientMethod::discrete, Method::rk4);
    way.integrator.steps = 1000;
    check(way, 1e-7);
    way = with(1e-10, GradientMethod::difference, Method::adams);
    check(way, 100 * std::pow(1e-10, 0.8));
  }
}

TEST_CASE("without parameters there are the derivatives by the initial states") {
  const Dynamics free(make_force(
      0, [](double q, const auto&) { return -q; }, [](double, const auto&) { return -1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const Index n = 3, k = 4;
  const Eigen::MatrixXd times = own_times(k, n, 4);
  const Ensemble ensemble = Ensemble::observed_at(normal_states(2, n, 6), times);
  RowMatrix by_start(2 * n * k, 2);
  for (Index i = 0; i < n * k; ++i) {
    by_start.middleRows(2 * i, 2) = oracle::harmonic_flow(1, times(i % k, i / k));
  }
  for (const SensitivityOptions& way : ways(1e-10, Motion::newtonian)) {
    CAPTURE(text(way));
    Sensitivity sensitivity(free, way);
    const LossGradient result = sensitivity.gradient(Vector(), ensemble, quartic);
    const double error = permitted(way, result);
    CHECK(result.gradient.size() == 0);
    States cotangents(2, n * k);
    static_cast<void>(quartic(0, result.states, cotangents));
    for (Index i = 0; i < n; ++i) {
      const Vector exact = by_start.middleRows(2 * k * i, 2 * k).transpose() *
                           cotangents.middleCols(k * i, k).reshaped();
      CHECK((result.initial_cotangents.col(i) - exact).norm() <= error * cotangents.norm());
    }
    if (way.gradient == GradientMethod::adjoint) continue;
    const StateJacobian all = sensitivity.jacobian(Vector(), ensemble);
    CHECK(all.jacobian.cols() == 0);
    CHECK((all.by_start - by_start).norm() <= error * by_start.norm());
  }
}

TEST_CASE("observed a hundred times or a few, the constant solution has its slope" *
          doctest::test_suite("long")) {
  // Sapienza et al., arXiv 2406.09699: u1' = a u1 - u1 u2, u2' = -a u2 + u1 u2 at rest in (1, 1),
  // where d(u1 + u2)/da = 2 - 2 cos t. States that never move have no errors, whatever their steps;
  // their derivatives have.
  const Dynamics rabbits(
      make_force(
          2, 1,
          [](const Vector& u, const auto& a) {
            return Vector{{a[0] * u[0] - u[0] * u[1], -a[0] * u[1] + u[0] * u[1]}};
          },
          [](const Vector& u, const auto& a) {
            return Eigen::MatrixXd{{a[0] - u[1], -u[0]}, {u[1], -a[0] + u[0]}};
          },
          [](const Vector& u, const auto&) {
            return Eigen::MatrixXd{{u[0]}, {-u[1]}};
          }),
      Motion::first_order);
  const auto slope = [](const auto& t) { return 2 * (1 - t.array().cos()).sum(); };
  const auto error = [&](const SensitivityOptions& way, const Eigen::MatrixXd& times) {
    // Of the first trajectory; others make the times of a block differ.
    const Index k = times.rows();
    States weights = States::Zero(2, times.size());
    weights.leftCols(k).setOnes();
    const Ensemble ensemble = Ensemble::observed_at(States::Ones(2, times.cols()), times);
    const LossGradient result =
        Sensitivity(rabbits, way).gradient(Vector::Ones(1), ensemble, weighted_sum(weights, k));
    const double exact = slope(times.col(0));
    return std::abs(result.gradient[0] - exact) / exact;
  };
  const Eigen::MatrixXd hundred =
      Vector::LinSpaced(101, 0, 10);  // their sum over t = 0, 0.1, .., 10
  CHECK(std::abs(slope(hundred) - (202 - 2 * std::sin(5.05) * std::cos(5) / std::sin(0.05))) <=
        1e-11);
  Eigen::MatrixXd pair(101, 2);
  pair << hundred, hundred.array().square() / 20;
  const Eigen::MatrixXd few{{0}, {3.7}, {10}}, few_each{{0, 0}, {3.7, 1.2}, {10, 10}};
  const std::pair<Eigen::MatrixXd, std::vector<double>> cases[] = {
      {hundred, {1e-6, 1e-12}}, {pair, {1e-9}}, {few, {1e-9}}, {few_each, {1e-6}}};
  for (const auto& [times, tolerances] : cases) {
    CAPTURE(times.rows());
    CAPTURE(times.cols());
    for (const double rtol : tolerances) {
      CAPTURE(rtol);
      for (SensitivityOptions way : ways(rtol, Motion::first_order)) {
        CAPTURE(text(way));
        CHECK(error(way, times) <= 300 * rtol);
        way.interpolation = Interpolation::hermite;
        if (way.gradient == GradientMethod::adjoint) CHECK(error(way, times) <= 300 * rtol);
      }
      // Extrapolated differences: the errors of a thousand steps, divided by h, and h^4 in
      // balance.
      for (const Method method : {Method::adams, Method::bdf, Method::rk8}) {
        CAPTURE(std::string(name(method)));
        CHECK(error(with(rtol, GradientMethod::difference, method), times) <=
              1000 * std::pow(rtol, 0.8));
      }
    }
    CHECK(error(with(1e-14, GradientMethod::difference, Method::adams), times) <= 2e-9);
    CHECK(error(with(1e-14, GradientMethod::difference, Method::bdf), times) <= 1e-8);
  }
}

TEST_CASE("observed on the way, too, the backward problem steps over nothing") {
  // A trajectory passes a hill U = p/2 E, E = exp(-x^2), early in its flight, of which its end
  // knows nothing: dx(T)/dp = -v int E/2 (v^2 - p E)^(-3/2) dx. Another swings in a well.
  const auto force = [](double x) { return x * std::exp(-x * x); };
  const auto slope = [](double x) { return (1 - 2 * x * x) * std::exp(-x * x); };
  constexpr double well = -20;
  const auto field = make_force(
      1, [=](double x, const auto& p) { return p[0] * force(x) - force(x - well); },
      [=](double x, const auto& p) { return p[0] * slope(x) - slope(x - well); },
      [=](double x, const auto&) { return std::array{force(x)}; });
  const double p = 1.7, v = 2;
  const States start{{well + 0.3, -6}, {0, v}};
  const double integral = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(
      [&](double x) {
        const double e = std::exp(-x * x);
        return e / 2 * std::pow(v * v - p * e, -1.5);
      },
      -6.0, 6.0, 10, 1e-13);
  const Eigen::MatrixXd common{{30, 30}, {50, 50}, {80, 80}}, own{{31, 30}, {49, 50}, {80, 80}};
  States weights = States::Zero(2, 6);
  weights.row(0) << 0, 0, 0, 2, 3, 5;
  for (const Eigen::MatrixXd& times : {common, own}) {
    for (const Method method : multistep) {
      for (const long distance : {0, 150, 100000}) {
        CAPTURE(std::string(name(method)));
        CAPTURE(distance);
        SensitivityOptions way = with(1e-9, GradientMethod::adjoint, method);
        way.checkpoint_distance = distance;
        way.integrator.max_step = 80;  // left to what the forward problem resolved
        const LossGradient result =
            Sensitivity(Dynamics(field), way)
                .gradient(Vector::Constant(1, p), Ensemble::observed_at(start, times),
                          weighted_sum(weights, 3));
        const double exact = -10 * v * integral;
        CHECK(std::abs(result.gradient[0] - exact) <= 1e-5 * std::abs(exact));
      }
    }
  }
}

// --- the same by trajectories that are observed once --------------------------------------------

TEST_CASE("several observations are as many trajectories that end there" *
          doctest::test_suite("long")) {
  const Index n = 9;
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Start start({2, 8, 8, 2}, motion);
    for (const Eigen::MatrixXd& times : {own_times(4, n, 3), common_fractions(4, n)}) {
      const Ensemble ensemble = start.ensemble(times);
      const auto both = [&](const SensitivityOptions& way, double least_error) {
        CAPTURE(text(way));
        Sensitivity sensitivity(start.dynamics, way);
        const LossGradient once = sensitivity.gradient(start.theta, repeated(ensemble), quartic);
        const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
        const double error = std::max(least_error, permitted(way, once));
        CHECK((result.states - once.states).norm() <= error * once.states.norm());
        CHECK(relative_error(result.gradient, once.gradient) <= error);
        States initial = States::Zero(ensemble.initial_states.rows(), n);
        for (Index i = 0; i < n; ++i) {
          initial.col(i) = once.initial_cotangents.middleCols(4 * i, 4).rowwise().sum();
        }
        CHECK((result.initial_cotangents - initial).norm() <= error * initial.norm());
        if (way.gradient == GradientMethod::adjoint) return;
        const StateJacobian ends = sensitivity.jacobian(start.theta, repeated(ensemble));
        const StateJacobian all = sensitivity.jacobian(start.theta, ensemble);
        CHECK((all.jacobian - ends.jacobian).norm() <= error * ends.jacobian.norm());
        CHECK((all.by_start - ends.by_start).norm() <= error * ends.by_start.norm());
        CHECK(all.states == result.states);
        States cotangents(all.states.rows(), all.states.cols());
        static_cast<void>(quartic(0, all.states, cotangents));
        CHECK((all.jacobian.transpose() * cotangents.reshaped() - result.gradient).norm() <=
              1e-13 * all.jacobian.norm() * cotangents.norm());
      };
      for (const SensitivityOptions& way : ways(1e-9, motion)) both(way, 0);
      SensitivityOptions way = with(1e-14, GradientMethod::discrete, highest_order(motion));
      both(way, 1e-13);
    }
  }
}

TEST_CASE("one segment more or less is one observation more: the end is the same") {
  const Start start({1, 8, 8, 1});
  const Index n = 9;
  const States weights = normal_states(2, n, 4);
  const States initial = normal_states(2, n, 1004);
  for (const SensitivityOptions& way : ways(1e-10, Motion::newtonian)) {
    CAPTURE(text(way));
    for (const double second : {0.37, 0.5}) {  // of the first trajectory: fractions that differ
      Eigen::MatrixXd times(2, n);
      times << Eigen::RowVectorXd::Constant(n, 0.37 * 6), Eigen::RowVectorXd::Constant(n, 6);
      times(0, 0) = second * 6;
      const Ensemble twice = Ensemble::observed_at(initial, times);
      States late = States::Zero(2, 2 * n);
      for (Index i = 0; i < n; ++i) late.col(2 * i + 1) = weights.col(i);
      Sensitivity sensitivity(start.dynamics, way);
      const LossGradient once =
          sensitivity.gradient(start.theta, Ensemble(initial, 6), weighted_sum(weights, 1));
      const LossGradient both = sensitivity.gradient(start.theta, twice, weighted_sum(late, 2));
      CHECK(relative_error(both.gradient, once.gradient) <= permitted(way, once));
    }
  }
}

// --- observations that are denser than steps ----------------------------------------------------

namespace {

struct DenseCase {
  Motion motion;
  Method method;
  std::vector<Index> layers;
};

const std::vector<DenseCase> dense_cases = {
    {Motion::newtonian, Method::rkn8, {1, 8, 8, 1}},  {Motion::newtonian, Method::rkn8, {2, 8, 2}},
    {Motion::newtonian, Method::rkn12, {1, 8, 8, 1}}, {Motion::newtonian, Method::rkn12, {2, 8, 2}},
    {Motion::newtonian, Method::rk8, {2, 8, 2}},      {Motion::first_order, Method::rk8, {1, 8, 1}},
    {Motion::first_order, Method::rk8, {2, 8, 8, 2}}, {Motion::first_order, Method::rk8, {3, 8, 3}},
};

std::string text(const DenseCase& one) {
  return std::string(name(one.motion)) + ", " + name(one.method) +
         ", D = " + std::to_string(one.layers.front());
}

/// Whether there are fewer steps than observation times: that they are interpolated.
bool steps_past_observations(const LossGradient& result, Index observations) {
  return result.forward.steps < observations * result.blocks;
}

/// The largest deviation, each component in units of its largest value.
double deviation(const States& states, const States& exact) {
  const Vector units = exact.cwiseAbs().rowwise().maxCoeff();
  return ((states - exact).cwiseAbs().rowwise().maxCoeff().array() / units.array()).maxCoeff();
}

}  // namespace

TEST_CASE("linear systems, observed densely, have their states and derivatives") {
  const Index n = 11, k = 400;
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    for (const Eigen::MatrixXd& times :
         {own_times(k, n, 6), common_fractions(k, n), from_start(own_times(k, n, 6))}) {
      const LinearProblem problem(motion, times);
      const StateLoss loss = weighted_sum(problem.weights, times.rows());
      for (const Method method : {eighth_order(motion), highest_order(motion), Method::rk8}) {
        for (const double rtol : {1e-5, 1e-8, 1e-11}) {
          CAPTURE(std::string(name(method)));
          CAPTURE(rtol);
          Sensitivity sensitivity(problem.dynamics, with(rtol, GradientMethod::discrete, method));
          const LossGradient result = sensitivity.gradient(problem.theta, problem.ensemble, loss);
          CHECK(steps_past_observations(result, k));
          CHECK(deviation(result.states, problem.states) <= 10 * rtol);
          // That of parameters grows with time.
          problem.check(result, 100 * rtol);
          problem.check(sensitivity.jacobian(problem.theta, problem.ensemble), 100 * rtol);
        }
      }
    }
  }
}

TEST_CASE("interpolated observations are as accurate as steps that end there") {
  const Index n = 9, k = 150;
  for (const DenseCase& one : dense_cases) {
    CAPTURE(text(one));
    const Start start(one.layers, one.motion);
    const Ensemble ensemble = start.ensemble(own_times(k, n, 5));
    Sensitivity reference(start.dynamics,
                          with(1e-13, GradientMethod::discrete, highest_order(one.motion)));
    const StateJacobian exact = reference.jacobian(start.theta, repeated(ensemble));
    for (const double rtol : {1e-4, 1e-7, 1e-10}) {
      CAPTURE(rtol);
      Sensitivity sensitivity(start.dynamics, with(rtol, GradientMethod::discrete, one.method));
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
      CHECK(steps_past_observations(result, k));
      CHECK(deviation(result.states, exact.states) <= 3 * rtol);
      CHECK(sensitivity.loss(start.theta, ensemble, quartic).states == result.states);
      const StateJacobian all = sensitivity.jacobian(start.theta, ensemble);
      CHECK(all.states == result.states);
      CHECK((all.jacobian - exact.jacobian).norm() <= 30 * rtol * exact.jacobian.norm());
      CHECK((all.by_start - exact.by_start).norm() <= 30 * rtol * exact.by_start.norm());
    }
  }
}

TEST_CASE("derivatives of interpolated states are those of the discrete solution") {
  // Exact, at a tolerance at which those of the exact solution are others.
  const Index n = 9, k = 120;
  for (const DenseCase& one : dense_cases) {
    CAPTURE(text(one));
    const Start start(one.layers, one.motion);
    for (const Eigen::MatrixXd& times : {own_times(k, n, 5), from_start(common_fractions(k, n))}) {
      const Ensemble ensemble = start.ensemble(times);
      SensitivityOptions way = with(1e-3, GradientMethod::discrete, one.method);
      way.freeze_steps = true;
      Sensitivity sensitivity(start.dynamics, way);
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
      CHECK(steps_past_observations(result, k));

      const StateJacobian all = sensitivity.jacobian(start.theta, ensemble);
      States cotangents(all.states.rows(), all.states.cols());
      static_cast<void>(quartic(0, all.states, cotangents));
      const double rounding = 1e-13 * all.jacobian.norm() * cotangents.norm();
      CHECK((all.jacobian.transpose() * cotangents.reshaped() - result.gradient).norm() <=
            rounding);
      const Index rows = all.by_start.rows() / n;
      for (Index i = 0; i < n; ++i) {
        const Vector by_start = all.by_start.middleRows(i * rows, rows).transpose() *
                                cotangents.middleCols(i * times.rows(), times.rows()).reshaped();
        CHECK((by_start - result.initial_cotangents.col(i)).norm() <=
              1e-13 * all.by_start.norm() * cotangents.norm());
      }

      // Differences along a direction, of the fourth order.
      const Vector direction = normal_states(start.theta.size(), 1, 6);
      const States shift = normal_states(ensemble.initial_states.rows(), n, 7);
      const auto loss = [&](double of_theta, double of_start) {
        Ensemble moved = ensemble;
        moved.initial_states += of_start * shift;
        return sensitivity.loss(start.theta + of_theta * direction, moved, quartic).loss;
      };
      const auto slope = [](const auto& f) {
        const double h = 2e-4;
        return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
      };
      const double by_theta = slope([&](double h) { return loss(h, 0); });
      CHECK(std::abs(by_theta - result.gradient.dot(direction)) <=
            1e-9 * result.gradient.norm() * direction.norm());
      const double by_start = slope([&](double h) { return loss(0, h); });
      CHECK(std::abs(by_start - result.initial_cotangents.cwiseProduct(shift).sum()) <=
            1e-9 * result.initial_cotangents.norm() * shift.norm());
    }
  }
}

TEST_CASE("where steps differ most, interpolated states are as accurate") {
  // x'' = -x and a kick where x passes 0.3.
  const auto kick = [](double x) { return 4 * std::exp(-std::pow(20 * (x - 0.3), 2)); };
  const Dynamics kicked(make_force(
      1, [=](double x, const auto& a) { return -x + a[0] * kick(x); },
      [=](double x, const auto& a) { return -1 - a[0] * 800 * (x - 0.3) * kick(x); },
      [=](double x, const auto&) { return std::array{kick(x)}; }));
  const Index n = 8, k = 1000;
  const Ensemble ensemble = Ensemble::observed_at(normal_states(2, n, 3), common_fractions(k, n));
  const SensitivityOptions tight = with(1e-14, GradientMethod::discrete, Method::rkn12);
  const States exact =
      Integrator(kicked, tight.integrator).integrate(Vector::Ones(1), ensemble).states;
  for (const Method method : {Method::rkn8, Method::rkn12}) {
    for (const double rtol : {1e-4, 1e-7, 1e-10}) {
      CAPTURE(std::string(name(method)));
      CAPTURE(rtol);
      const LossGradient result = Sensitivity(kicked, with(rtol, GradientMethod::discrete, method))
                                      .gradient(Vector::Ones(1), ensemble, quartic);
      CHECK(steps_past_observations(result, k));
      CHECK(deviation(result.states, exact) <= 3 * rtol);
    }
  }
}

TEST_CASE(
    "a spiral that comes to rest is interpolated by few steps, most of them at its beginning") {
  // u' = a A^T u^3: at first a hundred times as fast as at the end.
  Eigen::Matrix2d a;
  a << -0.1, 2, -2, -0.1;
  const Dynamics spiral(
      make_force(
          2, 1,
          [a](const Vector& u, const auto& factor) {
            return Vector(factor[0] * (a.transpose() * u.array().cube().matrix()));
          },
          [a](const Vector& u, const auto& factor) {
            return Eigen::MatrixXd(factor[0] * a.transpose() *
                                   (3 * u.array().square()).matrix().asDiagonal());
          },
          [a](const Vector& u, const auto&) {
            return Eigen::MatrixXd(a.transpose() * u.array().cube().matrix());
          }),
      Motion::first_order);
  const Index k = 1000;
  const Ensemble ensemble =
      Ensemble::observed_at(Eigen::Vector2d(2, 0), Vector::LinSpaced(k, 25.0 / k, 25));
  const SensitivityOptions tight = with(1e-14, GradientMethod::discrete, Method::rk8);
  const States exact =
      Integrator(spiral, tight.integrator).integrate(Vector::Ones(1), ensemble).states;
  for (const double rtol : {1e-4, 1e-6, 1e-8}) {
    CAPTURE(rtol);
    const LossGradient result =
        Sensitivity(spiral, with(rtol, GradientMethod::discrete, Method::rk8))
            .gradient(Vector::Ones(1), ensemble, quartic);
    CHECK(result.forward.steps < k / 3);
    CHECK(deviation(result.states, exact) <= 3 * rtol);
  }
}

TEST_CASE("frozen steps stay of their kind, and are left for other observations") {
  const Start start({1, 8, 8, 1});
  const Index n = 9, k = 150;
  SensitivityOptions way = with(1e-7, GradientMethod::discrete, Method::rkn8);
  way.freeze_steps = true;
  Sensitivity sensitivity(start.dynamics, way);
  const Ensemble dense = start.ensemble(own_times(k, n, 5));
  const Ensemble sparse = start.ensemble(own_times(4, n, 5));
  const Ensemble once(sparse.initial_states, sparse.end_times);
  way.freeze_steps = false;
  for (const Ensemble* ensemble : {&once, &dense, &sparse, &dense, &once}) {
    const LossGradient first = sensitivity.gradient(start.theta, *ensemble, quartic);
    const LossGradient fresh =
        Sensitivity(start.dynamics, way).gradient(start.theta, *ensemble, quartic);
    CHECK(first.forward.steps == fresh.forward.steps);
    CHECK(steps_past_observations(first, ensemble->observations()) == (ensemble == &dense));
    const LossGradient again = sensitivity.gradient(1.001 * start.theta, *ensemble, quartic);
    CHECK(again.forward.steps == first.forward.steps);
  }
}

// --- cotangents ---------------------------------------------------------------------------------

TEST_CASE("cotangents may be zero at some times, and of some trajectories") {
  const Start start({1, 8, 8, 1});
  const Index n = 5, k = 4;
  for (const Eigen::MatrixXd& times : {own_times(k, n, 5), common_fractions(k, n)}) {
    const Ensemble ensemble = start.ensemble(times);
    const States any = normal_states(2, n * k, 5);
    for (const SensitivityOptions& way : ways(1e-9, Motion::newtonian)) {
      CAPTURE(text(way));
      Sensitivity sensitivity(start.dynamics, way);
      Sensitivity reference(start.dynamics, with(1e-12, GradientMethod::discrete, Method::rkn12));
      const RowMatrix jacobian = reference.jacobian(start.theta, ensemble).jacobian;
      const auto check = [&](const std::string& which, const auto& counts) {
        CAPTURE(which);
        States weights = any;
        for (Index i = 0; i < n * k; ++i) {
          if (!counts(i / k, i % k)) weights.col(i).setZero();
        }
        LossGradient result = sensitivity.gradient(start.theta, ensemble, weighted_sum(weights, k));
        const Vector exact = jacobian.transpose() * weights.reshaped();
        CHECK((result.gradient - exact).norm() <= permitted(way, result) * exact.norm());
        return result;
      };
      check("the first time", [](Index, Index j) { return j == 0; });
      check("the second time", [](Index, Index j) { return j == 1; });
      check("the end", [=](Index, Index j) { return j == k - 1; });
      check("all but the end", [=](Index, Index j) { return j < k - 1; });
      check("the first time and the end", [=](Index, Index j) { return j == 0 || j == k - 1; });
      check("one trajectory", [](Index i, Index) { return i == 3; });
      check("each trajectory once", [](Index i, Index j) { return j == i % k; });
      const LossGradient none = check("none", [](Index, Index) { return false; });
      CHECK(none.gradient.isZero(0));
      CHECK(none.initial_cotangents.isZero(0));
      CHECK((none.backward.steps == 0 || way.gradient == GradientMethod::discrete));
      check("all", [](Index, Index) { return true; });
    }
  }
}

TEST_CASE("small late cotangents that grow on the way back are as accurate") {
  // x'' = k x with x ~ exp(-w t) backward from T: what the end adds grows by exp(w T).
  const Dynamics saddle(make_force(
      1, [](double x, const auto& k) { return k[0] * x; },
      [](double, const auto& k) { return k[0]; },
      [](double x, const auto&) { return std::array{x}; }));
  const double w = 6, end = 6;
  const States initial{{1}, {0}};  // x = cosh w t, dx/dk = t sinh(w t)/(2 w)
  const auto slope = [&](double t) { return t * std::sinh(w * t) / (2 * w); };
  const States weights{{1, 1e-12}, {0, 0}};
  Eigen::MatrixXd times{{1}, {end}};
  for (const Method method : multistep) {
    for (const long distance : {0, 20}) {
      SensitivityOptions way = with(1e-8, GradientMethod::adjoint, method);
      way.checkpoint_distance = distance;
      const LossGradient result =
          Sensitivity(saddle, way)
              .gradient(Vector::Constant(1, w * w), Ensemble::observed_at(initial, times),
                        weighted_sum(weights, 2));
      const double exact = slope(1) + 1e-12 * slope(end);
      CHECK(std::abs(result.gradient[0] - exact) <= permitted(way, result) * exact);
    }
  }
}

// --- the same to the last bit -------------------------------------------------------------------

TEST_CASE("threads change no bit, and nothing is left of earlier problems" *
          doctest::test_suite("long")) {
  const Start start({1, 8, 8, 1});
  const Index n = 21;
  const Ensemble own = start.ensemble(own_times(6, n, 5));
  const Ensemble common = start.ensemble(common_fractions(3, n));
  const Ensemble dense = start.ensemble(own_times(60, n, 5));
  Ensemble once = common;
  once.earlier_times.resize(0, 0);
  for (SensitivityOptions way : ways(1e-8, Motion::newtonian)) {
    CAPTURE(text(way));
    if (way.freeze_steps) continue;
    const auto fresh = [&](const Ensemble& ensemble) {
      return Sensitivity(start.dynamics, way).gradient(start.theta, ensemble, quartic);
    };
    const LossGradient of_own = fresh(own), of_common = fresh(common), of_once = fresh(once);
    const LossGradient of_dense = fresh(dense);
    way.integrator.threads = 2;
    CHECK(identical(fresh(own), of_own));
    CHECK(identical(fresh(common), of_common));
    CHECK(identical(fresh(dense), of_dense));
    way.integrator.threads = 1;
    Sensitivity sensitivity(start.dynamics, way);
    const auto check = [&](const Ensemble& ensemble, const LossGradient& expected) {
      CHECK(identical(sensitivity.gradient(start.theta, ensemble, quartic), expected));
      CHECK(sensitivity.loss(start.theta, ensemble, quartic).states == expected.states);
    };
    check(own, of_own);
    check(once, of_once);
    check(common, of_common);
    check(dense, of_dense);
    check(own, of_own);
    // After a loss that threw between the forward and the backward problem.
    CHECK_THROWS_AS(
        static_cast<void>(sensitivity.gradient(start.theta, own,
                                               [](Index, ConstStatesRef, StatesRef) -> double {
                                                 throw std::runtime_error("no loss");
                                               })),
        std::runtime_error);
    check(common, of_common);
    check(once, of_once);
  }
}

// --- limits -------------------------------------------------------------------------------------

TEST_CASE("the limit of steps is that of all segments together, and failures name the time") {
  const Start start({1, 8, 8, 1});
  Eigen::MatrixXd times = own_times(5, 3, 5);
  times.col(0) *= 4.5 / times(4, 0);
  const Ensemble ensemble = start.ensemble(times);
  for (SensitivityOptions way : ways(1e-8, Motion::newtonian)) {
    if (way.gradient == GradientMethod::discrete) continue;
    CAPTURE(text(way));
    const LossGradient free =
        Sensitivity(start.dynamics, way).gradient(start.theta, ensemble, quartic);
    way.integrator.max_steps = free.forward.steps - 1;
    const std::string message = message_of<NumericalError>([&] {
      static_cast<void>(Sensitivity(start.dynamics, way).gradient(start.theta, ensemble, quartic));
    });
    CHECK(mentions(message, "the forward integration failed at t = "));
    CHECK(mentions(message, " of 4.5 "));
    CHECK(mentions(message, "more than"));
  }
}

TEST_CASE("of segments only one is kept at a time") {
  const Start start({1, 8, 8, 1});
  const SensitivityOptions way = with(1e-10, GradientMethod::adjoint, Method::adams);
  const Index n = 8;
  Eigen::MatrixXd times(10, n);
  for (Index k = 0; k < 10; ++k) times.row(k).setConstant(10 * (double(k) + 1));
  Sensitivity sensitivity(start.dynamics, way);
  const LossGradient whole = sensitivity.gradient(start.theta, start.ensemble(times), quartic);
  times(3, 1) += 1;
  const LossGradient parts = sensitivity.gradient(start.theta, start.ensemble(times), quartic);
  CHECK(parts.stored_bytes < whole.stored_bytes / 2);
  CHECK(parts.stored_bytes > 0);
}

TEST_CASE("times out of order are refused by all methods") {
  const Start start({1, 4, 1});
  Eigen::MatrixXd times(2, 3);
  times << 1, 1, 1, 2, 2, 2;
  Ensemble ensemble = start.ensemble(times);
  std::vector<SensitivityOptions> all = ways(1e-8, Motion::newtonian);
  all.push_back(with(1e-8, GradientMethod::difference, Method::adams));
  for (const SensitivityOptions& way : all) {
    CAPTURE(text(way));
    Sensitivity sensitivity(start.dynamics, way);
    for (const double bad : {0.0, -1.0, 2.0, 3.0}) {
      ensemble.earlier_times(0, 1) = bad;
      CHECK(mentions(message_of<InputError>([&] {
                       static_cast<void>(sensitivity.gradient(start.theta, ensemble, quartic));
                     }),
                     "trajectory 1"));
    }
    ensemble.earlier_times(0, 1) = 1;
    CHECK(message_of<InputError>([&] {
            static_cast<void>(sensitivity.gradient(start.theta, ensemble, quartic));
          }).empty());
  }
}

}  // namespace test_observation_times
