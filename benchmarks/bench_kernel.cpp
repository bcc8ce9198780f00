// What does one evaluation of the network cost on a block of 104 points (100, padded), and what do
// the products that share its linearisation add? Times in us; 3,200 tanh are those of 1-16-16-1 on
// 100 points.

#include <benchmark/benchmark.h>

#include <cmath>

#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "lanes.hpp"

namespace {

using namespace isochron;

constexpr Index points = 104;

struct Fixture {
  explicit Fixture(std::vector<Index> layers)
      : mlp(std::move(layers)),
        theta(mlp.initial_parameters(0)),
        at(mlp.linearisation(points)),
        q(normal_states(mlp.dimension(), points, 1)),
        w(normal_states(mlp.dimension(), points, 2)),
        out(mlp.dimension(), points),
        gradient(Vector::Zero(mlp.parameters())) {}

  Mlp mlp;
  Vector theta;
  std::unique_ptr<Linearisation> at;
  Block q;
  Block w;
  Block out;
  Vector gradient;
};

std::vector<Index> layers_of(const benchmark::State& state) {
  const Index d = state.range(0);
  return {d, state.range(1), state.range(1), d};
}

void force(benchmark::State& state) {
  Fixture f(layers_of(state));
  for (auto _ : state) f.at->force(f.theta, f.q, f.out);
}

void linearise(benchmark::State& state) {
  Fixture f(layers_of(state));
  for (auto _ : state) f.at->linearise(f.theta, f.q, f.out);
}

void linearise_and_transposed_product(benchmark::State& state) {
  Fixture f(layers_of(state));
  for (auto _ : state) {
    f.at->linearise(f.theta, f.q, f.out);
    f.at->transposed_product(f.w, f.out);
  }
}

void parameter_product(benchmark::State& state) {
  Fixture f(layers_of(state));
  f.at->linearise(f.theta, f.q, f.out);
  for (auto _ : state) f.at->add_parameter_product(f.w, f.gradient);
}

void tanh_of_lanes(benchmark::State& state) {
  std::vector<Lanes, Eigen::aligned_allocator<Lanes>> x(400, broadcast(0.3));
  for (auto _ : state) {
    for (Lanes& value : x) value = tanh(value);
    benchmark::DoNotOptimize(x.data());
    benchmark::ClobberMemory();
  }
}

void tanh_of_libm(benchmark::State& state) {
  const Vector x = normal_states(3200, 1, 1);
  for (auto _ : state) {
    double sum = 0;
    for (const double value : x) sum += std::tanh(value);
    benchmark::DoNotOptimize(sum);
  }
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"D", "width"});
  for (const long width : {15, 16, 32, 64}) b->Args({1, width});
  b->Args({2, 16});
}

BENCHMARK(tanh_of_libm)->Unit(benchmark::kMicrosecond);
BENCHMARK(tanh_of_lanes)->Unit(benchmark::kMicrosecond);
BENCHMARK(force)->Apply(shapes)->Unit(benchmark::kMicrosecond);
BENCHMARK(linearise)->Apply(shapes)->Unit(benchmark::kMicrosecond);
BENCHMARK(linearise_and_transposed_product)->Apply(shapes)->Unit(benchmark::kMicrosecond);
BENCHMARK(parameter_product)->Apply(shapes)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
