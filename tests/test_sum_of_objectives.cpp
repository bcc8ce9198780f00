#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "central_differences.hpp"
#include "data_scaling.hpp"
#include "isochron/bands.hpp"
#include "isochron/error.hpp"
#include "isochron/gradient_check.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/random.hpp"
#include "isochron/results.hpp"
#include "isochron/well.hpp"
#include "oracles.hpp"
#include "temporary_folder.hpp"
#include "unlimited.hpp"

namespace test_sum_of_objectives {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

constexpr double period = 3;
constexpr double weight = 0.7;

/// f = -a q - b q^3, of which the derivative by b is wrong by a factor beyond |q| = 2.
ForceFieldPtr duffing(double factor_beyond = 1) {
  return make_force(
      2, [](double q, const auto& k) { return -k[0] * q - k[1] * q * q * q; },
      [](double q, const auto& k) { return -k[0] - 3 * k[1] * q * q; },
      [=](double q, const auto&) {
        return Eigen::Vector2d(-q, -(std::abs(q) > 2 ? factor_beyond : 1) * q * q * q);
      });
}

const Dynamics dynamics(duffing());
const Vector theta = Eigen::Vector2d(0.9, 0.2);

Eigen::MatrixXd times() {
  Eigen::MatrixXd t(3, 4);
  t << 0.3, 0.1, 0.5, 1, 0.7, 0.4, 2, 1.5, 1.1, 2.5, 2.6, 1.7;
  return t;
}

Objective observed() {
  const Ensemble ensemble = Ensemble::observed_at(normal_states(2, 4, 21), times());
  States some = normal_states(2, 12, 23).cwiseAbs();
  some(0, 1) = some(1, 5) = 0;
  return Objective(dynamics, ensemble, {normal_states(2, 12, 22), some});
}

Objective closed(Loss loss = Loss::periodic) {
  return Objective(dynamics, loss, normal_states(2, 5, 31), period);
}

/// Observations from unknown initial states, closed orbits of two kinds and a force that is held.
Objective everything() {
  return observed()
      .fitting_initial_states()
      .with(closed(), weight)
      .with(closed(Loss::antiperiodic), 2 * weight)
      .with(ForceData{Vector::LinSpaced(4, -1, 1), Vector::LinSpaced(4, 1, -1), 0.3});
}

Vector unknowns_of(const Objective& objective) {
  Vector all(objective.unknowns());
  all.head(theta.size()) = theta;
  if (objective.fits_initial_states()) {
    all.tail(objective.ensemble().initial_states.size()) =
        objective.ensemble().initial_states.reshaped();
  }
  return all;
}

SensitivityOptions by(GradientMethod gradient, Method method, double tolerance = 1e-12) {
  SensitivityOptions options;
  options.gradient = gradient;
  options.integrator.method = method;
  options.integrator.rtol = options.integrator.atol = tolerance;
  return options;
}

/// The derivative of `values` by all unknowns, by differences alone.
Eigen::MatrixXd slopes_of(const Objective& objective,
                          const std::function<Vector(ConstVectorRef)>& values) {
  const Vector at = unknowns_of(objective);
  return central_differences({values, 1e-12, 1e-12}, at, Vector::Ones(at.size())).columns;
}

Eigen::MatrixXd dense(const GroupedJacobian& j) {
  const Index s = j.own.cols();
  const auto groups = static_cast<Index>(j.group_sizes.size());
  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(j.shared.rows(), j.shared.cols() + groups * s);
  all.leftCols(j.shared.cols()) = j.shared;
  Index row = 0;
  for (Index g = 0; g < groups; ++g) {
    const Index rows = j.group_sizes[static_cast<std::size_t>(g)];
    all.block(row, j.shared.cols() + g * s, rows, s) = j.own.middleRows(row, rows);
    row += rows;
  }
  return all;
}

const std::pair<GradientMethod, Method> ways[] = {{GradientMethod::adjoint, Method::adams},
                                                  {GradientMethod::forward, Method::adams},
                                                  {GradientMethod::discrete, Method::rkn8},
                                                  {GradientMethod::difference, Method::rkn12}};

}  // namespace

