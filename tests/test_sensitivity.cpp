#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/objective.hpp"
#include "isochron/sensitivity.hpp"
#include "oracles.hpp"

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using oracle::permitted_error;
using oracle::relative_error;
using oracle::two_pi;

namespace {

constexpr Method methods[] = {Method::adams, Method::bdf};

SensitivityOptions with(double tolerance, Method method = Method::adams,
                        Interpolation interpolation = Interpolation::polynomial) {
  SensitivityOptions options;
  options.integrator.method = method;
  options.integrator.rtol = options.integrator.atol = tolerance;
  options.interpolation = interpolation;
  return options;
}

/// A loss with a cotangent of its own for every trajectory: sum_i w_i . y_i(T).
FinalLoss weighted_sum(const States& weights) {
  return [&weights](Index first, ConstStatesRef y, StatesRef cotangents) {
    cotangents = weights.middleCols(first, y.cols());
    return y.cwiseProduct(cotangents).sum();
  };
}

/// sum_i ||y_i(T)||^4/4: not quadratic in the final states.
double quartic(Index, ConstStatesRef y, StatesRef cotangents) {
  const Eigen::RowVectorXd square = y.colwise().squaredNorm();
  cotangents = y.array().rowwise() * square.array();
  return square.squaredNorm() / 4;
}

LossGradient gradient(const Dynamics& dynamics, const Vector& theta, const Ensemble& ensemble,
                      const FinalLoss& loss, const SensitivityOptions& options) {
  return Sensitivity(dynamics, options).gradient(theta, ensemble, loss);
}

/// A random start of the note's problem: a network, N(0, I) states, the periodic loss over T.
struct Start {
  Start(std::vector<Index> layers, Index trajectories, std::uint64_t seed = 0,
        Motion motion = Motion::newtonian, Symmetry symmetry = Symmetry::none,
        double period = two_pi)
      : mlp(std::make_shared<Mlp>(std::move(layers), symmetry)),
        dynamics(mlp, motion),
        theta(mlp->initial_parameters(seed)),
        objective(Loss::periodic,
                  normal_states(dynamics.state_dimension(), trajectories, seed + 1000), period) {}

  [[nodiscard]] LossGradient gradient(const SensitivityOptions& options) const {
    return ::gradient(dynamics, theta, objective.ensemble(), objective.final_loss(), options);
  }
  [[nodiscard]] double loss(Sensitivity& at, const Vector& parameters) const {
    return at.loss(parameters, objective.ensemble(), objective.final_loss()).loss;
  }

  std::shared_ptr<Mlp> mlp;
  Dynamics dynamics;
  Vector theta;
  Objective objective;
};

bool identical(const LossGradient& a, const LossGradient& b) {
  return a.loss == b.loss && a.gradient == b.gradient && a.final_states == b.final_states &&
         a.initial_cotangents == b.initial_cotangents && a.forward.steps == b.forward.steps &&
         a.backward.steps == b.backward.steps &&
         a.backward.right_hand_sides == b.backward.right_hand_sides;
}

/// Steps times tolerance, relative: what errors that only add up can reach.
double permitted_relative(const SensitivityOptions& options, const LossGradient& result) {
  const double steps = static_cast<double>(result.forward.steps + result.backward.steps);
  return 10 * steps * options.integrator.rtol;
}

}  // namespace

// --- closed forms -------------------------------------------------------------------------------

TEST_CASE("the harmonic oscillator's periodic loss and its slope in the stiffness") {
  const States y = normal_states(2, 20, 1);
  const double period = 5;
  const Objective objective(Loss::periodic, y, period);
  for (const double k : {0.6, 1.0, 2.9}) {
    for (const Method method : methods) {
      const SensitivityOptions options = with(1e-9, method);
      const LossGradient result = gradient(Dynamics(oracle::harmonic()), Vector::Constant(1, k),
                                           objective.ensemble(), objective.final_loss(), options);
      const double permitted = permitted_relative(options, result);
      const double loss = oracle::harmonic_periodic_loss(k, period, y);
      const double slope = oracle::harmonic_periodic_slope(k, period, y);
      CHECK(std::abs(result.loss - loss) <= permitted * loss);
      CHECK(std::abs(result.gradient[0] - slope) <= permitted * std::abs(slope));
    }
  }
}

