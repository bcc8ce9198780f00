#include "isochron/observed_data.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"

namespace test_observed_data {

using namespace isochron;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

void says(const std::function<void()>& action, const std::vector<std::string>& words) {
  const std::string message = message_of(action);
  for (const std::string& word : words) {
    CHECK_MESSAGE(message.find(word) != std::string::npos, message, " lacks ", word);
  }
}

/// Times and states that are written in braces.
struct Times : Vector {
  Times(std::initializer_list<double> times) : Vector(static_cast<Index>(times.size())) {
    std::copy(times.begin(), times.end(), begin());
  }
  template <class Other>
  Times(const Eigen::MatrixBase<Other>& other) : Vector(other) {}
};
struct Table : States {
  Table(std::initializer_list<std::initializer_list<double>> rows) : States(rows) {}
  template <class Other>
  Table(const Eigen::MatrixBase<Other>& other) : States(other) {}
};

ObservedTrajectory trajectory(const std::string& name, const Times& time, const Table& value,
                              const Table& error = States()) {
  ObservedTrajectory result;
  result.name = name;
  result.time = time;
  result.value = value;
  result.error = error;
  return result;
}

ObservedData line_data(std::vector<ObservedTrajectory> trajectories) {
  return {Motion::newtonian, 1, std::move(trajectories)};
}

/// That one trajectory of newtonian dynamics on a line is refused, with these words.
void refuses(const ObservedTrajectory& one, const std::vector<std::string>& words) {
  says([&] { static_cast<void>(line_data({one})); }, words);
}

const Vector three_times{{0, 1, 2.5}};
const States three_states{{1, 2, 3}, {4, 5, 6}};

/// Increasing times with gaps of very different lengths.
Vector random_times(Index count, Random& random) {
  Vector time(count);
  double last = 10 * random.normal();
  for (double& t : time) t = last += std::exp(2 * random.normal());
  return time;
}

/// Harmonic oscillators (q'' = -q) from random states, each at times of its own; some values are
/// missing, but not at the first times.
ObservedData oscillators(Index trajectories, std::uint64_t seed) {
  Random random(seed);
  std::vector<ObservedTrajectory> result;
  for (Index i = 0; i < trajectories; ++i) {
    const Vector time = random_times(3 + 4 * (i % 5), random);
    States value(2, time.size());
    const Vector start{{random.normal(), random.normal()}};
    for (Index k = 0; k < time.size(); ++k) {
      value.col(k) = oracle::harmonic_flow(1, time[k] - time[0]) * start;
      if (k > 0 && k + 1 < time.size() && random.uniform() < 0.3) value(0, k) = none;
      if (k > 0 && random.uniform() < 0.5) value(1, k) = none;
    }
    result.push_back(trajectory(std::to_string(i), time, value));
  }
  return line_data(std::move(result));
}

/// Equal, NaN to NaN.
bool same(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a.array() == b.array() || (a.array().isNaN() && b.array().isNaN())).all();
}

bool same(const ObservedTrajectory& a, const ObservedTrajectory& b) {
  return a.name == b.name && same(a.time, b.time) && same(a.value, b.value) &&
         same(a.error, b.error);
}

}  // namespace

// --------------------------------------------------------------------------------------- checking

TEST_CASE("components have the names of the columns of data") {
  CHECK(component_name(Motion::newtonian, 1, 0) == "q");
  CHECK(component_name(Motion::newtonian, 1, 1) == "v");
  CHECK(component_name(Motion::newtonian, 3, 2) == "q3");
  CHECK(component_name(Motion::newtonian, 3, 3) == "v1");
  CHECK(component_name(Motion::first_order, 1, 0) == "y");
  CHECK(component_name(Motion::first_order, 2, 1) == "y2");
}

