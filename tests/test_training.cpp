#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/period_law.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_training {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using oracle::two_pi;
using std::numbers::pi;

namespace {

TrainingOptions with(double tolerance) {
  TrainingOptions options = unlimited_training();
  options.kind = OptimizerKind::lbfgs;
  options.sensitivity.integrator.rtol = options.sensitivity.integrator.atol = tolerance;
  return options;
}

/// theta as if it had been trained with these options.
TrainingResult trained(const Vector& theta, const IntegratorOptions& integrator = {}) {
  TrainingResult result;
  result.state.theta = theta;
  result.integrator = integrator;
  return result;
}

Vector one(double k) { return Vector::Constant(1, k); }

/// The harmonic oscillator's stiffness from 20 states; the minimum near k = 1 is 0 there.
struct Stiffness {
  Dynamics dynamics{oracle::harmonic()};
  Objective objective{dynamics, Loss::periodic, normal_states(2, 20, 1), two_pi};
};

/// The note's problem, small.
struct Small {
  std::shared_ptr<Mlp> mlp = std::make_shared<Mlp>(std::vector<Index>{1, 16, 1});
  Dynamics dynamics{mlp};
  Objective objective{dynamics, Loss::periodic, normal_states(2, 20, 2), two_pi};
  Vector start = mlp->initial_parameters(0);
};

void check_books(const TrainingState& state) {
  const History& h = state.history;
  REQUIRE(h.size() > 0);
  for (const std::size_t n :
       {h.loss.size(), h.gradient_norm.size(), h.step.size(), h.evaluations.size(),
        h.integrator_steps.size(), h.wall_time.size()}) {
    REQUIRE(n == h.size());
  }
  CHECK(h.iteration.front() == 0);
  CHECK(h.evaluations.front() == 1);
  CHECK(h.step.front() == 0);
  for (std::size_t i = 1; i < h.size(); ++i) {
    CHECK(h.iteration[i] == h.iteration[i - 1] + 1);
    CHECK(h.evaluations[i] > h.evaluations[i - 1]);
    CHECK(h.integrator_steps[i] > h.integrator_steps[i - 1]);
    CHECK(h.wall_time[i] >= h.wall_time[i - 1]);
    CHECK(h.step[i] > 0);
  }
  CHECK(h.optimizer.size() == h.size());
  CHECK(std::is_sorted(h.optimizer.begin(), h.optimizer.end()));  // L-BFGS, then least squares
  CHECK(state.loss == *std::min_element(h.loss.begin(), h.loss.end()));
  CHECK(h.integrator_steps.back() <= state.forward.steps + state.backward.steps);
}

void check_snapshots(const TrainingState& state) {
  const Snapshots& s = state.snapshots;
  REQUIRE(s.iteration.size() == s.theta.size());
  CHECK(s.iteration.size() <= 40);
  CHECK(s.iteration.front() == 0);
  CHECK(s.theta.front() == state.theta_initial);
  CHECK(s.iteration.back() == state.history.iteration.back());
  CHECK(std::is_sorted(s.iteration.begin(), s.iteration.end()));
  CHECK(std::adjacent_find(s.iteration.begin(), s.iteration.end()) == s.iteration.end());
}

}  // namespace

// --- descent ------------------------------------------------------------------------------------

TEST_CASE("a network learns to return: the loss falls by orders of magnitude, the books agree") {
  const Small small;
  TrainingOptions options = with(1e-8);
  options.optimizer.max_iterations = 250;
  options.optimizer.loss_tolerance = 1e-6;
  long seen = 0;
  options.progress = [&](const TrainingState& state) {
    CHECK(state.history.size() == static_cast<std::size_t>(++seen));
    CHECK(state.loss == state.history.loss.back());
  };
  const TrainingResult result = train(small.objective, small.start, options);
  const TrainingState& state = result.state;
  check_books(state);
  check_snapshots(state);
  CHECK(seen == static_cast<long>(state.history.size()));
  CHECK(std::is_sorted(state.history.loss.rbegin(), state.history.loss.rend()));
  CHECK(state.loss <= 1e-3 * state.history.loss.front());
  CHECK(state.theta_initial == small.start);
  CHECK(state.snapshots.theta.back() == state.theta);

  // The loss is the one that the gradient path gives at theta, to the last bit.
  CHECK(ObjectiveFunction(small.objective, options.sensitivity).value(state.theta) == state.loss);
}