TEST_CASE("linear systems: the derivative of the matrix exponential, unequal end times") {
  const Index n = 9;
  const Eigen::MatrixXd a1 = Eigen::MatrixXd::Constant(1, 1, -0.8);
  const Eigen::MatrixXd a2{{-0.4, 1.1}, {-1.3, -0.2}};
  for (const Method method : methods) {
    for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
      for (const Eigen::MatrixXd& a : {a1, a2}) {
        const Dynamics dynamics(oracle::linear(a.rows()), motion);
        const Index rows = dynamics.state_dimension();
        const Ensemble ensemble(normal_states(rows, n, 2), oracle::unequal_times(n));
        const States weights = normal_states(rows, n, 3);
        const Vector theta = oracle::row_by_row(a);
        const SensitivityOptions options = with(1e-9, method);
        const LossGradient result =
            gradient(dynamics, theta, ensemble, weighted_sum(weights), options);

        Vector exact = Vector::Zero(theta.size());
        States initial(rows, n);
        for (Index i = 0; i < n; ++i) {
          const double t = ensemble.end_times[i];
          initial.col(i) = oracle::linear_flow(a, motion, t).transpose() * weights.col(i);
          for (Index p = 0; p < theta.size(); ++p) {
            Eigen::MatrixXd direction = Eigen::MatrixXd::Zero(a.rows(), a.cols());
            direction(p / a.cols(), p % a.cols()) = 1;
            exact[p] += weights.col(i).dot(oracle::linear_flow_slope(a, direction, motion, t) *
                                           ensemble.initial_states.col(i));
          }
        }
        const double permitted = permitted_relative(options, result);
        CHECK(relative_error(result.gradient, exact) <= permitted);
        CHECK((result.initial_cotangents - initial).norm() <= permitted * initial.norm());
      }
    }
  }
}

TEST_CASE("a stiff field has its gradient too, with bdf") {
  const double fast = 1e6, slow = 1.3, t = 2;
  const States weights{{0.7}, {-1.9}};
  const SensitivityOptions options = with(1e-8, Method::bdf);
  const LossGradient result =
      gradient(Dynamics(oracle::stiff(), Motion::first_order), Vector{{fast, slow}},
               Ensemble(States::Ones(2, 1), t), weighted_sum(weights), options);
  const Vector exact = oracle::stiff_slope(fast, slow, t, 1).transpose() * weights;
  const double permitted = permitted_relative(options, result) * exact.norm();
  CHECK((result.gradient - exact).norm() <= permitted);
  CHECK(result.forward.steps + result.backward.steps < 20000);  // explicit methods: millions
  CHECK(result.backward.jacobians > 0);
}

TEST_CASE("the parameter integral has its own place in the error test") {
  // f = -x + a sin(50 x) at a = 0: smooth motion, a wild integrand lambda_v sin(50 x).
  const Dynamics dynamics(make_force(
      1, [](double x, const auto& a) { return -x + a[0] * std::sin(50 * x); },
      [](double x, const auto& a) { return -1 + 50 * a[0] * std::cos(50 * x); },
      [](double x, const auto&) { return std::array{std::sin(50 * x)}; }));
  const States start{{1.0}, {0.4}}, weights{{0.8}, {-0.3}};
  const double end = 3;
  const auto integrand = [&](double t) {
    const States y = oracle::harmonic_flow(1, t) * start;
    const States lambda = oracle::harmonic_flow(1, end - t).transpose() * weights;
    return lambda(1) * std::sin(50 * y(0));
  };
  const double exact =
      boost::math::quadrature::gauss_kronrod<double, 61>::integrate(integrand, 0.0, end, 15, 1e-13);
  for (const double rtol : {1e-6, 1e-9}) {
    const LossGradient result = gradient(dynamics, Vector::Zero(1), Ensemble(start, end),
                                         weighted_sum(weights), with(rtol));
    CHECK(std::abs(result.gradient[0] - exact) <=
          3 * rtol * static_cast<double>(result.backward.steps));
  }
}

// --- differences --------------------------------------------------------------------------------

