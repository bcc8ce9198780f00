#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/objective.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"

namespace test_objective {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

constexpr Loss losses[] = {Loss::periodic, Loss::antiperiodic};
constexpr double period = 3;
constexpr double rounding = 1e-14;

const Dynamics spring(oracle::harmonic());
const Dynamics plane(oracle::linear(2));

/// The derivative of the trajectories' loss by each component of their states, by differences that
/// are exact for a quadratic loss.
States slopes_of(const Objective& objective, const States& at) {
  States slopes(at.rows(), at.cols());
  for (Index i = 0; i < at.size(); ++i) {
    slopes(i) = oracle::slope_at_zero(
        [&](double h) {
          States moved = at;
          moved(i) += h;
          return objective.trajectory_loss(moved);
        },
        0.5);
  }
  return slopes;
}

/// Shares of blocks of one, two, .. trajectories: their sum, and the cotangents.
double in_shares(const Objective& objective, const States& at, States& cotangents) {
  const Index k = objective.ensemble().observations();
  double sum = 0;
  Index size = 1;
  for (Index first = 0; first < objective.ensemble().size(); first += size++) {
    const Index count = k * std::min(size, objective.ensemble().size() - first);
    sum += objective.trajectory_loss(first, at.middleCols(k * first, count),
                                     cotangents.middleCols(k * first, count));
  }
  return sum;
}

/// Some trajectories at three times of their own, with values and weights.
struct Observed {
  Ensemble ensemble = Ensemble::observed_at(normal_states(2, 4, 21), times());
  Observations observations{normal_states(2, 12, 22), normal_states(2, 12, 23).cwiseAbs()};

  static Eigen::MatrixXd times() {
    Eigen::MatrixXd t(3, 4);
    t << 0.3, 0.1, 0.5, 1, 0.7, 0.4, 2, 1.5, 1.1, 2.5, 2.6, 1.7;
    return t;
  }
};

/// Twice the first component at the last time, and the product of the components at the first: as
/// residuals.
TrajectoryResiduals own_residuals(double slope = 1) {
  return {2, [slope](Index, ConstStatesRef y, VectorRef r, Eigen::Ref<Eigen::MatrixXd> by_state) {
            const Index last = y.cols() - 1;
            r << 2 * y(0, last), y(0, 0) * y(1, 0);
            by_state(0, last * y.rows()) = 2;
            by_state(1, 0) += y(1, 0);
            by_state(1, 1) += slope * y(0, 0);
          }};
}

}  // namespace

TEST_CASE("each loss on closed orbits runs as far as it looks: T, and T/2 for the mirrored one") {
  const States y = normal_states(2, 7, 1);
  for (const Loss loss : losses) {
    const Objective objective(spring, loss, y, period);
    CHECK(objective.loss() == loss);
    CHECK(objective.period() == period);
    CHECK(objective.ensemble().initial_states == y);
    const double end = loss == Loss::periodic ? period : period / 2;
    CHECK((objective.ensemble().end_times.array() == end).all());
    CHECK((objective.whole_periods().end_times.array() == period).all());
  }
}

TEST_CASE("deviations vanish where the state returns, or returns mirrored") {
  const States y = normal_states(4, 7, 2);
  const States end = normal_states(4, 7, 3);
  const Objective periodic(plane, Loss::periodic, y, period);
  const Objective antiperiodic(plane, Loss::antiperiodic, y, period);
  CHECK(periodic.deviations(end) == end - y);
  CHECK(antiperiodic.deviations(end) == end + y);
  CHECK(periodic.trajectory_loss(y + States::Ones(4, 7)) == doctest::Approx(4));
  CHECK(antiperiodic.trajectory_loss(-y) == 0);
}

TEST_CASE("shares add up to the loss, cotangents are its derivative, residuals its square root") {
  const States y = normal_states(2, 10, 4);
  const Observed observed;
  const Objective objectives[] = {
      Objective(spring, Loss::periodic, y, period),
      Objective(spring, Loss::antiperiodic, y, period),
      Objective(spring, Ensemble(y, Vector(Vector::LinSpaced(10, 1, 2)))),
      Objective(spring, observed.ensemble, observed.observations),
      Objective(spring, observed.ensemble, {observed.observations.value, {}})};
  for (const Objective& objective : objectives) {
    CAPTURE(name(objective.loss()));
    const Index columns = objective.ensemble().size() * objective.ensemble().observations();
    const States at = normal_states(2, columns, 5);
    States cotangents(2, columns);
    const double sum = in_shares(objective, at, cotangents);
    CHECK(sum == doctest::Approx(objective.trajectory_loss(at)).epsilon(rounding));
    CHECK((cotangents - slopes_of(objective, at)).cwiseAbs().maxCoeff() <= 100 * rounding);
    const Vector residuals = objective.residuals(at);
    CHECK(residuals.size() == objective.residual_count());
    CHECK(residuals.squaredNorm() == doctest::Approx(sum).epsilon(rounding));
    CHECK(objective.scale() ==
          doctest::Approx(objective.trajectory_loss(States::Zero(2, columns))));
  }
}