TEST_CASE("one parameter: the stiffness of the period asked for") {
  const Stiffness problem;
  for (const OptimizerKind kind : {OptimizerKind::lbfgs, OptimizerKind::adam}) {
    TrainingOptions options = with(1e-10);
    options.kind = kind;
    options.optimizer.loss_tolerance = 1e-10;
    options.optimizer.max_iterations = 2000;
    const TrainingResult result = train(problem.objective, one(0.8), options);
    CHECK(result.reason == StopReason::loss_tolerance);
    check_books(result.state);
    // loss = c (k - 1)^2 near the minimum.
    const double slope = oracle::harmonic_periodic_slope(
        1 + 1e-5, two_pi, problem.objective.ensemble().initial_states);
    const double curvature = slope / 1e-5;
    CHECK(std::abs(result.state.theta[0] - 1) <= 1.1 * std::sqrt(2 * 1e-10 / curvature));
  }
}

TEST_CASE("the first-order neural ODE y' = f(y), D = 2, on the periodic loss") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{2, 16, 2});
  const Dynamics dynamics(mlp, Motion::first_order);
  const Objective objective(dynamics, Loss::periodic, normal_states(2, 20, 3), 2.0);
  TrainingOptions options = with(1e-9);
  options.optimizer.loss_tolerance = 1e-8;
  const TrainingResult result = train(objective, mlp->initial_parameters(1), options);
  CHECK(result.reason == StopReason::loss_tolerance);
  CHECK(result.state.loss <= 1e-8);
  check_books(result.state);
  CHECK(verify_loss(objective, result).loss <= 1.01e-8);

  // The gradient where it began, halfway and where it ended. Trajectories err by some 100 rtol: so
  // does the adjoint; the loss errs by that times the residual, its differences by that over h.
  constexpr double step = 1e-3;
  SensitivityOptions tight;
  tight.integrator.rtol = tight.integrator.atol = 1e-12;
  ObjectiveFunction function(objective, tight);
  const Snapshots& snapshots = result.state.snapshots;
  for (const std::size_t at :
       {std::size_t{0}, snapshots.theta.size() / 2, snapshots.theta.size() - 1}) {
    const Vector& theta = snapshots.theta[at];
    Vector gradient(theta.size());
    const double loss = function.value(theta, gradient);
    const Vector direction = gradient.normalized();
    const double slope = oracle::slope_at_zero(
        [&](double h) { return function.value(theta + h * direction); }, step);
    const double permitted = 100 * tight.integrator.rtol * (1 + 2 * std::sqrt(loss) / step);
    REQUIRE(gradient.norm() > 1000 * permitted);
    CHECK(std::abs(slope - gradient.norm()) <= permitted);
  }
}

// --- the ends of a run --------------------------------------------------------------------------

TEST_CASE("wall time and interrupts end a run between iterations and within one long solve") {
  const Small small;
  for (const bool by_time : {true, false}) {
    for (const bool endless_solve : {true, false}) {
      TrainingOptions options = with(1e-9);
      const Objective objective(small.dynamics, Loss::periodic, normal_states(2, 20, 2),
                                endless_solve ? 1e7 : two_pi);
      options.sensitivity.integrator.max_steps = std::numeric_limits<long>::max();
      long polls = 0;
      if (by_time) {
        options.max_time = 0.1;
      } else {
        options.stop_requested = [&] { return ++polls > 500; };
      }
      const TrainingResult result = train(objective, small.start, options);
      CHECK(result.reason == (by_time ? StopReason::wall_time : StopReason::interrupted));
      CHECK(result.state.theta.allFinite());
      CHECK(result.state.theta_initial == small.start);
      if (endless_solve) {
        CHECK(result.state.history.size() == 0);
        CHECK(result.state.theta == small.start);
      } else if (result.state.history.size() > 0) {
        check_books(result.state);
      }
    }
  }
}

TEST_CASE("a run that was stopped before its first loss has none to show") {
  const Small small;
  TrainingOptions options = with(1e-9);
  options.stop_requested = [] { return true; };
  const TrainingResult result = train(small.objective, small.start, options);
  CHECK(result.reason == StopReason::interrupted);
  CHECK_FALSE(result.state.loss == 0);
}