TEST_CASE("gradients of networks agree with fourth-order differences of the loss") {
  const Start starts[] = {
      {{1, 16, 16, 1}, 8, 0},
      {{1, 16, 16, 1}, 8, 1, Motion::newtonian, Symmetry::odd},
      {{2, 8, 8, 2}, 8, 2, Motion::newtonian, Symmetry::none, 3},
      {{2, 8, 8, 2}, 8, 3, Motion::first_order, Symmetry::none, 3},
      {{3, 7, 3}, 5, 4, Motion::first_order, Symmetry::odd, 2},
  };
  // Differences of losses exact to about 100 rtol = 1e-11, over h: 5e-9, and h^4 f^(5)/30.
  constexpr double step = 2e-3;
  constexpr double tolerance = 1e-8;
  for (const Start& start : starts) {
    const Vector adjoint = start.gradient(with(1e-12)).gradient;
    Sensitivity exact(start.dynamics, with(1e-13));
    const auto slope_along = [&](const Vector& direction) {
      return oracle::slope_at_zero(
          [&](double h) { return start.loss(exact, start.theta + h * direction); }, step);
    };
    Random random(5);
    for (int trial = 0; trial < 4; ++trial) {
      Vector direction(start.theta.size());
      for (double& x : direction) x = random.normal();
      direction.normalize();
      CHECK(std::abs(slope_along(direction) - adjoint.dot(direction)) <=
            tolerance * (1 + adjoint.norm()));
    }
    for (int trial = 0; trial < 12; ++trial) {
      const auto p = static_cast<Index>(random.uniform() * double(start.theta.size()));
      const Vector unit = Vector::Unit(start.theta.size(), p);
      CHECK(std::abs(slope_along(unit) - adjoint[p]) <= tolerance * (1 + adjoint.norm()));
    }
  }
}

TEST_CASE("initial cotangents are the derivative with respect to the initial states") {
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Start start({2, 8, 8, 2}, 6, 7, motion);
    const Ensemble ensemble(start.objective.ensemble().initial_states,
                            oracle::unequal_times(start.objective.ensemble().size()));
    const States adjoint =
        gradient(start.dynamics, start.theta, ensemble, quartic, with(1e-12)).initial_cotangents;
    Sensitivity exact(start.dynamics, with(1e-13));
    const States direction = normal_states(adjoint.rows(), adjoint.cols(), 8).normalized();
    const double slope = oracle::slope_at_zero(
        [&](double h) {
          const Ensemble moved(States(ensemble.initial_states + h * direction), ensemble.end_times);
          return exact.loss(start.theta, moved, quartic).loss;
        },
        1e-3);
    CHECK(std::abs(slope - adjoint.cwiseProduct(direction).sum()) <= 1e-8 * adjoint.norm());
  }
}

TEST_CASE("the Taylor remainder is of second order") {
  for (const Method method : methods) {
    const Start start({1, 16, 16, 1}, 16, 9);
    const LossGradient at = start.gradient(with(1e-12, method));
    Sensitivity sensitivity(start.dynamics, with(1e-12, method));
    Random random(10);
    Vector direction(start.theta.size());
    for (double& x : direction) x = random.normal();
    direction.normalize();
    const double slope = at.gradient.dot(direction);
    std::vector<double> steps, remainders;
    for (double h = 1e-2; h > 5e-5; h /= 2) {
      steps.push_back(h);
      remainders.push_back(
          std::abs(start.loss(sensitivity, start.theta + h * direction) - at.loss - h * slope));
    }
    CHECK(oracle::log_log_slope(steps, remainders) == doctest::Approx(2).epsilon(0.02));
  }
}

TEST_CASE("at a random start the gradient's error is proportional to rtol") {
  std::vector<double> tolerances;
  for (double rtol = 1e-5; rtol > 5e-12; rtol /= 10) tolerances.push_back(rtol);
  const int seeds = 5;
  std::vector<double> error(tolerances.size(), 1);  // geometric mean over the seeds
  for (int seed = 0; seed < seeds; ++seed) {
    const Start start({1, 16, 16, 1}, 100, static_cast<std::uint64_t>(seed));
    const Vector reference = start.gradient(with(1e-13)).gradient;
    for (std::size_t i = 0; i < tolerances.size(); ++i) {
      const Vector at = start.gradient(with(tolerances[i])).gradient;
      error[i] *= std::pow(relative_error(at, reference), 1.0 / seeds);
    }
  }
  const double slope = oracle::log_log_slope(tolerances, error);
  CAPTURE(slope);
  CHECK(slope >= 0.8);
  CHECK(slope <= 1.2);
}

