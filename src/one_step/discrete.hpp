#pragma once

#include "block_sensitivity.hpp"
#include "one_step/interpolant.hpp"
#include "one_step/solver.hpp"

namespace isochron::one_step {

/// The steps that a block of an ensemble took, to be taken again: the loss is then one smooth
/// function of theta.
struct StepGrid {
  Index observations = 0;  // that it was chosen for
  double strictness = 1;   // that was demanded of the steps
  /// One to each observation; or one alone, in which they are interpolated.
  std::vector<OneStepSolver::Segment> segments;
};

/// Those of all blocks. An evaluation that fails in one block has not visited all others, and which
/// ones is left to chance: so steps are kept when a whole evaluation has succeeded.
struct StepGrids {
  std::vector<StepGrid> kept;  ///< to be taken again
  std::vector<StepGrid> last;  ///< of the last evaluation: each block writes its own

  explicit StepGrids(std::size_t blocks = 0) : kept(blocks), last(blocks) {}
  void resize(std::size_t blocks) {
    kept.resize(blocks);
    last.resize(blocks);
  }
  void keep() { std::swap(kept, last); }
};

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
///
/// Where observations are denser than the steps that the tolerance asks for, the states are
/// interpolated between these steps, provided that they are as accurate as the tolerance. They are
/// linear in y and f at the nodes. The f of a node is that of the first stage of the step that
/// begins there, so its cotangent is added to w_1 of that step; and the chain goes from node to
/// node, with df/dtheta = J dq/dtheta + (df/dtheta at q).
class DiscreteSensitivity final : public BlockSensitivity {
 public:
  /// `grids`: the steps of every block, or null to choose them anew in every call.
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
  /// What `forward` is given.
  struct Given {
    const double* theta;
    ConstStatesRef states;
    ConstVectorRef end_times;
    ConstStatesRef earlier_times;
    [[nodiscard]] Index observations() const { return earlier_times.rows() + 1; }
  };
  /// Steps, one after the other, of one segment: its own steps `begin` .. `end` - 1, of all steps
  /// those from `first` on.
  struct Steps {
    Index segment;
    Index begin;
    Index end;
    Index first;
    [[nodiscard]] Index count() const { return end - begin; }
  };

  /// Goes through all segments, by steps of the solver's choice or those of `grid`, and returns the
  /// largest error of the latter, in units of what is permitted.
  double step_to_observations(const StepGrid* grid, const Given& given, StatesRef observed);
  /// The same by one segment and interpolation, whose error counts, too.
  double step_past_observations(const StepGrid& grid, const Given& given, StatesRef observed);
  /// The same by steps of the solver's choice. Returns false when this is not the way, and then
  /// nothing is observed: there would be too many steps.
  bool choose_steps_past_observations(const Given& given, StatesRef observed);
  /// By the steps of a grid. Returns whether they are good enough.
  bool follow(const StepGrid& grid, const Given& given, StatesRef observed);
  void start_past_observations(double strictness, double longest_step, const Given& given);
  void interpolate(const Given& given, StatesRef observed);

  /// All steps of segment k, the first of which is `first`.
  [[nodiscard]] Steps all_of(Index k, Index first) const;
  /// Makes room for sweeps of so many cotangents over so many stages.
  void prepare(Index cotangents, Index stages);
  /// Runs `cotangents` adjoints, one below the other in lambda, back over these steps, and leaves
  /// the w of every stage in weights_, from that of step `first` on. `of_force`: the cotangents of
  /// the force where the first of the steps begins.
  void sweep(const Steps& steps, Index first, Block& lambda, Index cotangents,
             const BlockRef* of_force = nullptr);
  /// The derivatives of the state after these steps by that before: row r of A in rows r
  /// state_dimension .. of `lambda`.
  void sweep_all(const Steps& steps, Block& lambda);
  void gradient_of_segments(ConstStatesRef cotangents, Block& lambda);
  void gradient_of_nodes(ConstStatesRef cotangents, Block& lambda);
  void jacobian_of_segments(RowMatrixRef rows, RowMatrixRef by_start);
  void jacobian_of_nodes(RowMatrixRef rows, RowMatrixRef by_start);
  [[nodiscard]] Index stage_count() const { return solver_.step_count() * solver_.stages(); }
  /// Calls part(first, count) for the derivatives by parameters at so many stages: for some of them
  /// at a time when there are very many, so that they can be stopped in between.
  template <class Part>
  void in_parts(Index stages, Index cotangents, Index parameters, const Part& part) const;
  /// rows += the derivatives by parameters that sweep_all over these steps has found, the state
  /// before held fixed.
  void add_rows(const Steps& steps, RowMatrixRef rows);
  using Lengths = Eigen::Array<double, 1, Eigen::Dynamic>;  // of a step, for each trajectory
  void stage_cotangents(Index stage, const Lengths& step, const Block& lambda, Index r, BlockRef w);
  void step_back(const Lengths& step, Block& lambda, Index r);

  OneStepSolver solver_;
  Interpolant interpolant_{solver_};
  StepGrids* grids_;
  bool interpolated_ = false;  // what was last observed
  double strictness_ = 1;      // of the steps to it
  // Of the tableau: column i of a below the diagonal, for the stages above.
  std::vector<std::vector<double>> later_;
  std::vector<double> ones_;
  std::vector<Block> position_cotangents_;  // mu of every stage, one Block for each cotangent
  Block weights_;                           // w of all stages: ((step, stage), cotangent) x D rows
  Vector gradient_;
  Block node_cotangents_;
  Block identity_;  // a cotangent for each component of f
  Block sum_;
  IntegrationCounts backward_counts_;
};

}  // namespace isochron::one_step