TEST_CASE("observed states: chi^2 per datum, those of weight 0 left out") {
  Observed observed;
  observed.observations.weight.setZero();
  observed.observations.weight(1, 4) = 5;
  const Objective objective(spring, observed.ensemble, observed.observations);
  States at = normal_states(2, 12, 6);
  const double off = at(1, 4) - observed.observations.value(1, 4);
  CHECK(objective.trajectory_loss(at) == doctest::Approx(5 * off * off));
  CHECK(objective.residual_count() == 1);
  at(1, 4) = observed.observations.value(1, 4);
  CHECK(objective.trajectory_loss(at) == 0);
  CHECK(objective.period() == 2.6);
}

TEST_CASE("residuals and gradient by theta and by initial states are those of differences") {
  Observed observed;
  observed.observations.weight(0, 3) = observed.observations.weight(1, 7) = 0;
  observed.observations.weight.col(9).setZero();
  const Dynamics dynamics(oracle::linear(1));
  const Objective objective =
      Objective(dynamics, observed.ensemble, observed.observations).fitting_initial_states();
  CHECK(objective.unknowns() == 1 + 8);
  CHECK(objective.residual_count() == 20);
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rkn12;
  options.integrator.rtol = options.integrator.atol = 1e-13;
  ObjectiveFunction function(objective, options);
  Vector unknowns(9);
  unknowns << -0.7, observed.ensemble.initial_states.reshaped();
  Vector residuals;
  GroupedJacobian jacobian;
  function.residuals(unknowns, residuals, &jacobian);
  CHECK((jacobian.group_sizes == std::vector<Index>{6, 5, 5, 4}));

  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(20, 9);
  all.col(0) = jacobian.shared;
  Index row = 0;
  for (Index i = 0; i < 4; ++i) {
    const Index rows = jacobian.group_sizes[static_cast<std::size_t>(i)];
    all.block(row, 1 + 2 * i, rows, 2) = jacobian.own.middleRows(row, rows);
    row += rows;
  }
  for (Index p = 0; p < 9; ++p) {
    const auto residual_of = [&](double h, Index at) {
      Vector moved = unknowns, r;
      moved[p] += h;
      function.residuals(moved, r);
      return r[at];
    };
    for (Index at = 0; at < 20; ++at) {
      const double slope = (residual_of(1e-4, at) - residual_of(-1e-4, at)) / 2e-4;
      CHECK(std::abs(all(at, p) - slope) <= 1e-7);
    }
  }
  Vector gradient(9);
  CHECK(function.value(unknowns, gradient) == doctest::Approx(residuals.squaredNorm()));
  CHECK((gradient - 2 * all.transpose() * residuals).norm() <= 1e-11 * gradient.norm());
  CHECK(mentions(message_of<InputError>([&] {
                   static_cast<void>(
                       Objective(spring, Loss::periodic, normal_states(2, 3, 1), period)
                           .fitting_initial_states());
                 }),
                 "periodic"));
}

TEST_CASE("the first observations are those of a shorter time") {
  const Observed observed;
  const Objective whole =
      Objective(spring, observed.ensemble, observed.observations).fitting_initial_states();
  const Objective part = whole.first_observations(2);
  CHECK(part.fits_initial_states());
  CHECK(part.ensemble().observations() == 2);
  for (Index i = 0; i < 4; ++i) {
    CHECK(part.ensemble().end_times[i] == observed.ensemble.earlier_times(1, i));
    CHECK(part.observations().value.middleCols(2 * i, 2) ==
          observed.observations.value.middleCols(3 * i, 2));
    CHECK(part.observations().weight.middleCols(2 * i, 2) ==
          observed.observations.weight.middleCols(3 * i, 2));
  }
  CHECK(whole.first_observations(3).ensemble().observations() == 3);
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(whole.first_observations(4)); }),
                 "first 4"));
}