// --- methods agree ------------------------------------------------------------------------------

TEST_CASE("bdf, hermite and any block size give the same gradient") {
  const Start start({1, 16, 16, 1}, 40, 11);
  const LossGradient reference = start.gradient(with(1e-12));
  const auto deviation = [&](const SensitivityOptions& options) {
    return relative_error(start.gradient(options).gradient, reference.gradient);
  };
  const SensitivityOptions bdf = with(1e-10, Method::bdf);
  CHECK(deviation(bdf) <= permitted_relative(bdf, start.gradient(bdf)));
  CHECK(deviation(with(1e-10, Method::adams, Interpolation::hermite)) <= 1e-8);
  CHECK(deviation(with(1e-10, Method::bdf, Interpolation::hermite)) <=
        permitted_relative(bdf, start.gradient(bdf)));
  for (const Index block : {1, 7, 16, 40}) {
    SensitivityOptions options = with(1e-10);
    options.integrator.block_size = block;
    const LossGradient result = start.gradient(options);
    CHECK(relative_error(result.gradient, reference.gradient) <=
          permitted_relative(options, result));
  }
}

TEST_CASE("solutions of more steps than are kept between checkpoints") {
  const double k = 1.2, period = 600;
  const States y = normal_states(2, 2, 12);
  const Objective objective(Loss::periodic, y, period);
  for (const Method method : methods) {
    const SensitivityOptions options = with(method == Method::adams ? 1e-10 : 1e-6, method);
    const LossGradient result = gradient(Dynamics(oracle::harmonic()), Vector::Constant(1, k),
                                         objective.ensemble(), objective.final_loss(), options);
    REQUIRE(result.forward.steps > 4000);
    const double slope = oracle::harmonic_periodic_slope(k, period, y);
    CHECK(std::abs(result.gradient[0] - slope) <=
          permitted_relative(options, result) * std::abs(slope));
  }
}

// --- the size of the cotangent ------------------------------------------------------------------

TEST_CASE("a zero cotangent gives a gradient of exactly zero, without a backward solve") {
  const Start start({1, 16, 1}, 20, 13);
  SensitivityOptions options = with(1e-8);
  options.integrator.block_size = 8;
  const FinalLoss nothing = [](Index, ConstStatesRef, StatesRef cotangents) {
    cotangents.setZero();
    return 0.25;
  };
  const LossGradient zero =
      gradient(start.dynamics, start.theta, start.objective.ensemble(), nothing, options);
  CHECK(zero.loss == 0.75);
  CHECK((zero.gradient.array() == 0).all());
  CHECK((zero.initial_cotangents.array() == 0).all());
  CHECK(zero.forward.steps > 0);
  CHECK(zero.backward.steps == 0);

  // Only the last block's cotangents are zero: the rest is as if it were not there.
  const States weights = normal_states(2, 20, 14);
  States cut = weights;
  cut.rightCols(4).setZero();
  const Ensemble& all = start.objective.ensemble();
  const Ensemble head(States(all.initial_states.leftCols(16)), Vector(all.end_times.head(16)));
  const LossGradient with_rest =
      gradient(start.dynamics, start.theta, all, weighted_sum(cut), options);
  const LossGradient without =
      gradient(start.dynamics, start.theta, head, weighted_sum(weights), options);
  CHECK(with_rest.gradient == without.gradient);
}

TEST_CASE("the gradient is linear in the cotangent, however small") {
  const Start start({1, 16, 16, 1}, 30, 15);
  const States weights = normal_states(2, 30, 16);
  for (const Method method : methods) {
    const SensitivityOptions options = with(1e-9, method);
    const auto at = [&](double scale) {
      const States scaled = scale * weights;
      return Vector(gradient(start.dynamics, start.theta, start.objective.ensemble(),
                             weighted_sum(scaled), options)
                        .gradient /
                    scale);
    };
    const Vector plain = at(1);
    CHECK(at(std::ldexp(1, -40)) == plain);  // powers of two change no digit
    for (const double scale : {1e-12, 1e-100, 1e6}) {
      CHECK(relative_error(at(scale), plain) <= options.integrator.rtol);
    }
  }
}

