#include "multiple_shooting.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "elimination.hpp"
#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_multiple_shooting {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

Dynamics network(Motion motion, Index dimension) {
  return Dynamics(std::make_shared<Mlp>(std::vector<Index>{dimension, 4, dimension}), motion);
}

/// Observations of N = 3 trajectories at 11 irregular times, different for each.
struct Setting {
  Motion motion = Motion::newtonian;
  Index dimension = 1;
  bool fits = true;
  bool observes_start = false;
  bool has_gaps = false;  // values that are missing

  [[nodiscard]] Dynamics dynamics() const { return network(motion, dimension); }
  [[nodiscard]] Vector theta() const {
    return std::dynamic_pointer_cast<const Mlp>(dynamics().shared_field())->initial_parameters(3);
  }
  [[nodiscard]] Ensemble ensemble() const {
    constexpr Index n = 3, k = 11;
    Random random(7);
    Eigen::MatrixXd times(k, n);
    for (Index i = 0; i < n; ++i) {
      double t = 0;
      for (Index j = 0; j < k; ++j) times(j, i) = t += 0.05 + 0.2 * random.uniform();
    }
    if (observes_start) times.row(0).setZero();
    return Ensemble::observed_at(normal_states(dynamics().state_dimension(), n, 5), times);
  }
  /// What is observed is where the trajectories pass, moved by noise.
  [[nodiscard]] Objective objective(double noise) const {
    const States states = states_of(ensemble());
    Observations observations{states + noise * normal_states(states.rows(), states.cols(), 9),
                              States::Ones(states.rows(), states.cols())};
    for (Index c = 0; c < states.cols(); ++c) {
      observations.weight.col(c) *= static_cast<double>(1 + c % 3);
      if (has_gaps && c % 4 != 3) observations.weight(c % states.rows(), c) = 0;
    }
    const Objective objective(dynamics(), ensemble(), observations);
    return fits ? objective.fitting_initial_states() : objective;
  }
  [[nodiscard]] States states_of(const Ensemble& at) const {
    IntegratorOptions options;
    options.method = Method::rk8;
    options.rtol = options.atol = 1e-13;
    return Integrator(dynamics(), options).integrate(theta(), at).states;
  }
};

std::vector<Setting> settings() {
  return {{},
          {.fits = false},
          {.observes_start = true, .has_gaps = true},
          {.motion = Motion::first_order, .dimension = 2, .has_gaps = true},
          {.dimension = 2, .fits = false, .observes_start = true}};
}

SensitivityOptions discrete() {
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rk8;
  options.integrator.rtol = options.integrator.atol = 1e-13;
  return options;
}

/// theta and where the windows start: on the trajectories.
Vector on_trajectories(const Setting& setting, const Objective& whole, const Objective& windows) {
  const Index w = windows.joints()->windows;
  const Index k = whole.ensemble().observations();
  const Index first = whole.ensemble().observes_start() ? 1 : 0;
  const Index each = windows.ensemble().observations() - first;
  const States passed = setting.states_of(whole.ensemble());
  States starts = windows.ensemble().initial_states;
  for (Index c = 0; c < starts.cols(); ++c) {
    const Index i = c / w;
    starts.col(c) = c % w == 0 ? Vector(whole.ensemble().initial_states.col(i))
                               : Vector(passed.col(i * k + first + (c % w) * each - 1));
  }
  Vector all(windows.unknowns());
  all << setting.theta(), starts.reshaped();
  return all;
}

Vector moved(const Vector& at) { return at + 0.1 * normal_states(at.size(), 1, 8); }

}  // namespace

TEST_CASE("windows that join say the same as the whole trajectories") {
  for (const Setting& setting : settings()) {
    const Objective whole = setting.objective(0.1);
    const double loss = whole.trajectory_loss(setting.states_of(whole.ensemble()));
    for (const Index count : {2, 3, 4, 11, 50}) {
      const Objective windows = in_windows(whole, count, 10);
      ObjectiveFunction function(windows, discrete());
      Vector residuals;
      GroupedJacobian jacobian;
      function.residuals(on_trajectories(setting, whole, windows), residuals, &jacobian);
      CAPTURE(count);
      CHECK(windows.joints()->windows <= count);
      CHECK(std::abs(residuals.squaredNorm() - loss) <= 1e-11 * loss);
    }
  }
}

