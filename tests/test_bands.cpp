#include <doctest/doctest.h>
#include <Eigen/LU>

#include <array>
#include <cmath>
#include <vector>

#include "isochron/bands.hpp"
#include "isochron/error.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_bands {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

constexpr Index orbits = 12;
constexpr Index times = 20;
constexpr double end = 3;
constexpr double noise = 0.1;

/// x'' = -theta x.
Dynamics spring() {
  return Dynamics(make_force(
      1, [](double q, const auto& theta) { return -theta[0] * q; },
      [](double, const auto& theta) { return -theta[0]; },
      [](double q, const auto&) { return std::array<double, 1>{-q}; }));
}

Dynamics network(Skip skip = Skip::none) {
  return Dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 8, 1}, Symmetry::none, skip));
}

/// Noisy orbits of x'' = -4 x, in a unit of length.
Objective noisy(const Dynamics& dynamics, double unit = 1) {
  const States start = unit * Eigen::Vector2d(1, 2).asDiagonal() * normal_states(2, orbits, 1);
  const Eigen::MatrixXd t = Vector::LinSpaced(times, 0, end).replicate(1, orbits);
  IntegratorOptions tight;
  tight.method = Method::rkn12;
  tight.rtol = tight.atol = 1e-12;
  States value = Integrator(spring(), tight)
                     .integrate(Vector::Constant(1, 4.0), Ensemble::observed_at(start, t))
                     .states;
  const Eigen::Vector2d sigma = unit * Eigen::Vector2d(noise, 2 * noise);
  value += sigma.asDiagonal() * normal_states(2, value.cols(), 2);
  const States weight = sigma.cwiseAbs2().cwiseInverse().replicate(1, value.cols());
  const States first = value(Eigen::all, Eigen::seqN(0, orbits, times));
  return Objective(dynamics, Ensemble::observed_at(first, t), {value, weight})
      .fitting_initial_states();
}

ObservationFit fit_of(const Objective& objective) {
  return fit_observations(objective, initial_parameters(objective, 0), unlimited_fit());
}

/// theta itself, known to sigma.
Posterior known_to(double sigma) {
  Posterior posterior;
  posterior.factor = Eigen::MatrixXd::Constant(1, 1, 1 / sigma);
  return posterior;
}

/// f(x; theta) + (df/dtheta) step: a sample of the force, where theta is far from determined but
/// by the ridge, and the force of theta + step would be another one altogether.
ForceFieldPtr linear_in_theta(const ForceField& field, const Vector& theta, const Vector& step) {
  std::shared_ptr<Linearisation> at = field.linearisation(1);
  const auto force = [=](double x, const auto&) {
    Block q = Block::Constant(1, 1, x), f(1, 1), change(1, 1);
    at->linearise(theta, q, f);
    at->parameter_product(step, change);
    return f(0, 0) + change(0, 0);
  };
  return make_force(
      0, force, [](double, const auto&) { return NAN; },
      [](double, const auto&) { return Vector(0); });
}

IntegratorOptions tight() {
  IntegratorOptions options;
  options.rtol = options.atol = 1e-12;
  return options;
}

}  // namespace

