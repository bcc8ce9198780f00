#pragma once

#include "block_sensitivity.hpp"
#include "sundials/solver.hpp"

namespace isochron::sundials {

/// A block's states and their derivatives by every parameter, S = dy/dtheta, as CVODES's forward
/// sensitivities:
///
///   S_p' = T (dF/dy) S_p + T dF/dtheta_p,    S_p(0) = 0.
class ForwardSensitivity final : public BlockSensitivity {
 public:
  ForwardSensitivity(const Dynamics& dynamics, const SensitivityOptions& options, Index stride);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               ConstStatesRef earlier_times, StatesRef observed, bool derivatives) override;
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  void jacobian(Eigen::Ref<Eigen::MatrixXd> rows) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override;
  [[nodiscard]] IntegrationCounts backward_counts() const override { return {}; }
  [[nodiscard]] double stored_bytes() const override { return 0; }

 private:
  static int sensitivity_derivatives(int, sunrealtype, N_Vector, N_Vector, N_Vector*, N_Vector*,
                                     void*, N_Vector, N_Vector);
  void attach_corrector();
  void set_tolerances(const double* theta);
  [[nodiscard]] double derivative_size(const Eigen::ArrayXd& units);
  void clear();
  [[nodiscard]] Index parameters() const { return parameter_count_; }

  struct VectorsDeleter {
    int count;
    void operator()(N_Vector* v) const { N_VDestroyVectorArray(v, count); }
  };

  const SensitivityOptions& options_;
  Index parameter_count_;
  ForwardSolver solver_;
  std::unique_ptr<N_Vector[], VectorsDeleter> sensitivities_;  // one per parameter
  NonlinearSolver corrector_;
  Block jacobians_;            // df/dq, as Linearisation::jacobians
  Block parameter_jacobians_;  // df/dtheta, as Linearisation::parameter_jacobians
};

}  // namespace isochron::sundials
