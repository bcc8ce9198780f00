// How often unknown terms are found beside known ones: Lotka and Volterra's model with both
// interactions unknown (universal differential equations, Rackauckas et al. 2020,
// arXiv:2001.04385),
//
//   u_1' = 1.3 u_1 + N_1(u_1, u_2),   u_2' = N_2(u_1, u_2) - 1.8 u_2,
//
// where the truth is N_1 = -0.9 u_1 u_2, N_2 = 0.8 u_1 u_2. One trajectory from (0.44249296,
// 4.6280594), 31 times on [0, 3], noise of 0.5% of each component's mean on all values, the first
// ones included. A fit is a success when both terms are within 5% (rms) over the visited states.
//
//   bench_unknown_terms [seeds [first]]
//
// The terms are the outputs of one network: of 2-8-2, which says nothing of them, and of 2-8-1-2,
// which says that they are one encounter: both are linear in the same function of the state.
// Softplus is curved where tanh is straight, as a product is. The last line takes, seed by seed,
// that network whose fit has the largest evidence.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "isochron/analytic_force.hpp"
#include "isochron/composite_field.hpp"
#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"

namespace {

using namespace isochron;

constexpr Index times = 31;
constexpr double end = 3, relative_noise = 0.005, allowed = 0.05;

/// Where the truth passes at `count` times.
States truth(Index count) {
  const ForceFieldPtr field = std::make_shared<AnalyticForce>(analytic_term(
      "lotka-volterra", 2, {{"alpha", 1.3}, {"beta", 0.9}, {"gamma", 1.8}, {"delta", 0.8}}));
  IntegratorOptions tight;
  tight.method = Method::rk8;
  tight.rtol = tight.atol = 1e-12;
  const Ensemble ensemble = Ensemble::observed_at(Eigen::Vector2d(0.44249296, 4.6280594),
                                                  Vector::LinSpaced(count, 0, end));
  return Integrator(Dynamics(field, Motion::first_order), tight)
      .integrate(Vector(0), ensemble)
      .states;
}

ForceFieldPtr known_and_unknown(const Architecture& network) {
  const auto known =
      std::make_shared<AnalyticForce>(analytic_term("linear", 2, {{"a11", 1.3}, {"a22", -1.8}}));
  return sum_of({known, std::make_shared<Mlp>(network)});
}

Objective observed(const ForceFieldPtr& field, std::uint64_t seed) {
  States value = truth(times);
  const Vector sigma = relative_noise * value.rowwise().mean();
  value += sigma.asDiagonal() * normal_states(2, times, seed);
  const States weight = sigma.cwiseAbs2().cwiseInverse().replicate(1, times);
  return Objective(Dynamics(field, Motion::first_order),
                   Ensemble::observed_at(value.col(0), Vector::LinSpaced(times, 0, end)),
                   {value, weight})
      .fitting_initial_states();
}

/// Of N_1 and N_2, relative, rms over the visited states.
Eigen::Array2d errors_of(const ForceField& field, const Vector& theta) {
  const States visited = truth(301);
  States found = field.force(theta, visited);
  const Eigen::ArrayXd product = visited.row(0).cwiseProduct(visited.row(1)).transpose();
  Eigen::Array2d errors;
  const double known[] = {1.3, -1.8};
  const double rate[] = {-0.9, 0.8};
  for (Index d = 0; d < 2; ++d) {
    const Eigen::ArrayXd term = (found.row(d) - known[d] * visited.row(d)).transpose();
    errors[d] = (term - rate[d] * product).matrix().norm() / (rate[d] * product).matrix().norm();
  }
  return errors;
}

struct Fitted {
  double log_evidence = -std::numeric_limits<double>::infinity();
  bool succeeded = false;
};

int successes_of(const std::vector<Fitted>& fits) {
  return static_cast<int>(
      std::count_if(fits.begin(), fits.end(), [](const Fitted& fit) { return fit.succeeded; }));
}

/// Of each seed.
std::vector<Fitted> run(const Architecture& network, const char* name, int first, int seeds) {
  const ForceFieldPtr field = known_and_unknown(network);
  std::vector<Fitted> fits;
  double longest = 0;
  std::printf("seed   error of N_1   of N_2   chi^2/dof   parameters   log evidence   s\n");
  for (int seed = first; seed < first + seeds; ++seed) {
    const Objective objective = observed(field, static_cast<std::uint64_t>(seed));
    const auto start = std::chrono::steady_clock::now();
    const ObservationFit fit = fit_observations(
        objective, initial_parameters(objective, static_cast<std::uint64_t>(seed)));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Eigen::Array2d errors = errors_of(*field, fit.training.state.theta);
    fits.push_back({fit.log_evidence, errors.maxCoeff() <= allowed});
    longest = std::max(longest, seconds);
    std::printf("%4d   %10.4f   %8.4f   %8.3f   %8.1f   %12.2f   %5.2f\n", seed, errors[0],
                errors[1], fit.chi_squared / fit.degrees_of_freedom, fit.effective_parameters,
                fit.log_evidence, seconds);
    std::fflush(stdout);
  }
  std::printf("%s: %d of %d succeeded; longest fit %.2f s\n", name, successes_of(fits), seeds,
              longest);
  return fits;
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 100;
  const int first = argc > 2 ? std::atoi(argv[2]) : 0;
  const struct {
    const char* name;
    std::vector<Index> layers;
    Activation activation;
  } networks[] = {{"2-8-2, tanh", {2, 8, 2}, Activation::tanh},
                  {"2-8-2, softplus", {2, 8, 2}, Activation::softplus},
                  {"2-8-1-2, tanh", {2, 8, 1, 2}, Activation::tanh},
                  {"2-8-1-2, softplus", {2, 8, 1, 2}, Activation::softplus}};
  std::vector<Fitted> best(static_cast<std::size_t>(seeds));
  for (const auto& [name, layers, activation] : networks) {
    Architecture network;
    network.layers = layers;
    network.activation = activation;
    const std::vector<Fitted> fits = run(network, name, first, seeds);
    std::transform(
        best.begin(), best.end(), fits.begin(), best.begin(),
        [](const Fitted& a, const Fitted& b) { return a.log_evidence < b.log_evidence ? b : a; });
  }
  std::printf("largest evidence: %d of %d succeeded\n", successes_of(best), seeds);
  return 0;
}
