#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "isochron/error.hpp"
#include "isochron/objective.hpp"
#include "oracles.hpp"

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

constexpr Loss losses[] = {Loss::periodic, Loss::antiperiodic};
constexpr double period = 3;
constexpr double rounding = 1e-14;

}  // namespace

TEST_CASE("each loss runs as far as it looks: T, and T/2 for the antiperiodic one") {
  const States y = normal_states(2, 7, 1);
  for (const Loss loss : losses) {
    const Objective objective(loss, y, period);
    CHECK(objective.loss() == loss);
    CHECK(objective.period() == period);
    CHECK(objective.ensemble().initial_states == y);
    const double end = loss == Loss::periodic ? period : period / 2;
    CHECK((objective.ensemble().end_times.array() == end).all());
  }
}

TEST_CASE("residuals vanish where the state returns, or returns mirrored") {
  const States y = normal_states(4, 7, 2);
  const States end = normal_states(4, 7, 3);
  const Objective periodic(Loss::periodic, y, period);
  const Objective antiperiodic(Loss::antiperiodic, y, period);
  CHECK(periodic.residuals(end) == end - y);
  CHECK(antiperiodic.residuals(end) == end + y);
  CHECK(periodic.residuals(y).isZero(0));
  CHECK(antiperiodic.residuals(-y).isZero(0));
  CHECK(Objective::mean_square(States::Ones(4, 7)) == 4);
}

TEST_CASE("the loss of a block is its share: shares add up, cotangents are the derivative") {
  const States y = normal_states(2, 10, 4);
  const States end = normal_states(2, 10, 5);
  for (const Loss loss : losses) {
    const Objective objective(loss, y, period);
    const FinalLoss share = objective.final_loss();
    double sum = 0;
    States cotangents(2, 10);
    for (const auto& [first, size] : {std::pair<Index, Index>{0, 4}, {4, 4}, {8, 2}}) {
      sum += share(first, end.middleCols(first, size), cotangents.middleCols(first, size));
    }
    CHECK(std::abs(sum - Objective::mean_square(objective.residuals(end))) <= rounding * sum);
    for (Index i = 0; i < end.size(); ++i) {
      // The loss is quadratic: differences are exact for any step.
      const double slope = oracle::slope_at_zero(
          [&](double h) {
            States moved = end;
            moved(i) += h;
            return Objective::mean_square(objective.residuals(moved));
          },
          0.5);
      CHECK(std::abs(slope - cotangents(i)) <= 100 * rounding);
    }
  }
}

TEST_CASE("a solution of each problem has no loss") {
  // f = -n^2 x: every n for the periodic loss over 2 pi, odd n for the antiperiodic one.
  const States y = normal_states(2, 20, 8);
  for (const int n : {1, 2, 3}) {
    for (const Loss loss : losses) {
      const Objective objective(loss, y, oracle::two_pi);
      States end(2, 20);
      for (Index i = 0; i < 20; ++i) {
        end.col(i) = oracle::harmonic_flow(n * n, objective.ensemble().end_times[i]) * y.col(i);
      }
      const double value = Objective::mean_square(objective.residuals(end));
      const bool solves = loss == Loss::periodic || n % 2 == 1;
      CHECK((value < 1e-28) == solves);
    }
  }
}

TEST_CASE("an objective without states or period is refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto complaint = [](const States& states, double at) {
    return message_of<InputError>([&] { Objective(Loss::periodic, states, at); });
  };
  const States y = normal_states(2, 3, 9);
  for (const double bad : {0.0, -1.0, nan, inf}) CHECK(mentions(complaint(y, bad), "period"));
  CHECK(mentions(complaint(States(2, 0), 1), "initial states"));
  for (const double bad : {nan, inf}) {
    States broken = y;
    broken(0, 1) = bad;
    CHECK(mentions(complaint(broken, 1), "initial states"));
  }
}

TEST_CASE("prescribed periods: each trajectory runs to its own, and their mean stands for them") {
  const States y = normal_states(2, 3, 11);
  const Vector periods = Eigen::Vector3d(1, 2, 6);
  const Objective objective(Ensemble(y, periods));
  CHECK(objective.loss() == Loss::prescribed_period);
  CHECK(objective.ensemble().end_times == periods);
  CHECK(objective.whole_periods().end_times == periods);
  CHECK(objective.period() == 3);
  CHECK(objective.residuals(-y) == -2 * y);
  const auto complaint = [&](const Vector& bad) {
    return message_of<InputError>([&] { Objective(Ensemble(y, bad)); });
  };
  CHECK(mentions(complaint(Eigen::Vector3d(1, 0, 2)), "period"));
  CHECK(mentions(complaint(Eigen::Vector2d(1, 2)), "2 prescribed periods for 3"));
  const Objective half(Ensemble(y, periods), Loss::prescribed_half_period);
  CHECK(half.ensemble().end_times == periods / 2);
  CHECK(half.whole_periods().end_times == periods);
  CHECK(half.period() == 3);
  CHECK(half.residuals(-y).isZero(0));
  const Objective antiperiodic(Loss::antiperiodic, y, period);
  CHECK((antiperiodic.whole_periods().end_times.array() == period).all());
}

TEST_CASE("the total is the mean square of the trajectories and the penalty of the held force") {
  const States y = normal_states(2, 5, 12);
  const States residuals = normal_states(2, 5, 13);
  const auto field = oracle::harmonic();
  const Vector two = Vector::Constant(1, 2.0);
  // f = -2 x against -x at +-1: each off by 1.
  const HeldForce held{Eigen::Vector2d(-1, 1), Eigen::Vector2d(1, -1), 3};
  for (const Loss loss : {Loss::periodic, Loss::none}) {
    Objective objective(loss, y, period);
    const bool counts = loss == Loss::periodic;
    const double of_trajectories = counts ? Objective::mean_square(residuals) : 0;
    CHECK(objective.counts_trajectories() == counts);
    CHECK(objective.total(residuals, *field, two) == of_trajectories);
    CHECK(objective.scale() == (counts ? Objective::mean_square(y) : 0));
    objective.hold(held);
    CHECK(objective.total(residuals, *field, two) == doctest::Approx(of_trajectories + 3));
    CHECK(objective.scale() == doctest::Approx(counts ? Objective::mean_square(y) : 3));
    CHECK(objective.residuals(y).isZero(0));  // measured even where they do not count
  }
}
