// A force from noisy observations: springs x'' = -4 x, of which positions and velocities were
// measured at thirty times, with an error of a tenth. Nothing is known but the data: neither the
// force nor where the orbits started. A network learns f; the ridge on its weights is chosen where
// the evidence of the data is largest.
//
//   sum over all data of ((x_i(t_k) - z_ik)/sigma_ik)^2 + rho |theta|^2   over theta and X_i(0)
//
// Expect: chi^2 within four standard deviations of its degrees of freedom, f to its own error bars,
// and a force fitted to data in kilometres and years just as well.

#include <cmath>
#include <cstdio>

#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"

namespace {

using namespace isochron;

constexpr Index orbits = 25, times = 30;
constexpr double noise = 0.1, stiffness = 4, end = 3;

/// Observed orbits in a unit of length, the time in units of `unit_of_time`.
Objective observed(ForceFieldPtr field, double unit, double unit_of_time) {
  const double omega = std::sqrt(stiffness);
  const States start = normal_states(2, orbits, 1);
  const States errors = normal_states(2, orbits * times, 2);
  const Vector t = Vector::LinSpaced(times, 0, end);
  States value(2, orbits * times), weight(2, orbits * times);
  for (Index c = 0; c < value.cols(); ++c) {
    const double x = start(0, c / times), v = start(1, c / times);
    const double phase = omega * t[c % times];
    value(0, c) = x * std::cos(phase) + v * std::sin(phase) + noise * errors(0, c);
    value(1, c) = omega * (v * std::cos(phase) - x * std::sin(phase) + noise * errors(1, c));
  }
  value.row(0) *= unit;
  value.row(1) *= unit / unit_of_time;
  weight.row(0).setConstant(std::pow(noise * unit, -2));
  weight.row(1).setConstant(std::pow(noise * omega * unit / unit_of_time, -2));
  const States first = value(Eigen::all, Eigen::seqN(0, orbits, times));
  const Eigen::MatrixXd all_times = (unit_of_time * t).replicate(1, orbits);
  return Objective(Dynamics(std::move(field)), Ensemble::observed_at(first, all_times),
                   {value, weight})
      .fitting_initial_states();
}

/// The largest |f + 4 x| in standard errors, over |x| <= 1.5; prints a table.
double report(const Objective& objective, const ObservationFit& fit, double unit, double time) {
  const double excess =
      (fit.chi_squared - fit.degrees_of_freedom) / std::sqrt(2 * fit.degrees_of_freedom);
  std::printf("chi^2 %.1f, %.1f degrees of freedom (%+.1f standard deviations), %.1f parameters\n",
              fit.chi_squared, fit.degrees_of_freedom, excess, fit.effective_parameters);
  double worst = std::abs(excess) <= 4 ? 0 : 1e9;
  const ForceField& field = objective.dynamics().field();
  const auto at = field.linearisation(1);
  for (const double x : {-1.5, -0.75, 0.0, 0.75, 1.5}) {
    Block f(1, 1), slopes(field.parameters(), 1);
    at->linearise(fit.training.state.theta, Block::Constant(1, 1, x * unit), f);
    at->parameter_jacobians(slopes);
    const double in_units = time * time / unit;
    const double error = in_units * fit.posterior->standard_error(Vector(slopes.col(0)));
    const double force = in_units * f(0, 0);
    worst = std::max(worst, std::abs(force + stiffness * x) / error);
    std::printf("  x = %5.2f   f = %7.3f +- %.3f   truth %6.3f\n", x, force, error, -stiffness * x);
  }
  return worst;
}

}  // namespace

int main() {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  double worst = 0;
  for (const auto& [unit, time] : {std::pair(1.0, 1.0), std::pair(1000.0, 3.2e7)}) {
    std::printf("length in units of 1/%g, time of 1/%g\n", unit, time);
    const Objective objective = observed(network, unit, time);
    const ObservationFit fit = fit_observations(objective, initial_parameters(objective, 0));
    worst = std::max(worst, report(objective, fit, unit, time));
  }
  return worst <= 4 ? 0 : 1;
}
