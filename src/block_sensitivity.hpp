#pragma once

#include "block_solver.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron {

/// The derivatives of one block of trajectories after another.
class BlockSensitivity {
 public:
  virtual ~BlockSensitivity() = default;

  /// Integrates block number `block` of the ensemble (arguments as BlockSolver::start) over its
  /// observation times and, where derivatives are to follow, keeps what they need. The observed
  /// states (state_dimension x (B K)) are the same to the last bit with and without.
  /// `earlier_times`: (K - 1) x B.
  virtual void forward(Index block, const double* theta, ConstStatesRef states,
                       ConstVectorRef end_times, ConstStatesRef earlier_times, StatesRef observed,
                       bool derivatives) = 0;

  /// For cotangents dL/dy (state_dimension x (B K)) of the block just run forward: overwrites
  /// gradient [P], and initial_cotangents (state_dimension x B) with dL/dy(0) unless its method
  /// does not know them (NaN).
  virtual void gradient(ConstStatesRef cotangents, VectorRef gradient,
                        StatesRef initial_cotangents) = 0;

  /// dy/dtheta of the block just run forward at its observation times: overwrites `rows` ((B K
  /// state_dimension) x P), and with the option initial_states `by_start` (as many rows,
  /// state_dimension columns) with dy/dy(0); otherwise that has no rows.
  virtual void jacobian(RowMatrixRef rows, RowMatrixRef by_start) = 0;

  [[nodiscard]] virtual IntegrationCounts forward_counts() const = 0;
  [[nodiscard]] virtual IntegrationCounts backward_counts() const = 0;

  /// Most bytes that were kept of the solution since the last call of `forward`.
  [[nodiscard]] virtual double stored_bytes() const = 0;
};

}  // namespace isochron