// --- one path, and always the same --------------------------------------------------------------

TEST_CASE("the loss alone is the loss of the gradient to the last bit") {
  const Start start({1, 16, 16, 1}, 50, 17);
  for (const Method method : methods) {
    Sensitivity sensitivity(start.dynamics, with(1e-9, method));
    const Ensemble& ensemble = start.objective.ensemble();
    const FinalLoss loss = start.objective.final_loss();
    const LossGradient alone = sensitivity.loss(start.theta, ensemble, loss);
    const LossGradient both = sensitivity.gradient(start.theta, ensemble, loss);
    CHECK(alone.loss == both.loss);
    CHECK(alone.final_states == both.final_states);
    CHECK(alone.forward.steps == both.forward.steps);
    CHECK(alone.gradient.size() == 0);
    CHECK(alone.initial_cotangents.size() == 0);
    CHECK(alone.backward.steps == 0);
    CHECK(both.loss ==
          doctest::Approx(Objective::mean_square(start.objective.residuals(both.final_states))));
  }
}

TEST_CASE("gradients are bit-identical for 1, 2 and 7 threads") {
  const Index n = 131;  // 17 blocks of 8, the last of 3
  const Start start({1, 16, 1}, n, 18);
  const Ensemble ensemble(start.objective.ensemble().initial_states, oracle::unequal_times(n));
  for (const Method method : methods) {
    SensitivityOptions options = with(1e-8, method);
    options.integrator.block_size = 8;
    const LossGradient single = gradient(start.dynamics, start.theta, ensemble, quartic, options);
    for (const int threads : {2, 7}) {
      options.integrator.threads = threads;
      CHECK(identical(gradient(start.dynamics, start.theta, ensemble, quartic, options), single));
    }
  }
}

TEST_CASE("one trajectory alone, and blocks that are not full") {
  for (const Index n : {1, 2, 9}) {
    const States y = normal_states(2, n, 19);
    const Objective objective(Loss::periodic, y, 5);
    const SensitivityOptions options = with(1e-9);
    const LossGradient result = gradient(Dynamics(oracle::harmonic()), Vector::Constant(1, 2),
                                         objective.ensemble(), objective.final_loss(), options);
    const double slope = oracle::harmonic_periodic_slope(2, 5, y);
    CHECK(std::abs(result.gradient[0] - slope) <=
          permitted_relative(options, result) * std::abs(slope));
  }
}

TEST_CASE("used again, after other problems and after failures, it is as good as new") {
  const Dynamics dynamics(oracle::explosion());
  const Index n = 20;
  const Ensemble gentle(States(0.3 * normal_states(2, n, 20)), 1.5);
  States wild = gentle.initial_states;
  wild.col(13) = oracle::explosion_start(0.5);
  const Ensemble few(States(gentle.initial_states.leftCols(5)), 3.0);
  const FinalLoss broken = [](Index, ConstStatesRef, StatesRef) -> double {
    throw std::logic_error("no loss today");
  };
  const Vector theta = Vector::Ones(1);
  for (const Method method : methods) {
    for (const int threads : {1, 2}) {
      SensitivityOptions options = with(1e-8, method);
      options.integrator.block_size = 8;
      options.integrator.threads = threads;
      options.integrator.max_steps = 5000;  // near the explosion steps shrink for ever
      Sensitivity sensitivity(dynamics, options);
      const auto again = [&] { return sensitivity.gradient(theta, gentle, quartic); };
      const LossGradient fresh = gradient(dynamics, theta, gentle, quartic, options);
      CHECK(identical(again(), fresh));
      CHECK(identical(again(), fresh));
      CHECK_THROWS_AS(sensitivity.gradient(theta, Ensemble(wild, 1.5), quartic), NumericalError);
      CHECK(identical(again(), fresh));
      CHECK(message_of<std::logic_error>([&] {
              static_cast<void>(sensitivity.gradient(theta, gentle, broken));
            }) == "no loss today");
      CHECK(identical(again(), fresh));
      CHECK(identical(sensitivity.gradient(theta, few, quartic),
                      gradient(dynamics, theta, few, quartic, options)));
      CHECK(identical(again(), fresh));
      sensitivity.limit_steps(3);
      CHECK_THROWS_AS(again(), NumericalError);
      sensitivity.limit_steps(options.integrator.max_steps);
      CHECK(identical(again(), fresh));
    }
  }
}

