// What does one loss with its adjoint gradient cost, and how accurate is it? Periodic loss, network
// 1-16-16-1 (321 parameters), T = 2 pi, random start, one thread unless said.
//
// A run prints ms per gradient with counters: `error` is the gradient's relative error against a
// reference at rtol 1e-13, `steps` forward and backward. The arguments are the seed (of weights and
// of initial states) and -log10(rtol) times 10.

#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <numbers>

#include "isochron/mlp.hpp"
#include "isochron/objective.hpp"
#include "isochron/random.hpp"

namespace {

using namespace isochron;

struct Problem {
  Problem(std::uint64_t seed, Index trajectories)
      : network(std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1})),
        theta(network->initial_parameters(seed)),
        objective(Dynamics(network), isochron::Loss::periodic, normal_states(2, trajectories, seed),
                  2 * std::numbers::pi) {}

  [[nodiscard]] ObjectiveFunction function(double rtol, int threads = 1) const {
    SensitivityOptions options;
    options.integrator.rtol = options.integrator.atol = rtol;
    options.integrator.threads = threads;
    return ObjectiveFunction(objective, options);
  }

  std::shared_ptr<const Mlp> network;
  Vector theta;
  Objective objective;
};

const Vector& reference(std::uint64_t seed) {
  static std::map<std::uint64_t, Vector> known;
  Vector& gradient = known[seed];
  if (gradient.size() == 0) {
    const Problem problem(seed, 100);
    gradient = problem.function(1e-13).trajectory_gradient(problem.theta).gradient;
  }
  return gradient;
}

void gradient(benchmark::State& state) {
  const auto seed = static_cast<std::uint64_t>(state.range(0));
  const double rtol = std::pow(10, -static_cast<double>(state.range(1)) / 100);
  const Problem problem(seed, 100);
  ObjectiveFunction function = problem.function(rtol);
  LossGradient result;
  for (auto _ : state) {
    result = function.trajectory_gradient(problem.theta);
  }
  state.counters["error"] = (result.gradient - reference(seed)).norm() / reference(seed).norm();
  state.counters["steps"] = static_cast<double>(result.forward.steps + result.backward.steps);
}

void loss_alone(benchmark::State& state) {
  const Problem problem(static_cast<std::uint64_t>(state.range(0)), 100);
  ObjectiveFunction function = problem.function(1e-10);
  for (auto _ : state) {
    benchmark::DoNotOptimize(function.value(problem.theta));
  }
}

void trajectories_and_threads(benchmark::State& state) {
  const Problem problem(0, state.range(0));
  ObjectiveFunction function = problem.function(1e-10, static_cast<int>(state.range(1)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(function.trajectory_gradient(problem.theta));
  }
  state.counters["us_per_trajectory"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * 1e-6,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void seeds(benchmark::internal::Benchmark* b) {
  b->ArgNames({"seed", "100*digits"});
  for (const long digits : {920, 952, 1000}) {
    for (long seed = 0; seed < 10; ++seed) b->Args({seed, digits});
  }
}

BENCHMARK(gradient)->Apply(seeds)->Unit(benchmark::kMillisecond);
BENCHMARK(loss_alone)->ArgName("seed")->DenseRange(0, 9)->Unit(benchmark::kMillisecond);
BENCHMARK(trajectories_and_threads)
    ->ArgNames({"N", "threads"})
    ->ArgsProduct({{100, 1000, 10000}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