TEST_CASE("a run goes on where an earlier one was stopped") {
  const Stiffness problem;
  TrainingOptions options = with(1e-10);
  options.optimizer.loss_tolerance = 1e-12;
  const TrainingResult whole = train(problem.objective, one(0.7), options);
  REQUIRE(whole.reason == StopReason::loss_tolerance);

  options.optimizer.max_iterations = 2;
  const TrainingResult first = train(problem.objective, one(0.7), options);
  REQUIRE(first.reason == StopReason::max_iterations);
  options.optimizer.max_iterations = -1;
  const TrainingResult second = train(problem.objective, first.state, options);
  CHECK(second.reason == StopReason::loss_tolerance);
  check_books(second.state);
  check_snapshots(second.state);
  CHECK(second.state.theta_initial == one(0.7));
  const History& h = second.state.history;
  REQUIRE(h.size() > first.state.history.size());
  for (std::size_t i = 0; i < first.state.history.size(); ++i) {
    CHECK(h.loss[i] == first.state.history.loss[i]);
  }
  CHECK(std::is_sorted(h.loss.rbegin(), h.loss.rend()));
}

TEST_CASE("a trial at which the integration fails is a rejected trial") {
  // Beyond k = 1.001 the force is not a number; the minimum, k = 1, lies close before.
  long failures = 0;
  const Dynamics dynamics(make_force(
      1,
      [&](double x, const auto& k) {
        if (k[0] <= 1.001) return -k[0] * x;
        ++failures;
        return std::numeric_limits<double>::quiet_NaN();
      },
      [](double, const auto& k) { return -k[0]; },
      [](double x, const auto&) { return std::array{-x}; }));
  const Stiffness problem;
  TrainingOptions options = with(1e-10);
  options.optimizer.loss_tolerance = 1e-12;
  const Objective objective = problem.objective.with(dynamics.shared_field());
  const TrainingResult result = train(objective, one(0.6), options);
  CHECK(failures > 0);
  CHECK(result.reason == StopReason::loss_tolerance);
  check_books(result.state);
}

TEST_CASE("a start that cannot be integrated is a numerical failure that says why") {
  const Stiffness problem;
  TrainingOptions options = with(1e-10);
  options.sensitivity.integrator.max_steps = 5;
  const std::string text = message_of<NumericalError>(
      [&] { static_cast<void>(train(problem.objective, one(0.8), options)); });
  CHECK(mentions(text, "initial parameters"));
  CHECK(mentions(text, "more than 5 steps"));
}

TEST_CASE("a phase that cannot begin loses nothing of the one before") {
  // A force that can be evaluated only so often: less than the whole training needs.
  auto left = std::make_shared<std::atomic<long>>(0);
  const auto mortal = make_force(
      1,
      [left](double x, const auto& k) {
        return --*left > 0 ? -k[0] * x : std::numeric_limits<double>::quiet_NaN();
      },
      [](double, const auto& k) { return -k[0]; },
      [](double x, const auto&) { return std::array{-x}; });
  const Dynamics dynamics(mortal);
  const Objective objective(dynamics, Loss::periodic, normal_states(2, 1, 1), two_pi);
  for (const OptimizerKind kind : {OptimizerKind::lbfgs, OptimizerKind::lbfgs_least_squares}) {
    TrainingOptions options = with(1e-8);
    options.kind = kind;
    options.auto_tolerance = true;
    constexpr long plenty = 100000000;
    *left = plenty;
    static_cast<void>(train(objective, one(0.9), options));
    *left = (plenty - *left) * 3 / 4;
    const TrainingResult result = train(objective, one(0.9), options);
    CHECK(*left <= 0);
    CHECK(result.reason == StopReason::no_progress);
    REQUIRE(result.state.history.size() > 1);
    CHECK(result.state.loss < result.state.history.loss.front());
  }
}

TEST_CASE("refined tolerances carry the loss below what the first tolerance can see") {
  const Stiffness problem;
  const auto verified = [&](bool refine) {
    TrainingOptions options = with(1e-4);
    options.auto_tolerance = refine;
    options.optimizer.max_iterations = 300;
    const TrainingResult result = train(problem.objective, one(0.8), options);
    CHECK(result.reason == StopReason::integration_floor);
    return verify_loss(problem.objective, result).loss;
  };
  CHECK(verified(true) <= 1e-6 * verified(false));
}

// --- least squares ------------------------------------------------------------------------------