TEST_CASE("errors of one stiffness are those of its force, potential, periods and orbits") {
  constexpr double sigma = 0.01;
  const Dynamics dynamics = spring();
  const ForceField& field = dynamics.field();
  const Vector theta = Vector::Constant(1, 4.0);
  const Posterior posterior = known_to(sigma);
  const Vector x = Vector::LinSpaced(9, -1, 3);
  const Block errors = force_errors(field, theta, posterior, Block(x.transpose()));
  CHECK((errors.transpose() - sigma * x.cwiseAbs()).norm() <= 1e-14);
  CHECK((potential_errors(field, theta, posterior, 0, x) - sigma / 2 * x.cwiseAbs2()).norm() <=
        1e-13);
  const PeriodCurve curve = period_curve(field, theta, posterior, 0, Vector::LinSpaced(5, 0.1, 2));
  REQUIRE(curve.energy.size() == 5);
  // T = 2 pi theta^(-1/2).
  CHECK((curve.error.cwiseQuotient(curve.period).array() - sigma / 8).abs().maxCoeff() <= 1e-12);

  const Eigen::MatrixXd t = Vector::LinSpaced(6, 0, 2);
  const PredictedStates found =
      predicted_states(dynamics, theta, posterior,
                       Ensemble::observed_at(Eigen::Vector2d(1.5, 0), t), Starts::exact, tight());
  for (Index k = 0; k < t.size(); ++k) {
    // x = 1.5 cos(omega t), by theta = omega^2.
    const double phase = 2 * t(k, 0);
    CHECK(found.states(0, k) == doctest::Approx(1.5 * std::cos(phase)).epsilon(1e-9));
    CHECK(std::abs(found.errors(0, k) - sigma * std::abs(1.5 * std::sin(phase) * t(k, 0) / 4)) <=
          1e-10);
    const double by_theta = -1.5 * (std::sin(phase) + phase * std::cos(phase)) / 4;
    CHECK(std::abs(found.errors(1, k) - sigma * std::abs(by_theta)) <= 1e-10);
  }
}

TEST_CASE("forces of several components have an error each") {
  const Mlp field({2, 5, 2}, Symmetry::none, Skip::none);
  const Vector theta = field.initial_parameters(1, 1);
  Posterior posterior;
  posterior.factor = Eigen::MatrixXd::Identity(theta.size(), theta.size());
  posterior.factor +=
      0.3 *
      Eigen::MatrixXd(
          normal_states(theta.size(), theta.size(), 2).triangularView<Eigen::StrictlyUpper>());
  const Block q = normal_states(2, 11, 3);
  const Block errors = force_errors(field, theta, posterior, q);
  const Eigen::MatrixXd covariance = (posterior.factor.transpose() * posterior.factor).inverse();
  for (Index b = 0; b < q.cols(); ++b) {
    for (Index d = 0; d < 2; ++d) {
      Vector gradient(theta.size());
      for (Index p = 0; p < theta.size(); ++p) {
        constexpr double step = 1e-5;
        Vector up = theta, down = theta;
        up[p] += step;
        down[p] -= step;
        gradient[p] = (field.force(up, q)(d, b) - field.force(down, q)(d, b)) / (2 * step);
      }
      const double expected = std::sqrt(gradient.dot(covariance * gradient));
      CHECK(errors(d, b) == doctest::Approx(expected).epsilon(1e-6));
    }
  }
}

TEST_CASE("bands of f, U and T(E) are the spread of posterior samples") {
  for (const Skip skip : {Skip::none, Skip::linear}) {
    const Objective objective = noisy(network(skip));
    const ObservationFit fit = fit_of(objective);
    REQUIRE(fit.posterior);
    const ForceField& field = objective.dynamics().field();
    const Vector& theta = fit.training.state.theta;
    const double bottom = *nearest_bottom(field, theta, -2, 2);
    const Vector x = Vector::LinSpaced(9, -1.2, 1.2);
    const Vector energies = Vector::LinSpaced(6, 0.3, 3);
    const Block of_force = force_errors(field, theta, *fit.posterior, Block(x.transpose()));
    const Vector of_potential = potential_errors(field, theta, *fit.posterior, bottom, x);
    const PeriodCurve periods = period_curve(field, theta, *fit.posterior, bottom, energies);
    REQUIRE(periods.energy.size() == energies.size());

    constexpr Index samples = 200;
    const Eigen::MatrixXd steps = fit.posterior->factor.triangularView<Eigen::Upper>().solve(
        Eigen::MatrixXd(normal_states(theta.size(), samples, 4)));
    Eigen::MatrixXd force(x.size(), samples), potential(x.size(), samples),
        period(energies.size(), samples);
    for (Index i = 0; i < samples; ++i) {
      const ForceFieldPtr sampled = linear_in_theta(field, theta, steps.col(i));
      const PotentialWell well(*sampled, Vector(0), *nearest_bottom(*sampled, Vector(0), -2, 2),
                               {-20, 20}, 4);
      force.col(i) = sampled->force(Vector(0), Block(x.transpose())).transpose();
      for (Index k = 0; k < x.size(); ++k) potential(k, i) = well.potential(x[k]);
      for (Index k = 0; k < energies.size(); ++k) period(k, i) = well.orbit(energies[k]).period;
    }
    // The spread of so many samples has a relative error of 1/sqrt(2 samples) = 5%; beside it
    // stands what the first order leaves out.
    const auto agrees = [&](const Eigen::MatrixXd& sampled, const Vector& errors, double floor) {
      const Vector mean = sampled.rowwise().mean();
      const Vector spread =
          ((sampled.colwise() - mean).rowwise().squaredNorm() / (samples - 1.0)).cwiseSqrt();
      for (Index k = 0; k < errors.size(); ++k) {
        CAPTURE(k);
        CHECK(std::abs(spread[k] - errors[k]) <= 0.2 * errors[k] + floor);
      }
    };
    agrees(force, of_force.transpose(), 0);
    // U at the bottom is known, to second order.
    agrees(potential, of_potential, 0.05 * of_potential.maxCoeff());
    agrees(period, periods.error, 0);
  }
}

