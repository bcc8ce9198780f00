#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/objective.hpp"
#include "isochron/random.hpp"
#include "isochron/sensitivity.hpp"
#include "oracles.hpp"

namespace test_sensitivity {

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
StateLoss weighted_sum(const States& weights) {
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
                      const StateLoss& loss, const SensitivityOptions& options) {
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
        objective(dynamics, Loss::periodic,
                  normal_states(dynamics.state_dimension(), trajectories, seed + 1000), period) {}

  [[nodiscard]] LossGradient gradient(const SensitivityOptions& options) const {
    return test_sensitivity::gradient(dynamics, theta, objective.ensemble(),
                                      oracle::state_loss(objective), options);
  }
  [[nodiscard]] double loss(Sensitivity& at, const Vector& parameters) const {
    return at.loss(parameters, objective.ensemble(), oracle::state_loss(objective)).loss;
  }

  std::shared_ptr<Mlp> mlp;
  Dynamics dynamics;
  Vector theta;
  Objective objective;
};

bool identical(const LossGradient& a, const LossGradient& b) {
  return a.loss == b.loss && a.gradient == b.gradient && a.states == b.states &&
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

TEST_CASE("the backward problem does not step over what the forward problem resolved" *
          doctest::test_suite("long")) {
  // One trajectory swings in a well; the other passes a hill U = p/2 E, E = exp(-x^2), early in its
  // flight, of which its end knows nothing: dx(T)/dp = -v int E/2 (v^2 - p E)^(-3/2) dx.
  const auto force = [](double x) { return x * std::exp(-x * x); };
  const auto slope = [](double x) { return (1 - 2 * x * x) * std::exp(-x * x); };
  constexpr double well = -20;
  const auto field = make_force(
      1, [=](double x, const auto& p) { return p[0] * force(x) - force(x - well); },
      [=](double x, const auto& p) { return p[0] * slope(x) - slope(x - well); },
      [=](double x, const auto&) { return std::array{force(x)}; });
  const double p = 1.7, v = 2;
  const States start{{well + 0.3, -6}, {0, v}};
  const States weights{{0, 1}, {0, 0}};
  const double integral = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(
      [&](double x) {
        const double e = std::exp(-x * x);
        return e / 2 * std::pow(v * v - p * e, -1.5);
      },
      -6.0, 6.0, 10, 1e-13);
  for (const Method method : methods) {
    for (const long distance : {0, 150, 100000}) {
      SensitivityOptions options = with(1e-9, method);
      options.checkpoint_distance = distance;
      const LossGradient result = gradient(Dynamics(field), Vector::Constant(1, p),
                                           Ensemble(start, 80), weighted_sum(weights), options);
      CAPTURE(method);
      CAPTURE(distance);
      CHECK(std::abs(result.gradient[0] + v * integral) <= 1e-5 * v * integral);
    }
  }
}

TEST_CASE("gradients much smaller than their cotangents are as accurate" *
          doctest::test_suite("long")) {
  const auto slope_of = [](const ForceFieldPtr& field, const Vector& theta, const States& start,
                           double time, Method method) {
    const States weights{{0}, {1}};
    return gradient(Dynamics(field), theta, Ensemble(start, time), weighted_sum(weights),
                    with(1e-6, method))
        .gradient;
  };
  for (const Method method : methods) {
    CAPTURE(method);
    SUBCASE("short times: x'' = -k (x - c) at rest in c, dv/dc = w sin(w t), w^2 = k") {
      const auto spring = make_force(
          2, [](double q, const auto& k) { return -k[0] * (q - k[1]); },
          [](double, const auto& k) { return -k[0]; },
          [](double q, const auto& k) {
            return std::array{k[1] - q, k[0]};
          });
      const double k = 3.1, w = std::sqrt(k);
      for (const double time : {1e-1, -1e-2, 1e-3}) {
        const Vector slope = slope_of(spring, Vector{{k, 0.4}}, States{{0.4}, {0}}, time, method);
        const double exact = w * std::sin(w * time);
        CHECK(std::abs(slope[1] - exact) <= 1e-4 * std::abs(exact));
      }
    }
    SUBCASE("far away: x'' = -p exp(-x) from x = 30, v = 1, dv/dp = exp(-31) - exp(-30)") {
      const auto tail = make_force(
          1, [](double q, const auto& k) { return -k[0] * std::exp(-q); },
          [](double q, const auto& k) { return k[0] * std::exp(-q); },
          [](double q, const auto&) { return std::array{-std::exp(-q)}; });
      const Vector slope = slope_of(tail, Vector{{1.0}}, States{{30}, {1}}, 1, method);
      const double exact = std::exp(-31) - std::exp(-30);
      CHECK(std::abs(slope[0] - exact) <= 1e-4 * std::abs(exact));
    }
    SUBCASE("a parameter in other units: x'' = -(k u) x, dv/dk = u d/dk(-w sin w t)") {
      for (const double unit : {1e-12, 1e-4}) {
        const auto spring = make_force(
            1, [=](double q, const auto& k) { return -k[0] * unit * q; },
            [=](double, const auto& k) { return -k[0] * unit; },
            [=](double q, const auto&) { return std::array{-q * unit}; });
        const Vector slope = slope_of(spring, Vector{{1 / unit}}, States{{1}, {0}}, 6, method);
        const double exact = unit * (-std::sin(6.0) / 2 - 3 * std::cos(6.0));
        CHECK(std::abs(slope[0] - exact) <= 1e-4 * std::abs(exact));
      }
    }
  }
}

TEST_CASE("gradients of networks agree with fourth-order differences of the loss" *
          doctest::test_suite("long")) {
  const Start starts[] = {
      {{1, 8, 8, 1}, 8, 0},
      {{1, 8, 8, 1}, 8, 1, Motion::newtonian, Symmetry::odd},
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

TEST_CASE("the Taylor remainder is of second order" * doctest::test_suite("long")) {
  for (const Method method : methods) {
    const Start start({1, 8, 8, 1}, 16, 9);
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

TEST_CASE("at a random start the gradient's error is proportional to rtol" *
          doctest::test_suite("long")) {
  std::vector<double> tolerances;
  for (double rtol = 1e-5; rtol > 5e-12; rtol /= 10) tolerances.push_back(rtol);
  const int seeds = 5;
  std::vector<double> error(tolerances.size(), 1);  // geometric mean over the seeds
  for (int seed = 0; seed < seeds; ++seed) {
    const Start start({1, 8, 8, 1}, 24, static_cast<std::uint64_t>(seed));
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

TEST_CASE("bdf, hermite and any block size give the same gradient" * doctest::test_suite("long")) {
  const Start start({1, 8, 8, 1}, 40, 11);
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

TEST_CASE("solutions of more steps than there is room for at first") {
  const double k = 1.2, period = 600;
  const States y = normal_states(2, 2, 12);
  const Objective objective(Dynamics(oracle::harmonic()), Loss::periodic, y, period);
  for (const Method method : methods) {
    const SensitivityOptions options = with(method == Method::adams ? 1e-10 : 1e-6, method);
    const LossGradient result =
        gradient(Dynamics(oracle::harmonic()), Vector::Constant(1, k), objective.ensemble(),
                 oracle::state_loss(objective), options);
    REQUIRE(result.forward.steps > 4000);
    const double slope = oracle::harmonic_periodic_slope(k, period, y);
    CHECK(std::abs(result.gradient[0] - slope) <=
          permitted_relative(options, result) * std::abs(slope));
  }
}

// --- checkpoints --------------------------------------------------------------------------------

namespace {

SensitivityOptions with_checkpoints(SensitivityOptions options, long distance) {
  options.checkpoint_distance = distance;
  return options;
}

/// States of a block of up to so many trajectories.
double state_bytes(const Start& start, Index trajectories) {
  constexpr double lanes = 8;
  return 8 * static_cast<double>(start.dynamics.state_dimension()) * lanes *
         std::ceil(static_cast<double>(trajectories) / lanes);
}

}  // namespace

TEST_CASE("checkpoints at any distance: the same loss to the last bit, the gradient as accurate" *
          doctest::test_suite("long")) {
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Start start({2, 8, 8, 2}, 6, 50, motion, Symmetry::none, 6);
    const Ensemble ensemble(start.objective.ensemble().initial_states,
                            Vector(3 * oracle::unequal_times(6)));
    const auto at = [&](const SensitivityOptions& options) {
      return gradient(start.dynamics, start.theta, ensemble, quartic, options);
    };
    const LossGradient exact = at(with(1e-13));
    for (const Method method : methods) {
      for (const Interpolation kind : {Interpolation::polynomial, Interpolation::hermite}) {
        const SensitivityOptions options = with(1e-9, method, kind);
        const LossGradient whole = at(options);
        REQUIRE(whole.forward.steps > 20);
        for (const long distance : {1L, 2L, 7L, 20L}) {
          CAPTURE(distance);
          const LossGradient result = at(with_checkpoints(options, distance));
          CHECK(result.loss == whole.loss);
          CHECK(result.states == whole.states);
          CHECK(result.forward.steps == whole.forward.steps);
          CHECK(result.backward.steps > whole.backward.steps);
          const double permitted = permitted_relative(options, result);
          CHECK(relative_error(result.gradient, exact.gradient) <= permitted);
          CHECK((result.initial_cotangents - exact.initial_cotangents).norm() <=
                permitted * exact.initial_cotangents.norm());
        }
        // With a single checkpoint, at the start, everything is as without.
        for (const long distance : {whole.forward.steps, 1000000000L}) {
          const LossGradient result = at(with_checkpoints(options, distance));
          CHECK(result.gradient == whole.gradient);
          CHECK(result.initial_cotangents == whole.initial_cotangents);
          CHECK(result.backward.steps == whole.forward.steps + whole.backward.steps);
        }
        Sensitivity alone(start.dynamics, with_checkpoints(options, 7));
        const LossGradient loss = alone.loss(start.theta, ensemble, quartic);
        CHECK(loss.loss == whole.loss);
        CHECK(loss.states == whole.states);
        CHECK(loss.stored_bytes == 0);
      }
    }
  }
}

TEST_CASE("checkpoints bound the memory of long solutions" * doctest::test_suite("long")) {
  const double k = 1.2, period = 100 * std::numbers::pi;
  const Index n = 3;
  const Start problem({1, 1}, n);  // for the size of its states
  const States y = normal_states(2, n, 51);
  const Objective objective(Dynamics(oracle::harmonic()), Loss::periodic, y, period);
  const double slope = oracle::harmonic_periodic_slope(k, period, y);
  for (const Method method : methods) {
    for (const Interpolation kind : {Interpolation::polynomial, Interpolation::hermite}) {
      const SensitivityOptions options = with(method == Method::adams ? 1e-10 : 1e-6, method, kind);
      const double vectors = kind == Interpolation::polynomial ? 1 : 2;
      const auto at = [&](long distance) {
        return gradient(Dynamics(oracle::harmonic()), Vector::Constant(1, k), objective.ensemble(),
                        oracle::state_loss(objective), with_checkpoints(options, distance));
      };
      const LossGradient whole = at(0);
      const auto steps = static_cast<double>(whole.forward.steps);
      REQUIRE(steps > 1500);
      CHECK(whole.stored_bytes == vectors * (steps + 1) * state_bytes(problem, n));
      double last = whole.stored_bytes;
      for (const long distance : {1000L, 300L, 50L}) {
        CAPTURE(distance);
        const LossGradient result = at(distance);
        const double states = steps / static_cast<double>(distance) + 1 +
                              vectors * (static_cast<double>(distance) + 101);
        CHECK(result.stored_bytes <= states * state_bytes(problem, n));
        CHECK(result.stored_bytes < last);
        CHECK(std::abs(result.gradient[0] - slope) <=
              permitted_relative(options, result) * std::abs(slope));
        last = result.stored_bytes;
      }
      CHECK(last < whole.stored_bytes / 8);
    }
  }
}

TEST_CASE("where a stretch takes more steps the second time, the memory stays bounded" *
          doctest::test_suite("long")) {
  // After the loss is known the force gets a ripple, too small to change the gradient.
  bool rough = false;
  const Dynamics dynamics(make_force(
      1,
      [&](double x, const auto& a) { return -a[0] * x + (rough ? 1e-7 * std::sin(1e3 * x) : 0.0); },
      [](double, const auto& a) { return -a[0]; },
      [](double x, const auto&) { return std::array{-x}; }));
  const Start problem({1, 1}, 4);
  const States y = normal_states(2, 4, 52);
  const double k = 1.3, period = 20;
  const Objective objective(Dynamics(oracle::harmonic()), Loss::periodic, y, period);
  const StateLoss loss = [&](Index first, ConstStatesRef states, StatesRef cotangents) {
    rough = true;
    return oracle::state_loss(objective)(first, states, cotangents);
  };
  const double slope = oracle::harmonic_periodic_slope(k, period, y);
  for (const Method method : methods) {
    CAPTURE(name(method));
    const auto at = [&](long distance) {
      rough = false;
      return gradient(dynamics, Vector::Constant(1, k), objective.ensemble(), loss,
                      with_checkpoints(with(1e-10, method), distance));
    };
    const LossGradient whole = at(0);
    const LossGradient result = at(100);
    const double stretches = static_cast<double>(whole.forward.steps) / 100 + 1;
    const auto again = static_cast<double>(result.backward.steps - whole.backward.steps);
    CHECK(again > 400 * stretches);  // there is room for 200
    CHECK(result.stored_bytes <= (stretches + again / 200 + 1 + 201) * state_bytes(problem, 4));
    CHECK(std::abs(result.gradient[0] - slope) <= 1e-5 * std::abs(slope));

    // The room is that of the problem, not what a longer one has left behind.
    Sensitivity used(dynamics, with_checkpoints(with(1e-10, method), 1000));
    const auto over = [&](double end) {
      rough = false;
      return used.gradient(Vector::Constant(1, k), Ensemble(y, end), loss);
    };
    static_cast<void>(over(10 * period));
    const LossGradient after_longer = over(period);
    CHECK(identical(after_longer, at(1000)));
  }
}

TEST_CASE("with checkpoints, step limits and requests to stop are heard everywhere") {
  const Start start({1, 8, 1}, 4, 53);
  const Ensemble& ensemble = start.objective.ensemble();
  for (const Method method : methods) {
    SensitivityOptions options = with_checkpoints(with(1e-9, method), 15);
    bool stop = false;
    options.integrator.stop_requested = [&] { return stop; };
    Sensitivity sensitivity(start.dynamics, options);
    const LossGradient fresh = sensitivity.gradient(start.theta, ensemble, quartic);
    const auto again = [&] { return sensitivity.gradient(start.theta, ensemble, quartic); };
    const auto complaint = [&] { return message_of<NumericalError>([&] { (void)again(); }); };
    sensitivity.limit_steps(fresh.forward.steps - 1);
    CHECK(mentions(complaint(), "forward"));
    CHECK(mentions(complaint(), "more than " + std::to_string(fresh.forward.steps - 1)));
    sensitivity.limit_steps(fresh.forward.steps);
    CHECK(mentions(complaint(), "backward"));
    sensitivity.limit_steps(options.integrator.max_steps);
    CHECK(identical(again(), fresh));

    const StateLoss turn = [&](Index first, ConstStatesRef y, StatesRef cotangents) {
      stop = true;
      return quartic(first, y, cotangents);
    };
    CHECK_THROWS_AS((void)sensitivity.gradient(start.theta, ensemble, turn), Interrupted);
    stop = false;
    CHECK(identical(again(), fresh));
  }
}

// --- the size of the cotangent ------------------------------------------------------------------

TEST_CASE("a zero cotangent gives a gradient of exactly zero, without a backward solve") {
  const Start start({1, 16, 1}, 20, 13);
  SensitivityOptions options = with(1e-8);
  options.integrator.block_size = 8;
  const StateLoss nothing = [](Index, ConstStatesRef, StatesRef cotangents) {
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

TEST_CASE("the gradient is linear in the cotangent, however small" * doctest::test_suite("long")) {
  const Start start({1, 8, 8, 1}, 30, 15);
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

TEST_CASE("used again, after other problems and after failures, it is as good as new") {
  const Dynamics dynamics(oracle::explosion());
  const Index n = 20;
  const Ensemble gentle(States(0.3 * normal_states(2, n, 20)), 1.5);
  States wild = gentle.initial_states;
  wild.col(13) = oracle::explosion_start(0.5);
  const Ensemble few(States(gentle.initial_states.leftCols(5)), 3.0);
  const StateLoss broken = [](Index, ConstStatesRef, StatesRef) -> double {
    throw std::logic_error("no loss today");
  };
  const Vector theta = Vector::Ones(1);
  for (const Method method : methods) {
    for (const int threads : {1, 2}) {
      SensitivityOptions options = with(1e-8, method);
      options.integrator.block_size = 8;
      options.integrator.threads = threads;
      options.integrator.max_steps = 1000;  // near the explosion steps shrink for ever
      Sensitivity sensitivity(dynamics, options);
      const auto again = [&] { return sensitivity.gradient(theta, gentle, quartic); };
      const LossGradient fresh = gradient(dynamics, theta, gentle, quartic, options);
      CHECK(identical(again(), fresh));
      CHECK(identical(again(), fresh));
      CHECK_THROWS_AS((void)sensitivity.gradient(theta, Ensemble(wild, 1.5), quartic),
                      NumericalError);
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

TEST_CASE("a request to stop is heard in the backward problem as well") {
  const Start start({1, 8, 1}, 4, 22);
  for (const Method method : methods) {
    SensitivityOptions options = with(1e-9, method);
    bool backward = false;
    options.integrator.stop_requested = [&] { return backward; };
    const StateLoss turn = [&](Index first, ConstStatesRef y, StatesRef cotangents) {
      backward = true;
      return quartic(first, y, cotangents);
    };
    Sensitivity sensitivity(start.dynamics, options);
    const Ensemble& ensemble = start.objective.ensemble();
    CHECK_THROWS_AS((void)sensitivity.gradient(start.theta, ensemble, turn), Interrupted);

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
  CHECK_THROWS_AS((void)sensitivity.gradient(Vector::Ones(2), ensemble, quartic), InputError);
  CHECK_THROWS_AS(
      (void)sensitivity.gradient(Vector::Ones(1), Ensemble(normal_states(3, 5, 23), 1.0), quartic),
      InputError);
  SensitivityOptions options;
  options.integrator.rtol = 0;
  CHECK_THROWS_AS(Sensitivity(Dynamics(oracle::harmonic()), options), InputError);
}

// --- every method -------------------------------------------------------------------------------

namespace {

/// Every way to a gradient that suits the motion, each at the tolerance.
std::vector<SensitivityOptions> all_ways(double tolerance, Motion motion) {
  std::vector<SensitivityOptions> ways;
  for (const Method method : methods) {
    SensitivityOptions options = with(tolerance, method);
    ways.push_back(options);
    options.checkpoint_distance = 20;
    ways.push_back(options);
    options.checkpoint_distance = 0;
    options.gradient = GradientMethod::forward;
    for (const bool staggered : {true, false}) {
      for (const bool controlled : {true, false}) {
        options.staggered = staggered;
        options.sensitivity_error_control = controlled;
        ways.push_back(options);
      }
    }
  }
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
    const bool nystrom = method == Method::rkn8 || method == Method::rkn12;
    if (nystrom && motion == Motion::first_order) continue;
    SensitivityOptions options = with(tolerance, method);
    options.gradient = GradientMethod::discrete;
    options.integrator.steps = 1000;
    ways.push_back(options);
  }
  SensitivityOptions options = with(tolerance);
  options.gradient = GradientMethod::difference;
  ways.push_back(options);
  return ways;
}

std::vector<SensitivityOptions> ways_to_jacobian(double tolerance, Motion motion) {
  std::vector<SensitivityOptions> ways = all_ways(tolerance, motion);
  std::erase_if(ways, [](const auto& way) { return way.gradient == GradientMethod::adjoint; });
  return ways;
}

std::string text(const SensitivityOptions& way) {
  std::string words = std::string(name(way.gradient)) + ", " + name(way.integrator.method);
  if (way.checkpoint_distance > 0) words += ", checkpoints";
  if (way.gradient == GradientMethod::forward) {
    words += way.staggered ? ", staggered" : ", simultaneous";
    words += way.sensitivity_error_control ? ", controlled" : ", not controlled";
  }
  return words;
}

/// The relative error that a way may make after `steps` steps, over times and rates of about one.
double permitted(const SensitivityOptions& way, long steps) {
  const double rtol = way.integrator.rtol;
  // Extrapolated differences: rtol/h and h^4 in balance.
  if (way.gradient == GradientMethod::difference) return 100 * std::pow(rtol, 0.8);
  if (way.integrator.method == Method::rk4) {
    return 10 * std::pow(10.0 / static_cast<double>(way.integrator.steps), 4);  // (omega T/steps)^4
  }
  const bool free = way.gradient == GradientMethod::forward && !way.sensitivity_error_control;
  return (free ? 100 : 10) * static_cast<double>(steps) * rtol;
}

double permitted(const SensitivityOptions& way, const LossGradient& result) {
  return permitted(way, result.forward.steps + result.backward.steps);
}

bool knows_initial_cotangents(const SensitivityOptions& way) {
  return way.gradient == GradientMethod::adjoint || way.gradient == GradientMethod::discrete;
}

}  // namespace

TEST_CASE("every way: the harmonic oscillator's periodic loss and its slope" *
          doctest::test_suite("long")) {
  const double period = 5;
  for (const SensitivityOptions& way : all_ways(1e-9, Motion::newtonian)) {
    CAPTURE(text(way));
    Sensitivity sensitivity(Dynamics(oracle::harmonic()), way);
    for (const Index n : {1, 2, 9, 20}) {
      CAPTURE(n);
      const States y = normal_states(2, n, 1);
      const Objective objective(Dynamics(oracle::harmonic()), Loss::periodic, y, period);
      for (const double k : {0.6, 1.0, 2.9}) {
        const LossGradient result = sensitivity.gradient(
            Vector::Constant(1, k), objective.ensemble(), oracle::state_loss(objective));
        const double loss = oracle::harmonic_periodic_loss(k, period, y);
        const double slope = oracle::harmonic_periodic_slope(k, period, y);
        CHECK(std::abs(result.loss - loss) <= permitted(way, result) * loss);
        CHECK(std::abs(result.gradient[0] - slope) <= permitted(way, result) * std::abs(slope));
        CHECK((result.gradient_error > 0) == (way.gradient == GradientMethod::difference));
      }
    }
  }
}

namespace {

/// q_i'' = -(p_i u_i) q_i, or q_i' = the same: oscillators and decays whose stiffnesses have units
/// of their own.
ForceFieldPtr springs(const Vector& units) {
  const Index d = units.size();
  return make_force(
      d, d,
      [=](const Vector& q, const auto& p) {
        return Vector(-(p.array() * units.array() * q.array()));
      },
      [=](const Vector&, const auto& p) {
        return Eigen::MatrixXd(Vector(-(p.array() * units.array())).asDiagonal());
      },
      [=](const Vector& q, const auto&) {
        return Eigen::MatrixXd(Vector(-(units.array() * q.array())).asDiagonal());
      });
}

}  // namespace

TEST_CASE("every way: derivatives do not depend on the units of the parameters" *
          doctest::test_suite("long")) {
  const double t = 6;
  const std::vector<Vector> all_units = {Vector{{1.0}},         Vector{{1e-4}}, Vector{{1e-12}},
                                         Vector{{1e4}},         Vector{{1e12}}, Vector{{1e-12, 1}},
                                         Vector{{1e-9, 1, 1e9}}};
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const bool newtonian = motion == Motion::newtonian;
    const auto slope = [&](double q, double v) {
      const Eigen::Vector2d s = oracle::harmonic_flow_slope(1, t) * Eigen::Vector2d(q, v);
      return newtonian ? s[0] + s[1] : -t * std::exp(-t) * q;
    };
    for (const Vector& units : all_units) {
      CAPTURE(units.transpose());
      const Index d = units.size();
      const Index rows = newtonian ? 2 * d : d;
      const Dynamics dynamics(springs(units), motion);
      const States y = normal_states(rows, 3, 5).array() + 2;
      const StateLoss sum = [](Index, ConstStatesRef f, StatesRef c) {
        c.setOnes();
        return f.sum();
      };
      Vector exact = Vector::Zero(d);
      for (Index i = 0; i < d; ++i) {
        for (const auto& column : y.colwise()) {
          exact[i] += units[i] * slope(column[i], newtonian ? column[d + i] : 0);
        }
      }
      for (const SensitivityOptions& way : all_ways(1e-9, motion)) {
        if (way.gradient == GradientMethod::forward && !way.sensitivity_error_control) continue;
        CAPTURE(text(way));
        const Vector theta = units.cwiseInverse();
        const LossGradient result = gradient(dynamics, theta, Ensemble(y, t), sum, way);
        const Vector error = (result.gradient - exact).cwiseQuotient(exact);
        CAPTURE(error.transpose());
        // At this time the phase is ten times as sensitive as the step of differences supposes.
        const double factor = way.gradient == GradientMethod::difference ? 10 : 1;
        CHECK(error.cwiseAbs().maxCoeff() <= factor * permitted(way, result));
      }
    }
  }
}

TEST_CASE("differences at a parameter of 0, whatever its unit, and their errors") {
  const double denormal = 4e-321;
  for (const auto& place :
       {std::pair{0.0, 1e-12}, {0.0, 1e-6}, {0.0, 1.0}, {0.0, 1e6}, {0.0, 1e12}, {denormal, 1.0}}) {
    const auto parameter = place.first, unit = place.second;
    CAPTURE(unit);
    const Dynamics dynamics(make_force(
        1, [=](double x, const auto& p) { return -(1 + p[0] * unit) * x; },
        [=](double, const auto& p) { return -(1 + p[0] * unit); },
        [=](double x, const auto&) { return std::array{-x * unit}; }));
    SensitivityOptions way = with(1e-10);
    way.gradient = GradientMethod::difference;
    const double t = 6;
    const States y{{1}, {0}};
    const LossGradient result = gradient(dynamics, Vector::Constant(1, parameter), Ensemble(y, t),
                                         weighted_sum(States::Ones(2, 1)), way);
    const double exact = unit * (oracle::harmonic_flow_slope(1, t) * y).sum();
    CHECK(std::abs(result.gradient[0] - exact) <= 1e-5 * std::abs(exact));
    CHECK(std::abs(result.gradient[0] - exact) <= result.gradient_error);
    CHECK(result.gradient_error <= 1e-4 * std::abs(exact));
  }
}

TEST_CASE("differences at rest in the origin, where the force and all states are zero") {
  const Dynamics dynamics(make_force(
      1, [](double, const auto& p) { return p[0]; }, [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array{1.0}; }));
  SensitivityOptions way = with(1e-10);
  way.gradient = GradientMethod::difference;
  const double t = 6;
  const LossGradient result = gradient(dynamics, Vector::Zero(1), Ensemble(States::Zero(2, 1), t),
                                       weighted_sum(States::Ones(2, 1)), way);
  CHECK(std::abs(result.gradient[0] - (t * t / 2 + t)) <= result.gradient_error);
  CHECK(result.gradient_error <= 1e-4 * t * t);
}

TEST_CASE("every way: linear systems, gradients and Jacobians with unequal end times" *
          doctest::test_suite("long")) {
  const Index n = 9;
  const Eigen::MatrixXd a1 = Eigen::MatrixXd::Constant(1, 1, -0.8);
  const Eigen::MatrixXd a2{{-0.4, 1.1}, {-1.3, -0.2}};
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    for (const Eigen::MatrixXd& a : {a1, a2}) {
      const Dynamics dynamics(oracle::linear(a.rows()), motion);
      const Index rows = dynamics.state_dimension();
      const Ensemble ensemble(normal_states(rows, n, 2), oracle::unequal_times(n));
      const States weights = normal_states(rows, n, 3);
      const Vector theta = oracle::row_by_row(a);
      Eigen::MatrixXd jacobian(rows * n, theta.size());
      States initial(rows, n), final_states(rows, n);
      for (Index i = 0; i < n; ++i) {
        const double t = ensemble.end_times[i];
        const Eigen::MatrixXd flow = oracle::linear_flow(a, motion, t);
        final_states.col(i) = flow * ensemble.initial_states.col(i);
        initial.col(i) = flow.transpose() * weights.col(i);
        for (Index p = 0; p < theta.size(); ++p) {
          Eigen::MatrixXd direction = Eigen::MatrixXd::Zero(a.rows(), a.cols());
          direction(p / a.cols(), p % a.cols()) = 1;
          jacobian.block(i * rows, p, rows, 1) =
              oracle::linear_flow_slope(a, direction, motion, t) * ensemble.initial_states.col(i);
        }
      }
      const Vector exact = jacobian.transpose() * weights.reshaped();
      for (const SensitivityOptions& way : all_ways(1e-9, motion)) {
        CAPTURE(text(way));
        CAPTURE(rows);
        Sensitivity sensitivity(dynamics, way);
        const LossGradient result = sensitivity.gradient(theta, ensemble, weighted_sum(weights));
        CHECK(relative_error(result.gradient, exact) <= permitted(way, result));
        if (knows_initial_cotangents(way)) {
          CHECK((result.initial_cotangents - initial).norm() <=
                permitted(way, result) * initial.norm());
        } else {
          CHECK(result.initial_cotangents.size() == 0);
        }
        if (way.gradient == GradientMethod::adjoint) continue;
        const StateJacobian all = sensitivity.jacobian(theta, ensemble);
        REQUIRE(all.jacobian.rows() == jacobian.rows());
        REQUIRE(all.jacobian.cols() == jacobian.cols());
        CHECK((all.jacobian - jacobian).norm() <= permitted(way, result) * jacobian.norm());
        CHECK(all.states == result.states);
        CHECK((all.states - final_states).norm() <= permitted(way, result) * final_states.norm());
        // The same solution once more, so to roundoff, but for differences, which choose their
        // own steps.
        const Vector product = all.jacobian.transpose() * weights.reshaped();
        const double allowed =
            way.gradient == GradientMethod::difference ? permitted(way, result) : 1e-13;
        CHECK((product - result.gradient).norm() <= allowed * jacobian.norm() * weights.norm());
      }
    }
  }
}

TEST_CASE("every way: a network's Jacobian, row by row the gradient of one final state" *
          doctest::test_suite("long")) {
  const Start start({2, 8, 8, 2}, 5, 30, Motion::newtonian, Symmetry::none, 3);
  const Ensemble ensemble(start.objective.ensemble().initial_states, oracle::unequal_times(5));
  const SensitivityOptions reference = [] {
    SensitivityOptions options = with(1e-13);
    options.gradient = GradientMethod::forward;
    return options;
  }();
  const RowMatrix exact =
      Sensitivity(start.dynamics, reference).jacobian(start.theta, ensemble).jacobian;
  for (const SensitivityOptions& way : all_ways(1e-9, Motion::newtonian)) {
    CAPTURE(text(way));
    Sensitivity sensitivity(start.dynamics, way);
    const bool has_jacobian = way.gradient != GradientMethod::adjoint;
    const RowMatrix jacobian =
        has_jacobian ? sensitivity.jacobian(start.theta, ensemble).jacobian : exact;
    for (const Index row : {0, 6, 11, 19}) {
      States unit = States::Zero(4, 5);
      unit.reshaped()[row] = 1;
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, weighted_sum(unit));
      CHECK((result.gradient - exact.row(row).transpose()).norm() <=
            permitted(way, result) * exact.norm());
      // Differences of one number and of all choose their own steps.
      const double allowed =
          way.gradient == GradientMethod::difference ? permitted(way, result) : 1e-13;
      if (has_jacobian) {
        CHECK((result.gradient - jacobian.row(row).transpose()).norm() <= allowed * exact.norm());
      }
    }
    if (has_jacobian) {
      CHECK((jacobian - exact).norm() <=
            permitted(way, sensitivity.gradient(start.theta, ensemble, quartic)) * exact.norm());
    }
  }
}

TEST_CASE("every way: networks of every kind, against a discrete method of another order" *
          doctest::test_suite("long")) {
  struct Kind {
    Motion motion;
    std::vector<Index> layers;
    Symmetry symmetry;
  };
  for (const auto& [motion, layers, symmetry] :
       {Kind{Motion::newtonian, {1, 6, 5, 1}, Symmetry::none},
        {Motion::newtonian, {1, 7, 1}, Symmetry::odd},
        {Motion::newtonian, {2, 5, 2}, Symmetry::none},
        {Motion::first_order, {1, 6, 1}, Symmetry::none},
        {Motion::first_order, {2, 6, 2}, Symmetry::none}}) {
    const Start start(layers, 10, 31, motion, symmetry);
    const Index rows = start.dynamics.state_dimension();
    CAPTURE(rows);
    const Ensemble ensemble(start.objective.ensemble().initial_states, oracle::unequal_times(10));
    const States weights = normal_states(rows, 10, 32);
    for (SensitivityOptions way : all_ways(1e-9, motion)) {
      CAPTURE(text(way));
      const bool eighth = way.integrator.method == Method::rk8 && motion == Motion::newtonian;
      SensitivityOptions tight = with(1e-13, eighth ? Method::rkn12 : Method::rk8);
      tight.gradient = GradientMethod::discrete;
      const LossGradient exact =
          gradient(start.dynamics, start.theta, ensemble, weighted_sum(weights), tight);
      way.integrator.block_size = 4;
      const LossGradient result =
          gradient(start.dynamics, start.theta, ensemble, weighted_sum(weights), way);
      CHECK(relative_error(result.gradient, exact.gradient) <= permitted(way, result));
      if (knows_initial_cotangents(way)) {
        CHECK((result.initial_cotangents - exact.initial_cotangents).norm() <=
              permitted(way, result) * exact.initial_cotangents.norm());
      }
      if (way.gradient == GradientMethod::difference) {
        CHECK((result.gradient - exact.gradient).norm() <= result.gradient_error);
      }
    }
  }
}

TEST_CASE("separate tolerances of the backward problem and of its quadrature") {
  const Start start({1, 8, 1}, 20);
  const auto run = [&](double backward, double quadrature) {
    SensitivityOptions options = with(1e-11);
    options.backward_rtol = backward;
    options.quadrature_rtol = quadrature;
    return start.gradient(options);
  };
  const LossGradient tight = run(0, 0);
  const LossGradient loose = run(1e-5, 0);
  CHECK(loose.backward.steps < tight.backward.steps);
  CHECK(relative_error(loose.gradient, tight.gradient) > 1e-8);
  CHECK(relative_error(run(1e-5, 1e-11).gradient, tight.gradient) <
        relative_error(loose.gradient, tight.gradient));
}

TEST_CASE("every way: a zero cotangent gives a gradient of exactly zero" *
          doctest::test_suite("long")) {
  const Start start({1, 8, 1}, 20, 13);
  const StateLoss nothing = [](Index, ConstStatesRef, StatesRef cotangents) {
    cotangents.setZero();
    return 0.25;
  };
  for (const SensitivityOptions& way : all_ways(1e-8, Motion::newtonian)) {
    CAPTURE(text(way));
    const LossGradient zero =
        gradient(start.dynamics, start.theta, start.objective.ensemble(), nothing, way);
    CHECK(zero.gradient.size() == start.theta.size());
    CHECK((zero.gradient.array() == 0).all());
    CHECK((zero.initial_cotangents.array() == 0).all());
  }
}

TEST_CASE("every way: threads change no bit, blocks no more than the tolerance" *
          doctest::test_suite("long")) {
  const Index n = 29;  // 4 blocks of 8, the last of 5
  const Start start({1, 5, 1}, n, 18);
  const Ensemble ensemble(start.objective.ensemble().initial_states, oracle::unequal_times(n));
  for (SensitivityOptions way : all_ways(1e-8, Motion::newtonian)) {
    CAPTURE(text(way));
    way.integrator.steps = 200;
    const bool has_jacobian = way.gradient != GradientMethod::adjoint;
    LossGradient single;
    Eigen::MatrixXd jacobian;
    for (const int threads : {1, 2, 7}) {
      CAPTURE(threads);
      way.integrator.block_size = 8;
      way.integrator.threads = threads;
      Sensitivity sensitivity(start.dynamics, way);
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
      const Eigen::MatrixXd rows =
          has_jacobian ? sensitivity.jacobian(start.theta, ensemble).jacobian : RowMatrix();
      if (threads == 1) {
        single = result;
        jacobian = rows;
      }
      CHECK(identical(result, single));
      CHECK(rows == jacobian);
    }
    for (const Index size : {1, 7, 29}) {
      CAPTURE(size);
      way.integrator.block_size = size;
      way.integrator.threads = 2;
      Sensitivity sensitivity(start.dynamics, way);
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
      CHECK(relative_error(result.gradient, single.gradient) <= permitted(way, single));
      if (way.integrator.method == Method::rk4) {  // the same steps in every block
        CHECK(result.states == single.states);
        CHECK(relative_error(result.gradient, single.gradient) <= 1e-13);
      }
      if (!has_jacobian) continue;
      const Eigen::MatrixXd rows = sensitivity.jacobian(start.theta, ensemble).jacobian;
      CHECK((rows - jacobian).norm() <= permitted(way, single) * jacobian.norm());
    }
  }
}

TEST_CASE("every way: the loss alone is the loss of the gradient to the last bit" *
          doctest::test_suite("long")) {
  const Start start({1, 6, 1}, 20, 17);
  for (const SensitivityOptions& way : all_ways(1e-8, Motion::newtonian)) {
    CAPTURE(text(way));
    Sensitivity sensitivity(start.dynamics, way);
    const Ensemble& ensemble = start.objective.ensemble();
    const StateLoss loss = oracle::state_loss(start.objective);
    const LossGradient alone = sensitivity.loss(start.theta, ensemble, loss);
    const LossGradient both = sensitivity.gradient(start.theta, ensemble, loss);
    CHECK(alone.loss == both.loss);
    CHECK(alone.states == both.states);
    CHECK(alone.gradient.size() == 0);
    CHECK(alone.initial_cotangents.size() == 0);
    CHECK(alone.backward.steps == 0);
    CHECK(alone.blocks == both.blocks);
    if (way.gradient == GradientMethod::adjoint) CHECK(alone.forward.steps == both.forward.steps);
    CHECK(both.loss == doctest::Approx(start.objective.trajectory_loss(both.states)));
  }
}

TEST_CASE("every way: failures, limits and requests to stop leave nothing behind" *
          doctest::test_suite("long")) {
  const Start start({1, 6, 1}, 12, 31);
  const Ensemble& ensemble = start.objective.ensemble();
  const StateLoss broken = [](Index, ConstStatesRef, StatesRef) -> double {
    throw std::logic_error("no loss today");
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const StateLoss bad = [nan](Index, ConstStatesRef y, StatesRef cotangents) {
    cotangents.setConstant(y.cols() > 0 ? nan : 0);
    return 0.0;
  };
  for (SensitivityOptions way : all_ways(1e-7, Motion::newtonian)) {
    CAPTURE(text(way));
    bool stop = false;
    way.integrator.steps = 50;
    way.integrator.stop_requested = [&] { return stop; };
    Sensitivity sensitivity(start.dynamics, way);
    const auto again = [&] { return sensitivity.gradient(start.theta, ensemble, quartic); };
    const LossGradient fresh = again();
    CHECK(identical(again(), fresh));
    CHECK_THROWS_AS(static_cast<void>(sensitivity.gradient(start.theta, ensemble, broken)),
                    std::logic_error);
    CHECK(identical(again(), fresh));
    if (way.gradient != GradientMethod::difference) {  // which does not look at cotangents
      CHECK(mentions(message_of<NumericalError>([&] {
                       static_cast<void>(sensitivity.gradient(start.theta, ensemble, bad));
                     }),
                     "cotangents"));
      CHECK(identical(again(), fresh));
    }
    stop = true;
    CHECK_THROWS_AS(static_cast<void>(again()), Interrupted);
    stop = false;
    CHECK(identical(again(), fresh));
    sensitivity.limit_steps(2);
    CHECK_THROWS_AS(static_cast<void>(again()), NumericalError);
    sensitivity.limit_steps(way.integrator.max_steps);
    CHECK(identical(again(), fresh));
    CHECK_THROWS_AS(static_cast<void>(sensitivity.gradient(nan * start.theta, ensemble, quartic)),
                    NumericalError);
    CHECK(identical(again(), fresh));
  }
}

TEST_CASE("every way: a derivative that is not finite is a numerical failure") {
  // The force is sound, its derivatives are not.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Dynamics in_q(make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [nan](double, const auto&) { return nan; },
      [](double x, const auto&) { return std::array{-x}; }));
  const Dynamics in_theta(make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [](double, const auto& k) { return -k[0]; },
      [nan](double, const auto&) { return std::array{nan}; }));
  const Ensemble ensemble(States::Ones(2, 3), 1.0);
  for (const SensitivityOptions& way : all_ways(1e-8, Motion::newtonian)) {
    if (way.gradient == GradientMethod::difference) continue;  // needs no derivatives
    CAPTURE(text(way));
    for (const Dynamics& dynamics : {in_q, in_theta}) {
      CHECK_THROWS_AS(
          static_cast<void>(gradient(dynamics, Vector::Ones(1), ensemble, quartic, way)),
          NumericalError);
    }
  }
}

TEST_CASE("without parameters: empty gradients and Jacobians by differences and one-step methods") {
  const Dynamics dynamics(make_force(
      0, [](double x, const auto&) { return -x; }, [](double, const auto&) { return -1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const Ensemble ensemble(normal_states(2, 9, 24), 2.0);
  for (const SensitivityOptions& way : ways_to_jacobian(1e-9, Motion::newtonian)) {
    if (way.gradient == GradientMethod::forward) continue;
    CAPTURE(text(way));
    Sensitivity sensitivity(dynamics, way);
    const LossGradient result = sensitivity.gradient(Vector(), ensemble, quartic);
    CHECK(result.gradient.rows() == 0);
    CHECK(result.gradient.cols() == 1);
    CHECK(result.loss > 0);
    const StateJacobian all = sensitivity.jacobian(Vector(), ensemble);
    CHECK(all.jacobian.rows() == 18);
    CHECK(all.jacobian.cols() == 0);
    const States exact = oracle::harmonic_flow(1, 2) * ensemble.initial_states;
    CHECK((all.states - exact).norm() <= permitted(way, result) * exact.norm());
  }
}

// --- what belongs to one method -----------------------------------------------------------------

TEST_CASE("forward, staggered, without error control: the plain solution to the last bit") {
  const Start start({1, 8, 1}, 30, 40);
  const Ensemble& ensemble = start.objective.ensemble();
  for (const Method method : methods) {
    CAPTURE(name(method));
    SensitivityOptions options = with(1e-9, method);
    options.gradient = GradientMethod::forward;
    options.sensitivity_error_control = false;
    options.staggered = true;
    const LossGradient result = gradient(start.dynamics, start.theta, ensemble, quartic, options);
    const ObservedStates plain =
        Integrator(start.dynamics, options.integrator).integrate(start.theta, ensemble);
    CHECK(result.states == plain.states);
    CHECK(result.forward.steps == plain.counts.steps);
  }
}

TEST_CASE("adjoint and forward agree at a random start of 1-8-8-1" * doctest::test_suite("long")) {
  const Start start({1, 8, 8, 1}, 24, 41);
  const Vector adjoint = start.gradient(with(1e-10)).gradient;
  for (const bool controlled : {false, true}) {
    SensitivityOptions options = with(1e-10);
    options.gradient = GradientMethod::forward;
    options.sensitivity_error_control = controlled;
    CHECK(relative_error(start.gradient(options).gradient, adjoint) <= 1e-7);
  }
}

TEST_CASE("the discrete gradient is that of its own loss, whatever the tolerance") {
  // At 1e-4 the loss is wrong in the fourth digit, its slope on frozen steps right in the tenth.
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
    CAPTURE(name(method));
    const Start start({2, 8, 8, 2}, 20, 42, Motion::newtonian, Symmetry::none, 4);
    SensitivityOptions options = with(1e-4, method);
    options.gradient = GradientMethod::discrete;
    options.freeze_steps = true;
    options.integrator.steps = 12;
    options.integrator.block_size = 8;
    Sensitivity sensitivity(start.dynamics, options);
    const LossGradient at = sensitivity.gradient(start.theta, start.objective.ensemble(),
                                                 oracle::state_loss(start.objective));
    Random random(43);
    Vector direction(start.theta.size());
    for (double& x : direction) x = random.normal();
    direction.normalize();
    const auto loss = [&](double s) {
      return start.loss(sensitivity, start.theta + s * direction);
    };
    CHECK(loss(0) == at.loss);
    const double slope = at.gradient.dot(direction);
    CHECK(std::abs(oracle::slope_at_zero(loss, 1e-3) - slope) <= 1e-10 * at.gradient.norm());
  }
}

TEST_CASE("frozen steps: the loss is smooth to roundoff, and free steps are taken when needed") {
  const Start start({1, 16, 1}, 24, 44);
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8}) {
    CAPTURE(name(method));
    SensitivityOptions options = with(1e-6, method);
    options.gradient = GradientMethod::discrete;
    options.freeze_steps = true;
    Sensitivity sensitivity(start.dynamics, options);
    Random random(45);
    Vector direction(start.theta.size());
    for (double& x : direction) x = random.normal();
    direction.normalize();
    const auto at = [&](double s) {
      return sensitivity.loss(start.theta + s * direction, start.objective.ensemble(),
                              oracle::state_loss(start.objective));
    };
    const LossGradient first = at(0);
    // A fourth difference: s^4 L'''' is far below roundoff, a change of the grid far above.
    for (const double s : {1e-5, 1e-4}) {
      CAPTURE(s);
      const double fourth =
          at(2 * s).loss - 4 * at(s).loss + 6 * at(0).loss - 4 * at(-s).loss + at(-2 * s).loss;
      CHECK(std::abs(fourth) <= 1e-13 * first.loss);
    }
    CHECK(at(1e-3).forward.steps == first.forward.steps);
    CHECK(at(0).loss == first.loss);

    // Stronger forces need more steps, weaker ones fewer: those of a fresh start.
    options.freeze_steps = false;
    Sensitivity plain(start.dynamics, options);
    long last = first.forward.steps;
    for (const double factor : {3.0, 0.03}) {
      CAPTURE(factor);
      const Vector theta = factor * start.theta;
      const LossGradient renewed = sensitivity.gradient(theta, start.objective.ensemble(), quartic);
      CHECK(identical(renewed, plain.gradient(theta, start.objective.ensemble(), quartic)));
      CHECK((renewed.forward.steps > last) == (factor > 1));
      last = renewed.forward.steps;
    }
  }
}

TEST_CASE("frozen steps: no jump where free steps become one more") {
  const Start start({1, 16, 1}, 24, 44);
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8}) {
    CAPTURE(name(method));
    SensitivityOptions options = with(1e-4, method);
    options.gradient = GradientMethod::discrete;
    const auto loss = [&](Sensitivity& sensitivity, double scale) {
      return sensitivity.loss(scale * start.theta, start.objective.ensemble(),
                              oracle::state_loss(start.objective));
    };
    Sensitivity plain(start.dynamics, options);
    const auto steps = [&](double scale) { return loss(plain, scale).forward.steps; };
    double below = 1, above = 1;
    while (above < 3 && steps(above) == steps(below)) {
      below = above;
      above *= 1.02;
    }
    REQUIRE(steps(above) != steps(below));
    while (above - below > 1e-13) {
      const double middle = (below + above) / 2;
      (steps(middle) == steps(below) ? below : above) = middle;
    }
    options.freeze_steps = true;
    Sensitivity frozen(start.dynamics, options);
    const LossGradient before = loss(frozen, below);
    const LossGradient after = loss(frozen, above);
    CHECK(before.loss == loss(plain, below).loss);
    CHECK(after.forward.steps == before.forward.steps);
    const double size = 1 + before.loss;
    CHECK(std::abs(after.loss - before.loss) <= 1e-11 * size);
    CHECK(std::abs(loss(plain, above).loss - before.loss) > 1e-10 * size);
  }
}

TEST_CASE("frozen steps of an ensemble that changes its size or its end times") {
  const Start start({1, 8, 1}, 24, 46);
  SensitivityOptions options = with(1e-8, Method::rkn8);
  options.gradient = GradientMethod::discrete;
  options.freeze_steps = true;
  options.integrator.block_size = 8;
  Sensitivity sensitivity(start.dynamics, options);
  const States& states = start.objective.ensemble().initial_states;
  for (const double end : {2.0, 9.0, -0.7}) {
    for (const Index n : {24, 5, 17}) {
      CAPTURE(end);
      CAPTURE(n);
      const Ensemble ensemble(States(states.leftCols(n)), end);
      const LossGradient result = sensitivity.gradient(start.theta, ensemble, quartic);
      const LossGradient exact =
          gradient(start.dynamics, start.theta, ensemble, quartic, with(1e-12));
      CHECK(relative_error(result.gradient, exact.gradient) <= permitted_relative(options, result));
    }
  }
}

TEST_CASE("options that cannot be met are refused, by name") {
  const Dynamics newtonian(oracle::harmonic());
  const Dynamics first_order(oracle::harmonic(), Motion::first_order);
  const auto refusal = [](const Dynamics& dynamics, GradientMethod way, Method method,
                          const auto& change) {
    SensitivityOptions options = with(1e-8, method);
    options.gradient = way;
    change(options);
    return message_of<InputError>([&] { Sensitivity(dynamics, options); });
  };
  const auto nothing = [](SensitivityOptions&) {};
  for (const Method method : methods) {
    const std::string text = refusal(newtonian, GradientMethod::discrete, method, nothing);
    CHECK(mentions(text, "discrete"));
    CHECK(mentions(text, name(method)));
  }
  for (const GradientMethod way : {GradientMethod::adjoint, GradientMethod::forward}) {
    for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
      const std::string text = refusal(newtonian, way, method, nothing);
      CHECK(mentions(text, name(way)));
      CHECK(mentions(text, name(method)));
    }
  }
  for (const Method method : {Method::rkn8, Method::rkn12}) {
    for (const GradientMethod way : {GradientMethod::discrete, GradientMethod::difference}) {
      CHECK(mentions(refusal(first_order, way, method, nothing), name(method)));
    }
  }
  for (const Method method : {Method::rk8, Method::rk4}) {
    CHECK(refusal(first_order, GradientMethod::discrete, method, nothing).empty());
  }
  CHECK(mentions(refusal(newtonian, GradientMethod::discrete, Method::rk4,
                         [](SensitivityOptions& options) { options.integrator.steps = 0; }),
                 "steps"));
  for (const double wrong : {-1e-8, 1e-16, 0.5, std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(wrong);
    CHECK(mentions(refusal(newtonian, GradientMethod::adjoint, Method::adams,
                           [=](SensitivityOptions& options) { options.backward_rtol = wrong; }),
                   "backward tolerance"));
    CHECK(mentions(refusal(newtonian, GradientMethod::adjoint, Method::adams,
                           [=](SensitivityOptions& options) { options.quadrature_rtol = wrong; }),
                   "backward tolerance"));
  }
  for (const long wrong : {-1L, 1000000001L}) {
    CAPTURE(wrong);
    const std::string text =
        refusal(newtonian, GradientMethod::adjoint, Method::adams,
                [=](SensitivityOptions& options) { options.checkpoint_distance = wrong; });
    CHECK(mentions(text, "checkpoint distance of " + std::to_string(wrong)));
    CHECK(mentions(text, "0 .. 10^9"));
  }
  Sensitivity adjoint(newtonian, with(1e-8));
  CHECK(mentions(message_of<InputError>([&] {
                   static_cast<void>(
                       adjoint.jacobian(Vector::Ones(1), Ensemble(States::Ones(2, 1), 1.0)));
                 }),
                 "Jacobian"));
}

}  // namespace test_sensitivity