TEST_CASE("least squares: the loss falls to what no fixed tolerance reaches, and is verified") {
  for (const OptimizerKind kind :
       {OptimizerKind::least_squares, OptimizerKind::lbfgs_least_squares}) {
    const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
    const Dynamics dynamics(mlp);
    const Objective objective(dynamics, Loss::antiperiodic, normal_states(2, 30, 2), two_pi);
    TrainingOptions options = unlimited_training();
    options.kind = kind;
    options.optimizer.loss_tolerance = 1e-15;
    options.auto_tolerance = true;
    const TrainingResult result = train(objective, mlp->initial_parameters(1), options);
    CAPTURE(describe(result.reason));
    CHECK(result.reason == StopReason::loss_tolerance);
    check_books(result.state);
    CHECK(result.integrator.rtol <= 1e-9);
    const VerifiedLoss verified = verify_loss(objective, result);
    CHECK(verified.loss == doctest::Approx(result.state.loss).epsilon(0.01));
    CHECK(mlp->force(result.state.theta, 1.0) == doctest::Approx(-1).epsilon(1e-5));
  }
}

TEST_CASE("least squares trains by either Jacobian, in one dimension and two, of either order") {
  struct Case {
    Motion motion;
    std::vector<Index> layers;
    GradientMethod gradient;
    Method method;
  };
  const std::vector<Case> cases = {
      {Motion::newtonian, {1, 8, 1}, GradientMethod::forward, Method::adams},
      {Motion::newtonian, {1, 8, 1}, GradientMethod::discrete, Method::rk8},
      {Motion::newtonian, {2, 8, 2}, GradientMethod::discrete, Method::rkn12},
      {Motion::first_order, {2, 8, 2}, GradientMethod::discrete, Method::rk8},
      {Motion::first_order, {2, 8, 2}, GradientMethod::forward, Method::bdf}};
  for (const Case& c : cases) {
    const auto mlp = std::make_shared<Mlp>(c.layers);
    const Dynamics dynamics(mlp, c.motion);
    const Objective objective(dynamics, Loss::antiperiodic,
                              normal_states(dynamics.state_dimension(), 30, 2), two_pi);
    TrainingOptions options = unlimited_training();
    options.jacobian = SensitivityOptions{};
    options.jacobian->gradient = c.gradient;
    options.jacobian->integrator.method = c.method;
    options.jacobian->integrator.rtol = options.jacobian->integrator.atol = 1e-8;
    options.kind = OptimizerKind::least_squares;
    options.optimizer.loss_tolerance = 1e-6;
    options.optimizer.max_iterations = 100;
    const TrainingResult result = train(objective, mlp->initial_parameters(1), options);
    CAPTURE(std::string(name(c.gradient)));
    CAPTURE(result.state.loss);
    CAPTURE(std::string(name(c.method)));
    CHECK(result.reason == StopReason::loss_tolerance);
    CHECK(result.integrator.method == c.method);
  }
}

TEST_CASE("least squares: a loss below the errors of a fixed tolerance is not believed") {
  const Small problem;
  TrainingOptions options = with(1e-6);
  options.kind = OptimizerKind::lbfgs_least_squares;
  const TrainingResult result = train(problem.objective, problem.start, options);
  CHECK(result.reason == StopReason::integration_floor);
  const double floor = integration_floor(problem.objective, result);
  CHECK(result.state.loss <= 10 * floor);
  // The verified loss has the floor's size: it was not fitted away.
  const double verified = verify_loss(problem.objective, result).loss;
  CHECK(verified > 0.1 * floor);
  CHECK(verified < 100 * floor);
}

TEST_CASE("the integration floor follows the tolerance") {
  const Stiffness problem;
  double last = 1;
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    const double floor = integration_floor(problem.objective,
                                           trained(one(1), with(tolerance).sensitivity.integrator));
    CHECK(floor < 1e4 * tolerance * tolerance);
    CHECK(floor < last);
    last = floor;
  }
}

TEST_CASE("least squares goes on from a small loss, and does not stop there") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Dynamics dynamics(mlp);
  const Objective objective(dynamics, Loss::antiperiodic, normal_states(2, 30, 2), two_pi);
  TrainingOptions options = unlimited_training();
  options.kind = OptimizerKind::lbfgs_least_squares;
  options.optimizer.loss_tolerance = 1e-13;
  options.auto_tolerance = true;
  const TrainingResult first = train(objective, mlp->initial_parameters(1), options);
  REQUIRE(first.reason == StopReason::loss_tolerance);
  options.optimizer.loss_tolerance = 1e-15;
  const TrainingResult second = train(objective, first.state, options);
  CHECK(second.reason == StopReason::loss_tolerance);
  CHECK(second.state.loss <= 1e-15);
}

