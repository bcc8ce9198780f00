#include "cli/measurement.hpp"

#include <fmt/core.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "build_info.hpp"
#include "cli/signals.hpp"
#include "clock.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

constexpr double unknown = not_a_number;

/// A line such as "VmHWM:  1234 kB" of /proc/self/status, in bytes; NaN where there is none.
double memory(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":", 0) == 0)
      return 1024 * std::strtod(line.c_str() + key.size() + 1, nullptr);
  }
  return unknown;
}

/// Memory in use beyond what was there at construction, at its highest.
class PeakMemory {
 public:
  PeakMemory() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << '5';  // resets the high-water mark
    before_ = memory("VmRSS");
  }
  [[nodiscard]] double bytes() const { return std::max(0.0, memory("VmHWM") - before_); }

 private:
  double before_ = 0;
};

/// What one evaluation gives, of a gradient or a Jacobian.
struct Evaluation {
  Vector gradient;
  IntegrationCounts forward;
  IntegrationCounts backward;
  double stored_bytes = 0;
};

Evaluation evaluate(ObjectiveFunction& function, const Vector& theta, bool jacobian) {
  if (jacobian) {
    const StateJacobian at = function.trajectory_jacobian(theta);
    States cotangents(at.states.rows(), at.states.cols());
    function.objective().trajectory_loss(0, at.states, cotangents);
    return {at.jacobian.transpose() * cotangents.reshaped(), at.forward, at.backward,
            at.stored_bytes};
  }
  LossGradient result = function.trajectory_gradient(theta);
  return {std::move(result.gradient), result.forward, result.backward, result.stored_bytes};
}

SensitivityOptions by_discrete(const MeasuredProblem& problem, double rtol) {
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = highest_order(problem.objective.dynamics().motion());
  options.integrator.rtol = options.integrator.atol = rtol;
  options.integrator.stop_requested = signalled;
  return options;
}

SensitivityOptions by_adjoint(double rtol) {
  SensitivityOptions options;
  options.integrator.rtol = options.integrator.atol = rtol;
  options.integrator.stop_requested = signalled;
  return options;
}

/// The gradients that errors are measured against, and the size of what they sum; NaN where they
/// cannot be had.
struct References {
  Vector discrete;
  Vector adjoint;
  double terms = unknown;
};

References references(const MeasuredProblem& problem) {
  const auto gradient_by = [&](const SensitivityOptions& options) -> Vector {
    try {
      ObjectiveFunction function(problem.objective, options);
      return evaluate(function, problem.theta, false).gradient;
    } catch (const NumericalError&) {
      return Vector::Constant(problem.theta.size(), unknown);  // and so are the errors
    }
  };
  References result{gradient_by(by_discrete(problem, 1e-14)), gradient_by(by_adjoint(1e-13))};
  try {
    ObjectiveFunction coarse(problem.objective, by_discrete(problem, 1e-8));
    const StateJacobian at = coarse.trajectory_jacobian(problem.theta);
    States cotangents(at.states.rows(), at.states.cols());
    problem.objective.trajectory_loss(0, at.states, cotangents);
    result.terms = at.jacobian.norm() * cotangents.norm();
  } catch (const NumericalError&) {
  }
  return result;
}

/// A method at work on a problem.
struct Contestant {
  MeasuredMethod method;
  BenchmarkPoint point;
  std::unique_ptr<ObjectiveFunction> function;
  Clock::time_point deadline = Clock::time_point::max();
  std::vector<double> seconds;
};

/// The first evaluation, with its error and its memory; whether there may be more.
bool try_once(Contestant& contestant, const MeasuredProblem& problem, const References& references,
              const MeasurementLimits& limits) {
  BenchmarkPoint& point = contestant.point;
  try {
    const PeakMemory peak;
    contestant.function =
        std::make_unique<ObjectiveFunction>(problem.objective, contestant.method.options);
    contestant.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(limits.budget));
    const auto start = Clock::now();
    const Evaluation evaluation =
        evaluate(*contestant.function, problem.theta, contestant.method.jacobian);
    contestant.seconds.push_back(seconds_since(start));
    const bool discrete = contestant.method.options.gradient == GradientMethod::discrete;
    const Vector& exact = discrete ? references.adjoint : references.discrete;
    const double error = (evaluation.gradient - exact).norm();
    point.error = error / exact.norm();
    point.error_of_terms = error / references.terms;
    point.steps_forward = evaluation.forward.steps;
    point.steps_backward = evaluation.backward.steps;
    point.rhs_forward = evaluation.forward.right_hand_sides;
    point.rhs_backward = evaluation.backward.right_hand_sides;
    point.checkpoint_memory = evaluation.stored_bytes;
    point.peak_memory = peak.bytes();
    contestant.deadline = Clock::time_point::max();
    return true;
  } catch (const NumericalError& error) {
    point.status = error.what();
  } catch (const std::bad_alloc&) {
    point.status = "out of memory";
  } catch (const Interrupted&) {
    if (signalled()) throw;
    point.status = fmt::format("exceeds the budget of {:g} s", limits.budget);
  }
  contestant.function.reset();
  return false;
}

