// The spiral of torchdiffeq's demo (Chen et al. 2018, arXiv:1806.07366):
//
//   u' = A^T u^3 (elementwise), A = [[-0.1, 2], [-2, -0.1]], u(0) = (2, 0),
//
// 1,000 times, even on [0, 25], the first one exact; f a 2-50-2 tanh network of u^3.
//
//   bench_spiral [seeds]
//
// How long fits take from each weight seed to a mean square over all times of 1e-8, and of 1e-12:
// two fits, in seconds of the processor, on one thread. Their mean squares are those that rk8 at
// 1e-13 finds for their theta.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "isochron/composite_field.hpp"
#include "isochron/mlp.hpp"
#include "isochron/observation_fit.hpp"

namespace {

using namespace isochron;

constexpr Index times = 999;  // after the first
constexpr double end = 25;
constexpr std::array tolerances = {1e-8, 1e-12};

ForceFieldPtr truth() {
  Eigen::Matrix2d a;
  a << -0.1, 2, -2, -0.1;
  return make_force(
      2, 0,
      [a](const Vector& u, const auto&) {
        return Vector(a.transpose() * u.array().cube().matrix());
      },
      [a](const Vector& u, const auto&) {
        return Eigen::MatrixXd(a.transpose() * (3 * u.array().square()).matrix().asDiagonal());
      },
      [](const Vector&, const auto&) { return Eigen::MatrixXd(2, 0); });
}

IntegratorOptions tight() {
  IntegratorOptions options;
  options.method = Method::rk8;
  options.rtol = options.atol = 1e-13;
  return options;
}

/// The spiral as it is, fitted by a network.
struct Spiral {
  std::shared_ptr<Mlp> network = std::make_shared<Mlp>(std::vector<Index>{2, 50, 2});
  Objective objective = observed();

  [[nodiscard]] Objective observed() const {
    const Vector later = Vector::LinSpaced(times + 1, 0, end).tail(times);
    const Ensemble ensemble = Ensemble::observed_at(Eigen::Vector2d(2, 0), later);
    const Dynamics exact(truth(), Motion::first_order);
    const States value = Integrator(exact, tight()).integrate(Vector(0), ensemble).states;
    const ForceFieldPtr field = of_features(
        network, {[](double u) { return u * u * u; }, [](double u) { return 3 * u * u; }});
    return Objective(Dynamics(field, Motion::first_order), ensemble, {value, {}});
  }
};

struct Outcome {
  long iterations;
  double mean_square;
  double seconds;
};

Outcome fit(const Spiral& spiral, std::uint64_t seed, double tolerance) {
  FitOptions options;
  options.ridge = 0;
  options.training.optimizer.loss_tolerance = tolerance;
  const std::clock_t begin = std::clock();
  const ObservationFit fit =
      fit_observations(spiral.objective, spiral.network->initial_parameters(seed), options);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const TrainingState& state = fit.training.state;
  Integrator integrator(spiral.objective.dynamics(), tight());
  const States states = integrator.integrate(state.theta, spiral.objective.ensemble()).states;
  return {state.history.iteration.back(), spiral.objective.trajectory_loss(states), seconds};
}

/// Of all fits to one tolerance.
struct Column {
  int reached = 0;
  std::vector<double> seconds;

  void add(const Outcome& outcome, double tolerance) {
    reached += outcome.mean_square <= 1.01 * tolerance ? 1 : 0;
    seconds.push_back(outcome.seconds);
    std::printf("   %10ld   %11.2e   %6.2f", outcome.iterations, outcome.mean_square,
                outcome.seconds);
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 10;
  const Spiral spiral;
  std::array<Column, tolerances.size()> columns;
  std::printf("seed");
  for (const double tolerance : tolerances) {
    std::printf("   to %.0e: iterations, mean square, s", tolerance);
  }
  std::printf("\n");
  for (int seed = 0; seed < seeds; ++seed) {
    std::printf("%4d", seed);
    for (std::size_t i = 0; i < tolerances.size(); ++i) {
      columns[i].add(fit(spiral, static_cast<std::uint64_t>(seed), tolerances[i]), tolerances[i]);
    }
    std::printf("\n");
  }
  for (std::size_t i = 0; i < tolerances.size(); ++i) {
    std::vector<double>& seconds = columns[i].seconds;
    std::sort(seconds.begin(), seconds.end());
    std::printf("%.0e: %d of %d; median %.2f s, longest %.2f s\n", tolerances[i],
                columns[i].reached, seeds, seconds[seconds.size() / 2], seconds.back());
  }
}