TEST_CASE("least squares: iterations are counted over both phases") {
  const Small problem;
  TrainingOptions options = with(1e-8);
  options.kind = OptimizerKind::lbfgs_least_squares;
  options.auto_tolerance = true;
  options.optimizer.max_iterations = 60;
  const TrainingResult whole = train(problem.objective, problem.start, options);
  CHECK(whole.reason == StopReason::max_iterations);
  CHECK(whole.state.history.iteration.back() == 60);
  CHECK(whole.state.history.optimizer.front() == static_cast<long>(OptimizerKind::lbfgs));
  CHECK(whole.state.history.optimizer.back() == static_cast<long>(OptimizerKind::least_squares));
  check_books(whole.state);
}

// --- snapshots ----------------------------------------------------------------------------------

TEST_CASE("a long run keeps some 30 snapshots, spaced logarithmically") {
  const Dynamics dynamics(oracle::harmonic());
  const Objective objective(dynamics, Loss::periodic, normal_states(2, 1, 5), 1.0);
  TrainingOptions options = with(1e-3);
  options.kind = OptimizerKind::adam;
  options.optimizer.learning_rate = 1e-4;
  options.optimizer.max_iterations = 3000;
  const TrainingState state = train(objective, one(3), options).state;
  check_snapshots(state);
  const std::vector<long>& at = state.snapshots.iteration;
  CHECK(at.size() >= 15);
  for (std::size_t i = 1; i < at.size(); ++i) {
    // A ratio of 1.25, squared by each thinning of the early ones.
    if (at[i - 1] >= 8) CHECK(static_cast<double>(at[i]) <= 2.5 * static_cast<double>(at[i - 1]));
  }
}

// --- verification -------------------------------------------------------------------------------

TEST_CASE("verify_loss recomputes the loss by the other method, and knows its own error") {
  // Only Newton's iteration asks for the slope of the force.
  long slopes = 0;
  const Dynamics dynamics(make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [&](double, const auto& k) {
        ++slopes;
        return -k[0];
      },
      [](double x, const auto&) { return std::array{-x}; }));
  const Objective objective(dynamics, Loss::periodic, normal_states(2, 10, 6), two_pi);
  const States& y = objective.ensemble().initial_states;
  for (const Method method : {Method::adams, Method::bdf}) {
    IntegratorOptions integrator;
    integrator.method = method;
    integrator.rtol = integrator.atol = 1e-4;
    for (const double k : {1.0, 1 + 1e-4, 1.3}) {
      slopes = 0;
      const VerifiedLoss verified = verify_loss(objective, trained(one(k), integrator));
      CHECK((slopes > 0) == (method == Method::adams));
      // Final states err by steps x 1e-13, at most some 1e-9; the loss is their square.
      const double state_error = 1e-9;
      const double exact = oracle::harmonic_periodic_loss(k, two_pi, y);
      const double permitted = state_error * (2 * std::sqrt(exact) + state_error);
      CHECK(std::abs(verified.loss - exact) <= permitted);
      CHECK(verified.error <= permitted);
      CHECK(verified.loss == objective.trajectory_loss(verified.states));
    }
  }
}

TEST_CASE("validate_loss sums up unseen states as a plain loop does") {
  const Index n = 200;
  const std::uint64_t seed = 77;
  const double k = 1.3;
  const Objective objective(Dynamics(oracle::harmonic()), Loss::periodic, normal_states(2, 10, 6),
                            two_pi);
  const double radius = objective.ensemble().initial_states.colwise().norm().maxCoeff();
  const States fresh = normal_states(2, n, seed);
  std::vector<double> all, inside;
  for (Index i = 0; i < n; ++i) {
    all.push_back(oracle::harmonic_periodic_loss(k, two_pi, fresh.col(i)));
    if (fresh.col(i).norm() <= radius) inside.push_back(all.back());
  }
  const auto mean = [](const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += value;
    return sum / static_cast<double>(x.size());
  };
  const ValidationLoss at = validate_loss(objective, trained(one(k)), n, seed);
  CHECK(at.mean == doctest::Approx(mean(all)).epsilon(1e-6));
  CHECK(at.inside == doctest::Approx(mean(inside)).epsilon(1e-6));
  std::sort(all.begin(), all.end());
  CHECK(at.median >= all[n / 2 - 1] * (1 - 1e-6));
  CHECK(at.median <= all[n / 2] * (1 + 1e-6));
  REQUIRE(inside.size() < all.size());

  const ValidationLoss exact = validate_loss(objective, trained(one(1)), n, seed);
  CHECK(exact.mean <= 1e-14);  // (steps x 1e-10)^2
}