TEST_CASE("sum of objectives: loss and gradient are the weighted sums of its parts") {
  const Objective sum = everything();
  const Vector at = unknowns_of(sum);
  for (const auto& way : ways) {
    const auto& [gradient, method] = way;
    CAPTURE(name(way.first));
    const SensitivityOptions options = by(gradient, method);
    ObjectiveFunction whole(sum, options);
    Vector slope(at.size());
    const double loss = whole.value(at, slope);

    Vector expected = Vector::Zero(at.size());
    ObjectiveFunction data(sum.without_others(), options);
    double parts = data.value(at, expected);
    for (const auto& [share, other] : sum.others()) {
      Vector of_other(theta.size());
      parts += share * ObjectiveFunction(other, options).value(theta, of_other);
      expected.head(theta.size()) += share * of_other;
    }
    CHECK(loss == doctest::Approx(parts).epsilon(1e-14));
    CHECK(whole.value(at) == doctest::Approx(loss).epsilon(1e-9));
    CHECK((slope - expected).norm() <= 1e-14 * expected.norm());
  }
}

TEST_CASE("sum of objectives: gradients by all methods are those of differences") {
  const Objective sum = everything();
  const Vector at = unknowns_of(sum);
  ObjectiveFunction function(sum, by(GradientMethod::discrete, Method::rkn12, 1e-14));
  const Vector exact = slopes_of(sum, [&](ConstVectorRef moved) {
                         return Vector(Vector::Constant(1, function.value(moved)));
                       }).transpose();
  for (const auto& way : ways) {
    const auto& [gradient, method] = way;
    CAPTURE(name(way.first));
    Vector slope(at.size());
    ObjectiveFunction(sum, by(gradient, method)).value(at, slope);
    CHECK((slope - exact).norm() <= 1e-8 * exact.norm());
  }
}

TEST_CASE("sum of objectives: residuals and their Jacobian, groups first, then others") {
  const Objective sum = everything();
  const Vector at = unknowns_of(sum);
  ObjectiveFunction reference(sum, by(GradientMethod::discrete, Method::rkn12, 1e-14));
  const auto residuals_at = [&](ConstVectorRef moved) {
    Vector residuals;
    reference.residuals(moved, residuals);
    return residuals;
  };
  const Eigen::MatrixXd exact = slopes_of(sum, residuals_at);
  for (const auto& way : {ways[1], ways[2]}) {
    const auto& [gradient, method] = way;
    CAPTURE(name(way.first));
    ObjectiveFunction function(sum, by(gradient, method));
    Vector residuals;
    GroupedJacobian jacobian;
    function.residuals(at, residuals, &jacobian);
    CHECK(residuals.size() == sum.residual_count() + 2 * 5 * 2 + 4);
    CHECK(jacobian.own.rows() == sum.residual_count());
    CHECK(residuals.squaredNorm() == doctest::Approx(function.value(at)).epsilon(1e-9));
    CHECK((residuals - residuals_at(at)).norm() <= 1e-9 * residuals.norm());
    CHECK((dense(jacobian) - exact).norm() <= 1e-8 * exact.norm());
  }
}

TEST_CASE("sum of objectives: frozen steps are those of every part") {
  const Objective fast(dynamics, Loss::periodic, 4 * normal_states(2, 5, 31), period);
  const Objective sum =
      Objective(dynamics, Loss::none, normal_states(2, 1, 1), period).with(fast, weight);
  SensitivityOptions options = by(GradientMethod::discrete, Method::rkn8, 1e-6);
  ObjectiveFunction free(fast, options);
  options.freeze_steps = true;
  ObjectiveFunction function(sum, options);
  ObjectiveFunction alone(fast, options);
  int changes = 0;  // of the grid, which frozen steps do not follow
  for (int k = 0; k < 20; ++k) {
    const Vector at = (1 + 0.01 * k) * theta;
    const double loss = function.value(at);
    CHECK(loss == weight * alone.value(at));
    changes += loss == weight * free.value(at) ? 0 : 1;
  }
  CHECK(changes > 0);
}

