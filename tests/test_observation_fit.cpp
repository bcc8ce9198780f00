#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "data_scaling.hpp"
#include "isochron/analytic_force.hpp"
#include "isochron/composite_field.hpp"
#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_observation_fit {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

/// Noisy orbits of x'' = -stiffness x over [0, end] in any units, observed from the start on.
struct Orbits {
  double stiffness = 4;
  double length = 1;  // unit of x
  double noise = 0.1;
  double end = 3;
  Index n = 12;
  Index k = 20;
  std::uint64_t seed = 1;

  [[nodiscard]] double frequency() const { return std::sqrt(stiffness); }
  [[nodiscard]] Eigen::MatrixXd times() const {
    return Vector::LinSpaced(k, 0, end).replicate(1, n);
  }
  [[nodiscard]] States starts() const {
    States y = length * normal_states(2, n, seed);
    y.row(1) *= frequency();
    return y;
  }
  [[nodiscard]] States observed() const {
    const States y = starts();
    const States z = normal_states(2, n * k, seed + 100);
    States value(2, n * k);
    for (Index c = 0; c < value.cols(); ++c) {
      const double phase = frequency() * times()(c % k, c / k);
      value(0, c) = y(0, c / k) * std::cos(phase) + y(1, c / k) / frequency() * std::sin(phase);
      value(1, c) = y(1, c / k) * std::cos(phase) - frequency() * y(0, c / k) * std::sin(phase);
    }
    value.row(0) += noise * length * z.row(0);
    value.row(1) += noise * length * frequency() * z.row(1);
    return value;
  }
  [[nodiscard]] Objective objective(const Dynamics& dynamics) const {
    const States value = observed();
    States weight(2, n * k);
    const double sigma = noise > 0 ? noise * length : length;
    weight.row(0).setConstant(std::pow(sigma, -2));
    weight.row(1).setConstant(std::pow(sigma * frequency(), -2));
    States start(2, n);
    for (Index i = 0; i < n; ++i) start.col(i) = value.col(i * k);
    return Objective(dynamics, Ensemble::observed_at(start, times()), {value, weight})
        .fitting_initial_states();
  }
};

/// x'' = -theta x.
Dynamics spring() {
  return Dynamics(make_force(
      1, [](double q, const auto& theta) { return -theta[0] * q; },
      [](double, const auto& theta) { return -theta[0]; },
      [](double q, const auto&) { return std::array<double, 1>{-q}; }));
}

Dynamics network(Symmetry symmetry = Symmetry::none, Skip skip = Skip::none) {
  return Dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 8, 1}, symmetry, skip));
}

/// x'' = -omega^2 x with omega fitted on a scale, from 1.5 on.
std::shared_ptr<const AnalyticForce> fitted_spring(const ParameterScale& scale = {}) {
  AnalyticTerm term = analytic_term("harmonic", 1, {{"omega", 1.5}});
  term.parameters[0].is_fitted = true;
  term.parameters[0].scale = scale;
  return std::make_shared<AnalyticForce>(term);
}

/// The same and a network beside it.
Dynamics spring_and_network(Symmetry symmetry = Symmetry::none, Skip skip = Skip::none) {
  return Dynamics(sum_of(
      {fitted_spring(), std::make_shared<Mlp>(std::vector<Index>{1, 8, 1}, symmetry, skip)}));
}

