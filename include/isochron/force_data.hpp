#pragma once

#include "isochron/dynamics.hpp"

namespace isochron {

/// Values of the force at K positions, which the force is to match: the penalty
/// weight * mean_k (f(x_k; theta) - f*_k)^2 beside, or in place of, a loss on trajectories. For
/// Newtonian dynamics with D = 1; dimensionless.
struct ForceData {
  Vector position;    ///< x_k [K]
  Vector force;       ///< f*_k [K]
  double weight = 1;  ///< > 0

  /// Throws InputError unless K >= 1, shapes fit, all numbers are finite, the weight is positive,
  /// and `dynamics` are such as above.
  void validate(const Dynamics& dynamics) const;

  /// sqrt(weight/K) (f(x_k; theta) - f*_k) [K]: their squares add up to the penalty.
  [[nodiscard]] Vector residuals(const ForceField& field, ConstVectorRef theta) const;

  /// The derivative of these residuals by theta: K x P.
  [[nodiscard]] Eigen::MatrixXd jacobian(const ForceField& field, ConstVectorRef theta) const;

  /// Adds the penalty's derivative by theta to `gradient` [P]; returns the penalty.
  double add_penalty(const ForceField& field, ConstVectorRef theta, VectorRef gradient) const;

  /// max_k |f(x_k; theta) - f*_k|.
  [[nodiscard]] double misfit(const ForceField& field, ConstVectorRef theta) const;

 private:
  [[nodiscard]] double scale() const;
};

}  // namespace isochron
