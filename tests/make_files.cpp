// Files that programs other than isochron's own may write with the library:
//
//   make_files benchmark FILE   made-up measurements
//   make_files run FILE         a network that was trained for a moment
//   make_files own-force FILE   a field with two parameters, from callables
//   make_files own-loss FILE    a network and a loss of one's own
//   make_files thin FILE        the run in FILE with few points on its curves

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <string>
#include <vector>

#include "benchmark_results.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"

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

BenchmarkPoint measure(const MadeUp& made_up, const char* axis, long width, long trajectories,
                       double rtol) {
  BenchmarkPoint p;
  p.axis = axis;
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

/// A few iterations of any objective, as in the examples.
Run trained(const Objective& objective, const Vector& theta) {
  TrainingOptions options;
  options.optimizer.max_iterations = 5;
  Run run = new_run(objective, options);
  finish(run, objective, train(objective, theta, options));
  return run;
}

Run make_run() {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  const Objective objective(Dynamics(network), Loss::antiperiodic, normal_states(2, 10, 0), 3);
  return trained(objective, network->initial_parameters(0));
}

/// x'' = -k x - b x^3.
Run make_own_force() {
  const auto spring = make_force(
      2, [](double x, const auto& k) { return -k[0] * x - k[1] * x * x * x; },
      [](double x, const auto& k) { return -k[0] - 3 * k[1] * x * x; },
      [](double x, const auto&) { return Eigen::Vector2d(-x, -x * x * x); });
  const Objective objective(Dynamics(spring), Loss::periodic, normal_states(2, 10, 0), 6);
  return trained(objective, Eigen::Vector2d(0.8, 0.1));
}

/// Every trajectory is to end at rest.
Run make_own_loss() {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  TrajectoryResiduals rest{1, [](Index, ConstStatesRef states, VectorRef residuals,
                                 Eigen::Ref<Eigen::MatrixXd> derivatives) {
                             residuals[0] = states(1, 0) / 10;
                             derivatives << 0, 0.1;
                           }};
  const Objective objective(Dynamics(network), Ensemble(normal_states(2, 10, 0), 1), rest);
  return trained(objective, network->initial_parameters(0));
}

void thin(PositionCurve& curve) {
  for (Vector* column : {&curve.position, &curve.value, &curve.harmonic, &curve.error})
    *column = column->head(std::min<Index>(column->size(), 3)).eval();
}

void thin(std::vector<PhasePortrait>& portraits) {
  for (PhasePortrait& portrait : portraits) {
    for (std::vector<double>* column : {&portrait.x, &portrait.v, &portrait.color})
      column->resize(static_cast<std::size_t>(portrait.samples));
  }
}

Run make_thin(const std::string& file) {
  Run run = read_results(file);
  thin(run.phase_portrait_before);
  thin(run.phase_portrait);
  if (run.force) thin(*run.force);
  if (run.potential) thin(*run.potential);
  if (run.orbits) {
    constexpr Index times = 3;
    *run.orbits = {run.orbits->x.leftCols(times).eval(), run.orbits->v.leftCols(times).eval(),
                   run.orbits->time.head(times).eval()};
  }
  return run;
}

void make(const std::string& kind, const std::string& file) {
  if (kind == "benchmark") return write_benchmark(file, make_benchmark());
  if (kind == "run") return write_results(file, make_run());
  if (kind == "own-force") return write_results(file, make_own_force());
  if (kind == "own-loss") return write_results(file, make_own_loss());
  if (kind == "thin") return write_results(file, make_thin(file));
  throw InputError(kind + " is no kind of file");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw InputError("make_files KIND FILE");
    make(argv[1], argv[2]);
  } catch (const Error& error) {
    std::fprintf(stderr, "make_files: %s\n", error.what());
    return 1;
  }
  return 0;
}
