#include "isochron/communicator.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <new>
#include <set>
#include <thread>

#include "isochron/analytic_force.hpp"
#include "isochron/composite_field.hpp"
#include "isochron/error.hpp"
#include "isochron/least_squares.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/stoppable_force.hpp"
#include "isochron/training.hpp"
#include "local_ranks.hpp"

namespace test_communicator {

using namespace isochron;

namespace {

#ifdef ISOCHRON_SANITIZE
const std::vector<int> sizes{7};  // which is slow enough
#else
const std::vector<int> sizes{2, 3, 7};
#endif

Dynamics network(Motion motion = Motion::newtonian) {
  return Dynamics(std::make_shared<Mlp>(motion == Motion::newtonian ? std::vector<Index>{1, 6, 1}
                                                                    : std::vector<Index>{2, 6, 2}),
                  motion);
}

Vector start_of(const Dynamics& dynamics) { return starting_parameters(dynamics.field(), 3); }

/// Of many blocks.
Objective closed_orbits(const Dynamics& dynamics, Index trajectories = 61) {
  return {dynamics, Loss::periodic, normal_states(2, trajectories, 5), 2.5};
}

/// The last block is short, and alone on its rank where there are many.
Objective observed_orbits(const Dynamics& dynamics, Index n = 35) {
  const Index k = 4;
  const Eigen::MatrixXd times = Vector::LinSpaced(k, 0.5, 2).replicate(1, n);
  Observations observations;
  observations.value = normal_states(2, n * k, 8);
  observations.weight = normal_states(2, n * k, 9).cwiseAbs();
  observations.robust = Robust::huber;
  return Objective(dynamics, Ensemble::observed_at(normal_states(2, n, 7), times), observations)
      .fitting_initial_states();
}

SensitivityOptions options_of(GradientMethod gradient, const CommunicatorPtr& communicator,
                              int threads = 1) {
  SensitivityOptions options;
  options.gradient = gradient;
  options.freeze_steps = true;
  if (gradient == GradientMethod::discrete) options.integrator.method = Method::rk8;
  options.integrator.rtol = options.integrator.atol = 1e-7;
  options.integrator.block_size = 8;
  options.integrator.threads = threads;
  options.integrator.communicator = communicator;
  return options;
}

Vector unknowns_of(const Objective& objective, const Vector& theta) {
  Vector all(objective.unknowns());
  all << theta, objective.ensemble().initial_states.reshaped().tail(all.size() - theta.size());
  return all;
}

/// Everything that a function says of two points, one after the other.
std::vector<double> numbers_of(const Objective& objective, const Vector& theta,
                               const SensitivityOptions& options) {
  std::vector<double> all;
  const auto keep = [&](const auto& matrix) {
    for (const double number : matrix.reshaped()) all.push_back(number);
  };
  ObjectiveFunction function(objective, options);
  for (const double factor : {1.0, 1.001}) {
    const Vector at = factor * unknowns_of(objective, theta);
    Vector gradient(at.size());
    all.push_back(function.value(at));
    all.push_back(function.value(at, gradient));
    keep(gradient);
    Vector residuals;
    function.residuals(at, residuals);
    keep(residuals);
    if (options.gradient == GradientMethod::adjoint) continue;
    GroupedJacobian jacobian;
    function.residuals(at, residuals, &jacobian);
    keep(jacobian.shared);
    keep(jacobian.own);
  }
  all.push_back(static_cast<double>(function.forward().steps));
  all.push_back(static_cast<double>(function.backward().right_hand_sides));
  return all;
}

constexpr GradientMethod methods[] = {GradientMethod::adjoint, GradientMethod::forward,
                                      GradientMethod::discrete, GradientMethod::difference};

}  // namespace

TEST_CASE("losses, gradients and Jacobians are the same to the last bit for any number of ranks" *
          doctest::test_suite("long")) {
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Dynamics dynamics = network(motion);
    const Vector theta = start_of(dynamics);
    for (const Objective& objective : {closed_orbits(dynamics), observed_orbits(dynamics)}) {
      for (const GradientMethod gradient : methods) {
        CAPTURE(std::string(name(gradient)));
        CAPTURE(std::string(name(objective.loss())));
        const bool slow = gradient == GradientMethod::difference && objective.unknowns() > 20;
        if (slow) continue;
        const auto alone = numbers_of(objective, theta, options_of(gradient, nullptr));
        CHECK(numbers_of(objective, theta, options_of(gradient, nullptr, 3)) == alone);
        for (const int size : sizes) {
          const bool every_size =
              motion == Motion::newtonian && gradient == GradientMethod::discrete;
          if (!every_size && size != sizes.back()) continue;
          CAPTURE(size);
          const LocalRanks ranks(size);
          CHECK(numbers_of(objective, theta, options_of(gradient, ranks.first())) == alone);
          CHECK(ranks.mail().messages > 0);
        }
      }
    }
  }
}