/// The map of the parameters and back, and the same trajectories in both units.
void check_scaling(const Orbits& orbits, const Dynamics& dynamics) {
  const Objective objective = orbits.objective(dynamics);
  const DataScaling scaling(objective);
  const Vector theta = normal_states(dynamics.parameters(), 1, 5);
  CHECK((scaling.scaled_theta(scaling.theta(theta)) - theta).norm() <= 1e-12 * theta.norm());
  const States states = normal_states(2, 9, 6);
  CHECK((scaling.scaled_states(scaling.states(states)) - states).norm() <= 1e-12);
  const Objective scaled = scaling.scaled(objective);
  IntegratorOptions tight;
  tight.method = Method::rkn12;
  tight.rtol = tight.atol = 1e-13;
  const Vector unscaled = scaling.theta(0.1 * theta);
  const States a = Integrator(dynamics, tight).integrate(unscaled, objective.ensemble()).states;
  const States b =
      Integrator(scaled.dynamics(), tight).integrate(0.1 * theta, scaled.ensemble()).states;
  CHECK((scaling.states(b) - a).norm() <= 1e-10 * a.norm());
  CHECK(scaled.trajectory_loss(b) == doctest::Approx(objective.trajectory_loss(a)).epsilon(1e-10));
}

}  // namespace

TEST_CASE("one parameter from noisy orbits: the fit, its error and chi^2 are what they should be") {
  // The mean of (found - true)^2/error^2 over many seeds is 1, and chi^2 is that of its degrees of
  // freedom.
  constexpr int seeds = 40;
  double squares = 0;
  double excess = 0;
  double of_states = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    Orbits orbits;
    orbits.n = 5;
    orbits.seed = static_cast<std::uint64_t>(seed);
    const ObservationFit fit =
        fit_observations(orbits.objective(spring()), Vector::Constant(1, 3.0), unlimited_fit());
    REQUIRE(fit.posterior);
    const double error = fit.posterior->standard_error(Vector::Ones(1));
    squares += std::pow((fit.training.state.theta[0] - 4) / error, 2) / seeds;
    CHECK(fit.ridge == 0);
    CHECK(fit.degrees_of_freedom == 200 - 1 - 10);
    excess += (fit.chi_squared - fit.degrees_of_freedom) / std::sqrt(2 * fit.degrees_of_freedom);
    const States off = fit.training.state.initial_states - orbits.starts();
    of_states += off.cwiseQuotient(fit.posterior->initial_state_errors).squaredNorm() / 10 / seeds;
  }
  const double four_sigma = 4 * std::sqrt(2.0 / seeds);
  CHECK(std::abs(squares - 1) <= four_sigma);
  CHECK(std::abs(of_states - 1) <= four_sigma);
  CHECK(std::abs(excess) <= 4 * std::sqrt(seeds));
}

TEST_CASE("a network learns the force of noisy orbits as well as the noise allows") {
  const Orbits orbits;
  const Objective objective = orbits.objective(network());
  const ObservationFit fit =
      fit_observations(objective, initial_parameters(objective, 0), unlimited_fit());
  CHECK(std::abs(fit.chi_squared - fit.degrees_of_freedom) <=
        4 * std::sqrt(2 * fit.degrees_of_freedom));
  CHECK(fit.effective_parameters >= 1);
  CHECK(fit.effective_parameters <= 10);
  const ForceField& field = objective.dynamics().field();
  for (const double x : {-1.0, -0.4, 0.3, 1.2}) {
    CHECK(std::abs(field.force(fit.training.state.theta, x) + 4 * x) <= 0.25);
  }
}

TEST_CASE("data of any size are fitted alike: kilometres and years") {
  const Orbits plain;
  Orbits large = plain;
  large.length = 1e6;
  large.end = plain.end * 1e4;
  large.stiffness = plain.stiffness * 1e-8;
  const Objective small = plain.objective(network());
  const Objective big = large.objective(network());
  const ObservationFit a = fit_observations(small, initial_parameters(small, 3), unlimited_fit());
  const ObservationFit b = fit_observations(big, initial_parameters(big, 3), unlimited_fit());
  CHECK(b.chi_squared == doctest::Approx(a.chi_squared).epsilon(1e-4));
  CHECK(b.ridge == doctest::Approx(a.ridge).epsilon(1e-2));
  for (const double x : {-1.0, 0.5, 1.3}) {
    const double force = big.dynamics().field().force(b.training.state.theta, 1e6 * x);
    CHECK(force * 1e2 ==
          doctest::Approx(small.dynamics().field().force(a.training.state.theta, x)).epsilon(1e-3));
    CHECK(b.posterior->standard_error(Vector::Ones(big.dynamics().parameters())) > 0);
  }
}