TEST_CASE("derivatives of windows and their gaps are those of differences") {
  for (const Setting& setting : settings()) {
    const Objective windows = in_windows(setting.objective(0.1), 4, 3);
    ObjectiveFunction function(windows, discrete());
    const Vector at = moved(on_trajectories(setting, setting.objective(0.1), windows));
    Vector residuals;
    GroupedJacobian jacobian;
    function.residuals(at, residuals, &jacobian);
    const auto value = [&](const Vector& unknowns) {
      Vector there;
      function.residuals(unknowns, there, static_cast<GroupedJacobian*>(nullptr));
      return there;
    };
    const Vector direction = normal_states(at.size(), 1, 4);
    constexpr double h = 1e-3;
    const Vector wide = (value(at + h * direction) - value(at - h * direction)) / (2 * h);
    const Vector narrow = (value(at + h / 2 * direction) - value(at - h / 2 * direction)) / h;
    const Vector slope = (4 * narrow - wide) / 3;
    CHECK((product(jacobian, direction) - slope).norm() <= 1e-8 * slope.norm());
    const Vector plain = value(at);
    CHECK((plain - residuals).norm() <= 1e-11 * plain.norm());
  }
}

TEST_CASE("windows start where the data are") {
  // Without noise and with complete states: on the trajectories.
  const Setting setting;
  const Objective whole = setting.objective(0);
  const Objective windows = in_windows(whole, 4, 1);
  const Vector there = on_trajectories(setting, whole, windows);
  const States& starts = windows.ensemble().initial_states;
  CHECK((there.tail(starts.size()) - starts.reshaped()).norm() <= 1e-12);
  CHECK(first_states(windows, starts) == whole.ensemble().initial_states);
}

TEST_CASE("a long trajectory is fitted from windows, and what is reported is whole" *
          doctest::test_suite("long")) {
  // Ten periods of x'' = -4 x: shot at as a whole, a network ends in a local minimum.
  constexpr Index k = 300;
  constexpr double end = 10 * 3.14, sigma = 0.05;
  Eigen::MatrixXd times(k, 1);
  for (Index j = 0; j < k; ++j) times(j, 0) = end * static_cast<double>(j + 1) / k;
  States value = sigma * normal_states(2, k, 3);
  for (Index j = 0; j < k; ++j) {
    value(0, j) += std::cos(2 * times(j, 0));
    value(1, j) -= 2 * std::sin(2 * times(j, 0));
  }
  const States weight = States::Constant(2, k, 1 / (sigma * sigma));
  const States start = Eigen::Vector2d(0.9, 0.2);
  const Objective objective =
      Objective(Dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 8, 1})),
                Ensemble::observed_at(start, times), {value, weight})
          .fitting_initial_states();
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    FitOptions options = unlimited_fit();
    bool is_whole = true;
    options.training.progress = [&](const TrainingState& state) {
      is_whole = is_whole && state.initial_states.cols() == 1;
    };
    const ObservationFit fit =
        fit_observations(objective, initial_parameters(objective, seed), options);
    CHECK(is_whole);
    CHECK(std::abs(fit.chi_squared - fit.degrees_of_freedom) <=
          4 * std::sqrt(2 * fit.degrees_of_freedom));
  }
}

TEST_CASE("a fit that is stopped among windows has whole trajectories") {
  const Setting setting{.fits = false};
  const Objective objective = setting.objective(0.1);
  FitOptions options = unlimited_fit();
  options.windows = 4;
  options.training.optimizer.max_iterations = 2;
  const ObservationFit known = fit_observations(objective, 0.5 * setting.theta(), options);
  CHECK(known.training.reason == StopReason::max_iterations);
  CHECK(known.training.state.initial_states.size() == 0);
  const ObservationFit fitted =
      fit_observations(objective.fitting_initial_states(), 0.5 * setting.theta(), options);
  CHECK(fitted.training.state.initial_states.cols() == objective.ensemble().size());

  const auto refused = [&] {
    options.windows = 0;
    static_cast<void>(fit_observations(objective, setting.theta(), options));
  };
  CHECK(mentions(message_of<InputError>(refused), "0 windows"));
  ObjectiveFunction of_windows(in_windows(objective, 4, 1), discrete());
  const Vector unknowns = Vector::Zero(of_windows.objective().unknowns());
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(of_windows.value(unknowns)); }),
                 "least squares"));
}

}  // namespace test_multiple_shooting