TEST_CASE("data are refused in one sentence that names the trajectory and the place") {
  refuses(trajectory("a", {0, 1, 1}, three_states),
          {"trajectory 'a', row 2 (counted from 0)", "time 1 follows 1", "must increase"});
  refuses(trajectory("a", {0, 2, 1}, three_states), {"row 2", "time 1 follows 2"});
  refuses(trajectory("a", {0, none, 1}, three_states), {"row 1", "the time is missing"});
  refuses(trajectory("a", {0, 1, inf}, three_states), {"row 2", "the time is inf"});
  refuses(trajectory("a", {-1e308, 1, 1e308}, three_states), {"too long"});
  refuses(trajectory("a", {-1e16, 0.1, 0.2}, three_states),
          {"row 2", "0.2 is too close to 0.1", "whole of 1e+16"});
  refuses(trajectory("a", Vector::Zero(1), States::Zero(2, 1)),
          {"trajectory 'a' has one time", "at least two"});
  refuses(trajectory("a", {}, States(2, 0)), {"has no times"});
  refuses(trajectory("a", three_times, {{1, 2, inf}, {1, 2, 3}}),
          {"row 2", "q is inf", "nan where missing"});
  refuses(trajectory("a", three_times, {{1, 2, 3}, {1, -inf, 3}}), {"row 1", "v is -inf"});
  for (const double error : {0.0, -1.0, inf, 1e-200, 1e200}) {
    refuses(trajectory("a", three_times, three_states, {{1, 1, 1}, {1, 1, error}}),
            {"row 2", "standard error of v is", "> 0"});
  }
  refuses(trajectory("a", three_times, {{1, none, none}, {1, none, none}}),
          {"trajectory 'a' has no observation after its first time"});
  refuses(trajectory("a", three_times, States::Zero(3, 3)), {"2 components at 3 times"});
  refuses(trajectory("a", three_times, three_states, States::Ones(2, 2)), {"2 components"});
  says([] { static_cast<void>(line_data({})); }, {"at least one trajectory"});
  says([] { static_cast<void>(ObservedData(Motion::newtonian, 0, {})); }, {"dimension 0"});

  ObservedTrajectory of_text = trajectory("b", {0, 2, 1}, three_states);
  of_text.place = "line";
  of_text.places = {2, 5, 7};
  refuses(of_text, {"trajectory 'b', line 7:"});
  of_text.places = {2};
  refuses(of_text, {"3 times at 1 places"});
}

TEST_CASE("errors of missing values do not count, and what has no error is counted") {
  const ObservedData data = line_data({trajectory("a", three_times, {{1, none, 3}, {none, none, 2}},
                                                  {{none, -1, 0.1}, {0, inf, none}}),
                                       trajectory("b", three_times, three_states)});
  CHECK(data.observed() == std::vector<Index>{5, 4});
  CHECK(data.observed(1) == std::vector<Index>{3, 3});
  CHECK(data.without_error() == std::vector<Index>{4, 4});
  CHECK(data.without_error(1) == std::vector<Index>{2, 3});
}

// ------------------------------------------------------------------------------- what a fit takes

TEST_CASE("times are relative, and padded ones increase and carry no weight") {
  const ObservedData data = oscillators(30, 1);
  const Vector noise{{0.5, 0.25}};
  const ObservedEnsemble known = with_known_start(data, noise);
  const ObservedEnsemble given = with_start(data, known.ensemble.initial_states, noise);
  const Index count = known.ensemble.observations();
  CHECK(count == 19);
  CHECK(known.ensemble.observes_start());
  CHECK(known.ensemble.earlier_times == given.ensemble.earlier_times);
  for (Index i = 0; i < data.size(); ++i) {
    const ObservedTrajectory& each = data.trajectories()[static_cast<std::size_t>(i)];
    CHECK(known.ensemble.initial_states.col(i) == each.value.col(0));
    Vector times(count);
    times << known.ensemble.earlier_times.col(i), known.ensemble.end_times[i];
    Index own = 0;
    for (Index k = 0; k < count; ++k) {
      CHECK((k == 0 || times[k] > times[k - 1]));
      const auto weight = given.observations.weight.col(i * count + k);
      const auto value = given.observations.value.col(i * count + k);
      const bool is_own = own < each.size() && times[k] == each.time[own] - each.time[0];
      for (Index d = 0; d < 2; ++d) {
        const bool observed = is_own && !std::isnan(each.value(d, own));
        CHECK(weight[d] == (observed ? 1 / (noise[d] * noise[d]) : 0));
        CHECK(value[d] == (observed ? each.value(d, own) : 0));
      }
      CHECK(known.observations.weight.col(i * count + k) ==
            (k == 0 ? Vector(Vector::Zero(2)) : Vector(weight)));
      if (is_own) ++own;
    }
    CHECK(own == each.size());
  }
}

