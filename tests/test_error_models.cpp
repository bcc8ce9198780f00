// Errors of observations that are not normal ones of the values: lognormal errors, and outliers.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_error_models {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

/// y' = -theta y.
Dynamics decay() {
  return Dynamics(make_force(
                      1, [](double q, const auto& theta) { return -theta[0] * q; },
                      [](double, const auto& theta) { return -theta[0]; },
                      [](double q, const auto&) { return std::array<double, 1>{-q}; }),
                  Motion::first_order);
}

constexpr Index n = 5, k = 12;
constexpr double rate = 0.7;

Eigen::MatrixXd times() { return Vector::LinSpaced(k, 0.2, 3).replicate(1, n); }

/// Decays from 1, 2, .. with errors as the model says, `sigma` each.
Observations decays(ErrorModel model, Robust robust, double sigma) {
  const States errors = sigma * normal_states(1, n * k, 3);
  Observations data{States(1, n * k), States::Constant(1, n * k, 1 / (sigma * sigma)), model,
                    robust};
  for (Index c = 0; c < n * k; ++c) {
    const double y = static_cast<double>(1 + c / k) * std::exp(-rate * times()(c % k, c / k));
    data.value(0, c) =
        model == ErrorModel::lognormal ? y * std::exp(errors(0, c)) : y + errors(0, c);
  }
  return data;
}

Objective objective(Observations data) {
  const States start = Vector::LinSpaced(n, 1, n).transpose();
  return Objective(decay(), Ensemble::observed_at(start, times()), std::move(data));
}

SensitivityOptions discrete() {
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rk8;
  options.integrator.rtol = options.integrator.atol = 1e-13;
  return options;
}

}  // namespace

TEST_CASE("a normal residual counts in Huber's loss what the integral over its density says") {
  double sum = 0;
  constexpr double h = 1e-3;
  for (double r = -10; r < 10; r += h) {
    const double size = std::abs(r + h / 2);
    const double loss = size <= huber_threshold
                            ? size * size
                            : 2 * huber_threshold * size - huber_threshold * huber_threshold;
    sum += h * loss * std::exp(-size * size / 2) / std::sqrt(oracle::two_pi);
  }
  CHECK(std::abs(expected_square(Robust::huber) - sum) <= 1e-6);
  CHECK(expected_square(Robust::none) == 1);
}

TEST_CASE("loss, cotangents, residuals and Jacobian of every error model belong together") {
  for (const auto model : {ErrorModel::additive, ErrorModel::lognormal}) {
    for (const auto robust : {Robust::none, Robust::huber}) {
      Observations data = decays(model, robust, 0.1);
      data.weight *= 4;  // so that some are beyond the threshold
      data.weight(0, 3) = data.weight(0, 17) = 0;
      data.value(0, 3) = -1;  // nothing was observed there
      const Objective all = objective(data);
      CAPTURE(name(model));
      CAPTURE(name(robust));

      const Vector theta = Vector::Constant(1, 0.9);
      ObjectiveFunction function(all, discrete());
      Vector gradient(1), residuals;
      Eigen::MatrixXd jacobian;
      const double loss = function.value(theta, gradient);
      function.residuals(theta, residuals, &jacobian);
      const auto at = [&](double h) { return function.value(Vector::Constant(1, 0.9 + h)); };
      CHECK(std::abs(residuals.squaredNorm() - loss) <= 1e-12 * loss);
      CHECK(std::abs(function.value(theta) - loss) <= 1e-12 * loss);
      CHECK(std::abs(2 * jacobian.col(0).dot(residuals) - gradient[0]) <=
            1e-10 * std::abs(gradient[0]));
      CHECK(std::abs(oracle::slope_at_zero(at, 1e-3) - gradient[0]) <=
            1e-6 * std::abs(gradient[0]));

      // One trajectory after the other adds up to all.
      const States states = all.ensemble().initial_states.replicate(k, 1).reshaped(1, n * k) * 0.4;
      States cotangents(1, n * k), part(1, k);
      const double whole = all.trajectory_loss(0, states, cotangents);
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        sum += all.trajectory_loss(i, states.middleCols(i * k, k), part);
        CHECK(part == cotangents.middleCols(i * k, k));
      }
      CHECK(std::abs(sum - whole) <= 1e-13 * whole);
      CHECK(std::abs(all.trajectory_loss(states) - whole) <= 1e-13 * whole);
    }
  }
}

