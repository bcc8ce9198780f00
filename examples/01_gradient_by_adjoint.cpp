// The gradient of a loss by the adjoint method, against a closed form.
//
//   x'' = -k x,  L(k) = mean_i |X_i(T) - X_i(0)|^2,  X = (x, v),  T = 2 pi,  k = 1.21
//
// With w = sqrt(k) the flow is X(T) = M X(0),
//
//   M = (  cos wT     sin(wT)/w )       dL/dk = mean_i 2 ((M - 1) X_i)^T (dM/dw) X_i / (2w).
//       ( -w sin wT   cos wT    )
//
// Expect: adjoint and closed form agree to about 9 digits at the default tolerance 1e-10.

#include <Eigen/Dense>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "isochron/force_field.hpp"
#include "isochron/objective.hpp"
#include "isochron/random.hpp"

int main() {
  using namespace isochron;
  const double period = 2 * std::numbers::pi;
  const double k = 1.21;

  // A force from three plain functions: itself, its slope in x, its slope in each parameter.
  const ForceFieldPtr spring = make_force(
      1, [](double x, const auto& theta) { return -theta[0] * x; },
      [](double, const auto& theta) { return -theta[0]; },
      [](double x, const auto&) { return Eigen::Matrix<double, 1, 1>(-x); });

  const Objective objective(Dynamics(spring), Loss::periodic, normal_states(2, 100, 7), period);
  ObjectiveFunction function(objective, SensitivityOptions{});
  const LossGradient by_adjoint = function.trajectory_gradient(Vector::Constant(1, k));

  const double w = std::sqrt(k);
  const double c = std::cos(w * period);
  const double s = std::sin(w * period);
  Eigen::Matrix2d flow;
  flow << c, s / w, -w * s, c;
  Eigen::Matrix2d flow_slope;  // dM/dw
  flow_slope << -period * s, period * c / w - s / (w * w), -s - w * period * c, -period * s;
  const States& start = objective.ensemble().initial_states;
  const States residuals = flow * start - start;
  const double loss = residuals.squaredNorm() / 100;
  const double gradient = 2 * residuals.cwiseProduct(flow_slope * start).sum() / 100 / (2 * w);

  std::printf("            closed form          adjoint\n");
  std::printf("L      %+.13f  %+.13f\n", loss, by_adjoint.loss);
  std::printf("dL/dk  %+.13f  %+.13f\n", gradient, by_adjoint.gradient[0]);
  std::printf("steps: %ld forward, %ld backward\n", by_adjoint.forward.steps,
              by_adjoint.backward.steps);

  const double error = std::abs(by_adjoint.gradient[0] / gradient - 1);
  std::printf("relative error of the gradient: %.1e (expected: below 1e-8)\n", error);
  return error < 1e-8 && std::abs(by_adjoint.loss / loss - 1) < 1e-8 ? 0 : 1;
}
