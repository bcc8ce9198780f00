#pragma once

#include "block_dynamics.hpp"
#include "sundials/context.hpp"

namespace isochron::sundials {

/// Which of the two systems a Newton iteration belongs to: J of y' = T F(y), or -J^T of its
/// adjoint.
enum class System { state, adjoint };

/// The Jacobian of a block as CVODES sees it, block-diagonal with one block per trajectory. Only
/// the D x D Jacobians A of the field are stored (their layout: Linearisation::jacobians); with the
/// end time T of the trajectory, J is
///
///   Newtonian:    T [0 I; A 0],  adjoint  -T [0 A^T; I 0]
///   first order:  T A,           adjoint  -T A^T
///
/// `dynamics` must outlive the matrix.
[[nodiscard]] Matrix make_block_matrix(const BlockDynamics& dynamics, Index stride, System system,
                                       SUNContext context);

/// The stored D x D Jacobians, D^2 x stride, for the Jacobian callback to fill.
[[nodiscard]] BlockRef field_jacobians(SUNMatrix matrix);

/// The direct solver for I - gamma J: eliminates one half of each Newtonian block, which leaves
/// D x D systems with I - (gamma T)^2 A, solved for all trajectories at once.
[[nodiscard]] LinearSolver make_block_solver(SUNContext context);

}  // namespace isochron::sundials
