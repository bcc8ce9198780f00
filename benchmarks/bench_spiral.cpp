// The spiral of torchdiffeq's demo (Chen et al. 2018, arXiv:1806.07366):
//
//   u' = A^T u^3 (elementwise), A = [[-0.1, 2], [-2, -0.1]], u(0) = (2, 0),
//
// 1,000 times, even on [0, 25], the first one exact; f a 2-50-2 tanh network of u^3.
//
//   bench_spiral [tolerance [seeds]]
//
// How long a fit takes to a mean square of `tolerance` (1e-8) over all times, from each weight
// seed, and the mean square of its theta as rk8 at 1e-13 finds it.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "isochron/composite_field.hpp"
#include "isochron/mlp.hpp"
#include "isochron/observation_fit.hpp"

namespace {

using namespace isochron;

constexpr Index times = 999;  // after the first
constexpr double end = 25;

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

}  // namespace

int main(int argc, char** argv) {
  const double tolerance = argc > 1 ? std::atof(argv[1]) : 1e-8;
  const int seeds = argc > 2 ? std::atoi(argv[2]) : 10;
  const Ensemble ensemble = Ensemble::observed_at(Eigen::Vector2d(2, 0),
                                                  Vector::LinSpaced(times + 1, 0, end).tail(times));
  const States value = Integrator(Dynamics(truth(), Motion::first_order), tight())
                           .integrate(Vector(0), ensemble)
                           .states;
  const auto network = std::make_shared<Mlp>(std::vector<Index>{2, 50, 2});
  const ForceFieldPtr field = of_features(
      network, {[](double u) { return u * u * u; }, [](double u) { return 3 * u * u; }});
  const Objective objective(Dynamics(field, Motion::first_order), ensemble, {value, {}});
  std::vector<double> seconds;
  int reached = 0;
  std::printf("seed   iterations   mean square   by rk8 at 1e-13   s\n");
  for (int seed = 0; seed < seeds; ++seed) {
    FitOptions options;
    options.ridge = 0;
    options.training.optimizer.loss_tolerance = tolerance;
    const auto start = std::chrono::steady_clock::now();
    const ObservationFit fit = fit_observations(
        objective, network->initial_parameters(static_cast<std::uint64_t>(seed)), options);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    const TrainingState& state = fit.training.state;
    const double verified = objective.trajectory_loss(
        Integrator(objective.dynamics(), tight()).integrate(state.theta, ensemble).states);
    reached += verified <= 1.01 * tolerance ? 1 : 0;
    std::printf("%4d   %10ld   %11.2e   %15.2e   %.2f\n", seed, state.history.iteration.back(),
                state.loss, verified, seconds.back());
    std::fflush(stdout);
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("%d of %d; median %.2f s, longest %.2f s\n", reached, seeds,
              seconds[seconds.size() / 2], seconds.back());
  return 0;
}