TEST_CASE("padding halves the longest gaps") {
  const ObservedData data =
      line_data({trajectory("a", {5, 6, 13}, three_states),
                 trajectory("b", Vector::LinSpaced(7, 0, 6), States::Ones(2, 7))});
  const ObservedEnsemble made = with_known_start(data, Vector::Ones(2));
  // From 1 to 8: first 4.5, then the halves of the earlier half, then of the later.
  CHECK(made.ensemble.earlier_times.col(0) == Vector{{0, 1, 1.875, 2.75, 4.5, 6.25}});
  CHECK(made.ensemble.end_times[0] == 8);
}

TEST_CASE("an exact solution at all its times has no loss, and deviations count by their errors") {
  const ObservedData data = oscillators(12, 2);
  const Dynamics dynamics(oracle::harmonic());
  const ObservedEnsemble made = with_known_start(data, Vector::Constant(2, 0.5));
  const Objective objective(dynamics, made.ensemble, made.observations);
  IntegratorOptions options;
  options.rtol = options.atol = 1e-12;
  const States states =
      Integrator(dynamics, options).integrate(Vector::Ones(1), made.ensemble).states;
  CHECK(objective.trajectory_loss(states) < std::pow(1e3 * options.rtol, 2));

  // All values 0.5 too large: one standard error each.
  std::vector<ObservedTrajectory> shifted = data.trajectories();
  for (ObservedTrajectory& each : shifted) {
    each.value.rightCols(each.size() - 1).array() += 0.5;
  }
  const ObservedEnsemble moved = with_known_start(line_data(shifted), Vector::Constant(2, 0.5));
  const Objective other(dynamics, moved.ensemble, moved.observations);
  const std::vector<Index> counts = data.observed(1);
  CHECK(other.residual_count() == counts[0] + counts[1]);
  CHECK(other.trajectory_loss(states) == doctest::Approx(1).epsilon(1e-9));
}

TEST_CASE("a value's own error comes before the noise, which is asked for where it is needed") {
  const States errors{{none, 2, none}, {none, 4, 0.5}};
  const ObservedData data = line_data({trajectory("a", three_times, three_states, errors)});
  const States weights = with_start(data, three_states.col(0), Vector{{10, 1}}).observations.weight;
  CHECK(weights.isApprox(States{{0.01, 0.25, 0.01}, {1, 0.0625, 4}}));
  CHECK(with_known_start(data, Vector{{10, none}}).observations.weight.col(0) == Vector::Zero(2));
  says([&] { static_cast<void>(with_known_start(data)); },
       {"values of q have no standard errors", "column q_error", "--noise"});
  says(
      [&] {
        static_cast<void>(with_known_start(data, Vector{{none, 1}}));
      },
      {"values of q have no"});
  says(
      [&] {
        static_cast<void>(with_known_start(data, Vector{{-1, 1}}));
      },
      {"noise of q is -1", "> 0"});
  says(
      [&] {
        static_cast<void>(with_start(data, three_states.col(0), Vector{{1, none}}));
      },
      {"values of v have no"});
  says([&] { static_cast<void>(with_known_start(data, Vector::Ones(1))); }, {"1 standard errors"});
  says([&] { static_cast<void>(with_start(data, three_states, Vector::Ones(2))); },
       {"2 x 3 initial states do not fit 1 trajectories of 2"});
  says(
      [&] {
        static_cast<void>(with_start(data, Vector{{0, none}}, Vector::Ones(2)));
      },
      {"not finite"});
}