TEST_CASE("every kind of field arrives on other ranks") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1}, Symmetry::odd, Skip::linear);
  AnalyticTerm term = analytic_term("duffing", 1);
  term.parameters.front().is_fitted = true;
  const auto known = std::make_shared<AnalyticForce>(term);
  const ForceFieldPtr sum = sum_of({known, mlp});
  const std::vector<ForceFieldPtr> fields{
      mlp,
      known,
      sum,
      in_units(sum, Vector::Constant(1, 2.0), Vector::Constant(1, 0.1), 0.9),
      with_fixed(mlp, mlp->initial_parameters(1), {0, 3}),
      with_scales(known, {ParameterScale{true, {}}}),
      on_components(mlp, {1}, 2),
      stoppable_force(sum, [] { return false; })};
  for (const ForceFieldPtr& field : fields) {
    const Motion motion = field->dimension() == 2 ? Motion::first_order : Motion::newtonian;
    const Dynamics dynamics(field, motion);
    const Vector theta = 0.1 * normal_states(field->parameters(), 1, 2).cwiseAbs();
    const Objective objective = closed_orbits(dynamics, 17);
    const LocalRanks ranks(2);
    CHECK(numbers_of(objective, theta, options_of(GradientMethod::discrete, ranks.first())) ==
          numbers_of(objective, theta, options_of(GradientMethod::discrete, nullptr)));
  }
}

TEST_CASE("a field and a loss of the user's are handed over on each rank") {
  const auto field = make_force(
      1, [](double q, const auto& k) { return -k[0] * q; },
      [](double, const auto& k) { return -k[0]; },
      [](double q, const auto&) { return Eigen::Matrix<double, 1, 1>(-q); });
  const Dynamics dynamics(sum_of({field, std::make_shared<Mlp>(std::vector<Index>{1, 3, 1})}));
  const Objective closed = closed_orbits(dynamics);
  const Objective own(dynamics, closed.ensemble(),
                      TrajectoryResiduals{1, [](Index, ConstStatesRef y, VectorRef r,
                                                Eigen::Ref<Eigen::MatrixXd> d) {
                                            r[0] = y(0, 0) * y(1, 0);
                                            d << y(1, 0), y(0, 0);
                                          }});
  const Vector theta = normal_states(dynamics.parameters(), 1, 4).cwiseAbs();
  for (const Objective& objective : {closed, own}) {
    const LocalRanks ranks(3, &objective);
    CHECK(numbers_of(objective, theta, options_of(GradientMethod::discrete, ranks.first())) ==
          numbers_of(objective, theta, options_of(GradientMethod::discrete, nullptr)));
    const LocalRanks strangers(2);
    ObjectiveFunction function(objective, options_of(GradientMethod::discrete, strangers.first()));
    CHECK_THROWS_WITH_AS(static_cast<void>(function.value(theta)), doctest::Contains("serve()"),
                         InputError);
  }
}

TEST_CASE("all ranks use as many threads as were asked for") {
  // Whoever evaluates the force waits for all others: so many threads are at work at once.
  std::mutex mutex;
  std::condition_variable arrived;
  std::set<std::thread::id> at_work;
  std::size_t expected = 4;
  const auto field = make_force(
      1,
      [&](double q, const auto& k) {
        std::unique_lock lock(mutex);
        at_work.insert(std::this_thread::get_id());
        arrived.notify_all();
        const bool all = arrived.wait_for(lock, std::chrono::seconds(30),
                                          [&] { return at_work.size() >= expected; });
        if (!all) expected = 0;  // nobody waits again
        return -k[0] * q;
      },
      [](double, const auto& k) { return -k[0]; },
      [](double q, const auto&) { return Eigen::Matrix<double, 1, 1>(-q); });
  const Dynamics dynamics(field);
  const Objective objective = closed_orbits(dynamics);
  const LocalRanks ranks(2, &objective);
  IntegratorOptions options = options_of(GradientMethod::discrete, ranks.first(), 2).integrator;
  const Vector k = Vector::Ones(1);
  const States states = Integrator(dynamics, options).integrate(k, objective.ensemble()).states;
  CHECK(at_work.size() == 4);
  // Without a number: all processors, of which there is one at least.
  options.threads = 0;
  CHECK(options.thread_count() >= 1);
  CHECK(Integrator(dynamics, options).integrate(k, objective.ensemble()).states == states);
}