// --- force data and prescribed periods ----------------------------------------------------------

namespace {

/// max |f - target| on [low, high].
template <class Target>
double largest_deviation(const ForceField& field, ConstVectorRef theta, double low, double high,
                         const Target& target) {
  double largest = 0;
  for (const double x : Vector::LinSpaced(401, low, high)) {
    largest = std::max(largest, std::abs(field.force(theta, x) - target(x)));
  }
  return largest;
}

constexpr OptimizerKind all_optimizers[] = {OptimizerKind::lbfgs, OptimizerKind::least_squares,
                                            OptimizerKind::lbfgs_least_squares,
                                            OptimizerKind::adam};

}  // namespace

TEST_CASE("every optimizer sees the trajectories and the force data as one loss") {
  // T = 2 pi asks for k = 1, the force data for k = 1.1; the minimum of the sum is found by search.
  Stiffness problem;
  const ForceData held{Eigen::Vector2d(-1, 2), Eigen::Vector2d(1.1, -2.2), 0.5};
  problem.objective = problem.objective.with(held);
  const States& y = problem.objective.ensemble().initial_states;
  const auto total = [&](double k) {
    return oracle::harmonic_periodic_loss(k, two_pi, y) +
           held.residuals(problem.dynamics.field(), one(k)).squaredNorm();
  };
  double low = 1, high = 1.1;
  for (int i = 0; i < 100; ++i) {  // the sum is unimodal between the two
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (total(a) < total(b) ? high : low) = total(a) < total(b) ? b : a;
  }
  REQUIRE(low > 1.0001);
  REQUIRE(low < 1.0999);
  for (const OptimizerKind kind : all_optimizers) {
    CAPTURE(name(kind));
    TrainingOptions options = with(1e-10);
    options.kind = kind;
    options.optimizer.max_iterations = kind == OptimizerKind::adam ? 400 : 100;
    const TrainingResult result = train(problem.objective, one(1.05), options);
    const double k = result.state.theta[0];
    CHECK(result.state.loss == doctest::Approx(total(k)).epsilon(1e-6));
    CHECK(k == doctest::Approx(low).epsilon(kind == OptimizerKind::adam ? 1e-3 : 1e-6));
    const VerifiedLoss verified = verify_loss(problem.objective, result);
    CHECK(verified.loss == doctest::Approx(total(k)).epsilon(1e-9));
    CHECK(verified.of_trajectories ==
          doctest::Approx(oracle::harmonic_periodic_loss(k, two_pi, y)).epsilon(1e-9));
  }
}

TEST_CASE("force data alone are fitted without a trajectory") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Dynamics dynamics(mlp);
  Objective objective(dynamics, Loss::none, normal_states(2, 5, 1), two_pi);
  CHECK(mentions(message_of<InputError>(
                     [&] { static_cast<void>(train(objective, mlp->initial_parameters(1))); }),
                 "force data"));
  ForceData held{Vector::LinSpaced(30, -1.5, 1), Vector(), 2};
  held.force = -held.position.array().sin();
  objective = objective.with(held);
  for (const OptimizerKind kind : all_optimizers) {
    CAPTURE(name(kind));
    TrainingOptions options = unlimited_training();
    options.auto_tolerance = true;
    options.kind = kind;
    options.optimizer.max_iterations = 200;
    const TrainingResult result = train(objective, mlp->initial_parameters(1), options);
    const TrainingState& state = result.state;
    CHECK(state.forward.steps + state.backward.steps == 0);
    CHECK(state.loss ==
          doctest::Approx(held.residuals(*mlp, state.theta).squaredNorm()).epsilon(1e-12));
    const VerifiedLoss verified = verify_loss(objective, result);
    CHECK(verified.loss == doctest::Approx(state.loss).epsilon(1e-12));
    CHECK(verified.error == 0);
    CHECK(verified.of_trajectories > 0.01);
    if (fits_residuals(kind)) CHECK(held.misfit(*mlp, state.theta) <= 1e-5);
  }
}

