// What observations at many times cost, relative to the final state alone.
//
//   bench_observation_times [repetitions]
//
// 50 trajectories over t in [0, 2 pi], observed at 30 even times; x'' = f(x), where f is a network
// 1-16-16-1 with a linear skip: -x and a tenth of random weights, or random weights alone. Times
// are those of the processor, on one thread: minima of `repetitions` (15), which alternate between
// the two; geometric means of 5 seeds.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <memory>
#include <numbers>

#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/sensitivity.hpp"

namespace {

using namespace isochron;

constexpr Index trajectories = 50, observations = 30;
constexpr int seeds = 5, calls = 5;
constexpr double end = 2 * std::numbers::pi;

struct Force {
  const char* name;
  double scale;  // of the random weights
  double skip;   // f(x) = skip x + ..
};
constexpr Force forces[] = {{"-x + network", 0.1, -1}, {"random network", 1, 0}};

struct Accuracy {
  Method method;
  double tolerance;
};
constexpr Accuracy accuracies[] = {{Method::rkn8, 1e-7}, {Method::rkn12, 1e-12}};

/// What is compared: of the final states alone, and of all.
struct Cost {
  double steps = 0;
  double gradient = std::numeric_limits<double>::infinity();  // in seconds
  double jacobian = std::numeric_limits<double>::infinity();
};

template <class Work>
void keep_shortest(double& shortest, const Work& work) {
  const std::clock_t begin = std::clock();
  for (int i = 0; i < calls; ++i) work();
  const double each = static_cast<double>(std::clock() - begin) / (CLOCKS_PER_SEC * double(calls));
  shortest = std::min(shortest, each);
}

std::array<Cost, 2> measure(const Force& force, const Accuracy& accuracy, std::uint64_t seed,
                            int repetitions) {
  const auto network =
      std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1}, Symmetry::none, Skip::linear);
  Vector theta = network->initial_parameters(seed, force.scale);
  theta.tail(2) << force.skip, 0;
  const States initial = normal_states(2, trajectories, seed);
  const Vector times = Vector::LinSpaced(observations, end / observations, end);
  const std::array<Ensemble, 2> ensembles = {
      Ensemble(initial, end), Ensemble::observed_at(initial, times.replicate(1, trajectories))};
  const States weights = normal_states(2, trajectories * observations, seed + 1);
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = accuracy.method;
  options.integrator.rtol = options.integrator.atol = accuracy.tolerance;
  Sensitivity sensitivity(Dynamics(network), options);

  std::array<Cost, 2> costs;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    for (std::size_t i = 0; i < 2; ++i) {
      const Index each = ensembles[i].observations();
      const StateLoss loss = [&](Index first, ConstStatesRef y, StatesRef cotangents) {
        cotangents = weights.middleCols(each * first, y.cols());
        return y.cwiseProduct(cotangents).sum();
      };
      keep_shortest(costs[i].gradient, [&] {
        costs[i].steps =
            static_cast<double>(sensitivity.gradient(theta, ensembles[i], loss).forward.steps);
      });
      keep_shortest(costs[i].jacobian,
                    [&] { static_cast<void>(sensitivity.jacobian(theta, ensembles[i])); });
    }
  }
  return costs;
}

void compare(const Force& force, const Accuracy& accuracy, int repetitions) {
  double steps = 0, gradient = 0, jacobian = 0, alone = 0, jacobian_alone = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const auto [one, all] = measure(force, accuracy, static_cast<std::uint64_t>(seed), repetitions);
    steps += std::log(all.steps / one.steps) / seeds;
    gradient += std::log(all.gradient / one.gradient) / seeds;
    jacobian += std::log(all.jacobian / one.jacobian) / seeds;
    alone += std::log(one.gradient) / seeds;
    jacobian_alone += std::log(one.jacobian) / seeds;
  }
  std::printf("%-15s %-5s %.0e %9.2f %9.2f %9.2f %12.3f %12.3f\n", force.name,
              name(accuracy.method), accuracy.tolerance, std::exp(steps), std::exp(gradient),
              std::exp(jacobian), 1e3 * std::exp(alone), 1e3 * std::exp(jacobian_alone));
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 15;
  std::puts("                                                     the final state alone, in ms:");
  std::puts("force           method rtol     steps  gradient  Jacobian     gradient     Jacobian");
  for (const Force& force : forces) {
    for (const Accuracy& accuracy : accuracies) compare(force, accuracy, repetitions);
  }
}