TEST_CASE("a solution of each problem has no loss") {
  // f = -n^2 x: every n for the periodic loss over 2 pi, odd n for the antiperiodic one.
  const States y = normal_states(2, 20, 8);
  for (const int n : {1, 2, 3}) {
    for (const Loss loss : losses) {
      const Objective objective(spring, loss, y, oracle::two_pi);
      States end(2, 20);
      for (Index i = 0; i < 20; ++i) {
        end.col(i) = oracle::harmonic_flow(n * n, objective.ensemble().end_times[i]) * y.col(i);
      }
      const bool solves = loss == Loss::periodic || n % 2 == 1;
      CHECK((objective.trajectory_loss(end) < 1e-28) == solves);
    }
  }
}

TEST_CASE("what does not fit together is refused in words") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto complaint = [](const auto&... arguments) {
    return message_of<InputError>([&] { Objective(spring, arguments...); });
  };
  const States y = normal_states(2, 3, 9);
  for (const double bad : {0.0, -1.0, nan, inf}) {
    CHECK(mentions(complaint(Loss::periodic, y, bad), "period"));
  }
  CHECK(mentions(complaint(Loss::periodic, States(2, 0), 1.0), "initial states"));
  for (const double bad : {nan, inf}) {
    States broken = y;
    broken(0, 1) = bad;
    CHECK(mentions(complaint(Loss::periodic, broken, 1.0), "initial states"));
  }
  CHECK(mentions(complaint(Loss::observations, y, 1.0), "closed orbits"));
  CHECK(mentions(complaint(Ensemble(y, Vector(Eigen::Vector3d(1, 0, 2)))), "period"));
  CHECK(mentions(complaint(Ensemble(y, Vector(Eigen::Vector2d(1, 2)))),
                 "2 prescribed periods for 3"));
  const Ensemble ensemble(y, 2.0);
  CHECK(mentions(complaint(ensemble, Observations{States::Zero(2, 4), {}}), "2 x 4"));
  CHECK(mentions(complaint(ensemble, Observations{States::Constant(2, 3, nan), {}}), "finite"));
  for (const States& weight :
       {States(States::Zero(2, 3)), States(-States::Ones(2, 3)), States(States::Ones(2, 2))}) {
    CHECK(mentions(complaint(ensemble, Observations{y, weight}), "weights"));
  }
  CHECK(mentions(complaint(ensemble, TrajectoryLoss()), "callable"));
  CHECK(mentions(complaint(ensemble, TrajectoryResiduals()), "callable"));
}

TEST_CASE("prescribed periods: each trajectory runs to its own, and their mean stands for them") {
  const States y = normal_states(2, 3, 11);
  const Vector periods = Eigen::Vector3d(1, 2, 6);
  const Objective objective(spring, Ensemble(y, periods));
  CHECK(objective.loss() == Loss::prescribed_period);
  CHECK(objective.ensemble().end_times == periods);
  CHECK(objective.whole_periods().end_times == periods);
  CHECK(objective.period() == 3);
  CHECK(objective.deviations(-y) == -2 * y);
  const Objective half(spring, Ensemble(y, periods), Loss::prescribed_half_period);
  CHECK(half.ensemble().end_times == periods / 2);
  CHECK(half.whole_periods().end_times == periods);
  CHECK(half.period() == 3);
  CHECK(half.deviations(-y).isZero(0));
}

TEST_CASE("the total is the loss of the trajectories and the penalty of the force data") {
  const States y = normal_states(2, 5, 12);
  const States end = normal_states(2, 5, 13);
  const Vector two = Vector::Constant(1, 2.0);
  // f = -2 x against -x at +-1: each off by 1.
  const ForceData data{Eigen::Vector2d(-1, 1), Eigen::Vector2d(1, -1), 3};
  for (const Loss loss : {Loss::periodic, Loss::none}) {
    const Objective objective(spring, loss, y, period);
    const bool counts = loss == Loss::periodic;
    const double of_trajectories = counts ? objective.trajectory_loss(end) : 0;
    CHECK(objective.counts_trajectories() == counts);
    CHECK(objective.total(end, two) == of_trajectories);
    CHECK(objective.scale() == doctest::Approx(counts ? y.squaredNorm() / 5 : 0));
    const Objective both = objective.with(data);
    CHECK(both.total(end, two) == doctest::Approx(of_trajectories + 3));
    CHECK(both.scale() == doctest::Approx(counts ? y.squaredNorm() / 5 : 3));
    CHECK(both.deviations(y).isZero(0));  // measured even where they do not count
    CHECK_FALSE(objective.force_data().has_value());
  }
}

// --- losses of the user's ------------------------------------------------------------------------