TEST_CASE("an odd network finds the pendulum from its periods, by amplitude and by energy") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1}, Symmetry::odd);
  const Dynamics dynamics(mlp);
  struct Case {
    PeriodBy by;
    double high;
    double amplitude;  // of the orbit at `high`
  };
  for (const Case& c : {Case{PeriodBy::amplitude, 2.5, 2.5}, Case{PeriodBy::energy, 1, pi / 2}}) {
    CAPTURE(name(c.by));
    const PeriodLaw law =
        period_law(make_well("pendulum"), c.by, law_arguments(c.by, 0, c.high, 12));
    const Objective objective(dynamics, law.orbits(), Loss::prescribed_half_period);
    TrainingOptions options = unlimited_training();
    options.auto_tolerance = true;
    options.kind = OptimizerKind::lbfgs_least_squares;
    options.optimizer.loss_tolerance = 1e-15;
    const TrainingResult result = train(objective, mlp->initial_parameters(0), options);
    CHECK(result.reason == StopReason::loss_tolerance);
    const double deviation = largest_deviation(*mlp, result.state.theta, -c.amplitude, c.amplitude,
                                               [](double x) { return -std::sin(x); });
    MESSAGE("by ", std::string(name(c.by)), ": max |f + sin x| = ", deviation,
            " up to the amplitude ", c.amplitude);
    CHECK(deviation <= 1e-6);
    // Periods longer by a thousandth are those of another force.
    const Objective slower(dynamics, PeriodLaw{c.by, law.argument, 1.001 * law.period}.orbits());
    const auto loss = [&](const Objective& asked) { return verify_loss(asked, result).loss; };
    CHECK(loss(Objective(dynamics, law.orbits())) <= 1e-12);
    CHECK(loss(slower) > 1e-7);
    CHECK(mentions(
        message_of<InputError>([&] { static_cast<void>(validate_loss(objective, result, 10, 1)); }),
        "prescribed-half-period"));
  }
}

TEST_CASE("rest fulfils prescribed periods of orbits that start at rest, but not half of them") {
  const auto by = PeriodBy::amplitude;
  const PeriodLaw law = period_law(make_well("pendulum"), by, law_arguments(by, 0, 2, 5));
  const Dynamics dynamics(oracle::harmonic());
  const double amplitudes = law.argument.squaredNorm() / 5;
  const auto loss = [&](Loss kind) {
    return verify_loss(Objective(dynamics, law.orbits(), kind), trained(one(0))).loss;
  };
  CHECK(loss(Loss::prescribed_period) == 0);
  CHECK(loss(Loss::prescribed_half_period) == doctest::Approx(4 * amplitudes).epsilon(1e-13));
}

// --- losses of the user's and observed states ----------------------------------------------------

namespace {

/// The periodic loss of some states, as a user would write it.
TrajectoryResiduals periodic_residuals(const States& y, double slope = 1) {
  const double scale = 1 / std::sqrt(static_cast<double>(y.cols()));
  return {2, [=](Index i, ConstStatesRef end, VectorRef r, Eigen::Ref<Eigen::MatrixXd> by_state) {
            r = scale * (end - y.col(i));
            by_state.setIdentity();
            by_state *= slope * scale;
          }};
}

TrajectoryLoss periodic_share(const States& y) {
  return [=](Index i, ConstStatesRef end, StatesRef cotangents) {
    const double n = static_cast<double>(y.cols());
    cotangents = 2 / n * (end - y.col(i));
    return (end - y.col(i)).squaredNorm() / n;
  };
}

}  // namespace

TEST_CASE("a loss of the user's is minimised, verified and continued like the others") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Dynamics dynamics(mlp);
  const States y = normal_states(2, 30, 2);
  const Objective built_in(dynamics, Loss::periodic, y, two_pi);
  const Vector start = mlp->initial_parameters(1);
  TrainingOptions options = unlimited_training();
  options.optimizer.loss_tolerance = 1e-12;
  const TrainingResult expected = train(built_in, start, options);
  REQUIRE(expected.reason == StopReason::loss_tolerance);
  const Objective own(dynamics, Ensemble(y, two_pi), periodic_residuals(y));
  options.optimizer.max_iterations = 5;
  const TrainingResult first = train(own, start, options);
  options.optimizer.max_iterations = -1;
  const TrainingResult result = train(own, first.state, options);
  CHECK(result.reason == StopReason::loss_tolerance);
  check_books(result.state);
  const VerifiedLoss verified = verify_loss(own, result);
  CHECK(verified.loss == doctest::Approx(result.state.loss).epsilon(0.05));
  CHECK(verify_loss(built_in, result).loss == doctest::Approx(verified.loss).epsilon(1e-6));
  CHECK(integration_floor(own, result) ==
        doctest::Approx(integration_floor(built_in, result)).epsilon(1e-6));
  CHECK(mentions(
      message_of<InputError>([&] { static_cast<void>(validate_loss(own, result, 10, 1)); }),
      "own"));
}

