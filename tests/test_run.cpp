// A run as a record: begun, finished, written, read and gone on with, for networks, fields and
// losses of one's own; what cannot be computed is absent, with the reason.

#include "isochron/run.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "isochron/results.hpp"
#include "temporary_folder.hpp"
#include "unlimited.hpp"

namespace test_run {

using namespace isochron;

namespace {

const Index few = 6;

TrainingOptions short_training(long iterations) {
  TrainingOptions options = unlimited_training();
  options.kind = OptimizerKind::lbfgs;
  options.optimizer.max_iterations = iterations;
  return options;
}

Objective periodic() {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  return Objective(Dynamics(network), Loss::periodic, normal_states(2, few, 3), 3);
}

Vector weights() { return Mlp({1, 4, 1}).initial_parameters(1); }

/// x'' = -k x.
ForceFieldPtr spring() {
  return make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [](double, const auto& k) { return -k[0]; },
      [](double x, const auto&) { return std::array<double, 1>{-x}; });
}

/// What is left of a run when it has been a file.
Run through_file(const Run& run) {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", run);
  return read_results(folder / "run.h5");
}

/// Trains, and goes on from the state and from the file to the same force, to the last bit.
void check_resumes(const Objective& objective, const Vector& theta,
                   const std::function<Objective(const Run&)>& read_again) {
  const TrainingResult first = train(objective, theta, short_training(3));
  Run run = new_run(objective, short_training(4));
  finish(run, objective, first);
  const Run stored = through_file(run);
  const TrainingResult here = train(objective, first.state, short_training(4));
  const TrainingResult there = train(read_again(stored), stored.state, *stored.options);
  CHECK(here.state.history.size() > first.state.history.size());
  CHECK(here.state.history.loss == there.state.history.loss);
  CHECK(here.state.theta == there.state.theta);
}

}  // namespace

TEST_CASE("a stored run goes on as if it had not been away") {
  check_resumes(periodic(), weights(), [](const Run& run) { return objective_of(run); });
}

TEST_CASE("so do all losses, and force data") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  const Dynamics dynamics(network);
  const auto again = [](const Run& run) { return objective_of(run); };
  States released = States::Zero(2, few);
  released.row(0).setLinSpaced(0.5, 2);
  const Vector periods = Vector::LinSpaced(few, 3, 4);
  check_resumes(Objective(dynamics, Ensemble(released, periods), Loss::prescribed_half_period),
                weights(), again);
  ForceData data{Vector::LinSpaced(5, -1, 1), Vector::LinSpaced(5, 1, -1), 0.5};
  check_resumes(Objective(dynamics, Loss::antiperiodic, normal_states(2, few, 3), 3).with(data),
                weights(), again);
  const Ensemble twice =
      Ensemble::observed_at(normal_states(2, few, 3), Eigen::Vector2d(0.5, 1).replicate(1, few));
  Observations observed{States::Random(2, 2 * few), States::Constant(2, 2 * few, 0.3)};
  observed.weight.row(1).setZero();
  const Objective through(dynamics, twice, observed);
  TrainingOptions options = short_training(3);
  options.sensitivity.gradient = GradientMethod::discrete;
  options.sensitivity.integrator.method = Method::rkn8;
  Run run = new_run(through, options);
  record(run, train(through, weights(), options).state, "interrupted");
  const Run stored = through_file(run);
  const double loss = ObjectiveFunction(through, options.sensitivity).value(run.state.theta);
  CHECK(ObjectiveFunction(objective_of(stored), stored.options->sensitivity)
            .value(stored.state.theta) == loss);
}

TEST_CASE("known terms, and their sum with a network, are held by the file") {
  AnalyticTerm duffing = analytic_term("duffing", 1, {{"omega", 0.9}, {"beta", 0.1}});
  duffing.parameters[0].is_fitted = true;
  duffing.parameters[0].scale = {true, Interval{0.5, 2}};
  const auto again = [](const Run& run) { return objective_of(run); };
  for (const ForceStructure& structure :
       {ForceStructure{duffing, std::nullopt},
        ForceStructure{duffing, Architecture{{1, 4, 1}, Symmetry::odd, Skip::none}}}) {
    const ForceFieldPtr field = make_field(structure);
    const Objective objective(Dynamics(field), Loss::periodic, normal_states(2, few, 3), 6);
    check_resumes(objective, starting_parameters(*field, 1), again);
    Run run = new_run(objective);
    const Vector theta = starting_parameters(*field, 1);
    record(run, {theta, theta, 0, {}, {}, {}, {}}, "running");
    run.parameter_errors = Eigen::Vector2d(0.01, std::nan(""));
    const Run stored = through_file(run);
    CHECK(stored.known == structure.known);
    CHECK(stored.network == structure.network);
    CHECK(stored.known_values() == run.known_values());
    CHECK(std::abs(stored.known_values()[0] - 0.9) <= 1e-15);
    CHECK(stored.parameter_errors[0] == 0.01);
    CHECK(std::isnan(stored.parameter_errors[1]));
    run.state.theta = Vector::Ones(theta.size() + 1);
    CHECK_THROWS_AS(through_file(run), InputError);
  }
}

