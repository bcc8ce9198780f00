#pragma once

#include "block_sensitivity.hpp"
#include "sundials/solver.hpp"

namespace isochron::sundials {

/// A block's forward problem, kept whole, and its backward problem, in scaled time:
///
///   lambda' = -T (dF/dy)^T lambda,        lambda(1) = dL/dy(T)
///   g'      = -T (dF/dtheta)^T lambda,    g(1) = 0,   so that g(0) = dL/dtheta
class AdjointSensitivity final : public BlockSensitivity {
 public:
  AdjointSensitivity(const Dynamics& dynamics, const SensitivityOptions& options, Index stride);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               StatesRef final_states, bool derivatives) override;
  /// Cotangents that are all zero give zeros without a backward solve.
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  /// Not by this method: Sensitivity does not ask for it.
  void jacobian(Eigen::Ref<Eigen::MatrixXd> rows) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override { return forward_counts_; }
  [[nodiscard]] IntegrationCounts backward_counts() const override { return backward_counts_; }
  [[nodiscard]] double stored_bytes() const override;

 private:
  static int adjoint_derivative(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_quadrature(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_jacobian(sunrealtype, N_Vector, N_Vector, N_Vector, SUNMatrix, void*, N_Vector,
                              N_Vector, N_Vector);

  void allocate_storage(long steps);
  void grow_storage(long steps);
  void create_backward();
  void attach_corrector();
  void attach_newton();
  void restart_backward(double cotangent_size);
  void linearise(double tau, N_Vector state);

  const SensitivityOptions& options_;
  ForwardSolver forward_;
  VectorHandle cotangent_;
  VectorHandle gradient_;
  VectorHandle interpolated_;
  NonlinearSolver corrector_;
  Matrix matrix_;
  LinearSolver linear_solver_;
  long capacity_ = 0;  // steps that are kept
  int backward_problem_ = -1;
  double linearised_at_;  // tau, or NaN
  IntegrationCounts forward_counts_;
  IntegrationCounts backward_counts_;
};

}  // namespace isochron::sundials
