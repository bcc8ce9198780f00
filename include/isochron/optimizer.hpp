#pragma once

#include <functional>
#include <optional>
#include <string>

#include "isochron/states.hpp"

namespace isochron {

/// When to stop, and how to step. A limit of 0 is off, except max_iterations < 0, which is
/// unlimited.
struct OptimizerOptions {
  long max_iterations = -1;
  double loss_tolerance = 0;      ///< stop when the loss is at or below
  double gradient_tolerance = 0;  ///< stop when max |dL/dtheta| is at or below
  int memory = 100;               ///< pairs that L-BFGS keeps
  double learning_rate = 0.01;    ///< Adam's step
  double damping = 1e-3;  ///< least squares: at the start, over the largest squared column of J
  bool scale_parameters = false;  ///< least squares: damp each parameter in units of its column's
                                  ///< largest norm so far (More 1978): for different units
  Vector ridge;  ///< least squares: [P] weights rho_p >= 0 of theta_p^2 in the loss; empty: none
  double progress_tolerance = 0;  ///< least squares: stop when three steps together have lowered
                                  ///< the loss by no more than this part of it
  /// Least squares: polled in its linear algebra; true ends it with StopReason::interrupted.
  std::function<bool()> stop_requested;
};

enum class StopReason {
  gradient_tolerance,
  loss_tolerance,
  little_progress,    ///< the steps lower the loss by less than was asked for
  stationary,         ///< no step would lower the loss by more than its rounding errors
  no_progress,        ///< the line search finds no lower loss: the end of what this accuracy allows
  integration_floor,  ///< the residuals are as small as the errors of the integration
  max_iterations,
  wall_time,
  interrupted,
};

/// In words, for people: "loss tolerance reached".
[[nodiscard]] std::string describe(StopReason reason);

/// An accepted point.
struct Iterate {
  long iteration = 0;  ///< 0 is the start
  double loss = 0;
  Vector theta;
  double gradient_norm = 0;      ///< ||dL/dtheta||_2
  double gradient_max_norm = 0;  ///< max |dL/dtheta|
  double step = 0;               ///< ||theta - previous theta||_2
};

/// Where a minimisation ended, and why.
struct Minimum {
  Iterate best;
  StopReason reason = StopReason::no_progress;
};

/// The first limit of the options that an iterate reaches: of loss, gradient or iterations.
[[nodiscard]] std::optional<StopReason> reached(const Iterate& iterate,
                                                const OptimizerOptions& options);

/// f(theta, gradient) -> loss. A value that is not finite marks a point where the function cannot
/// be evaluated: the line search steps back.
using Differentiable = std::function<double(ConstVectorRef theta, VectorRef gradient)>;

/// Called at the start and after each accepted step. A reason ends the minimisation.
using IterationCallback = std::function<std::optional<StopReason>(const Iterate&)>;

/// Minimises f from theta by limited-memory BFGS with a bracketing strong-Wolfe line search
/// (LBFGSpp). Throws NumericalError when f is not finite at the start.
[[nodiscard]] Minimum minimize_lbfgs(const Differentiable& f, ConstVectorRef theta,
                                     const OptimizerOptions& options,
                                     const IterationCallback& observe);

/// The same by Adam (Kingma and Ba 2015), full batch.
[[nodiscard]] Minimum minimize_adam(const Differentiable& f, ConstVectorRef theta,
                                    const OptimizerOptions& options,
                                    const IterationCallback& observe);

}  // namespace isochron
