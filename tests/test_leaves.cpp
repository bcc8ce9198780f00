#include "leaves.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/least_squares.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"
#include "multiple_shooting.hpp"
#include "oracles.hpp"

namespace test_leaves {

using namespace isochron;

namespace {

const Dynamics plane(oracle::linear(1));
constexpr Index trajectories = 23;
constexpr Index times = 3;

SensitivityOptions discrete(int threads = 1) {
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rkn8;
  options.integrator.rtol = options.integrator.atol = 1e-9;
  options.integrator.block_size = 2;
  options.integrator.threads = threads;
  return options;
}

Ensemble ensemble() {
  Eigen::MatrixXd at(times, trajectories);
  for (Index i = 0; i < trajectories; ++i) {
    at.col(i) << 0.3, 0.9, 1.5 + 0.1 * static_cast<double>(i % 4);
  }
  return Ensemble::observed_at(normal_states(2, trajectories, 21), at);
}

/// Components that are not observed, and a whole leaf of trajectories without any observation.
Observations observations(ErrorModel model = ErrorModel::additive, Robust robust = Robust::none) {
  States value = normal_states(2, times * trajectories, 22);
  if (model == ErrorModel::lognormal) value = value.cwiseAbs();
  States weight = normal_states(2, times * trajectories, 23).cwiseAbs();
  weight.col(4).setZero();
  weight(1, 40) = 0;
  weight.middleCols(times * 4, times * 4).setZero();
  return {value, weight, model, robust};
}

TrajectoryResiduals own_residuals() {
  return {2, [](Index i, ConstStatesRef y, VectorRef r, Eigen::Ref<Eigen::MatrixXd> by_state) {
            const double factor = 1 + 0.1 * static_cast<double>(i);
            r << factor * y(0, times - 1), y(0, 0) * y(1, 0);
            by_state(0, (times - 1) * y.rows()) = factor;
            by_state(1, 0) = y(1, 0);
            by_state(1, 1) = y(0, 0);
          }};
}

struct Problem {
  std::string name;
  Objective objective;
};

std::vector<Problem> problems() {
  const ForceData data{Eigen::Vector3d(-1, 0.5, 1.5), Eigen::Vector3d(1, -1, 2), 3};
  const States starts = ensemble().initial_states;
  const Objective observed(plane, ensemble(), observations());
  const Objective fitted = observed.fitting_initial_states();
  const Observations everything{observations().value, {}};
  const Objective well_observed(plane, ensemble(), everything);
  return {
      {"periodic", Objective(plane, Loss::periodic, starts, 2)},
      {"mirrored, with force data", Objective(plane, Loss::antiperiodic, starts, 2).with(data)},
      {"periods", Objective(plane, Ensemble(starts, Vector(Vector::LinSpaced(23, 1, 2))))},
      {"force data alone", Objective(plane, Loss::none, starts, 2).with(data)},
      {"observed", observed},
      {"huber", Objective(plane, ensemble(), observations(ErrorModel::additive, Robust::huber))},
      {"all observed", well_observed},
      {"own", Objective(plane, ensemble(), own_residuals())},
      {"from unknown initial states", fitted},
      {"and with force data", fitted.with(data)},
      {"and with closed orbits",
       fitted.with(Objective(plane, Loss::periodic, starts, 2), 0.5).with(data)},
      {"windows", in_windows(well_observed.fitting_initial_states(), 2, 10)},
      {"windows from known initial states", in_windows(well_observed, 3, 10)}};
}

Vector unknowns(const Objective& objective) {
  Vector all(objective.unknowns());
  all[0] = -0.7;
  if (objective.fits_initial_states()) {
    all.tail(all.size() - 1) = objective.ensemble().initial_states.reshaped();
  }
  return all;
}

/// The leaves put together again.
struct Whole {
  Vector residuals;
  GroupedJacobian jacobian;
  Index leaves = 0;
};

Whole together(ObjectiveFunction& function, const Vector& at) {
  std::vector<JacobianLeaf> leaves(static_cast<std::size_t>(function.leaves()));
  std::mutex mutex;
  Whole whole;
  function.visit_residuals(at, &whole.residuals, [&](const JacobianLeaf& leaf) {
    const std::lock_guard lock(mutex);
    leaves.at(static_cast<std::size_t>(leaf.number)) = leaf;
    ++whole.leaves;
  });
  Vector residuals(whole.residuals.size());
  GroupedJacobian& j = whole.jacobian;
  j.shared.resize(residuals.size(), leaves[0].jacobian.shared.cols());
  j.own.resize(residuals.size(), leaves[0].jacobian.own.cols());
  for (const JacobianLeaf& leaf : leaves) {
    const Index rows = leaf.residuals.size();
    CHECK(leaf.first_group == static_cast<Index>(j.group_sizes.size()));
    CHECK(leaf.jacobian.own.cols() == j.own.cols());
    residuals.segment(leaf.first_row, rows) = leaf.residuals;
    j.shared.middleRows(leaf.first_row, rows) = leaf.jacobian.shared;
    if (!leaf.jacobian.group_sizes.empty()) {
      j.own.middleRows(leaf.first_row, rows) = leaf.jacobian.own;
      j.chain_length = leaf.jacobian.chain_length;
    }
    if (leaf.jacobian.links.rows() > 0) {
      const Index links = j.links.rows();
      j.links.conservativeResize(links + leaf.jacobian.links.rows(), j.own.cols());
      j.links.bottomRows(leaf.jacobian.links.rows()) = leaf.jacobian.links;
    }
    j.group_sizes.insert(j.group_sizes.end(), leaf.jacobian.group_sizes.begin(),
                         leaf.jacobian.group_sizes.end());
  }
  CHECK(residuals == whole.residuals);
  return whole;
}

/// An objective as least squares see it, in leaves.
ResidualsInLeaves in_leaves(ObjectiveFunction& function) {
  const Objective& objective = function.objective();
  return {function.leaves(), objective.dynamics().parameters(), objective.fits_initial_states(),
          [&](ConstVectorRef at, Vector& r) {
            function.residuals(at, r);
            return true;
          },
          [&](ConstVectorRef at, Vector* r, const LeafVisitor& visit) {
            function.visit_residuals(at, r, visit);
            return true;
          }};
}

/// So many residuals of a network's orbits that least squares take their Jacobian in leaves.
struct ManyResiduals {
  std::shared_ptr<Mlp> network = std::make_shared<Mlp>(std::vector<Index>{1, 6, 1});
  Objective objective{Dynamics(network), Ensemble(normal_states(2, 18000, 5), 0.2),
                      oracle::many_residuals(100)};
};

}  // namespace

TEST_CASE("leaves are the rows of the whole Jacobian, to the last bit, on any number of threads") {
  for (const Problem& problem : problems()) {
    CAPTURE(problem.name);
    const Vector at = unknowns(problem.objective);
    ObjectiveFunction function(problem.objective, discrete());
    Vector residuals;
    GroupedJacobian jacobian;
    function.residuals(at, residuals, &jacobian);
    for (const int threads : {1, 2, 7}) {
      ObjectiveFunction again(problem.objective, discrete(threads));
      const Whole whole = together(again, at);
      CHECK(whole.leaves == again.leaves());
      CHECK((problem.objective.counts_trajectories() ? whole.leaves >= 3 : whole.leaves == 1));
      CHECK(whole.residuals == residuals);
      CHECK(whole.jacobian.shared == jacobian.shared);
      CHECK(whole.jacobian.group_sizes == jacobian.group_sizes);
      CHECK(whole.jacobian.chain_length == jacobian.chain_length);
      REQUIRE(whole.jacobian.links.size() == jacobian.links.size());
      CHECK(whole.jacobian.links.reshaped() == jacobian.links.reshaped());
      const Index grouped =
          std::accumulate(jacobian.group_sizes.begin(), jacobian.group_sizes.end(), Index{0});
      CHECK(whole.jacobian.own.topRows(grouped) == jacobian.own.topRows(grouped));
      CHECK(again.forward().steps == function.forward().steps);
      CHECK(again.backward().steps == function.backward().steps);
    }
  }
}

TEST_CASE("every way to a Jacobian gives it in leaves") {
  const Objective objective = problems().back().objective;
  const Vector at = unknowns(objective);
  for (const GradientMethod method :
       {GradientMethod::discrete, GradientMethod::forward, GradientMethod::difference}) {
    CAPTURE(name(method));
    SensitivityOptions options = discrete(2);
    options.gradient = method;
    if (method != GradientMethod::discrete) options.integrator.method = Method::adams;
    ObjectiveFunction function(objective, options);
    Vector residuals;
    GroupedJacobian jacobian;
    function.residuals(at, residuals, &jacobian);
    const Whole whole = together(function, at);
    CHECK(whole.jacobian.shared == jacobian.shared);
    CHECK(whole.jacobian.own == jacobian.own);
  }
  Sensitivity sensitivity(plane, discrete());
  CHECK(oracle::mentions(oracle::message_of<InputError>([&] {
                           sensitivity.jacobian(at.head(1), ensemble(), 3,
                                                [](Index, const StateJacobian&) {});
                         }),
                         "leaves of 3 trajectories do not hold whole blocks of 2"));
  SensitivityOptions adjoint;
  ObjectiveFunction function(objective, adjoint);
  CHECK_THROWS_AS(function.visit_residuals(at, nullptr, [](const JacobianLeaf&) {}), InputError);
}

TEST_CASE("a loss without residuals has no leaves, and says so") {
  const Objective scalar(plane, ensemble(),
                         TrajectoryLoss([](Index, ConstStatesRef y, StatesRef cotangents) {
                           cotangents = y;
                           return y.squaredNorm() / 2;
                         }));
  CHECK_FALSE(is_too_large_to_hold(scalar, cut_into_leaves(scalar, discrete().integrator)));
  ObjectiveFunction function(scalar, discrete());
  const Vector at = unknowns(scalar);
  CHECK(oracle::mentions(oracle::message_of<InputError>([&] {
                           function.visit_residuals(at, nullptr, [](const JacobianLeaf&) {});
                         }),
                         "TrajectoryResiduals"));
}

TEST_CASE("leaves that are gone through again after other points are the same") {
  const Objective objective = Objective(plane, ensemble(), observations());
  SensitivityOptions options = discrete();
  options.freeze_steps = true;
  ObjectiveFunction function(objective, options);
  const Vector at = unknowns(objective);
  const Whole before = together(function, at);
  Vector r;
  function.residuals(1.01 * at, r);
  CHECK(together(function, at).jacobian.shared == before.jacobian.shared);
}

TEST_CASE("least squares take the same steps by leaves of trajectories as by the whole Jacobian") {
  for (const Problem& problem : problems()) {
    CAPTURE(problem.name);
    OptimizerOptions options;
    options.max_iterations = 4;
    const Vector start = unknowns(problem.objective);
    ObjectiveFunction held(problem.objective, discrete());
    std::vector<double> losses, losses_in_leaves;
    const auto keep = [](std::vector<double>& to) {
      return [&to](const Iterate& at) {
        to.push_back(at.loss);
        return std::optional<StopReason>();
      };
    };
    const Minimum expected = minimize_least_squares(
        [&](ConstVectorRef at, Vector& r, GroupedJacobian* j) {
          held.residuals(at, r, j);
          return true;
        },
        start, options, keep(losses));
    ObjectiveFunction function(problem.objective, discrete(2));
    const Minimum minimum =
        minimize_least_squares(in_leaves(function), start, options, keep(losses_in_leaves));
    CHECK((minimum.best.theta - expected.best.theta).norm() <= 1e-10 * expected.best.theta.norm());
    REQUIRE(losses.size() == losses_in_leaves.size());
    for (std::size_t i = 0; i < losses.size(); ++i) {
      CHECK(losses_in_leaves[i] == doctest::Approx(losses[i]).epsilon(1e-11));
    }
  }
}

TEST_CASE("leaves hold whole blocks and windows, and enough rows; the choice is one of sizes") {
  const auto leaves_of = [](Index layers, Index n, Index windows) {
    const auto network = std::make_shared<Mlp>(std::vector<Index>{1, layers, layers, 1});
    Objective objective(Dynamics(network), Ensemble(States::Ones(2, n), 1.0),
                        Observations{States::Ones(2, n), {}});
    if (windows > 1) {
      objective = objective.fitting_initial_states().with(Joints{windows, Vector::Ones(2), {}});
    }
    IntegratorOptions integrator;
    integrator.method = Method::rkn8;
    const Leaves leaves = cut_into_leaves(objective, integrator);
    CHECK(leaves.trajectories % block_size(n, objective.dynamics(), integrator.method) == 0);
    CHECK(leaves.trajectories % windows == 0);
    CHECK(2 * leaves.trajectories >= 8 * network->parameters());
    CHECK((leaves.count - 1) * leaves.trajectories < n);
    CHECK(leaves.count * leaves.trajectories >= n);
    return is_too_large_to_hold(objective, leaves);
  };
  CHECK_FALSE(leaves_of(16, 100, 1));
  CHECK_FALSE(leaves_of(16, 10000, 1));
  CHECK(leaves_of(16, 100000, 1));
  CHECK(leaves_of(16, 100000, 5));
  CHECK_FALSE(leaves_of(160, 1000, 1));
}

// Sanitizers take minutes for it.
#ifndef ISOCHRON_SANITIZE
TEST_CASE("a training by leaves is the same to the last bit on any number of threads") {
  const ManyResiduals many;
  REQUIRE(is_too_large_to_hold(many.objective, cut_into_leaves(many.objective, {})));
  TrainingOptions options;
  options.kind = OptimizerKind::least_squares;
  options.optimizer.max_iterations = 1;
  options.max_time = std::numeric_limits<double>::infinity();
  const auto trained = [&](int threads) {
    options.sensitivity.integrator.threads = threads;
    return train(many.objective, many.network->initial_parameters(1), options).state;
  };
  const TrainingState one = trained(1);
  CHECK(one.history.loss.back() < one.history.loss.front());
  const TrainingState other = trained(7);
  CHECK(other.theta == one.theta);
  CHECK(other.history.loss == one.history.loss);
}
#endif

TEST_CASE("square roots do not depend on where in an array a number stands") {
  const Vector x = Vector::LinSpaced(37, 0.01, 3);
  const Vector root = x.cwiseSqrt();
  for (Index i = 0; i < x.size(); ++i) CHECK(root[i] == std::sqrt(x[i]));
}

}  // namespace test_leaves
