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
/// Where the loss sees the states before their end, too, dL/dy there is added to lambda on the way
/// back, and the backward problem starts anew from there, with the g that it has. Trajectories that
/// are observed at the same fractions of their end times are one forward problem, whose steps do
/// not end there. All others go in segments from each observation to the next, each with its own
/// length T for every trajectory, so that the block stops once for each of a trajectory's
/// observations, not for those of all.
///
/// Every step of the forward solution is kept, or only a checkpoint every so many steps and where
/// a segment begins. The backward problem then runs from checkpoint to checkpoint, and before each
/// stretch the forward problem is solved again from the checkpoint, every step kept: CVODES keeps
/// the steps of one start only. These steps are not those of the first time: CVODES starts anew.
/// Both solutions keep the tolerance, and so does the gradient.
class AdjointSensitivity final : public BlockSensitivity {
 public:
  AdjointSensitivity(const Dynamics& dynamics, const SensitivityOptions& options, Index stride);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               ConstStatesRef earlier_times, StatesRef observed, bool derivatives) override;
  /// Cotangents that are all zero give zeros without a backward solve. Once after each `forward`.
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  /// Not by this method: Sensitivity does not ask for it.
  void jacobian(RowMatrixRef rows, RowMatrixRef by_start) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override { return forward_counts_; }
  [[nodiscard]] IntegrationCounts backward_counts() const override { return backward_counts_; }
  [[nodiscard]] double stored_bytes() const override { return stored_bytes_; }

 private:
  /// From and to a time of every trajectory's own [B], and the tau of the observations on the way,
  /// the last of them 1. `first`: number of the first of these observations.
  struct Segment {
    Vector from;
    Vector to;
    Index first;
    std::vector<double> observations;
  };
  struct Checkpoint {
    Index segment;
    double tau;
    Block state;
  };
  /// Where cotangents are added, and the backward problem starts.
  struct Jump {
    Index segment;
    double tau;
    Index observation;
  };

  static int adjoint_derivative(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_quadrature(sunrealtype, N_Vector, N_Vector, N_Vector, void*);
  static int adjoint_jacobian(sunrealtype, N_Vector, N_Vector, N_Vector, SUNMatrix, void*, N_Vector,
                              N_Vector, N_Vector);

  void cut_into_segments(ConstVectorRef end_times, ConstStatesRef earlier_times);
  void observe(double tau, StatesRef observed);
  void keep_whole(const double* theta, ConstStatesRef states, StatesRef observed);
  void solve_segments(const double* theta, ConstStatesRef states, StatesRef observed,
                      bool derivatives);
  void start_keeping(double tau);
  double keep_step();
  void leave_checkpoints(StatesRef observed);
  void add_checkpoint(double tau);
  void solve_again(double end);
  void limit_backward_steps();
  void reserve(long steps);
  void allocate(long steps);
  void count_storage(long steps);
  [[nodiscard]] long vectors_per_step() const;
  [[nodiscard]] double bytes(long states) const;
  void create_backward();
  void attach_corrector();
  void attach_newton();
  [[nodiscard]] std::vector<Jump> jumps(ConstStatesRef cotangents) const;
  void enter_segment(Index segment);
  void set_backward_tolerances(double rtol, double atol);
  void restart_backward(double tau, double cotangent_size);
  [[nodiscard]] double gradient_size(double from, double cotangent_size);
  [[nodiscard]] double flight_gradient(double tau, N_Vector state);
  void go_back(double tau);
  void solve_backward(double tau);
  void collect(double tau);
  void linearise(double tau, N_Vector state);

  const SensitivityOptions& options_;
  ForwardSolver forward_;
  VectorHandle cotangent_;
  VectorHandle gradient_;
  VectorHandle interpolated_;
  NonlinearSolver corrector_;
  Matrix matrix_;
  LinearSolver linear_solver_;
  std::vector<Segment> segments_;
  Index segment_ = 0;       // that tau belongs to
  Index observations_ = 1;  // of a trajectory, K
  Index observed_ = 0;      // of them, on the way forward
  bool keeps_whole_ = false;
  std::vector<Checkpoint> checkpoints_;
  std::vector<double> kept_times_;   // tau of the steps kept, and of their start
  std::vector<double> step_limits_;  // of the backward problem, before each of these
  long longest_stretch_ = 0;  // steps from a checkpoint; not capacity_, which depends on the past
  long capacity_ = 0;         // steps that there is room for, and one
  double stored_bytes_ = 0;
  int backward_problem_ = -1;
  long backward_steps_ = 0;   // before its last start
  double measured_size_ = 0;  // of the cotangents, when gradient_unit_ was found
  double gradient_unit_ = 1;  // size of the gradient in units of theirs, at most 1
  double linearised_at_;      // tau, or NaN
  IntegrationCounts forward_counts_;
  IntegrationCounts backward_counts_;
};

}  // namespace isochron::sundials