TEST_CASE("sum of objectives: every part stops when it is asked to") {
  const Objective sum =
      Objective(dynamics, Loss::none, normal_states(2, 1, 1), period).with(closed(), weight);
  SensitivityOptions options = by(GradientMethod::discrete, Method::rkn8);
  options.integrator.stop_requested = [] { return true; };
  ObjectiveFunction function(sum, options);
  CHECK_THROWS_AS(static_cast<void>(function.value(theta)), Interrupted);
  TrainingOptions training = unlimited_training();
  training.stop_requested = [] { return true; };
  CHECK(train(sum, theta, training).reason == StopReason::interrupted);
}

TEST_CASE("sum of objectives: a loss of the user's with closed orbits beside it") {
  const Ensemble ensemble = observed().ensemble();
  const TrajectoryLoss share = [](Index, ConstStatesRef y, StatesRef cotangents) {
    cotangents = y.array().cube();
    return y.array().pow(4).sum() / 4;
  };
  const Objective own(dynamics, ensemble, share);
  const Objective sum = own.with(closed(), weight);
  CHECK_FALSE(sum.has_residuals());
  const SensitivityOptions options = by(GradientMethod::adjoint, Method::adams);
  Vector slope(2), of_own(2), of_closed(2);
  const double loss = ObjectiveFunction(sum, options).value(theta, slope);
  const double parts = ObjectiveFunction(own, options).value(theta, of_own) +
                       weight * ObjectiveFunction(closed(), options).value(theta, of_closed);
  CHECK(loss == doctest::Approx(parts).epsilon(1e-14));
  CHECK((slope - of_own - weight * of_closed).norm() <= 1e-14 * slope.norm());

  TrainingOptions training = unlimited_training();
  training.kind = OptimizerKind::lbfgs;
  training.auto_tolerance = false;
  training.optimizer.max_iterations = 5;
  const TrainingResult result = train(sum, theta, training);
  CHECK(result.state.loss < loss);
  CHECK(verify_loss(sum, result).loss == doctest::Approx(result.state.loss).epsilon(1e-7));
}

TEST_CASE("sum of objectives: sums of sums, another field, fewer observations") {
  const Objective inner = closed().with(closed(Loss::antiperiodic), 0.5);
  const Objective sum = observed().with(inner, weight);
  REQUIRE(sum.others().size() == 2);
  CHECK(sum.others()[0].weight == weight);
  CHECK(sum.others()[1].weight == 0.5 * weight);
  CHECK(sum.others()[0].objective.others().empty());
  CHECK(sum.scale() == doctest::Approx(observed().scale() + weight * inner.scale()));
  CHECK(sum.first_observations(2).others().size() == 2);
  const ForceFieldPtr field = duffing();
  const Objective moved = sum.with(field);
  CHECK(&moved.dynamics().field() == field.get());
  CHECK(&moved.others()[1].objective.dynamics().field() == field.get());
  States less = observed().observations().weight;
  less *= 2;
  const Objective reweighted = sum.with(Observations{observed().observations().value, less});
  CHECK(reweighted.others().size() == 2);
  CHECK(reweighted.observations().weight == less);
}

TEST_CASE("sum of objectives: what does not fit is refused in words") {
  const auto refusal = [](const Objective& other, double share) {
    return message_of<InputError>([&] { static_cast<void>(observed().with(other, share)); });
  };
  CHECK(mentions(refusal(closed(), 0), "weight of an objective is 0, it must be positive"));
  CHECK(mentions(refusal(closed(), std::numeric_limits<double>::infinity()), "finite"));
  const Objective spring(Dynamics(oracle::harmonic()), Loss::periodic, normal_states(2, 3, 1), 1);
  CHECK(mentions(refusal(spring, 1), "share their dynamics"));
  CHECK(mentions(refusal(closed(Loss::none), 1), "loss none cannot be added"));
  CHECK(mentions(refusal(observed().fitting_initial_states(), 1), "known initial states"));
}