TEST_CASE("a field of one's own is needed again, and must fit") {
  const Objective objective(Dynamics(spring()), Loss::periodic, normal_states(2, few, 3), 6);
  check_resumes(objective, Vector::Constant(1, 0.9),
                [](const Run& run) { return objective_of(run, spring()); });
  Run run = new_run(objective);
  record(run, {Vector::Ones(1), Vector::Ones(1), 0, {}, {}, {}, {}}, "running");
  const Run stored = through_file(run);
  CHECK_FALSE(stored.network);
  CHECK_THROWS_AS(static_cast<void>(objective_of(stored)), InputError);
  CHECK_THROWS_AS(static_cast<void>(objective_of(stored, std::make_shared<Mlp>(Mlp({1, 4, 1})))),
                  InputError);
}

TEST_CASE("so is a loss of one's own") {
  const auto end_at_rest = [](Index, ConstStatesRef states, StatesRef cotangents) {
    cotangents << 0, 2 * states(1, 0) / few;
    return states(1, 0) * states(1, 0) / few;
  };
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  const Objective objective(Dynamics(network), Ensemble(normal_states(2, few, 3), 1.5),
                            TrajectoryLoss(end_at_rest));
  check_resumes(objective, weights(),
                [&](const Run& run) { return objective_of(run, TrajectoryLoss(end_at_rest)); });
  const Run stored = through_file(new_run(objective));
  CHECK(stored.loss == Loss::own);
  CHECK_THROWS_AS(static_cast<void>(objective_of(stored)), InputError);
  CHECK_THROWS_AS(static_cast<void>(objective_of(new_run(periodic()), TrajectoryLoss(end_at_rest))),
                  InputError);
}

TEST_CASE("a finished run knows what its parts are by themselves") {
  const Objective objective(Dynamics(spring()), Loss::periodic, normal_states(2, few, 3), 6);
  const TrainingResult result = train(objective, Vector::Constant(1, 0.9));
  Run run = new_run(objective);
  run.data_seed = 3;
  finish(run, objective, result);
  const VerifiedLoss verified = verify_loss(objective, result);
  CHECK(run.verification.loss == verified.loss);
  CHECK(run.final_states == verified.states);
  CHECK(run.residuals == objective.deviations(verified.states));
  CHECK(run.verification.floor == integration_floor(objective, result));
  CHECK(run.validation.mean == validate_loss(objective, result, 10000, ~std::uint64_t{3}).mean);
  REQUIRE(run.certificate);
  CHECK(run.certificate->verdict == Isochrony::harmonic);
  CHECK(run.character.harmonic_n == 1);
  CHECK(run.character.harmonic_deviation < 1e-6);
  CHECK(run.absent.empty());
  CHECK(run.is_verified());
  CHECK(run.stop_reason == describe(result.reason));
}

TEST_CASE("what there is no time for is left out, and can be made up for") {
  const Objective objective = periodic();
  const TrainingResult result = train(objective, weights(), short_training(2));
  Run run = new_run(objective);
  finish(run, objective, result);
  CHECK(run.is_verified());
  finish(run, objective, result, {0, {}});  // nothing is left of what was known before
  CHECK_FALSE(run.is_verified());
  CHECK_FALSE(run.certificate);
  CHECK_FALSE(left_out(run).empty());
  CHECK(run.absent.count("loss_validation") == 1);
  CHECK(left_out(through_file(run)) == left_out(run));
  finish(run, objective, result);
  CHECK(run.is_verified());
  CHECK(left_out(run).empty());
  CHECK_THROWS_AS(finish(run, objective, result, {1e9, [] { return true; }}), Interrupted);
  CHECK(run.is_verified());
  record(run, result.state, "running");
  CHECK_FALSE(run.is_verified());
  CHECK(run.phase_portrait.empty());
}

