// Writes made-up measurements into a file, beside what is there: make_benchmark FILE

#include <cmath>
#include <cstdio>

#include "benchmark_results.hpp"
#include "isochron/error.hpp"

using namespace isochron;

namespace {

/// time = fixed + per_parameter P, for 100 trajectories at a tolerance of 1e-10.
struct MadeUp {
  const char* method;
  const char* integrator;
  const char* task;
  double fixed;
  double per_parameter;
  double order;  ///< of the integrator
};

constexpr MadeUp methods[] = {
    {"adjoint", "adams", "gradient", 1.2e-3, 2.5e-6, 11},
    {"adjoint", "bdf", "gradient", 9e-3, 4e-6, 5},
    {"forward", "adams", "gradient", 2e-3, 1.1e-3, 11},
    {"discrete", "rkn8", "gradient", 3e-4, 1e-6, 8},
    {"discrete", "rkn12", "gradient", 4e-4, 1.2e-6, 12},
    {"discrete", "rk8", "gradient", 7e-4, 2e-6, 8},
    {"discrete", "rk4", "gradient", 6e-3, 2e-5, 4},
    {"difference", "adams", "gradient", 1e-3, 2e-3, 11},
    {"discrete", "rkn8", "jacobian", 5e-4, 1.4e-6, 8},
    {"forward", "adams", "jacobian", 2e-3, 1.1e-3, 11},
};

BenchmarkPoint measure(const MadeUp& made_up, const char* sweep, long width, long trajectories,
                       double rtol) {
  BenchmarkPoint p;
  p.sweep = sweep;
  p.method = made_up.method;
  p.integrator = made_up.integrator;
  p.task = made_up.task;
  p.start = "random";
  p.status = "ok";
  p.width = width;
  p.depth = 2;
  p.parameters = width * width + 4 * width + 1;
  p.trajectories = trajectories;
  p.threads = 1;
  p.rtol = rtol;
  p.end_time = 6.283185307179586;
  p.steps_forward = std::lround(20 * std::pow(rtol, -1 / made_up.order));
  p.steps_backward = p.method == "forward" ? 0 : p.steps_forward;
  p.rhs_forward = 2 * p.steps_forward;
  p.rhs_backward = 2 * p.steps_backward;
  p.seconds = (made_up.fixed + made_up.per_parameter * static_cast<double>(p.parameters)) *
              (0.1 + 0.009 * static_cast<double>(trajectories)) *
              std::pow(rtol / 1e-10, -1 / made_up.order);
  p.seconds_low = 0.95 * p.seconds;
  p.seconds_high = 1.2 * p.seconds;
  p.error = (p.method == "difference" ? 3e3 : 4) * rtol;
  p.error_of_terms = p.error / 3;
  p.peak_memory = 3e7 + 800 * static_cast<double>(p.parameters);
  p.repeats = 7;
  p.package = "isochron 0.1.0";
  p.precision = "double";
  if (p.seconds > 20) p.status = "left out: it would take too long";
  return p;
}

BenchmarkResults make_benchmark() {
  BenchmarkResults benchmark;
  benchmark.title = "made-up measurements";
  benchmark.config = R"({"verb": "benchmark"})";
  benchmark.environment = {{"isochron", "0.1.0"}, {"cpu", "abacus"}};
  for (const MadeUp& method : methods) {
    for (const long width : {4, 8, 16, 32, 64, 128}) {
      benchmark.points.push_back(measure(method, "parameters", width, 100, 1e-10));
    }
    for (const long trajectories : {1, 10, 100, 1000, 10000}) {
      benchmark.points.push_back(measure(method, "trajectories", 16, trajectories, 1e-10));
    }
    for (int k = 4; k <= 12; k += 2) {
      benchmark.points.push_back(measure(method, "tolerance", 16, 100, std::pow(10, -k)));
    }
  }
  benchmark.conclusions = {"The discrete adjoint is the fastest.",
                           "Forward sensitivities cost time in proportion to the parameters."};
  return benchmark;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    write_benchmark(argc > 1 ? argv[1] : "", make_benchmark());
  } catch (const Error& error) {
    std::fprintf(stderr, "make_benchmark: %s\n", error.what());
    return 1;
  }
  return 0;
}