TEST_CASE("lognormal errors of a decay: the fit is the straight line through the logarithms") {
  constexpr double sigma = 0.2;
  const Objective fitting =
      objective(decays(ErrorModel::lognormal, Robust::none, sigma)).fitting_initial_states();
  const ObservationFit fit = fit_observations(fitting, Vector::Constant(1, 0.3), unlimited_fit());
  // log z_ik = a_i - theta t_k + error, with the same times for all i.
  const Vector t = times().col(0).array() - times().col(0).mean();
  double slope = 0;
  for (Index c = 0; c < n * k; ++c) {
    slope -= t[c % k] * std::log(fitting.observations().value(0, c)) /
             (static_cast<double>(n) * t.squaredNorm());
  }
  CHECK(std::abs(fit.training.state.theta[0] - slope) <= 1e-6);
  const double error = sigma / std::sqrt(static_cast<double>(n) * t.squaredNorm());
  CHECK(std::abs(fit.posterior->standard_error(Vector::Ones(1)) - error) <= 1e-5 * error);
  CHECK(std::abs(fit.training.state.theta[0] - rate) <= 4 * error);
}

TEST_CASE("outliers draw a fit away, but hardly a robust one") {
  constexpr double sigma = 0.05;
  const auto fitted = [&](Robust robust, bool estimates) {
    Observations data = decays(ErrorModel::additive, robust, sigma);
    for (Index c = 4; c < n * k; c += 15) data.value(0, c) += 40 * sigma;
    FitOptions options = unlimited_fit();
    options.estimate_noise = estimates;
    return fit_observations(objective(std::move(data)), Vector::Constant(1, 0.3), options);
  };
  const auto distance = [&](const ObservationFit& fit) {
    return std::abs(fit.training.state.theta[0] - rate) /
           fit.posterior->standard_error(Vector::Ones(1));
  };
  CHECK(distance(fitted(Robust::none, false)) > 10);
  CHECK(distance(fitted(Robust::huber, false)) <= 4);
  const double plain = fitted(Robust::none, true).noise[0];
  const double robust = fitted(Robust::huber, true).noise[0];
  CHECK(plain > 4 * sigma);
  CHECK(robust < 2.5 * sigma);
}

TEST_CASE("without outliers noise is estimated alike") {
  FitOptions options = unlimited_fit();
  options.estimate_noise = true;
  for (const auto robust : {Robust::none, Robust::huber}) {
    const ObservationFit fit = fit_observations(
        objective(decays(ErrorModel::additive, robust, 0.05)), Vector::Constant(1, 0.3), options);
    // Of 60 data, to 4 standard errors.
    CHECK(std::abs(fit.noise[0] / 0.05 - 1) <= 4 / std::sqrt(2.0 * n * k));
  }
}

TEST_CASE("the scale of lognormal errors is the least loss of a constant state") {
  Observations data = decays(ErrorModel::lognormal, Robust::none, 0.1);
  data.weight(0, 3) = 0;  // not observed
  data.value(0, 3) = 1e6;
  Vector logarithms(n * k - 1);
  logarithms << data.value.row(0).head(3).array().log().transpose(),
      data.value.row(0).tail(n * k - 4).array().log().transpose();
  const Objective of_data = objective(data);
  const auto loss = [&](double state) {
    return of_data.trajectory_loss(States::Constant(1, n * k, state));
  };
  const double mean = std::exp(logarithms.mean());
  CHECK(of_data.scale() == doctest::Approx(loss(mean)).epsilon(1e-13));
  CHECK(of_data.scale() < std::min(loss(0.99 * mean), loss(1.01 * mean)));
}

TEST_CASE("what has no logarithm is refused, in data and in states") {
  Observations data = decays(ErrorModel::lognormal, Robust::none, 0.1);
  data.value(0, 2) = 0;
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(objective(data)); }), "lognormal"));
  data.value(0, 2) = 1;
  const Objective fine = objective(data);
  const States negative = States::Constant(1, n * k, -1);
  CHECK(mentions(
      message_of<NumericalError>([&] { static_cast<void>(fine.trajectory_loss(negative)); }),
      "lognormal"));
}

}  // namespace test_error_models