TEST_CASE("a loss of the user's by residuals is the sum of their squares") {
  const Observed observed;
  const Objective objective(spring, observed.ensemble, own_residuals());
  const States at = normal_states(2, 12, 24);
  double expected = 0;
  for (Index i = 0; i < 4; ++i) {
    expected += 4 * at(0, 3 * i + 2) * at(0, 3 * i + 2);
    expected += std::pow(at(0, 3 * i) * at(1, 3 * i), 2);
  }
  CHECK(objective.trajectory_loss(at) == doctest::Approx(expected).epsilon(rounding));
  CHECK(objective.residual_count() == 8);
  CHECK(objective.residuals(at).squaredNorm() == doctest::Approx(expected).epsilon(rounding));
  CHECK(objective.deviations(at).size() == 0);
  check_loss(objective, at);
}

TEST_CASE("a wrong derivative of a user's loss is seen, and where") {
  const Observed observed;
  const States at = normal_states(2, 12, 24);
  const Objective wrong(spring, observed.ensemble, own_residuals(1 + 1e-4));
  const std::string text = message_of<InputError>([&] { check_loss(wrong, at); });
  CHECK(mentions(text, "component 1"));
  CHECK(mentions(text, "observation 0"));
  // A residual that is small beside another one is as important to least squares.
  TrajectoryResiduals unequal = own_residuals();
  unequal.evaluate = [equal = unequal.evaluate](Index i, ConstStatesRef y, VectorRef r,
                                                Eigen::Ref<Eigen::MatrixXd> by_state) {
    equal(i, y, r, by_state);
    r[1] *= 1e-6;
    by_state.row(1) *= 1.001e-6;
  };
  const Objective small(spring, observed.ensemble, unequal);
  CHECK(mentions(message_of<InputError>([&] { check_loss(small, at); }), "residual 1 gives"));
  const Objective broken(spring, observed.ensemble,
                         TrajectoryLoss([](Index, ConstStatesRef, StatesRef cotangents) {
                           cotangents.setZero();
                           return std::numeric_limits<double>::quiet_NaN();
                         }));
  CHECK(mentions(message_of<InputError>([&] { check_loss(broken, at); }), "not finite"));
}

// --- the function of theta -----------------------------------------------------------------------

TEST_CASE("value and residuals are one function, with one derivative") {
  const States y = normal_states(2, 6, 31);
  const Vector k = Vector::Constant(1, 1.2);
  const ForceData data{Eigen::Vector2d(-1, 1.5), Eigen::Vector2d(1, -1), 3};
  const Ensemble ensemble(y, 2.5);
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rkn8;
  options.integrator.rtol = options.integrator.atol = 1e-9;
  for (const Objective& objective :
       {Objective(spring, Loss::periodic, y, 5), Objective(spring, Loss::periodic, y, 5).with(data),
        Objective(spring, Loss::none, y, 5).with(data),
        Objective(spring, ensemble, Observations{normal_states(2, 6, 32), y.cwiseAbs()}),
        Objective(spring, ensemble, own_residuals())}) {
    CAPTURE(name(objective.loss()));
    ObjectiveFunction function(objective, options);
    Vector gradient(1), residuals;
    Eigen::MatrixXd jacobian;
    const double loss = function.value(k, gradient);
    function.residuals(k, residuals, &jacobian);
    CHECK(residuals.squaredNorm() == doctest::Approx(loss).epsilon(1e-13));
    CHECK((2 * jacobian.transpose() * residuals)[0] == doctest::Approx(gradient[0]).epsilon(1e-11));
    CHECK(function.value(k) == doctest::Approx(loss).epsilon(1e-13));
    const double slope =
        oracle::slope_at_zero([&](double h) { return function.value(k.array() + h); }, 1e-3);
    CHECK(gradient[0] == doctest::Approx(slope).epsilon(1e-6));
    CHECK((function.forward().steps > 0) == objective.counts_trajectories());
  }
}

TEST_CASE("a loss without residuals says what to give instead; nothing at all is no function") {
  const Objective scalar(spring, Ensemble(normal_states(2, 3, 33), 1.0),
                         TrajectoryLoss([](Index, ConstStatesRef y, StatesRef cotangents) {
                           cotangents = 4 * y.array().cube();
                           return y.array().pow(4).sum();
                         }));
  CHECK_FALSE(scalar.has_residuals());
  ObjectiveFunction function(scalar, SensitivityOptions{});
  Vector residuals, gradient(1);
  CHECK(mentions(message_of<InputError>([&] { function.residuals(Vector::Ones(1), residuals); }),
                 "TrajectoryResiduals"));
  CHECK(function.value(Vector::Ones(1), gradient) > 0);
  const Objective nothing(spring, Loss::none, normal_states(2, 3, 33), 1.0);
  CHECK_THROWS_AS(ObjectiveFunction(nothing, SensitivityOptions{}), InputError);
}

}  // namespace test_objective
