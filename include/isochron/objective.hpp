#pragma once

#include "isochron/sensitivity.hpp"

namespace isochron {

/// What is asked of the final states of an ensemble.
enum class Loss {
  periodic,      ///< mean_i ||X_i(T) - X_i(0)||^2
  antiperiodic,  ///< mean_i ||X_i(T/2) + X_i(0)||^2; its only minimisers are f = -(2 pi n/T)^2 x, n
                 ///< odd
};

/// A loss on the trajectories from N initial states, its residuals and its cotangents.
/// Units: everything is dimensionless.
class Objective {
 public:
  /// `initial_states`: state_dimension x N, all finite; `period` T > 0. Throws InputError.
  Objective(Loss loss, States initial_states, double period);

  [[nodiscard]] Loss loss() const { return loss_; }
  [[nodiscard]] double period() const { return period_; }

  /// Initial states and the time to which they run: T, or T/2 for the antiperiodic loss.
  [[nodiscard]] const Ensemble& ensemble() const { return ensemble_; }

  /// X(T) - X(0), or X(T/2) + X(0): same shape as the final states.
  [[nodiscard]] States residuals(ConstStatesRef final_states) const;

  /// mean_i ||r_i||^2 of such residuals.
  [[nodiscard]] static double mean_square(ConstStatesRef residuals);

  /// The loss as Sensitivity takes it: dL/dy_i(T) = 2 r_i / N. Refers to this objective.
  [[nodiscard]] FinalLoss final_loss() const;

 private:
  Loss loss_;
  double period_;
  Ensemble ensemble_;
};

}  // namespace isochron
