#pragma once

#include "block_solver.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron {

/// The derivatives of one block of trajectories after another.
class BlockSensitivity {
 public:
  virtual ~BlockSensitivity() = default;

  /// Integrates block number `block` of the ensemble (arguments as BlockSolver::start) to the end
  /// times and, where derivatives are to follow, keeps what they need. The final states are the
  /// same to the last bit with and without.
  virtual void forward(Index block, const double* theta, ConstStatesRef states,
                       ConstVectorRef end_times, StatesRef final_states, bool derivatives) = 0;

  /// For cotangents dL/dy(T) (state_dimension x B) of the block just run forward: overwrites
  /// gradient [P], and initial_cotangents with dL/dy(0) unless its method does not know them (NaN).
  virtual void gradient(ConstStatesRef cotangents, VectorRef gradient,
                        StatesRef initial_cotangents) = 0;

  /// dy(T)/dtheta of the block just run forward, state_dimension rows for each trajectory.
  virtual void jacobian(Eigen::Ref<Eigen::MatrixXd> rows) = 0;

  [[nodiscard]] virtual IntegrationCounts forward_counts() const = 0;
  [[nodiscard]] virtual IntegrationCounts backward_counts() const = 0;

  /// Most bytes that were kept of the solution since the last call of `forward`.
  [[nodiscard]] virtual double stored_bytes() const = 0;
};

}  // namespace isochron