TEST_CASE("trajectories are sampled the same on any number of ranks") {
  const Dynamics dynamics = network();
  const Vector theta = start_of(dynamics);
  const Ensemble ensemble = closed_orbits(dynamics, 100).ensemble();
  const Vector tau = Vector::LinSpaced(5, 0, 1);
  for (const Method method : {Method::adams, Method::rkn8}) {
    IntegratorOptions options = options_of(GradientMethod::adjoint, nullptr).integrator;
    options.method = method;
    options.block_size = 0;
    const auto alone = Integrator(dynamics, options).sample(theta, ensemble, tau);
    const States states = Integrator(dynamics, options).integrate(theta, ensemble).states;
    for (const int size : sizes) {
      const LocalRanks ranks(size);
      options.communicator = ranks.first();
      options.block_size = method == Method::adams ? 16 : 0;
      IntegratorOptions same = options;
      same.communicator = nullptr;
      Integrator integrator(dynamics, options);
      const auto found = integrator.sample(theta, ensemble, tau);
      const auto expected = Integrator(dynamics, same).sample(theta, ensemble, tau);
      CHECK(found.trajectories.states == expected.trajectories.states);
      CHECK(found.counts.steps == expected.counts.steps);
      CHECK(integrator.integrate(theta, ensemble).states ==
            Integrator(dynamics, same).integrate(theta, ensemble).states);
      if (method == Method::rkn8) CHECK(found.trajectories.states == alone.trajectories.states);
    }
    CHECK((alone.trajectories.states.back() - states).norm() <= 1e-6 * states.norm());
  }
}

TEST_CASE("a failure on any rank is thrown on rank 0, and the next evaluation goes on") {
  // A well with walls: the last trajectories start outside of them.
  const Dynamics dynamics(std::make_shared<AnalyticForce>([] {
    AnalyticTerm term = analytic_term("isotonic", 1);
    term.parameters.front().is_fitted = true;
    return term;
  }()));
  States starts = 0.1 * normal_states(2, 64, 1);
  const Vector theta = static_cast<const AnalyticForce&>(dynamics.field()).start();
  for (const int size : sizes) {
    const LocalRanks ranks(size);
    const SensitivityOptions options = options_of(GradientMethod::discrete, ranks.first());
    const Objective good(dynamics, Loss::periodic, starts, 1.0);
    States wrong = starts;
    wrong(0, 63) = -1e9;
    ObjectiveFunction bad(Objective(dynamics, Loss::periodic, wrong, 1.0), options);
    ObjectiveFunction function(good, options);
    for (int time = 0; time < 2; ++time) {
      CHECK_THROWS_AS(static_cast<void>(bad.value(theta)), NumericalError);
      CHECK(std::isfinite(function.value(theta)));
    }
  }
}

TEST_CASE("when rank 0 is stopped the others stop") {
  const Dynamics dynamics = network();
  const LocalRanks ranks(3);
  SensitivityOptions options = options_of(GradientMethod::adjoint, ranks.first());
  const Objective endless(dynamics, Loss::periodic, normal_states(2, 64, 1), 1e7);
  int polls = 0;
  options.integrator.stop_requested = [&] { return ++polls > 100; };
  ObjectiveFunction function(endless, options);
  CHECK_THROWS_AS(static_cast<void>(function.value(start_of(dynamics))), Interrupted);
}

