#pragma once

#include <vector>

#include "block_sensitivity.hpp"
#include "sundials/solver.hpp"

namespace isochron::sundials {

/// A block's forward problem and its backward problem, in scaled time:
///
///   lambda' = -T (dF/dy)^T lambda,        lambda(1) = dL/dy(T)
///   g'      = -T (dF/dtheta)^T lambda,    g(1) = 0,   so that g(0) = dL/dtheta
///
/// Every step of the forward solution is kept, or only a checkpoint every so many steps. The
/// backward problem then runs from checkpoint to checkpoint, and before each stretch the forward
/// problem is solved again from the checkpoint, every step kept. These steps are not those of the
/// first time: CVODES starts anew. Both solutions keep the tolerance, and so does the gradient.
class AdjointSensitivity final : public BlockSensitivity {
 public:
  AdjointSensitivity(const Dynamics& dynamics, const SensitivityOptions& options, Index stride);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               ConstStatesRef earlier_times, StatesRef observed, bool derivatives) override;
  /// Cotangents that are all zero give zeros without a backward solve. Once after each `forward`.
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  /// Not by this method: Sensitivity does not ask for it.
  void jacobian(Eigen::Ref<Eigen::MatrixXd> rows) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override { return forward_counts_; }
  [[nodiscard]] IntegrationCounts backward_counts() const override { return backward_counts_; }
  [[nodiscard]] double stored_bytes() const override { return stored_bytes_; }

 private:
  struct Checkpoint {
    double tau;
    Block state;
  };

  static int adjoint_derivative(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_quadrature(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_jacobian(sunrealtype, N_Vector, N_Vector, N_Vector, SUNMatrix, void*, N_Vector,
                              N_Vector, N_Vector);

  void keep_whole(const double* theta, ConstStatesRef states, ConstVectorRef end_times);
  void start_keeping(double tau);
  double keep_step();
  void leave_checkpoints();
  void add_checkpoint(double tau);
  void solve_again(double end);
  void reserve(long steps);
  void allocate(long steps);
  void count_storage(long steps);
  [[nodiscard]] long vectors_per_step() const;
  [[nodiscard]] double bytes(long states) const;
  void create_backward();
  void attach_corrector();
  void attach_newton();
  void restart_backward(double cotangent_size);
  [[nodiscard]] double gradient_size(double cotangent_size);
  [[nodiscard]] double flight_gradient(double tau, N_Vector state);
  void solve_backward(double tau);
  void linearise(double tau, N_Vector state);

  const SensitivityOptions& options_;
  ForwardSolver forward_;
  VectorHandle cotangent_;
  VectorHandle gradient_;
  VectorHandle interpolated_;
  NonlinearSolver corrector_;
  Matrix matrix_;
  LinearSolver linear_solver_;
  std::vector<Checkpoint> checkpoints_;
  std::vector<double> kept_times_;  // tau of the steps kept, and of their start
  long longest_stretch_ = 0;  // steps from a checkpoint; not capacity_, which depends on the past
  long capacity_ = 0;         // steps that there is room for, and one
  double stored_bytes_ = 0;
  int backward_problem_ = -1;
  double linearised_at_;  // tau, or NaN
  IntegrationCounts forward_counts_;
  IntegrationCounts backward_counts_;
};

}  // namespace isochron::sundials
