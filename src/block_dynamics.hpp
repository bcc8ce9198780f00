#pragma once

#include "isochron/dynamics.hpp"

namespace isochron {

/// The right-hand sides of a block of B trajectories in scaled time tau = t/T_b in [0, 1], and
/// their adjoints. Blocks are state_dimension x B; `end_times` holds T_b. Nothing allocates after
/// construction. One object serves one thread.
///
///   state     dy/dtau      =  T_b F(y)                     F = (v, f(q)) or f(y)
///   adjoint   dlambda/dtau = -T_b (dF/dy)^T lambda
///   gradient  dL/dtheta    =  int_0^1 sum_b T_b (dF/dtheta)^T lambda dtau
class BlockDynamics {
 public:
  BlockDynamics(const Dynamics& dynamics, Index points);

  /// Binds parameters and end times [B] for the calls below; both must stay alive.
  void bind(const double* theta, const double* end_times);

  /// out = T F(y); nothing kept.
  void derivative(ConstBlockRef y, BlockRef out);

  /// out = T f(q): the half of a Newtonian derivative that costs something. D x B.
  void acceleration(ConstBlockRef q, BlockRef out);

  /// Linearises at y for the calls below.
  void linearise(ConstBlockRef y);

  /// out = -T (dF/dy)^T lambda.
  void adjoint_derivative(ConstBlockRef lambda, BlockRef out);

  /// out = -T J^T lambda_v, the half of a Newtonian adjoint derivative that costs something. D x B.
  void adjoint_acceleration(ConstBlockRef lambda_v, BlockRef out);

  /// gradient += scale * sum_b T_b (dF/dtheta)^T lambda_b. Length P.
  void add_parameter_product(ConstBlockRef lambda, double scale, VectorRef gradient);

  /// The D x D Jacobians of the field at the linearisation, as Linearisation::jacobians.
  void jacobians(BlockRef out) { at_->jacobians(out); }

  /// Its derivatives by the parameters there, as Linearisation::parameter_jacobians.
  void parameter_jacobians(BlockRef out) { at_->parameter_jacobians(out); }

  [[nodiscard]] const Dynamics& dynamics() const { return dynamics_; }
  [[nodiscard]] const double* end_times() const { return end_times_; }

 private:
  Dynamics dynamics_;
  std::unique_ptr<Linearisation> at_;
  Block force_;
  Block cotangent_;
  const double* theta_ = nullptr;
  const double* end_times_ = nullptr;
};

}  // namespace isochron
