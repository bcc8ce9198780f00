#pragma once

#include <vector>

#include "one_step/interpolant.hpp"

namespace isochron::one_step {

/// A linear combination of rows: what they are multiplied by, and where it is to be written.
struct RowSum {
  const double* weights;
  double* out;
};

/// Derivatives of the observed states by some variables, from those of y and f at the nodes, as the
/// states themselves are interpolated. The nodes come one after the other, and only so many are
/// kept as enter a state:
///
///   dy_n = A_n dy_(n-1) + B_n,    df_n = J(q_n) dq_n + C_n.
class NodeRows {
 public:
  /// For B `trajectories` and so many `columns` of variables. `interpolant` is referred to.
  NodeRows(const Interpolant& interpolant, const Dynamics& dynamics, Index trajectories,
           Index columns);

  /// Goes to the first node, where dy is 0.
  void start();
  /// Goes to the next node, with A_n of trajectory b row by row in column b: dy_n without B_n.
  void advance(const Block& a);
  /// With J(q_n) in the same way, dy_n being complete: df_n without C_n.
  void take_slopes(const Block& slopes);

  /// The rows of this node, trajectory by trajectory, to which dy(0) or B_n is to be added ((B
  /// state_dimension) x columns), and C_n ((B D) x columns).
  [[nodiscard]] RowMatrixRef of_states() { return states_[slot(node_)].leftCols(columns_); }
  [[nodiscard]] RowMatrixRef of_forces() { return forces_[slot(node_)].leftCols(columns_); }

  /// Writes the rows of the observations ((B K state_dimension) x columns) that need no node after
  /// this one.
  void observe(RowMatrixRef rows);

 private:
  [[nodiscard]] std::size_t slot(Index node) const {
    return static_cast<std::size_t>(node % interpolant_.count());
  }
  /// Row r of trajectory b = sum_i factors_ri x_i, the x_i the first rows of this trajectory in x,
  /// the factors row by row in column b.
  void multiply(const Block& factors, const Block& x, Block& rows);
  void observe(Index b, Index begin, Index end, RowMatrixRef rows);

  const Interpolant& interpolant_;
  Index dimension_;
  Index state_dimension_;
  Index trajectories_;
  Index columns_;
  Index node_ = -1;
  std::vector<Index> seen_;    // observations that are written, of each trajectory
  std::vector<Block> states_;  // of the last nodes
  std::vector<Block> forces_;
  std::vector<const double*> terms_;
  std::vector<RowSum> sums_;
  std::vector<double> weights_;
};

}  // namespace isochron::one_step
