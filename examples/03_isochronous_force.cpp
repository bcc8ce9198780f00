// Which forces bring every orbit back after the same time? A network is asked.
//
//   x'' = f(x; theta),  L(theta) = mean_i |X_i(T) - X_i(0)|^2,  T = 2 pi,
//
// f a network 1-16-16-1 with 321 parameters, 100 initial states from N(0, I), L-BFGS on gradients
// by the CVODES adjoint.
//
// Expect: a verified loss (recomputed by another method at a tighter tolerance) below 1e-6 after a
// few seconds; on longer runs it goes on falling. The force is not -x: without symmetry the
// answer is one of many sheared and shifted isochronous wells.

#include <cstdio>
#include <numbers>

#include "isochron/random.hpp"
#include "isochron/results.hpp"

int main(int argc, char** argv) {
  using namespace isochron;
  const char* file = argc > 1 ? argv[1] : "isochronous_force.h5";
  const double period = 2 * std::numbers::pi;
  const double good = 1e-6;

  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Dynamics dynamics(network);
  const Objective objective(dynamics, Loss::periodic, normal_states(2, 100, 0), period);

  TrainingOptions options;
  options.optimizer.loss_tolerance = good / 10;
  const TrainingResult result = train(objective, network->initial_parameters(0), options);
  const Vector& theta = result.state.theta;
  const History& history = result.state.history;
  std::printf("%s after %ld iterations in %.1f s: loss %.2e, at the start %.2e\n",
              describe(result.reason).c_str(), history.iteration.back(), history.wall_time.back(),
              result.state.loss, history.loss.front());

  const VerifiedLoss verified = verify_loss(objective, result);
  std::printf("verified loss %.2e (expected: below %.0e)\n", verified.loss, good);
  const HarmonicFit fit = fit_harmonic(*network, theta, period);
  std::printf("f(-1) = %+.4f, f(1) = %+.4f; max |f + %g x| on [-2, 2] = %.2f\n",
              network->force(theta, -1.0), network->force(theta, 1.0), fit.stiffness,
              fit.deviation);

  Results results;
  results.title = "isochronous force, periodic loss";
  results.model = ModelRecord::of(*network, theta, result.state.theta_initial);
  results.initial_states = objective.ensemble().initial_states;
  results.final_states = verified.states;
  results.residuals = objective.deviations(verified.states);
  results.end_times = objective.ensemble().end_times;
  results.history = history;
  results.phase_portrait =
      phase_portraits(dynamics, theta, objective.ensemble(), result.integrator);
  results.summary["loss_verified"] = {verified.loss, "loss by another method (1)"};
  write_results(file, results);
  std::printf("written to %s; draw it with: isochron plot %s\n", file, file);
  return verified.loss < good ? 0 : 1;
}