TEST_CASE("what fails is absent, with the reason") {
  // x'' = k sqrt(2 - x) moves all orbits to x = 2, beyond which there is no force.
  const auto ending = make_force(
      1, [](double x, const auto& k) { return k[0] * std::sqrt(2 - x); },
      [](double x, const auto& k) { return -k[0] / (2 * std::sqrt(2 - x)); },
      [](double x, const auto&) { return std::array<double, 1>{std::sqrt(2 - x)}; });
  const Objective objective(Dynamics(ending), Loss::periodic, States::Ones(2, 2), 20);
  TrainingResult result;
  result.state.theta = result.state.theta_initial = Vector::Ones(1);
  result.integrator.max_steps = 1000;
  Run run = new_run(objective);
  finish(run, objective, result);
  CHECK_FALSE(run.is_verified());
  for (const char* part : {"loss_verified", "phase_portrait", "integration_floor"}) {
    CHECK_MESSAGE(run.absent.count(part) == 1, part);
  }
  CHECK(left_out(run).empty());
}

TEST_CASE("a fit to observations has bands, and its file predicts as it does") {
  // x'' = -k x from noisy orbits.
  const Eigen::MatrixXd times = Vector::LinSpaced(12, 0, 4).replicate(1, few);
  const States start = normal_states(2, few, 3);
  const Ensemble ensemble = Ensemble::observed_at(start, times);
  IntegratorOptions integrator;
  integrator.method = Method::rkn8;
  const Dynamics dynamics(spring());
  States value = Integrator(dynamics, integrator).integrate(Vector::Ones(1), ensemble).states;
  constexpr double noise = 0.05;
  value += noise * normal_states(2, value.cols(), 4);
  const States weight = States::Constant(2, value.cols(), 1 / (noise * noise));
  const Objective objective =
      Objective(dynamics, ensemble, {value, weight}).fitting_initial_states();
  const ObservationFit fit = fit_observations(objective, Vector::Constant(1, 0.9), unlimited_fit());
  REQUIRE(fit.posterior);
  const double error = fit.posterior->standard_error(Vector::Ones(1));
  Run run = new_run(objective, TrainingOptions());
  finish(run, fit);
  const double k = run.state.theta[0];

  REQUIRE(run.force);
  CHECK((run.force->error - error * run.force->position.cwiseAbs()).norm() <= 1e-12);
  REQUIRE(run.potential);
  CHECK((run.potential->error - error / 2 * run.potential->position.cwiseAbs2()).norm() <= 1e-10);
  REQUIRE(run.periods);
  REQUIRE(run.certificate);
  CHECK(run.periods->energy[0] == doctest::Approx(run.certificate->lowest_energy));
  CHECK(run.periods->energy.tail(1)[0] == doctest::Approx(run.certificate->highest_energy));
  CHECK((run.periods->error.cwiseQuotient(run.periods->period).array() - error / (2 * k))
            .abs()
            .maxCoeff() <= 1e-9);
  REQUIRE(run.fitted);
  const Index samples = run.fitted->time.rows();
  for (Index i = 0; i < run.fitted->time.cols(); ++i) {
    CHECK(run.fitted->time(0, i) == 0);
    CHECK(run.fitted->time(samples - 1, i) == 4);
    const Vector at_start = run.fitted->errors.col(i * samples);
    CHECK((at_start - fit.posterior->initial_state_errors.col(i)).norm() <= 1e-9);
    const Vector at_end = run.fitted->states.col(i * samples + samples - 1);
    CHECK((at_end - run.final_states.col(12 * i + 11)).norm() <= 1e-6);
  }

  const Run stored = through_file(run);
  REQUIRE(stored.posterior);
  const auto errors = [&](const Posterior& posterior, Starts starts) {
    return predicted_states(dynamics, run.state.theta, posterior, run.ensemble, starts, integrator)
        .errors;
  };
  for (const Starts starts : {Starts::exact, Starts::fitted}) {
    CHECK(errors(*stored.posterior, starts) == errors(*fit.posterior, starts));
  }
  CHECK((errors(*stored.posterior, Starts::exact).array() <=
         errors(*stored.posterior, Starts::fitted).array() * (1 + 1e-9) + 1e-9)
            .any());
  record(run, run.state, "running");
  CHECK_FALSE(run.posterior);
}

TEST_CASE("prescribed periods belong to amplitudes or to energies") {
  Run run;
  run.loss = Loss::prescribed_period;
  run.ensemble.initial_states = (States(2, 2) << 1, 2, 0, 0).finished();
  CHECK_FALSE(run.by_energy());
  CHECK(run.law_arguments() == Eigen::Vector2d(1, 2));
  run.ensemble.initial_states = (States(2, 2) << 1, 0, 2, -2).finished();
  CHECK_FALSE(run.by_energy());
  CHECK(run.law_arguments().size() == 0);
  run.ensemble.initial_states = (States(2, 2) << 0, 0, 2, -2).finished();
  CHECK(run.by_energy());
  CHECK(run.law_arguments() == Eigen::Vector2d(2, 2));
  run.loss = Loss::periodic;
  CHECK(run.law_arguments().size() == 0);
}

}  // namespace test_run