TEST_CASE("known initial states must be complete") {
  const States positions{{1, 2, 3}, {none, none, none}};
  says(
      [&] {
        static_cast<void>(with_known_start(line_data({trajectory("x7", {3, 4, 5}, positions)})));
      },
      {"trajectory 'x7' has no v at its first time, 3", "--fit-initial-states"});
}

// ----------------------------------------------------------------------------------- where to
// begin

TEST_CASE("initial states are exact for parabolas, whatever is observed of them") {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    const Vector c{{random.normal(), random.normal(), random.normal()}};
    const Index count = 3 + static_cast<Index>(8 * random.uniform());
    Vector time(count);
    double last = 100 * random.normal();
    for (double& t : time) t = last += 0.5 + random.uniform();
    const Vector s = time.array() - time[0];
    States value(2, count);
    value.row(0) = (c[0] + c[1] * s.array() + c[2] * s.array().square()).transpose();
    value.row(1) = (c[1] + 2 * c[2] * s.array()).transpose();
    if (round % 3 == 0) value.row(1).setConstant(none);
    if (round % 3 == 1) value.rightCols(count - 2).row(0).setConstant(none);
    // The first observations stand later, but no farther than the others reach.
    if (round % 2 == 0 && count > 4) value.col(0).setConstant(none);
    const States start = starting_states(line_data({trajectory("a", time, value)}));
    const double size = c.norm() * (1 + s[count - 1] * s[count - 1]);
    CHECK((start - c.head(2)).norm() <= 1e-13 * size);
  }
}

TEST_CASE("few observations give a line or a constant, and none give zero") {
  const auto start_of = [](const Times& time, const Table& value) {
    return Vector(starting_states(line_data({trajectory("a", time, value)})));
  };
  CHECK(start_of({0, 2}, {{1, 5}, {none, none}}).isApprox(Vector{{1, 2}}));
  CHECK(start_of({0, 2}, {{none, 5}, {none, none}}).isApprox(Vector{{5, 0}}));
  CHECK(start_of({0, 2}, {{none, none}, {none, 3}}).isApprox(Vector{{0, 3}}));
  CHECK(start_of({0, 1, 2}, {{none, none, none}, {none, 3, 4}}).isApprox(Vector{{0, 2}}));
  // One position and one velocity are a line.
  CHECK(start_of({0, 1}, {{none, 7}, {none, 3}}).isApprox(Vector{{7, 3}}));
  CHECK(start_of({0, 1, 2}, {{none, 7, none}, {none, none, 3}}).isApprox(Vector{{4, 3}}));
  // The first position counts, however late: here v = 1 + 2 t, q = 3 + t + t^2.
  CHECK(start_of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                 {{none, none, none, none, none, none, none, none, 75, 0},
                  {none, 3, 5, 7, 9, 11, 13, 15, 17, 99}})
            .isApprox(Vector{{3, 1}}));
  // An observation at the first time is taken as it is, wherever the parabola passes.
  CHECK(start_of({0, 1, 2, 3}, {{1, 0, 2, -3}, {none, none, none, none}})[0] == 1);

  // Nothing is continued beyond the reach of what was observed.
  const Vector far{{0, 100, 100.1, 100.2, 100.3}};
  const Vector start = start_of(far, {{none, 1, 1.2, 0.9, 1.1}, {none, none, none, none, none}});
  CHECK(std::abs(start[0]) < 10);

  const ObservedData first_order(
      Motion::first_order, 2,
      {trajectory("a", {0, 1, 2, 3}, {{none, 1, 4, 9}, {none, none, none, none}})});
  CHECK(starting_states(first_order).norm() < 1e-13);
}