TEST_CASE("rank 0 stops the others while it waits for them") {
  const Dynamics dynamics = network();
  const LocalRanks ranks(2);
  IntegratorOptions options = options_of(GradientMethod::adjoint, ranks.first()).integrator;
  Ensemble ensemble(normal_states(2, 64, 1), 1e-3);
  ensemble.end_times.tail(32).setConstant(1e7);  // those of the other rank
  bool stops = true;
  int polls = 0;
  options.stop_requested = [&] { return stops && ++polls > 200; };
  Integrator integrator(dynamics, options);
  CHECK_THROWS_AS(static_cast<void>(integrator.integrate(start_of(dynamics), ensemble)),
                  Interrupted);
  ensemble.end_times.setConstant(1e-3);
  stops = false;
  CHECK(integrator.integrate(start_of(dynamics), ensemble).states.allFinite());
}

namespace {

/// A rank that has no memory for a message once it is told so.
class ExhaustedRank final : public Communicator {
 public:
  explicit ExhaustedRank(CommunicatorPtr rank) : rank_(std::move(rank)) {}

  void exhaust() { is_exhausted_ = true; }
  [[nodiscard]] int rank() const override { return rank_->rank(); }
  [[nodiscard]] int size() const override { return rank_->size(); }
  void send(int to, Channel channel, const Bytes& bytes) override {
    rank_->send(to, channel, bytes);
  }
  [[nodiscard]] std::optional<Received> take(int from, Channel channel) override {
    auto received = rank_->take(from, channel);
    if (received && is_exhausted_) throw std::bad_alloc();
    return received;
  }

 private:
  CommunicatorPtr rank_;
  bool is_exhausted_ = false;
};

}  // namespace

TEST_CASE("when a message is lost the ranks are broken off: nothing waits for them") {
  const Dynamics dynamics = network();
  const Vector theta = start_of(dynamics);
  const LocalRanks ranks(3);
  const auto exhausted = std::make_shared<ExhaustedRank>(ranks.first());
  const Objective objective = closed_orbits(dynamics);
  ObjectiveFunction function(objective, options_of(GradientMethod::discrete, exhausted));
  CHECK(std::isfinite(function.value(theta)));
  CHECK_FALSE(exhausted->is_broken());
  exhausted->exhaust();
  CHECK_THROWS_AS(static_cast<void>(function.value(theta)), std::bad_alloc);
  CHECK(exhausted->is_broken());
  CHECK_THROWS_WITH_AS(static_cast<void>(function.value(theta)),
                       doctest::Contains("between the ranks have failed"), Error);
  dismiss(*exhausted);  // sends nothing
}

TEST_CASE("an evaluation is one message to each of the other ranks, and one from it") {
  const Dynamics dynamics = network();
  const Vector theta = start_of(dynamics);
  const Objective objective = closed_orbits(dynamics, 200);
  for (const int size : {2, 3, 7, 8}) {
    const LocalRanks ranks(size);
    ObjectiveFunction function(objective, options_of(GradientMethod::discrete, ranks.first()));
    Vector gradient(objective.unknowns());
    Vector residuals;
    GroupedJacobian jacobian;
    static_cast<void>(function.value(theta));  // says what the function is, once
    const long before = ranks.mail().messages;
    static_cast<void>(function.value(theta, gradient));
    CHECK(ranks.mail().messages - before == 2 * (size - 1));
    function.residuals(theta, residuals, &jacobian);
    CHECK(ranks.mail().messages - before == 4 * (size - 1));
  }
}

TEST_CASE("a training is the same to the last bit on any number of ranks") {
  const Dynamics dynamics = network();
  const Objective objective = closed_orbits(dynamics, 40);
  for (const OptimizerKind kind :
       {OptimizerKind::lbfgs, OptimizerKind::least_squares, OptimizerKind::lbfgs_least_squares}) {
    TrainingOptions options;
    options.kind = kind;
    options.sensitivity = options_of(
        kind == OptimizerKind::lbfgs ? GradientMethod::adjoint : GradientMethod::discrete, nullptr);
    if (kind == OptimizerKind::least_squares) options.auto_tolerance = true;
    options.optimizer.max_iterations = 12;
    options.max_time = 1e4;
    const TrainingResult alone = train(objective, start_of(dynamics), options);
    const VerifiedLoss verified = verify_loss(objective, alone);
    for (const int size : sizes) {
      const LocalRanks ranks(size);
      options.sensitivity.integrator.communicator = ranks.first();
      const TrainingResult result = train(objective, start_of(dynamics), options);
      CHECK(result.state.theta == alone.state.theta);
      CHECK(result.state.history.loss == alone.state.history.loss);
      CHECK(verify_loss(objective, result).loss == verified.loss);
    }
  }
}

