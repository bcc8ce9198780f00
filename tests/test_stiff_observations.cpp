// Robertson's problem (1966), the classic of stiff chemistry:
//
//   u_1' = -k_1 u_1 + k_3 u_2 u_3,   u_3' = k_2 u_2^2,   u_2' = -u_1' - u_3',
//
// k = (0.04, 3e7, 1e4), u(0) = (1, 0, 0). Rates are fitted on a logarithmic scale to 50 times from
// 1e-5 to 1e5, residuals in units of each component's largest value.
#include <doctest/doctest.h>

#include <cmath>

#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "oracles.hpp"
#include "unlimited.hpp"

namespace test_stiff_observations {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;

namespace {

Dynamics robertson() {
  return Dynamics(make_force(
                      3, 3,
                      [](const Vector& u, const auto& theta) {
                        const double a = std::exp(theta[0]) * u[0];
                        const double b = std::exp(theta[1]) * u[1] * u[1];
                        const double c = std::exp(theta[2]) * u[1] * u[2];
                        return Vector(Eigen::Vector3d(c - a, a - b - c, b));
                      },
                      [](const Vector& u, const auto& theta) {
                        const Eigen::Vector3d a(std::exp(theta[0]), 0, 0);
                        const Eigen::Vector3d b(0, 2 * std::exp(theta[1]) * u[1], 0);
                        const Eigen::Vector3d c =
                            std::exp(theta[2]) * Eigen::Vector3d(0, u[2], u[1]);
                        Eigen::MatrixXd by_state(3, 3);
                        by_state << (c - a).transpose(), (a - b - c).transpose(), b.transpose();
                        return by_state;
                      },
                      [](const Vector& u, const auto& theta) {
                        const double a = std::exp(theta[0]) * u[0];
                        const double b = std::exp(theta[1]) * u[1] * u[1];
                        const double c = std::exp(theta[2]) * u[1] * u[2];
                        Eigen::MatrixXd by_theta(3, 3);
                        by_theta << -a, 0, c, a, -b, -c, 0, b, 0;
                        return by_theta;
                      }),
                  Motion::first_order);
}

const Vector log_rates = Eigen::Vector3d(0.04, 3e7, 1e4).array().log();

IntegratorOptions stiff(double rtol) {
  IntegratorOptions options;
  options.method = Method::bdf;
  options.rtol = rtol;
  options.atol = 1e-3 * rtol;
  options.state_units = Eigen::Vector3d(1, 1e-4, 1);
  return options;
}

Ensemble times() {
  constexpr Index k = 50;
  Eigen::MatrixXd t(k, 1);
  for (Index j = 0; j < k; ++j) t(j, 0) = std::pow(10, -5 + 10 * static_cast<double>(j) / (k - 1));
  return Ensemble::observed_at(Eigen::Vector3d(1, 0, 0), t);
}

Objective objective() {
  const States value = Integrator(robertson(), stiff(1e-12)).integrate(log_rates, times()).states;
  const Vector weight = value.rowwise().maxCoeff().cwiseAbs2().cwiseInverse();
  return Objective(robertson(), times(), {value, weight.replicate(1, value.cols())});
}

}  // namespace

TEST_CASE("stiff: rates are recovered from factors of two up and down" *
          doctest::test_suite("long")) {
  const Objective problem = objective();
  for (const unsigned start : {1U, 6U}) {  // each rate once up and once down
    Vector theta = log_rates;
    for (int p = 0; p < 3; ++p) theta[p] += ((start >> p) % 2 == 0 ? 1 : -1) * std::log(2.0);
    FitOptions options = unlimited_fit();
    options.training.sensitivity.integrator = stiff(1e-8);
    options.training.auto_tolerance = false;
    options.training.optimizer.loss_tolerance = 1e-14;
    const ObservationFit fit = fit_observations(problem, theta, options);
    CAPTURE(start);
    CHECK((fit.training.state.theta - log_rates).cwiseAbs().maxCoeff() <= 1e-6);
  }
}

TEST_CASE("stiff: gradients by the adjoint, forward sensitivities and differences agree") {
  const Objective problem = objective();
  const Vector theta = log_rates.array() + 0.3;
  const auto gradient = [&](GradientMethod method) {
    SensitivityOptions options;
    options.gradient = method;
    options.integrator = stiff(1e-11);
    Vector slope(3);
    ObjectiveFunction(problem, options).value(theta, slope);
    return slope;
  };
  const Vector forward = gradient(GradientMethod::forward);
  CHECK((gradient(GradientMethod::adjoint) - forward).norm() <= 1e-6 * forward.norm());
  CHECK((gradient(GradientMethod::difference) - forward).norm() <= 1e-4 * forward.norm());
}

TEST_CASE("stiff: explicit methods say so") {
  for (const auto method : {Method::rk8, Method::adams}) {
    IntegratorOptions options;
    options.method = method;
    options.max_steps = 20000;
    CHECK(mentions(message_of<NumericalError>([&] {
                     static_cast<void>(
                         Integrator(robertson(), options).integrate(log_rates, times()));
                   }),
                   "bdf"));
  }
}

TEST_CASE("tolerances by component") {
  // Components in other units are the same problem: the same steps, but for rounding.
  IntegratorOptions options = stiff(1e-8);
  const auto steps = [&] {
    return Integrator(robertson(), options).integrate(log_rates, times()).counts.steps;
  };
  const long with_units = steps();
  options.atol *= 1e-4;
  options.state_units = Eigen::Vector3d(1e4, 1, 1e4);
  CHECK(steps() == with_units);
  options.state_units = Eigen::Vector3d(1, 0, 1);
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(steps()); }), "units"));
}

}  // namespace test_stiff_observations
