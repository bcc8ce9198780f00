#include "isochron/gradient_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"

using namespace isochron;

namespace {

constexpr double period = 2 * std::numbers::pi;

SensitivityOptions at_tolerance(double rtol) {
  SensitivityOptions options;
  options.integrator.rtol = options.integrator.atol = rtol;
  return options;
}

/// f = -a q - b q^3 with derivatives multiplied by factors.
ForceFieldPtr duffing(double by_position = 1, double by_parameter = 1) {
  return make_force(
      2, [](double q, const auto& k) { return -k[0] * q - k[1] * q * q * q; },
      [=](double q, const auto& k) { return by_position * (-k[0] - 3 * k[1] * q * q); },
      [=](double q, const auto&) {
        return Eigen::Vector2d(-by_parameter * q, -by_parameter * q * q * q);
      });
}

const Vector duffing_theta = Eigen::Vector2d(0.9, 0.2);

GradientCheck check_duffing(double by_position, double by_parameter) {
  const Objective objective(Loss::periodic, normal_states(2, 12, 3), period);
  return check_gradients(Dynamics(duffing(by_position, by_parameter)), objective, duffing_theta,
                         at_tolerance(1e-9), false);
}

bool only_differences_disagree(const GradientCheck& check) {
  for (const CheckedGradient& gradient : check.gradients) {
    if (gradient.agrees() == (gradient.method == GradientMethod::difference)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("gradient check: all methods agree on a force with correct derivatives") {
  const GradientCheck check = check_duffing(1, 1);
  CHECK(check.passed());
  CHECK(check.gradients.size() == 6);
  CHECK(check.reference_disagreement < 1e-11);
  for (const CheckedGradient& gradient : check.gradients) {
    CAPTURE(gradient.variant);
    CHECK(gradient.failure.empty());
    CHECK(gradient.seconds > 0);
    CHECK(gradient.relative_error < 1e-4);
  }
}

TEST_CASE("gradient check: a derivative wrong by a factor 1 + 1e-4 is seen") {
  CHECK(only_differences_disagree(check_duffing(1, 1 + 1e-4)));
  CHECK_FALSE(check_duffing(1 + 1e-4, 1).passed());
}

TEST_CASE("gradient check: the methods of a network agree over all tolerances") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Objective objective(Loss::periodic, normal_states(2, 24, 0), period);
  const Vector theta = network->initial_parameters(0);
#ifdef __SANITIZE_ADDRESS__
  const auto tolerances = {1e-5};  // sanitizers are slow
#else
  const auto tolerances = {1e-5, 1e-8, 1e-11};
#endif
  for (const double rtol : tolerances) {
    CAPTURE(rtol);
    const GradientCheck check =
        check_gradients(Dynamics(network), objective, theta, at_tolerance(rtol), false);
    for (const CheckedGradient& gradient : check.gradients) {
      CAPTURE(gradient.variant);
      CAPTURE(gradient.error_of_terms);
      CHECK(gradient.agrees());
    }
  }
}

TEST_CASE("gradient check: where the residuals are small, their errors count") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Dynamics dynamics(network);
  const Objective objective(Loss::antiperiodic, normal_states(2, 24, 0), period);
  TrainingOptions training;
  training.sensitivity.gradient = GradientMethod::discrete;
  training.sensitivity.integrator.method = Method::rkn8;
  training.sensitivity.integrator.rtol = training.sensitivity.integrator.atol = 1e-8;
  training.sensitivity.freeze_steps = true;
  training.optimizer.loss_tolerance = 9e-10;
  const TrainingResult trained =
      train(dynamics, objective, network->initial_parameters(0), training);
  REQUIRE(trained.state.loss < 1e-9);
  const GradientCheck check =
      check_gradients(dynamics, objective, trained.state.theta, at_tolerance(1e-8), true);
  for (const CheckedGradient& gradient : check.gradients) {
    CAPTURE(gradient.variant);
    CAPTURE(gradient.error_of_terms);
    CHECK(gradient.agrees());
  }
}

TEST_CASE("gradient check: first-order motion, and a method that was asked for") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{2, 8, 2});
  const Objective objective(Loss::periodic, normal_states(2, 9, 1), 2.0);
  SensitivityOptions options = at_tolerance(1e-8);
  options.integrator.method = Method::rk4;
  options.integrator.steps = 400;
  const Dynamics dynamics(network, Motion::first_order);
  const Vector theta = network->initial_parameters(1);
  CHECK(check_gradients(dynamics, objective, theta, options, false).passed());
  options.integrator.steps = 3;
  const GradientCheck coarse = check_gradients(dynamics, objective, theta, options, false);
  CHECK_FALSE(coarse.passed());
  for (const CheckedGradient& gradient : coarse.gradients) {
    CHECK(gradient.agrees() == (gradient.variant != "rk4, 3 steps"));
  }
}