namespace {

/// Least squares that take their Jacobian in leaves, whatever its size.
Minimum by_leaves(const Objective& objective, const Vector& start,
                  const SensitivityOptions& options, bool are_held) {
  ObjectiveFunction function(objective, options);
  ResidualsInLeaves residuals;
  residuals.leaves = function.leaves();
  residuals.parameters = objective.dynamics().parameters();
  residuals.grouped = objective.fits_initial_states();
  residuals.are_held = are_held;
  residuals.values = [&](ConstVectorRef theta, Vector& r) {
    function.residuals(theta, r);
    return true;
  };
  residuals.reduce = [&](ConstVectorRef theta, Vector* r, const LeafTask& task,
                         LeafResult& result) {
    function.reduce_residuals(theta, r, task, result);
    return true;
  };
  OptimizerOptions steps;
  steps.max_iterations = 6;
  return minimize_least_squares(residuals, start, steps, {});
}

}  // namespace

TEST_CASE("least squares by leaves take the same steps on any number of ranks and threads" *
          doctest::test_suite("long")) {
  const Dynamics dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 3, 1}));
  const Vector theta = start_of(dynamics);
  const Objective closed = closed_orbits(dynamics, 401);
  const Objective with_data =
      closed.with(ForceData{Vector::LinSpaced(5, -1, 1), Vector::LinSpaced(5, 1, -1), 0.1});
  const Objective fitted = observed_orbits(dynamics, 131);
  for (const Objective& objective : {closed, with_data, fitted}) {
    for (const bool are_held : {false, true}) {
      if (are_held && objective.fits_initial_states()) continue;
      const Vector start = unknowns_of(objective, theta);
      const Minimum alone =
          by_leaves(objective, start, options_of(GradientMethod::discrete, nullptr), are_held);
      CHECK(alone.best.iteration == 6);
      const auto same = [&](const SensitivityOptions& options) {
        const Minimum found = by_leaves(objective, start, options, are_held);
        return found.best.theta == alone.best.theta && found.best.loss == alone.best.loss;
      };
      CHECK(same(options_of(GradientMethod::discrete, nullptr, 3)));
      for (const int size : sizes) {
        const LocalRanks ranks(size);
        CHECK(same(options_of(GradientMethod::discrete, ranks.first(), 2)));
      }
    }
  }
}

TEST_CASE("leaves that are held give the steps of the whole Jacobian" *
          doctest::test_suite("long")) {
  const Dynamics dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 12, 12, 1}));
  const Vector theta = start_of(dynamics);
  const Objective objective = closed_orbits(dynamics, 6000);
  const SensitivityOptions options = options_of(GradientMethod::discrete, nullptr, 2);
  ObjectiveFunction function(objective, options);
  REQUIRE(function.can_hold_leaves());
  OptimizerOptions steps;
  steps.max_iterations = 6;
  const Minimum whole = minimize_least_squares(
      GroupedResiduals([&](ConstVectorRef at, Vector& r, GroupedJacobian* j) {
        function.residuals(at, r, j);
        return true;
      }),
      theta, steps, {});
  const Minimum found = by_leaves(objective, theta, options, true);
  // Other random numbers find the same directions, but for those that do not count.
  CHECK(found.best.loss == doctest::Approx(whole.best.loss).epsilon(1e-6));
}

TEST_CASE("a training of many trajectories is the same on any number of ranks" *
          doctest::test_suite("long")) {
  const Dynamics dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 3, 1}));
  const Objective objective = closed_orbits(dynamics, 401);
  TrainingOptions options;
  options.kind = OptimizerKind::least_squares;
  options.sensitivity = options_of(GradientMethod::discrete, nullptr);
  options.auto_tolerance = true;
  options.optimizer.max_iterations = 15;
  options.max_time = 1e4;
  const TrainingResult alone = train(objective, start_of(dynamics), options);
  for (const int size : sizes) {
    const LocalRanks ranks(size);
    options.sensitivity.integrator.communicator = ranks.first();
    const TrainingResult result = train(objective, start_of(dynamics), options);
    CHECK(result.state.theta == alone.state.theta);
    CHECK(result.state.history.loss == alone.state.history.loss);
    CHECK(result.state.history.evaluations == alone.state.history.evaluations);
  }
}

}  // namespace test_communicator
