#pragma once

#include <optional>

#include "isochron/held_force.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron {

/// What is asked of the final states of an ensemble.
enum class Loss {
  periodic,      ///< mean_i ||X_i(T) - X_i(0)||^2
  antiperiodic,  ///< mean_i ||X_i(T/2) + X_i(0)||^2; its only minimisers are f = -(2 pi n/T)^2 x, n
                 ///< odd
  prescribed_period,       ///< mean_i ||X_i(T_i) - X_i(0)||^2, each trajectory with its own period;
                           ///< fulfilled, too, by rest: f = 0 for orbits that start with v = 0
  prescribed_half_period,  ///< mean_i ||X_i(T_i/2) + X_i(0)||^2: the same for odd forces, whose
                           ///< orbits are symmetric, but not fulfilled by rest, nor when an orbit
                           ///< oscillates an even number of times in T_i
  none,                    ///< nothing: only a held force counts; X_i(T) - X_i(0) is still measured
};

/// "periodic", "antiperiodic", "prescribed-period", "prescribed-half-period", "none".
[[nodiscard]] const char* name(Loss loss);

[[nodiscard]] constexpr bool prescribes_periods(Loss loss) {
  return loss == Loss::prescribed_period || loss == Loss::prescribed_half_period;
}

/// A loss on the trajectories from N initial states, its residuals and its cotangents; and, if
/// one is held, the force at given positions, whose penalty adds to the loss.
/// Units: everything is dimensionless.
class Objective {
 public:
  /// `initial_states`: state_dimension x N, all finite; `period` T > 0. Throws InputError.
  Objective(Loss loss, States initial_states, double period);

  /// Prescribed periods T_i: the end times of the ensemble, all > 0. Throws InputError.
  explicit Objective(Ensemble orbits, Loss loss = Loss::prescribed_period);

  /// From now on the force is held, too.
  void hold(HeldForce held) { held_ = std::move(held); }

  [[nodiscard]] Loss loss() const { return loss_; }
  /// T; of prescribed periods their mean.
  [[nodiscard]] double period() const { return period_; }
  [[nodiscard]] const std::optional<HeldForce>& held() const { return held_; }

  /// Whether the loss depends on trajectories at all.
  [[nodiscard]] bool counts_trajectories() const { return loss_ != Loss::none; }

  /// Initial states and the times to which they run: a period, or half of it.
  [[nodiscard]] const Ensemble& ensemble() const { return ensemble_; }

  /// The same initial states over a whole period, T or T_i.
  [[nodiscard]] Ensemble whole_periods() const;

  /// X(T) - X(0), or after half a period X(T/2) + X(0): same shape as the final states.
  [[nodiscard]] States residuals(ConstStatesRef final_states) const;

  /// mean_i ||r_i||^2 of such residuals.
  [[nodiscard]] static double mean_square(ConstStatesRef residuals);

  /// mean_i ||r_i||^2 as Sensitivity takes it: dL/dy_i(T) = 2 r_i / N. Refers to this objective.
  [[nodiscard]] FinalLoss final_loss() const;

  /// Its gradient by a Jacobian of the final states: 2 J^T r / N.
  [[nodiscard]] Vector gradient(const FinalJacobian& final) const;

  /// The whole loss at theta, where the trajectories leave such residuals: mean_i ||r_i||^2, as far
  /// as trajectories count, and the penalty of the held force.
  [[nodiscard]] double total(ConstStatesRef residuals, const ForceField& field,
                             ConstVectorRef theta) const;

  /// The loss of a force that does nothing, about: mean_i ||X_i(0)||^2, or where no trajectories
  /// count weight * mean_k f*_k^2.
  [[nodiscard]] double scale() const;

  /// Whether states are to be mirrored after half a period.
  [[nodiscard]] bool mirrors() const {
    return loss_ == Loss::antiperiodic || loss_ == Loss::prescribed_half_period;
  }

 private:
  Loss loss_;
  double period_;
  Ensemble ensemble_;
  std::optional<HeldForce> held_;
};

}  // namespace isochron