TEST_CASE(
    "a loss that is a number for each trajectory is for l-bfgs and adam, at a fixed tolerance") {
  const Stiffness problem;
  const States& y = problem.objective.ensemble().initial_states;
  const Objective own(problem.dynamics, Ensemble(y, two_pi), periodic_share(y));
  const auto complaint = [&](const TrainingOptions& options) {
    return message_of<InputError>([&] { static_cast<void>(train(own, one(0.8), options)); });
  };
  CHECK(mentions(complaint({}), "lbfgs+least-squares"));
  TrainingOptions options = unlimited_training();
  options.kind = OptimizerKind::lbfgs;
  options.auto_tolerance = true;
  CHECK(mentions(complaint(options), "tolerance"));
  options.auto_tolerance = false;
  options.optimizer.loss_tolerance = 1e-10;
  const TrainingResult result = train(own, one(0.8), options);
  CHECK(result.reason == StopReason::loss_tolerance);
  CHECK(verify_loss(own, result).loss == doctest::Approx(result.state.loss).epsilon(1e-2));
  CHECK(train(problem.objective, one(0.8), options).state.theta == result.state.theta);
}

TEST_CASE("a user's loss with a wrong derivative is refused before anything is trained") {
  const Stiffness problem;
  const States& y = problem.objective.ensemble().initial_states;
  const Objective wrong(problem.dynamics, Ensemble(y, two_pi), periodic_residuals(y, 1.0001));
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(train(wrong, one(0.8))); }),
                 "wrong derivative"));
}

TEST_CASE("observed at several times, the discrete gradient finds the force") {
  const Dynamics dynamics(oracle::harmonic());
  const Index n = 5, k = 7;
  const Eigen::MatrixXd times = Vector::LinSpaced(k, 0.5, 4) * Eigen::RowVectorXd::Ones(n);
  const Ensemble ensemble = Ensemble::observed_at(normal_states(2, n, 8), times);
  Observations observed{States(2, n * k), {}};
  for (Index i = 0; i < n * k; ++i) {
    observed.value.col(i) =
        oracle::harmonic_flow(1.3, times(i % k, i / k)) * ensemble.initial_states.col(i / k);
  }
  TrainingOptions options = with(1e-10);
  options.sensitivity.gradient = GradientMethod::discrete;
  options.sensitivity.integrator.method = Method::rkn8;
  options.optimizer.loss_tolerance = 1e-18;
  const Objective objective(dynamics, ensemble, observed);
  const TrainingResult result = train(objective, one(1), options);
  CHECK(result.reason == StopReason::loss_tolerance);
  CHECK(result.state.theta[0] == doctest::Approx(1.3).epsilon(1e-8));
  CHECK(verify_loss(objective, result).loss <= 1e-17);
}

TEST_CASE("l-bfgs that converges by itself hands over, too, at a loose tolerance") {
  // One parameter: the loss falls to rounding errors within ten iterations.
  const Stiffness problem;
  const TrainingResult result = train(problem.objective, one(0.9));
  CHECK(std::abs(result.state.theta[0] - 1) <= 1e-12);
  CHECK(verify_loss(problem.objective, result).loss <= 1e-24);
}

TEST_CASE("the defaults are the best way, also when a single field is set") {
  const Stiffness problem;
  TrainingOptions options;
  CHECK(options.tolerance_follows());
  options.optimizer.loss_tolerance = 1e-16;
  CHECK(options.tolerance_follows());
  const TrainingResult result = train(problem.objective, one(0.8), options);
  CHECK(result.reason == StopReason::loss_tolerance);
  CHECK(result.integrator.method != Method::adams);  // least squares have taken part
  options.sensitivity.integrator.rtol = 1e-8;        // is kept
  CHECK_FALSE(options.tolerance_follows());
  options.auto_tolerance = true;
  CHECK(options.tolerance_follows());
  TrainingOptions descent;
  descent.kind = OptimizerKind::lbfgs;
  CHECK_FALSE(descent.tolerance_follows());
}

}  // namespace test_training