TEST_CASE(
    "the errors of all predictions of the data add up to the parameters that they determine") {
  // In standard errors of the data they are the diagonal of the projection onto the fit, whose
  // trace counts the parameters: gamma under the ridge, and all others.
  for (const double unit : {1.0, 1e4}) {
    for (const bool is_network : {false, true}) {
      const Dynamics dynamics = is_network ? network() : spring();
      const Objective objective = noisy(dynamics, unit);
      const ObservationFit fit =
          is_network ? fit_of(objective)
                     : fit_observations(objective, Vector::Constant(1, 3.0), unlimited_fit());
      REQUIRE(fit.posterior);
      const Objective at = objective_at(objective, fit.training.state);
      const PredictedStates found =
          predicted_states(dynamics, fit.training.state.theta, *fit.posterior, at.ensemble(),
                           Starts::fitted, fit.training.integrator);
      const States& weight = objective.observations().weight;
      const double sum = weight.cwiseProduct(found.errors.cwiseAbs2()).sum();
      const double expected = 2 * orbits + (is_network ? fit.effective_parameters : 1);
      CAPTURE(unit);
      CHECK(sum == doctest::Approx(expected).epsilon(1e-3));
      // The first of them are the initial states.
      for (Index i = 0; i < orbits; ++i) {
        const Vector of_start = fit.posterior->initial_state_errors.col(i);
        CHECK((found.errors.col(i * times) - of_start).norm() <= 1e-9 * of_start.norm());
      }
    }
  }
}

TEST_CASE("energies without a closed orbit are left out") {
  // x'' = -theta x + x^2: the brim is at theta^3/6.
  const ForceFieldPtr field = make_force(
      1, [](double x, const auto& theta) { return -theta[0] * x + x * x; },
      [](double x, const auto& theta) { return -theta[0] + 2 * x; },
      [](double x, const auto&) { return std::array<double, 1>{-x}; });
  const double brim = 1.0 / 6;
  const PeriodCurve curve = period_curve(*field, Vector::Ones(1), known_to(0.1), 0,
                                         Eigen::Vector4d(0.05, 0.1, brim * (1 - 1e-9), 3));
  REQUIRE(curve.energy.size() == 2);
  CHECK(curve.energy[1] == 0.1);
  CHECK(curve.period.size() == 2);
  CHECK((curve.error.array() > 0).all());
}

TEST_CASE("predictions need as many fitted initial states as trajectories") {
  CHECK(mentions(message_of<InputError>([] {
                   static_cast<void>(predicted_states(spring(), Vector::Ones(1), known_to(0.1),
                                                      Ensemble(States::Ones(2, 3), 1.0),
                                                      Starts::fitted, IntegratorOptions()));
                 }),
                 "fewer than the 3 trajectories"));
}

}  // namespace test_bands
