// A force with two parameters from plain lambdas, checked and then trained.
//
//   x'' = -a x - b x^3,  L(a, b) = mean_i |X_i(T/2) + X_i(0)|^2,  T = 2 pi
//
// L vanishes when every orbit has turned to its mirror image after half a period. The springs that
// do this for every amplitude are linear, a = 1, 9, 25, .., and b = 0.
//
// Expect: from a = 1.3, b = 0.2 to a = 1 and b = 0 within 1e-6, in a few dozen evaluations.

#include <cmath>
#include <cstdio>
#include <numbers>

#include "isochron/random.hpp"
#include "isochron/training.hpp"

int main() {
  using namespace isochron;

  const ForceFieldPtr spring = make_force(
      2, [](double x, const auto& theta) { return -theta[0] * x - theta[1] * x * x * x; },
      [](double x, const auto& theta) { return -theta[0] - 3 * theta[1] * x * x; },
      [](double x, const auto&) { return Eigen::Vector2d(-x, -x * x * x); });
  const Vector start{{1.3, 0.2}};

  // Derivatives by hand go wrong: compare them with differences first.
  Block positions(1, 8);
  positions << -3, -2, -1, -0.1, 0.2, 1, 2, 3;
  const ForceCheck check = check_force(*spring, start, positions);
  std::printf("derivatives against differences: %s\n", check.summary().c_str());
  if (!check.passed()) return 1;

  const Objective objective(Dynamics(spring), Loss::antiperiodic, normal_states(2, 100, 7),
                            2 * std::numbers::pi);
  TrainingOptions options;
  options.optimizer.loss_tolerance = 1e-16;
  options.max_time = 30;
  const TrainingResult result = train(objective, start, options);

  const Vector& theta = result.state.theta;
  const History& history = result.state.history;
  std::printf("%s after %ld iterations, %ld evaluations: loss %.1e\n",
              describe(result.reason).c_str(), history.iteration.back(), history.evaluations.back(),
              result.state.loss);
  std::printf("a = %.9f (expected: 1)\nb = %.9f (expected: 0)\n", theta[0], theta[1]);
  return std::abs(theta[0] - 1) < 1e-6 && std::abs(theta[1]) < 1e-6 ? 0 : 1;
}
