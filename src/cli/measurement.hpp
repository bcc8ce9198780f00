#pragma once

#include <string>
#include <vector>

#include "benchmark_results.hpp"
#include "isochron/objective.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron::cli {

/// A loss at one theta, whose derivatives are measured.
struct MeasuredProblem {
  std::string axis;   ///< what is varied: "parameters", "trajectories", ..
  std::string start;  ///< "random" or "trained"
  std::vector<Index> layers;
  Objective objective;
  Vector theta;
};

/// One way to the derivatives of a problem.
struct MeasuredMethod {
  SensitivityOptions options;
  bool jacobian = false;
};

/// How much to measure.
struct MeasurementLimits {
  double budget = 5;  ///< s that one evaluation may take; what takes longer is recorded as failed
  double time = 1;    ///< s to repeat each method
  int repeats = 21;   ///< at most
};

/// Measures all methods on a problem: each once, then in turns, so that a machine that drifts hurts
/// all alike. Errors are against the discrete method by rkn12 (rk8 for first-order motion) at
/// 1e-14, and those of discrete methods against the adjoint at 1e-13. Throws Interrupted.
[[nodiscard]] std::vector<BenchmarkPoint> measure(const MeasuredProblem& problem,
                                                  const std::vector<MeasuredMethod>& methods,
                                                  const MeasurementLimits& limits);

/// Seconds that one linearisation, one transposed product and one parameter product of the
/// problem's force take on one of its blocks: what one step of an adjoint cannot do without.
[[nodiscard]] double kernel_seconds(const MeasuredProblem& problem);

/// The fields that say what is measured, before it is.
[[nodiscard]] BenchmarkPoint describe(const MeasuredProblem& problem, const MeasuredMethod& method);

}  // namespace isochron::cli