void summarise(Contestant& contestant) {
  std::vector<double>& seconds = contestant.seconds;
  BenchmarkPoint& point = contestant.point;
  if (seconds.size() > 1) seconds.erase(seconds.begin());  // it also made the solvers
  std::sort(seconds.begin(), seconds.end());
  point.seconds = seconds[(seconds.size() - 1) / 2];
  point.seconds_low = seconds.front();
  point.seconds_high = seconds.back();
  point.repeats = static_cast<long>(seconds.size());
}

}  // namespace

BenchmarkPoint describe(const MeasuredProblem& problem, const MeasuredMethod& method) {
  const IntegratorOptions& integrator = method.options.integrator;
  BenchmarkPoint point;
  point.axis = problem.axis;
  point.method = name(method.options.gradient);
  point.integrator = name(integrator.method);
  point.task = method.jacobian ? "jacobian" : "gradient";
  point.start = problem.start;
  point.status = "ok";
  point.parameters = problem.objective.dynamics().parameters();
  point.trajectories = problem.objective.ensemble().size();
  point.threads = integrator.thread_count();
  point.depth = static_cast<long>(problem.layers.size()) - 2;
  point.width = problem.layers.size() > 2 ? problem.layers[1] : 0;
  point.rtol = integrator.rtol;
  point.end_time = problem.objective.ensemble().end_times[0];
  point.seconds = point.seconds_low = point.seconds_high = unknown;
  point.error = point.error_of_terms = unknown;
  point.peak_memory = point.checkpoint_memory = unknown;
  point.package = std::string("isochron ") + build_info::version;
  point.precision = "double";
  return point;
}

std::vector<BenchmarkPoint> measure(const MeasuredProblem& problem,
                                    const std::vector<MeasuredMethod>& methods,
                                    const MeasurementLimits& limits) {
  const References exact = references(problem);
  std::vector<Contestant> contestants(methods.size());
  for (std::size_t i = 0; i < methods.size(); ++i) {
    Contestant& contestant = contestants[i];
    contestant.method = methods[i];
    contestant.point = describe(problem, methods[i]);
    contestant.method.options.integrator.stop_requested = [&contestant] {
      return signalled() || Clock::now() > contestant.deadline;
    };
    static_cast<void>(try_once(contestant, problem, exact, limits));
  }
  for (int repeat = 0; repeat < limits.repeats; ++repeat) {
    for (Contestant& contestant : contestants) {
      if (!contestant.function) continue;
      double spent = 0;
      for (const double seconds : contestant.seconds) spent += seconds;
      if (repeat > 0 && spent + contestant.seconds.back() > limits.time) continue;
      const auto start = Clock::now();
      static_cast<void>(evaluate(*contestant.function, problem.theta, contestant.method.jacobian));
      contestant.seconds.push_back(seconds_since(start));
    }
  }
  std::vector<BenchmarkPoint> points;
  for (Contestant& contestant : contestants) {
    if (contestant.function) summarise(contestant);
    points.push_back(contestant.point);
  }
  return points;
}

double kernel_seconds(const MeasuredProblem& problem) {
  constexpr int repeats = 31;
  const Dynamics& dynamics = problem.objective.dynamics();
  const Index points = block_size(problem.objective.ensemble().size(), dynamics);
  const auto at = dynamics.field().linearisation(points);
  const Block q = Block::Random(dynamics.dimension(), points);
  Block f = q;
  Vector gradient = Vector::Zero(dynamics.parameters());
  std::vector<double> seconds;
  for (int k = 0; k < repeats; ++k) {
    const auto start = Clock::now();
    at->linearise(problem.theta, q, f);
    at->transposed_product(q, f);
    at->add_parameter_product(q, gradient);
    seconds.push_back(seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[repeats / 2];
}

}  // namespace isochron::cli