TEST_CASE("a field without parameters has an empty gradient, and initial cotangents") {
  const Dynamics dynamics(make_force(
      0, [](double x, const auto&) { return -x; }, [](double, const auto&) { return -1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const Ensemble ensemble(normal_states(2, 9, 24), 2.0);
  const States weights = normal_states(2, 9, 25);
  for (const Method method : methods) {
    const SensitivityOptions options = with(1e-9, method);
    const LossGradient result =
        gradient(dynamics, Vector(), ensemble, weighted_sum(weights), options);
    CHECK(result.gradient.size() == 0);
    const States exact = oracle::harmonic_flow(1, 2).transpose() * weights;
    CHECK((result.initial_cotangents - exact).norm() <=
          permitted_relative(options, result) * exact.norm());
  }
}

// --- what can go wrong --------------------------------------------------------------------------

TEST_CASE("failures going backward are reported like those going forward") {
  // The force is sound, its derivative is not.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Dynamics dynamics(make_force(
      0, [](double x, const auto&) { return -x; }, [nan](double, const auto&) { return nan; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const Vector none;
  const Ensemble ensemble(States::Ones(2, 3), 1.0);
  const std::string text = message_of<NumericalError>(
      [&] { static_cast<void>(gradient(dynamics, none, ensemble, quartic, with(1e-8))); });
  CAPTURE(text);
  CHECK(mentions(text, "backward"));
  CHECK(mentions(text, "t = "));
  CHECK(mentions(text, "adams"));
}

TEST_CASE("cotangents that are not finite are a numerical failure") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Start start({1, 4, 1}, 4, 21);
  const FinalLoss bad = [nan](Index, ConstStatesRef, StatesRef cotangents) {
    cotangents.setConstant(nan);
    return 0.0;
  };
  CHECK_THROWS_AS(gradient(start.dynamics, start.theta, start.objective.ensemble(), bad, {}),
                  NumericalError);
}

TEST_CASE("a request to stop is heard in the backward problem as well") {
  const Start start({1, 8, 1}, 4, 22);
  for (const Method method : methods) {
    SensitivityOptions options = with(1e-9, method);
    bool backward = false;
    options.integrator.stop_requested = [&] { return backward; };
    const FinalLoss turn = [&](Index first, ConstStatesRef y, StatesRef cotangents) {
      backward = true;
      return quartic(first, y, cotangents);
    };
    Sensitivity sensitivity(start.dynamics, options);
    const Ensemble& ensemble = start.objective.ensemble();
    CHECK_THROWS_AS(sensitivity.gradient(start.theta, ensemble, turn), Interrupted);

    // Nothing of the interrupted solve is left over: not even its linearisation, at the same time.
    backward = false;
    const Vector other = 1.1 * start.theta;
    CHECK(identical(sensitivity.gradient(other, ensemble, quartic),
                    gradient(start.dynamics, other, ensemble, quartic, options)));
  }
}

TEST_CASE("problems that do not fit are refused as the integrator does") {
  Sensitivity sensitivity(Dynamics(oracle::harmonic()), {});
  const Ensemble ensemble(normal_states(2, 5, 23), 1.0);
  CHECK_THROWS_AS(sensitivity.gradient(Vector::Ones(2), ensemble, quartic), InputError);
  CHECK_THROWS_AS(
      sensitivity.gradient(Vector::Ones(1), Ensemble(normal_states(3, 5, 23), 1.0), quartic),
      InputError);
  SensitivityOptions options;
  options.integrator.rtol = 0;
  CHECK_THROWS_AS(Sensitivity(Dynamics(oracle::harmonic()), options), InputError);
}
