#pragma once

#include "block_sensitivity.hpp"
#include "one_step/solver.hpp"

namespace isochron::one_step {

/// The steps that each block of an ensemble took, to be taken again: the loss is then one smooth
/// function of theta. Each block writes its own entry only.
using StepGrids = std::vector<std::vector<OneStepSolver::Segment>>;

/// Exact derivatives of the discrete solution: the adjoint of every operation of every step, in
/// reverse order, the steps themselves held fixed. With mu_i the cotangent of the position Q_i, w_i
/// that of the force f(Q_i), and lambda that of the state, a Nystrom step has the adjoint
///
///   w_i = h^2 b_i lambda_q' + h bv_i lambda_v' + h^2 sum_{j>i} a_ji mu_j,   mu_i = J(Q_i)^T w_i
///   lambda_q = lambda_q' + sum_i mu_i,    lambda_v = lambda_v' + h lambda_q' + h sum_i c_i mu_i
///   dL/dtheta += sum_i (df/dtheta at Q_i)^T w_i
///
/// and a Runge-Kutta step the same without v and with h in the place of h^2. Steps end at every
/// observation time: one segment of the solver from each to the next, which trajectories with
/// different times reach together. With A_k = dy_k/dy_(k-1) and B_k the rows of segment k, both
/// from one sweep over it, the derivatives at the observation times are a chain:
///
///   dy_k/dtheta = A_k dy_(k-1)/dtheta + B_k,    dy_k/dy(0) = A_k dy_(k-1)/dy(0).
class DiscreteSensitivity final : public BlockSensitivity {
 public:
  /// `grids`: room for the steps of every block, or null to choose them anew in every call.
  DiscreteSensitivity(const Dynamics& dynamics, const IntegratorOptions& options, Index stride,
                      StepGrids* grids);

  void forward(Index block, const double* theta, ConstStatesRef states, ConstVectorRef end_times,
               ConstStatesRef earlier_times, StatesRef observed, bool derivatives) override;
  void gradient(ConstStatesRef cotangents, VectorRef gradient,
                StatesRef initial_cotangents) override;
  void jacobian(RowMatrixRef rows, RowMatrixRef by_start) override;
  [[nodiscard]] IntegrationCounts forward_counts() const override { return solver_.counts(); }
  [[nodiscard]] IntegrationCounts backward_counts() const override { return backward_counts_; }
  [[nodiscard]] double stored_bytes() const override { return solver_.stored_bytes(); }

 private:
  /// Goes through all segments, by steps of the solver's choice or those of `grid`, and returns the
  /// largest error of the latter.
  double observe(const std::vector<OneStepSolver::Segment>* grid, const double* theta,
                 ConstStatesRef states, ConstVectorRef end_times, ConstStatesRef earlier_times,
                 StatesRef observed);
  /// Makes room for sweeps of so many cotangents over so many stages.
  void prepare(Index cotangents, Index stages);
  /// Runs `cotangents` adjoints, one below the other in lambda, back to the start of segment k,
  /// whose steps are the last ones before step `end`, and leaves the w of every stage in weights_,
  /// from that of step `first` on. Returns the first step of the segment.
  Index sweep(Index k, Index end, Index first, Block& lambda, Index cotangents);
  [[nodiscard]] Index stage_count() const { return solver_.step_count() * solver_.stages(); }
  /// Calls part(first, count) for the derivatives by parameters at so many stages: for some of them
  /// at a time when there are very many, so that they can be stopped in between.
  template <class Part>
  void in_parts(Index stages, Index cotangents, Index parameters, const Part& part) const;
  /// rows += the derivatives by parameters that a sweep over these steps has found.
  void add_rows(Index first_step, Index steps, RowMatrixRef rows);
  using Lengths = Eigen::Array<double, 1, Eigen::Dynamic>;  // of a step, for each trajectory
  void stage_cotangents(Index stage, const Lengths& step, const Block& lambda, Index r, BlockRef w);
  void step_back(const Lengths& step, Block& lambda, Index r);

  OneStepSolver solver_;
  StepGrids* grids_;
  // Of the tableau: column i of a below the diagonal, for the stages above.
  std::vector<std::vector<double>> later_;
  std::vector<double> ones_;
  std::vector<Block> position_cotangents_;  // mu of every stage, one Block for each cotangent
  Block weights_;                           // w of all stages: ((step, stage), cotangent) x D rows
  Vector gradient_;
  Block sum_;
  IntegrationCounts backward_counts_;
};

}  // namespace isochron::one_step