TEST_CASE("sum of objectives: training closes orbits and reports the parts of its loss") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 6, 1});
  const Objective periodic(Dynamics(network), Loss::periodic, normal_states(2, 10, 0),
                           2 * std::numbers::pi);
  const Objective half(Dynamics(network), Loss::antiperiodic, normal_states(2, 10, 5),
                       2 * std::numbers::pi);
  const Objective sum = periodic.with(half, 3);
  TrainingOptions options = unlimited_training();
  options.optimizer.loss_tolerance = 1e-12;
  const TrainingResult result = train(sum, network->initial_parameters(0), options);
  CHECK(result.reason == StopReason::loss_tolerance);
  const VerifiedLoss verified = verify_loss(sum, result);
  REQUIRE(verified.of_others.size() == 1);
  CHECK(verified.loss ==
        doctest::Approx(verified.of_trajectories + 3 * verified.of_others[0]).epsilon(1e-12));
  CHECK(verified.loss == doctest::Approx(result.state.loss).epsilon(0.1));
  const double floor = integration_floor(sum, result);
  CHECK(floor > integration_floor(periodic, result));
  CHECK(floor < verified.loss);
}

TEST_CASE("sum of objectives: the gradient check sees errors where only other orbits go") {
  States near = States::Zero(2, 3);
  near.row(0) << 0.5, 1, 1.5;
  States far = near;
  far.row(0).array() += 2;
  const auto check = [&](double factor, bool with_far) {
    const Dynamics by_factor(duffing(factor));
    const Objective data(by_factor, Ensemble(near, 2.0), Observations{States::Zero(2, 3), {}});
    const Objective orbits(by_factor, Loss::periodic, far, period);
    return check_gradients(with_far ? data.with(orbits, weight) : data, theta,
                           by(GradientMethod::adjoint, Method::adams, 1e-9), false);
  };
  const Objective sum = everything();
  const GradientCheck of_sum =
      check_gradients(sum, theta, by(GradientMethod::adjoint, Method::adams, 1e-9), false);
  CHECK(of_sum.passed());
  ObjectiveFunction parts(sum, by(GradientMethod::discrete, Method::rkn12, 1e-13));
  const double held = sum.force_data()->residuals(dynamics.field(), theta).squaredNorm();
  CHECK(of_sum.loss + held == doctest::Approx(parts.value(unknowns_of(sum))).epsilon(1e-11));

  const GradientCheck good = check(1, true);
  CHECK(good.passed());
  Vector slope(2);
  ObjectiveFunction function(
      Objective(dynamics, Ensemble(near, 2.0), Observations{States::Zero(2, 3), {}})
          .with(Objective(dynamics, Loss::periodic, far, period), weight),
      by(GradientMethod::discrete, Method::rkn12, 1e-13));
  CHECK(good.loss == doctest::Approx(function.value(theta, slope)).epsilon(1e-11));
  CHECK(good.gradient_norm == doctest::Approx(slope.norm()).epsilon(1e-10));
  CHECK(check(1.01, false).passed());
  CHECK_FALSE(check(1.01, true).passed());
}

// ------------------------------------------------------------------------- fits to observations

namespace {

/// Noisy orbits of x'' = f(x) of an isochronous well of period 2 pi over less than half of it.
struct Experiment {
  double length = 1;  // unit of x
  double noise = 0.05;
  Index n = 8;
  Index k = 12;
  double end = 2.5;
  std::uint64_t seed = 1;
  Well well = make_well("isotonic", {{"a", 3.0}});

  [[nodiscard]] Objective objective(const Dynamics& by) const {
    const Eigen::MatrixXd when = Vector::LinSpaced(k, 0, end).replicate(1, n);
    const States starts = 0.7 * normal_states(2, n, 40);
    IntegratorOptions tight;
    tight.rtol = tight.atol = 1e-11;
    States value = Integrator(Dynamics(well.force_field()), tight)
                       .integrate(Vector(0), Ensemble::observed_at(starts, when))
                       .states;
    value += noise * normal_states(2, n * k, 100 + seed);
    value *= length;
    States first(2, n);
    for (Index i = 0; i < n; ++i) first.col(i) = value.col(i * k);
    const States weights = States::Constant(2, n * k, std::pow(noise * length, -2));
    return Objective(by, Ensemble::observed_at(first, when), Observations{value, weights})
        .fitting_initial_states();
  }
  [[nodiscard]] Objective closed(const Dynamics& by) const {
    return Objective(by, Loss::periodic, length * 0.7 * normal_states(2, 10, 60),
                     2 * std::numbers::pi);
  }
};

Dynamics network() { return Dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 6, 1})); }

