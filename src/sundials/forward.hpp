#pragma once

#include <span>

#include "block_sensitivity.hpp"
#include "sundials/solver.hpp"

namespace isochron::sundials {

/// A block's states and their derivatives by every parameter, S = dy/dtheta, as CVODES's forward
/// sensitivities, and with the option initial_states those by the states at the start, Y =
/// dy/dy(0):
///
///   S_p' = T (dF/dy) S_p + T dF/dtheta_p,    S_p(0) = 0
///   Y_j' = T (dF/dy) Y_j,                    Y_j(0) = e_j
///
/// On the way to the end times they are those of the polynomials by which CVODES goes from step to
/// step, of the accuracy of the steps.
class ForwardSensitivity final : public BlockSensitivity {
 public:
  ForwardSensitivity(const Dynamics& dynamics, const SensitivityOptions& options, Index stride);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               ConstStatesRef earlier_times, StatesRef observed, bool derivatives) override;
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  void jacobian(RowMatrixRef rows, RowMatrixRef by_start) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override;
  [[nodiscard]] IntegrationCounts backward_counts() const override { return {}; }
  [[nodiscard]] double stored_bytes() const override { return 0; }

 private:
  static int sensitivity_derivatives(int, sunrealtype, N_Vector, N_Vector, N_Vector*, N_Vector*,
                                     void*, N_Vector, N_Vector);
  void attach_corrector();
  void set_tolerances(const double* theta);
  [[nodiscard]] double derivative_size(const Eigen::ArrayXd& units);
  void start_sensitivities(const double* theta);
  /// Of trajectory `point` before its end: column `column` of all observed states.
  struct Observation {
    double tau;
    Index point;
    Index column;
  };
  void observe_earlier(ConstVectorRef end_times, ConstStatesRef earlier_times, StatesRef observed);
  void expand(double tau, std::span<const Observation> passed, StatesRef observed);
  [[nodiscard]] Index parameters() const { return parameter_count_; }
  [[nodiscard]] N_Vector sensitivity(Index p) const {
    return sensitivities_[static_cast<std::size_t>(p)];
  }

  struct VectorsDeleter {
    int count;
    void operator()(N_Vector* v) const { N_VDestroyVectorArray(v, count); }
  };

  const SensitivityOptions& options_;
  Index parameter_count_;
  Index count_;  // of sensitivities: by parameters, then by the states at the start
  ForwardSolver solver_;
  std::unique_ptr<N_Vector[], VectorsDeleter> sensitivities_;  // at the last tau
  VectorHandle derivative_;                                    // by tau, of any of them
  Index observations_ = 1;                                     // of a trajectory, K
  Block earlier_;  // sensitivities before the end: count x ((observation, component))
  NonlinearSolver corrector_;
  Block jacobians_;            // df/dq, as Linearisation::jacobians
  Block parameter_jacobians_;  // df/dtheta, as Linearisation::parameter_jacobians
};

}  // namespace isochron::sundials
