// A force and its periods from noisy observations: springs x'' = -4 x and pendulums x'' = -6 sin x,
// of which positions and velocities were measured at thirty times, with errors of 0.1 and 0.2.
// Nothing is known but the data: neither the force nor where the orbits started. A network learns
// f; the ridge on its weights is chosen where the evidence of the data is largest.
//
//   sum over all data of ((x_i(t_k) - z_ik)/sigma_ik)^2 + rho |theta|^2   over theta and X_i(0)
//
// Expect: chi^2 within four standard deviations of its degrees of freedom, f(x) and T(E) within
// four of their own standard errors.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "isochron/analytic_force.hpp"
#include "isochron/bands.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/random.hpp"

namespace {

using namespace isochron;

constexpr Index orbits = 25, times = 30;
constexpr double end = 3, far = 2;  // times, and positions that no orbit leaves

Objective observed(const ForceFieldPtr& truth, const States& start) {
  const Vector sigma = Eigen::Vector2d(0.1, 0.2);
  const Eigen::MatrixXd t = Vector::LinSpaced(times, 0, end).replicate(1, orbits);
  States value = Integrator(Dynamics(truth), IntegratorOptions{})
                     .integrate(Vector(0), Ensemble::observed_at(start, t))
                     .states;
  value += sigma.asDiagonal() * normal_states(2, value.cols(), 2);
  const States weight = sigma.cwiseAbs2().cwiseInverse().replicate(1, value.cols());
  const States first = value(Eigen::all, Eigen::seqN(0, orbits, times));
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  return Objective(Dynamics(network), Ensemble::observed_at(first, t), {value, weight})
      .fitting_initial_states();
}

/// Prints a value that was found beside the truth; by how many standard errors it misses it.
double row(const char* name, double at, double found, double error, double truth) {
  std::printf("  %s(%5.2f) = %7.3f +- %.3f   truth %7.3f\n", name, at, found, error, truth);
  return std::abs(found - truth) / error;
}

/// The largest deviation from the truth in standard errors.
double fit(const char* name, const ForceFieldPtr& truth, const States& start,
           const Vector& energies) {
  const Objective objective = observed(truth, start);
  const ObservationFit found = fit_observations(objective, initial_parameters(objective, 0));
  const double excess =
      (found.chi_squared - found.degrees_of_freedom) / std::sqrt(2 * found.degrees_of_freedom);
  std::printf("%s: chi^2 %.1f, %.1f degrees of freedom (%+.1f standard deviations)\n", name,
              found.chi_squared, found.degrees_of_freedom, excess);
  double worst = std::abs(excess);

  const ForceField& field = objective.dynamics().field();
  const Vector& theta = found.training.state.theta;
  const Block x = Vector::LinSpaced(5, -1, 1).transpose();
  const Block force = field.force(theta, x);
  const Block error = force_errors(field, theta, *found.posterior, x);
  const Block true_force = truth->force(Vector(0), x);
  for (Index i = 0; i < x.cols(); ++i) {
    worst = std::max(worst, row("f", x(0, i), force(0, i), error(0, i), true_force(0, i)));
  }
  const double bottom = nearest_bottom(field, theta, -far, far).value();
  const PeriodCurve curve = period_curve(field, theta, *found.posterior, bottom, energies);
  const PotentialWell well(*truth, Vector(0), 0, {-far, far}, energies.maxCoeff());
  for (Index i = 0; i < curve.energy.size(); ++i) {
    const double energy = curve.energy[i];
    const double period = well.orbit(energy).period;
    worst = std::max(worst, row("T", energy, curve.period[i], curve.error[i], period));
  }
  return worst;
}

}  // namespace

int main() {
  const auto spring = std::make_shared<AnalyticForce>(analytic_term("harmonic", 1, {{"omega", 2}}));
  const auto pendulum =
      std::make_shared<AnalyticForce>(analytic_term("pendulum", 1, {{"omega", std::sqrt(6)}}));
  const States start = (Eigen::Vector2d(0.5, 1).asDiagonal() * normal_states(2, orbits, 1))
                           .cwiseMax(-1.5)
                           .cwiseMin(1.5);
  const Vector energies = Eigen::Vector3d(0.5, 1, 2);
  const double of_springs = fit("springs", spring, start, energies);
  const double of_pendulums = fit("pendulums", pendulum, start, energies);
  const double worst = std::max(of_springs, of_pendulums);
  std::printf("largest deviation: %.1f standard errors\n", worst);
  return worst <= 4 ? 0 : 1;
}