// ------------------------------------------------------------------------------------------- parts

TEST_CASE("holding out trajectories is deterministic and complete") {
  const ObservedData data = oscillators(20, 4);
  std::set<std::string> ever;
  std::set<std::string> choices;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Holdout parts = hold_out(data, 0.25, seed);
    const Holdout again = hold_out(data, 0.25, seed);
    CHECK(!parts.continues);
    CHECK(parts.held_out.size() == 5);
    CHECK(parts.training.size() == 15);
    // Merged in their order they are the whole.
    auto training = parts.training.trajectories().begin();
    auto held_out = parts.held_out.trajectories().begin();
    std::string choice;
    for (std::size_t i = 0; i < parts.held_out.trajectories().size(); ++i) {
      CHECK(same(parts.held_out.trajectories()[i], again.held_out.trajectories()[i]));
    }
    for (const ObservedTrajectory& each : data.trajectories()) {
      const bool out =
          held_out != parts.held_out.trajectories().end() && held_out->name == each.name;
      CHECK(same(out ? *held_out++ : *training++, each));
      if (out) choice += each.name + ' ', ever.insert(each.name);
    }
    choices.insert(choice);
  }
  CHECK(ever.size() == 20);
  CHECK(choices.size() > 35);
  CHECK(hold_out(data, 0.001, 1).held_out.size() == 1);
  CHECK(hold_out(data, 0.999, 1).training.size() == 1);
  says([&] { static_cast<void>(hold_out(data, 0, 1)); }, {"fraction 0", "between 0 and 1"});
  says([&] { static_cast<void>(hold_out(data, 1, 1)); }, {"fraction 1"});
}

TEST_CASE("each trajectory is held out as often as the others") {
  const ObservedData data = oscillators(10, 5);
  std::vector<double> counts(10, 0);
  constexpr int seeds = 4000;
  for (int seed = 0; seed < seeds; ++seed) {
    const Holdout parts = hold_out(data, 0.3, static_cast<std::uint64_t>(seed));
    for (const auto& each : parts.held_out.trajectories()) ++counts[std::stoul(each.name)];
  }
  // Binomial: five standard deviations.
  for (const double count : counts) {
    CHECK(std::abs(count - 0.3 * seeds) < 5 * std::sqrt(0.3 * 0.7 * seeds));
  }
}

TEST_CASE("of a single trajectory its last times are held out, from the same start") {
  const Vector time = Vector::LinSpaced(11, 1, 11);
  States value = States::Random(2, 11);
  value.col(9).setConstant(none);
  const ObservedData data = line_data({trajectory("a", time, value, States::Ones(2, 11))});
  const Holdout parts = hold_out(data, 0.3, 0);
  const ObservedTrajectory& training = parts.training.trajectories().front();
  const ObservedTrajectory& held_out = parts.held_out.trajectories().front();
  CHECK(parts.continues);
  CHECK(training.time == time.head(7));  // 3 of the 9 later observations: at 8, 9, 11
  CHECK(held_out.time == Vector{{1, 8, 9, 10, 11}});
  CHECK(held_out.value.col(0).array().isNaN().all());
  CHECK(same(held_out.value.rightCols(4), value.rightCols(4)));
  CHECK(held_out.places == std::vector<long>{0, 7, 8, 9, 10});
  const ObservedEnsemble made = with_start(parts.held_out, value.col(0));
  CHECK(made.observations.weight.col(0).norm() == 0);
  CHECK(made.ensemble.end_times[0] == 10);
  says(
      [] {
        const ObservedData little =
            line_data({trajectory("a", three_times, {{1, none, 3}, {1, none, 3}})});
        static_cast<void>(hold_out(little, 0.5, 0));
      },
      {"trajectory 'a' has one observation", "needs two"});
}

}  // namespace test_observed_data