TEST_CASE("scaling is a linear map of parameters, and back") {
  Orbits orbits;
  orbits.length = 30;
  orbits.end = 0.2;
  for (const Symmetry symmetry : {Symmetry::none, Symmetry::odd}) {
    for (const Skip skip : {Skip::none, Skip::linear}) {
      check_scaling(orbits, network(symmetry, skip));
      check_scaling(orbits, spring_and_network(symmetry, skip));
    }
  }
}

TEST_CASE("beside a network, a known term keeps its parameters in the units of the data") {
  Orbits orbits;
  orbits.length = 1e3;
  orbits.end = 1e2;
  orbits.stiffness = 4e-4;
  const Objective objective = orbits.objective(spring_and_network());
  const DataScaling scaling(objective);
  const Vector theta = normal_states(objective.dynamics().parameters(), 1, 5);
  CHECK(scaling.theta(theta)[0] == theta[0]);
  CHECK((scaling.theta(theta) - theta).norm() > 1);
  CHECK(initial_parameters(objective, 4)[0] == 1.5);
}

TEST_CASE("a known term is not penalised, and takes what the network need not learn") {
  const Orbits orbits;
  const Objective objective = orbits.objective(spring_and_network(Symmetry::odd));
  const ObservationFit fit =
      fit_observations(objective, initial_parameters(objective, 1), unlimited_fit());
  CHECK(fit.effective_parameters <= 3);
  CHECK(std::abs(fit.chi_squared - fit.degrees_of_freedom) <=
        4 * std::sqrt(2 * fit.degrees_of_freedom));
  // Data less gamma, omega and the initial states.
  CHECK(fit.degrees_of_freedom ==
        doctest::Approx(480 - fit.effective_parameters - 1 - 24).epsilon(1e-12));
  for (const double x : {-1.0, -0.4, 0.3, 1.2}) {
    const double force = objective.dynamics().field().force(fit.training.state.theta, x);
    CHECK(std::abs(force + 4 * x) <= 0.25);
  }
}

TEST_CASE("on every scale the fit and its standard errors are the same") {
  const Orbits orbits;
  std::vector<double> found;
  std::vector<double> errors;
  for (const ParameterScale& scale :
       {ParameterScale{}, ParameterScale{true, std::nullopt},
        ParameterScale{false, Interval{0.5, 5}}, ParameterScale{true, Interval{0.5, 50}}}) {
    const auto force = fitted_spring(scale);
    const Objective objective = orbits.objective(Dynamics(force));
    const ObservationFit fit = fit_observations(objective, force->start(), unlimited_fit());
    REQUIRE(fit.posterior);
    found.push_back(force->values(fit.training.state.theta)[0]);
    errors.push_back(fit.posterior->standard_error(force->slopes(fit.training.state.theta)));
    CHECK(std::abs(found.back() - 2) <= 4 * errors.back());
  }
  for (std::size_t k = 1; k < found.size(); ++k) {
    CHECK(std::abs(found[k] - found[0]) <= 0.05 * errors[0]);
    CHECK(errors[k] == doctest::Approx(errors[0]).epsilon(1e-2));
  }
}

TEST_CASE("a network that is not needed beside its linear skip is put out") {
  const Orbits orbits;
  const Objective objective = orbits.objective(network(Symmetry::none, Skip::linear));
  const ObservationFit fit =
      fit_observations(objective, initial_parameters(objective, 1), unlimited_fit());
  CHECK(fit.effective_parameters <= 3);
  CHECK(std::abs(fit.chi_squared - fit.degrees_of_freedom) <=
        4 * std::sqrt(2 * fit.degrees_of_freedom));
}

