#include "memory.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "isochron/error.hpp"
#include "oracles.hpp"
#include "temporary_folder.hpp"

namespace test_memory {

using namespace isochron;

namespace {

void put_deep(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  put(file, text);
}

constexpr double kib = 1024;

}  // namespace

TEST_CASE("the least of the machine and the control groups is available") {
  const TemporaryFolder folder;
  const std::filesystem::path root = folder.path();
  put_deep(root / "proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable: 8000 kB\n");
  CHECK(available_memory(root) == 8000 * kib);

  // Version 2: the outer group leaves less than the inner one, whose cache does not count.
  put_deep(root / "proc/self/cgroup", "0::/jobs/one\n");
  const auto group = root / "sys/fs/cgroup/jobs";
  put_deep(group / "one/memory.max", "max\n");
  put_deep(group / "one/memory.current", "123\n");
  put_deep(group / "memory.max", "5000000\n");
  put_deep(group / "memory.current", "1500000\n");
  CHECK(available_memory(root) == 3500000);
  put_deep(group / "memory.stat", "anon 1\ninactive_file 500000\n");
  CHECK(available_memory(root) == 4000000);
  put_deep(group / "one/memory.max", "1000123\n");
  CHECK(available_memory(root) == 1000000);

  // Version 1; a group that is over its limit leaves nothing.
  put_deep(root / "proc/self/cgroup", "5:cpu:/x\n4:memory,pids:/y\n");
  CHECK(available_memory(root) == 8000 * kib);
  put_deep(root / "sys/fs/cgroup/memory/y/memory.limit_in_bytes", "3000000\n");
  put_deep(root / "sys/fs/cgroup/memory/y/memory.usage_in_bytes", "1000000\n");
  CHECK(available_memory(root) == 2000000);
  put_deep(root / "sys/fs/cgroup/memory/y/memory.usage_in_bytes", "4000000\n");
  CHECK(available_memory(root) == 0);
  CHECK(available_memory() > 0);
}

TEST_CASE("too large a need names its largest part and what helps") {
  MemoryNeed need;
  need.add("the small part", 1e6, "nothing");
  need.add("the large part", 3e9, "less of it");
  CHECK(need.total() == 3.001e9);
  CHECK_NOTHROW(need.require(3.001e9));
  CHECK_THROWS_WITH_AS(need.require(3e9),
                       "the computation needs about 3.0 GB of memory (3.0 GB for the large part) "
                       "and 3.0 GB are available; give less of it",
                       InputError);
  CHECK_THROWS_AS(need.require(3.001e9, 2), InputError);
}

// Sanitizers take much more.
#ifndef ISOCHRON_SANITIZE
namespace {

/// MB of resident memory of this process: "VmRSS:" now, "VmHWM:" at its peak.
double resident(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double value = 0;
    if (word == key && status >> value) return value * kib / 1e6;
  }
  return 0;
}

/// MB by which `work` raises the memory of a process of its own.
template <class Work>
double peak_of(const Work& work) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from here
    const double before = resident("VmRSS:");
    work();
    const double peak = resident("VmHWM:") - before;
    const bool sent = write(ends[1], &peak, sizeof peak) == sizeof peak;
    _exit(sent ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(status == 0);
  double peak = 0;
  REQUIRE(read(ends[0], &peak, sizeof peak) == sizeof peak);
  close(ends[0]);
  close(ends[1]);
  return peak;
}

}  // namespace

TEST_CASE("what a training needs is known beforehand") {
  struct Case {
    std::string name;
    std::vector<Index> layers;
    Index trajectories;
    OptimizerKind optimizer;
    GradientMethod gradient;
    long iterations;
    double period;
    Index residuals = 0;  // of each trajectory; 0: the periodic loss
  };
  const Case cases[] = {
      {"pairs", {1, 160, 160, 1}, 8, OptimizerKind::lbfgs, GradientMethod::adjoint, 20, 1},
      {"states", {1, 2, 1}, 200000, OptimizerKind::lbfgs, GradientMethod::adjoint, 0, 0.1},
      {"solution", {1, 4, 1}, 104, OptimizerKind::adam, GradientMethod::adjoint, 0, 600},
      {"Jacobian",
       {1, 100, 100, 1},
       100,
       OptimizerKind::least_squares,
       GradientMethod::discrete,
       1,
       1},
      {"leaves",
       {1, 8, 8, 1},
       17500,
       OptimizerKind::least_squares,
       GradientMethod::discrete,
       1,
       0.2,
       20},
      {"sensitivities", {1, 48, 48, 1}, 40, OptimizerKind::adam, GradientMethod::forward, 0, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto network = std::make_shared<Mlp>(c.layers, Symmetry::none, Skip::linear);
    const Dynamics dynamics(network);
    TrainingOptions options;
    options.kind = c.optimizer;
    options.optimizer.max_iterations = c.iterations;
    options.optimizer.memory = 20;
    options.sensitivity.gradient = c.gradient;
    options.max_time = 100;
    if (c.gradient == GradientMethod::discrete)
      options.sensitivity.integrator.method = Method::rkn8;
    Vector theta = network->initial_parameters(1);
    theta.tail(2) << -1, 0;  // it oscillates
    const auto objective = [&] {
      const States starts = States::Random(2, c.trajectories);
      return c.residuals == 0 ? Objective(dynamics, Loss::periodic, starts, c.period)
                              : Objective(dynamics, Ensemble(starts, c.period),
                                          oracle::many_residuals(c.residuals));
    };
    const double estimate = training_memory(objective(), options).total() / 1e6;
    const double peak = peak_of([&] { static_cast<void>(train(objective(), theta, options)); });
    CAPTURE(estimate);
    CAPTURE(peak);
    CHECK(peak <= 1.5 * estimate + 10);
    CHECK(peak >= estimate / 4 - 10);
  }
}
#endif

}  // namespace test_memory
