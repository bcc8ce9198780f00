// Unknown terms beside known ones (a universal differential equation: Rackauckas et al. 2020,
// arXiv:2001.04385): of prey and predators the growth and the decay are known, not how they meet,
//
//   u_1' = 1.3 u_1 + N_1(u_1, u_2),   u_2' = N_2(u_1, u_2) - 1.8 u_2.
//
// One trajectory was observed 31 times with errors of 0.5% of each component's mean; the truth is
// N_1 = -0.9 u_1 u_2, N_2 = 0.8 u_1 u_2. The network 2-8-1-2 says that both terms are one
// encounter, linear in the same function of the state; softplus is curved where tanh is straight,
// as a product is, and its fits have the larger evidence.
//
// Expect: chi^2 within four standard deviations of its degrees of freedom, and both terms within 5%
// (rms over the visited states). How often that succeeds: bench_unknown_terms.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "isochron/analytic_force.hpp"
#include "isochron/bands.hpp"
#include "isochron/composite_field.hpp"
#include "isochron/random.hpp"

namespace {

using namespace isochron;

constexpr Index times = 31;
constexpr double end = 3, growth = 1.3, decay = 1.8, eaten = 0.9, fed = 0.8;

States truth(Index count) {
  const auto field = std::make_shared<AnalyticForce>(analytic_term(
      "lotka-volterra", 2, {{"alpha", growth}, {"beta", eaten}, {"gamma", decay}, {"delta", fed}}));
  IntegratorOptions tight;
  tight.method = Method::rk8;
  tight.rtol = tight.atol = 1e-12;
  const Ensemble ensemble = Ensemble::observed_at(Eigen::Vector2d(0.44249296, 4.6280594),
                                                  Vector::LinSpaced(count, 0, end));
  return Integrator(Dynamics(field, Motion::first_order), tight)
      .integrate(Vector(0), ensemble)
      .states;
}

Objective observed(const ForceFieldPtr& field) {
  States value = truth(times);
  const Vector sigma = 0.005 * value.rowwise().mean();
  value += sigma.asDiagonal() * normal_states(2, times, 0);
  const States weight = sigma.cwiseAbs2().cwiseInverse().replicate(1, times);
  return Objective(Dynamics(field, Motion::first_order),
                   Ensemble::observed_at(value.col(0), Vector::LinSpaced(times, 0, end)),
                   {value, weight})
      .fitting_initial_states();
}

}  // namespace

int main() {
  const auto known = std::make_shared<AnalyticForce>(
      analytic_term("linear", 2, {{"a11", growth}, {"a22", -decay}}));
  Architecture network;
  network.layers = {2, 8, 1, 2};
  network.activation = Activation::softplus;
  const auto unknown = std::make_shared<Mlp>(network);
  const ForceFieldPtr field = sum_of({known, unknown});
  const Objective objective = observed(field);
  const ObservationFit fit = fit_observations(objective, initial_parameters(objective, 0));
  const double excess =
      (fit.chi_squared - fit.degrees_of_freedom) / std::sqrt(2 * fit.degrees_of_freedom);
  std::printf("chi^2 %.1f, %.1f degrees of freedom (%+.1f standard deviations)\n", fit.chi_squared,
              fit.degrees_of_freedom, excess);

  const States u = truth(7);
  const Block terms = unknown->force(fit.training.state.theta, u);
  const Block errors = force_errors(*field, fit.training.state.theta, *fit.posterior, u);
  std::printf("   u_1     u_2     N_1                truth     N_2                truth\n");
  for (Index i = 0; i < u.cols(); ++i) {
    const double meetings = u(0, i) * u(1, i);
    std::printf("%6.3f  %6.3f  %7.3f +- %.3f  %7.3f  %7.3f +- %.3f  %7.3f\n", u(0, i), u(1, i),
                terms(0, i), errors(0, i), -eaten * meetings, terms(1, i), errors(1, i),
                fed * meetings);
  }
  const States visited = truth(301);
  const Block found = unknown->force(fit.training.state.theta, visited);
  const Vector meetings = visited.row(0).cwiseProduct(visited.row(1)).transpose();
  const double first = (found.row(0).transpose() + eaten * meetings).norm() / eaten;
  const double second = (found.row(1).transpose() - fed * meetings).norm() / fed;
  const double worst = std::max(first, second) / meetings.norm();
  std::printf("both terms within %.1f%% (rms over the visited states)\n", 100 * worst);
  return std::abs(excess) <= 4 && worst <= 0.05 ? 0 : 1;
}