TEST_CASE("noise that nobody knows is estimated with the fit") {
  Orbits orbits;
  orbits.n = 30;
  Objective objective = orbits.objective(spring());
  Observations guess = objective.observations();
  guess.weight *= 0.04;  // as if sigma were five times as large
  guess.weight.row(1) *= 25;
  const Objective guessed =
      Objective(spring(), objective.ensemble(), guess).fitting_initial_states();
  FitOptions options = unlimited_fit();
  options.estimate_noise = true;
  const ObservationFit fit = fit_observations(guessed, Vector::Constant(1, 3.5), options);
  REQUIRE(fit.noise.size() == 2);
  const double four_sigma = 4 / std::sqrt(2 * 600.0);
  CHECK(std::abs(fit.noise[0] / 0.1 - 1) <= four_sigma);
  CHECK(std::abs(fit.noise[1] / 0.2 - 1) <= four_sigma);
  CHECK(fit.chi_squared == doctest::Approx(fit.degrees_of_freedom).epsilon(0.03));
}

TEST_CASE("what is not observed has no noise, and says nothing") {
  const Orbits orbits;
  const Objective whole = orbits.objective(network());
  Observations positions = whole.observations();
  positions.weight.row(1).setZero();
  const Objective objective =
      Objective(network(), whole.ensemble(), positions).fitting_initial_states();
  FitOptions options = unlimited_fit();
  options.estimate_noise = true;
  const ObservationFit fit = fit_observations(objective, initial_parameters(objective, 2), options);
  CHECK(std::abs(fit.noise[0] / 0.1 - 1) <= 0.2);
  CHECK(std::isinf(fit.noise[1]));
  CHECK(fit.objective.observations().weight.row(1).isZero(0));
  CHECK(predict(objective, fit, {}).chi_squared == doctest::Approx(1).epsilon(0.3));
}

TEST_CASE("data that were held out are as far from the fit as their noise") {
  const Orbits orbits;
  Orbits other = orbits;
  other.seed = 77;
  const Objective objective = orbits.objective(network());
  const ObservationFit fit =
      fit_observations(objective, initial_parameters(objective, 0), unlimited_fit());
  TrainingOptions training = unlimited_training();
  const double of_others = predict(other.objective(network()), fit, training).chi_squared;
  const double data = 2.0 * static_cast<double>(other.n * other.k);
  CHECK(std::abs(of_others * data - (data - 24)) <= 5 * std::sqrt(2 * data));
}

TEST_CASE("the evidence prefers the ridge that it chose") {
  const Orbits orbits;
  const Objective objective = orbits.objective(network());
  const Vector start = initial_parameters(objective, 0);
  const ObservationFit best = fit_observations(objective, start, unlimited_fit());
  for (const double factor : {0.02, 50.0}) {
    FitOptions options = unlimited_fit();
    options.ridge = factor * best.ridge;
    CHECK(fit_observations(objective, start, options).log_evidence < best.log_evidence);
  }
}

TEST_CASE("a fit goes on where it ended, and asks for observations") {
  const Orbits orbits;
  const Objective objective = orbits.objective(network());
  const ObservationFit fit =
      fit_observations(objective, initial_parameters(objective, 0), unlimited_fit());
  const ObservationFit again = fit_observations(objective, fit.training.state, unlimited_fit());
  CHECK(again.training.state.history.size() >= fit.training.state.history.size());
  CHECK(std::abs(again.chi_squared - fit.chi_squared) <= 1);
  const Objective periodic(network(), Loss::periodic, normal_states(2, 3, 1), 1);
  CHECK(mentions(message_of<InputError>([&] {
                   static_cast<void>(fit_observations(periodic, Vector::Zero(25), unlimited_fit()));
                 }),
                 "periodic"));
}

}  // namespace test_observation_fit