/// Of the fitted force at some energies: the largest |T/2 pi - 1|, and the largest standard error.
struct PeriodErrors {
  double largest = 0;
  double standard = 0;
};

PeriodErrors errors_of(const ObservationFit& fit) {
  const Vector energies = Vector::LinSpaced(6, 0.05, 0.5);
  const ForceField& field = fit.objective.dynamics().field();
  const Vector& found = fit.training.state.theta;
  const double bottom = nearest_bottom(field, found, -1, 1).value();
  const PeriodCurve curve = period_curve(field, found, fit.posterior.value(), bottom, energies);
  REQUIRE(curve.period.size() == energies.size());
  const Eigen::ArrayXd miss = (curve.period / (2 * std::numbers::pi)).array() - 1;
  return {miss.abs().maxCoeff(), curve.error.maxCoeff() / (2 * std::numbers::pi)};
}

}  // namespace

TEST_CASE("closed orbits and data: the period of the fitted force comes nearer to the truth") {
  double alone = 0;
  double together = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    Experiment experiment;
    experiment.seed = seed;
    const Dynamics by = network();
    const Objective data = experiment.objective(by);
    const Objective both = data.with(experiment.closed(by), 1e4);
    const ObservationFit free =
        fit_observations(data, initial_parameters(data, 0), unlimited_fit());
    const ObservationFit fit = fit_observations(both, initial_parameters(both, 0), unlimited_fit());
    REQUIRE(free.posterior);
    REQUIRE(fit.posterior);
    const PeriodErrors without = errors_of(free);
    const PeriodErrors with = errors_of(fit);
    alone += without.largest / 3;
    together += with.largest / 3;
    CHECK(with.standard < 0.1 * without.standard);
    const double dof = fit.degrees_of_freedom;
    CHECK(std::abs(fit.chi_squared - dof) <= 4 * std::sqrt(2 * dof));
    CHECK(dof <= static_cast<double>(data.residual_count()) - 2 * 8 + 1e-6);
    CHECK(fit.chi_squared >= free.chi_squared - 1);
    const VerifiedLoss verified = verify_loss(fit.objective, fit.training);
    CHECK(std::sqrt(verified.of_others.at(0)) < 1e-2);
  }
  CHECK(together < 0.1 * alone);
}

TEST_CASE("closed orbits and data: degrees of freedom are those of the data") {
  // One parameter k of x'' = -k x, known starts: data - J^2/(J^2 + C^2).
  const Dynamics spring(oracle::harmonic());
  const Eigen::MatrixXd when = Vector::LinSpaced(10, 0.2, 2).replicate(1, 3);
  const Ensemble ensemble = Ensemble::observed_at(normal_states(2, 3, 2), when);
  IntegratorOptions tight;
  tight.rtol = tight.atol = 1e-12;
  States value = Integrator(spring, tight).integrate(Vector::Ones(1), ensemble).states;
  value += 0.1 * normal_states(2, 30, 3);
  const Objective data(spring, ensemble, Observations{value, States::Constant(2, 30, 100)});
  const Objective orbits(spring, Loss::periodic, normal_states(2, 4, 4), 2 * std::numbers::pi);
  for (const double share : {1e-3, 1.0, 1e3}) {
    CAPTURE(share);
    const ObservationFit fit =
        fit_observations(data.with(orbits, share), Vector::Constant(1, 1.1), unlimited_fit());
    const Vector k = fit.training.state.theta;
    const SensitivityOptions options = by(GradientMethod::forward, Method::adams);
    Vector residuals;
    Eigen::MatrixXd of_data, of_orbits;
    ObjectiveFunction(data, options).residuals(k, residuals, &of_data);
    CHECK(fit.chi_squared == doctest::Approx(60 * residuals.squaredNorm()).epsilon(1e-6));
    ObjectiveFunction(orbits, options).residuals(k, residuals, &of_orbits);
    const double j = of_data.squaredNorm();
    const double c = share * of_orbits.squaredNorm();
    CHECK(fit.degrees_of_freedom == doctest::Approx(60 - j / (j + c)).epsilon(1e-7));
    const double error = fit.posterior.value().standard_error(Vector::Ones(1));
    CHECK(error == doctest::Approx(1 / std::sqrt(60 * (j + c))).epsilon(1e-6));
  }
}

TEST_CASE("closed orbits and data: the same loss in the units of the fit") {
  Experiment experiment;
  experiment.length = 50;
  const Dynamics by_network = network();
  const Objective data = experiment.objective(by_network);
  for (const Loss loss : {Loss::periodic, Loss::antiperiodic}) {
    CAPTURE(name(loss));
    const ForceData held{Vector::LinSpaced(3, -20, 60), Vector::LinSpaced(3, 30, -50), 1e-3};
    const Objective both = data.with(held).with(
        Objective(by_network, loss, 40 * normal_states(2, 6, 61), 2 * std::numbers::pi), 1e-4);
    const DataScaling scaling(both);
    REQUIRE(scaling.inverse_units()[0] < 0.1);
    const Objective scaled = scaling.scaled(both);
    const Vector small = 0.3 * normal_states(by_network.parameters(), 1, 5);
    const auto unknowns = [](const Vector& parameters, const States& starts) {
      Vector all(parameters.size() + starts.size());
      all << parameters, starts.reshaped();
      return all;
    };
    const SensitivityOptions options = by(GradientMethod::discrete, Method::rkn12, 1e-13);
    const double in_units =
        ObjectiveFunction(scaled, options).value(unknowns(small, scaled.ensemble().initial_states));
    const double in_data =
        ObjectiveFunction(both, options)
            .value(unknowns(scaling.theta(small), both.ensemble().initial_states));
    const double of_data_alone =
        ObjectiveFunction(data, options)
            .value(unknowns(scaling.theta(small), both.ensemble().initial_states));
    CHECK(in_units == doctest::Approx(in_data).epsilon(1e-9));
    CHECK(in_data > 1.001 * of_data_alone);
  }
}

TEST_CASE("sum of objectives: a file holds its parts, and goes on with them") {
  const Objective sum = everything().with(observed(), 0.25);
  const TrainingOptions options = unlimited_training();
  Run run = new_run(sum, options);
  TrainingState state;
  state.theta_initial = state.theta = theta;
  record(run, state, "interrupted");
  run.verification.of_others = {0.1, 0.2, 0.3};
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "sum.h5";
  write_results(file, run);
  const Run read = read_results(file);
  CHECK(read.verification.of_others == run.verification.of_others);
  REQUIRE(read.others.size() == 3);
  const Objective again = objective_of(read, duffing());
  REQUIRE(again.others().size() == 3);
  for (std::size_t j = 0; j < 3; ++j) {
    CHECK(again.others()[j].weight == sum.others()[j].weight);
    CHECK(again.others()[j].objective.loss() == sum.others()[j].objective.loss());
  }
  const Vector at = unknowns_of(sum);
  const SensitivityOptions way = by(GradientMethod::discrete, Method::rkn8);
  Vector residuals, expected;
  ObjectiveFunction(sum, way).residuals(at, expected);
  ObjectiveFunction(again, way).residuals(at, residuals);
  CHECK(residuals == expected);
}

TEST_CASE("closed orbits and data: from windows, with a force that is held, and estimated noise") {
  const Experiment experiment;
  const Dynamics by_network = network();
  Objective data = experiment.objective(by_network);
  const Well& well = experiment.well;
  ForceData held{Vector::LinSpaced(5, -1, 1), Vector(5), 100};
  held.force = held.position.unaryExpr([&](double x) { return well.force(x); });
  const Objective all = data.with(experiment.closed(by_network), 1e4).with(held);
  FitOptions options = unlimited_fit();
  options.windows = 3;
  options.estimate_noise = true;
  const ObservationFit fit = fit_observations(all, initial_parameters(all, 0), options);
  REQUIRE(fit.objective.force_data());
  REQUIRE(fit.objective.others().size() == 1);
  CHECK(held.misfit(by_network.field(), fit.training.state.theta) < 0.05);
  CHECK(errors_of(fit).largest < 0.01);
  CHECK(fit.noise[0] == doctest::Approx(experiment.noise).epsilon(0.3));
}

}  // namespace test_sum_of_objectives
