#pragma once

#include <memory>
#include <vector>

#include "blocks.hpp"
#include "isochron/sensitivity.hpp"
#include "lanes.hpp"
#include "one_step/discrete.hpp"
#include "sundials/adjoint.hpp"
#include "sundials/forward.hpp"
#include "team.hpp"

namespace isochron {

/// Solves the blocks of an ensemble. Where only some of its blocks are asked for, as of one rank of
/// many, these are an ensemble with a block size of the options.
struct Sensitivity::Workers {
  Workers(Dynamics model, SensitivityOptions asked)
      : dynamics(std::move(model)), options(std::move(asked)) {}

  Dynamics dynamics;
  SensitivityOptions options;
  one_step::StepGrids grids;
  SolverPool<BlockSensitivity> solvers{
      [this](Index trajectories) { return make_solver(trajectories); }};
  Integrator integrator{dynamics, options.integrator};  // of `difference`

  std::unique_ptr<BlockSensitivity> make_solver(Index trajectories) {
    const Index stride = padded(trajectories);
    if (options.gradient == GradientMethod::adjoint) {
      return std::make_unique<sundials::AdjointSensitivity>(dynamics, options, stride);
    }
    if (options.gradient == GradientMethod::forward) {
      return std::make_unique<sundials::ForwardSensitivity>(dynamics, options, stride);
    }
    return std::make_unique<one_step::DiscreteSensitivity>(dynamics, options.integrator,
                                                           in_lanes(trajectories),
                                                           options.freeze_steps ? &grids : nullptr);
  }

  std::vector<BlockRange> prepare(ConstVectorRef theta, const Ensemble& ensemble) {
    check_problem(dynamics, theta, ensemble);
    auto blocks = cut_into_blocks(ensemble, dynamics, options.integrator);
    grids.resize(blocks.size());
    return blocks;
  }

  /// Writes the states at all observation times. Solvers see those after the start.
  static void run_forward(BlockSensitivity& solver, std::size_t number, const BlockRange& block,
                          ConstVectorRef theta, const Ensemble& ensemble, StatesRef states,
                          bool derivatives) {
    const Index at_start = ensemble.observes_start() ? 1 : 0;
    const Index earlier = ensemble.earlier_times.rows() - at_start;
    const auto initial = ensemble.initial_states.middleCols(block.first, block.size);
    const auto times =
        earlier > 0 ? ensemble.earlier_times.block(at_start, block.first, earlier, block.size)
                    : ensemble.earlier_times.block(0, 0, 0, 0);
    States later(at_start * states.rows(), at_start * block.size * (earlier + 1));
    solver.forward(static_cast<Index>(number), theta.data(), initial,
                   ensemble.end_times.segment(block.first, block.size), times,
                   at_start > 0 ? StatesRef(later) : states, derivatives);
    if (at_start == 0) return;
    for (Index b = 0; b < block.size; ++b) {
      states.col(b * (earlier + 2)) = initial.col(b);
      states.middleCols(b * (earlier + 2) + 1, earlier + 1) =
          later.middleCols(b * (earlier + 1), earlier + 1);
    }
  }

  /// The gradient for cotangents at all observation times, and dL/dy(0).
  static void run_gradient(BlockSensitivity& solver, const Ensemble& ensemble,
                           ConstStatesRef cotangents, VectorRef gradient, StatesRef initial) {
    if (!ensemble.observes_start()) return solver.gradient(cotangents, gradient, initial);
    const Index later = ensemble.observations() - 1;
    States after(cotangents.rows(), later * initial.cols());
    for (Index b = 0; b < initial.cols(); ++b) {
      after.middleCols(b * later, later) = cotangents.middleCols(b * (later + 1) + 1, later);
    }
    solver.gradient(after, gradient, initial);
    for (Index b = 0; b < initial.cols(); ++b) initial.col(b) += cotangents.col(b * (later + 1));
  }

  /// The Jacobian at all observation times.
  static void run_jacobian(BlockSensitivity& solver, const Ensemble& ensemble, RowMatrixRef rows,
                           RowMatrixRef by_start) {
    if (!ensemble.observes_start()) return solver.jacobian(rows, by_start);
    const Index states = ensemble.initial_states.rows();
    const Index all = states * ensemble.observations();
    const Index later = all - states;
    const Index points = rows.rows() / all;
    RowMatrix after(later * points, rows.cols());
    RowMatrix after_by_start(by_start.rows() > 0 ? after.rows() : 0, states);
    solver.jacobian(after, after_by_start);
    for (Index b = 0; b < points; ++b) {
      rows.middleRows(b * all, states).setZero();
      rows.middleRows(b * all + states, later) = after.middleRows(b * later, later);
      if (by_start.rows() == 0) continue;
      by_start.middleRows(b * all, states).setIdentity();
      by_start.middleRows(b * all + states, later) = after_by_start.middleRows(b * later, later);
    }
  }
  /// Where the sums of blocks go: of the block number i of an ensemble as part first + i.
  struct Summation {
    const std::vector<BlockRange>& blocks;
    Index first;
    ReductionTree<GradientSum>& sums;
  };
  LossGradient evaluate(ConstVectorRef theta, const Ensemble& ensemble, const StateLoss& loss,
                        bool with_gradient);
  /// The same but for the sums; the steps of the blocks are not kept yet.
  LossGradient evaluate(ConstVectorRef theta, const Ensemble& ensemble, const StateLoss& loss,
                        bool with_gradient, const Summation& to);
  void require_jacobian() const;
  /// What the solvers did in one block.
  struct BlockCounts {
    IntegrationCounts forward;
    IntegrationCounts backward;
    double stored_bytes = 0;
  };
  template <class Result>
  static void add(const BlockCounts& part, Result& to) {
    to.forward += part.forward;
    to.backward += part.backward;
    to.stored_bytes = std::max(to.stored_bytes, part.stored_bytes);
  }
  /// `columns`: observations of each trajectory.
  [[nodiscard]] StateJacobian room_for_jacobian(Index trajectories, Index columns,
                                                Index parameters) const;
  /// Writes the derivatives of a block from trajectory `first` of the result on.
  [[nodiscard]] BlockCounts run_block(BlockSensitivity& solver, std::size_t number,
                                      const BlockRange& block, ConstVectorRef theta,
                                      const Ensemble& ensemble, Index first,
                                      StateJacobian& result) const;
  /// The steps of the blocks are not kept yet.
  StateJacobian jacobian(ConstVectorRef theta, const Ensemble& ensemble);
  StateJacobian jacobian(ConstVectorRef theta, const Ensemble& ensemble, Index leaf_trajectories,
                         const JacobianVisitor& visit);
  LossGradient difference_gradient(ConstVectorRef theta, const Ensemble& ensemble,
                                   const StateLoss& loss, bool with_gradient);
  StateJacobian difference_jacobian(ConstVectorRef theta, const Ensemble& ensemble);
  StateJacobian difference_jacobian(ConstVectorRef theta, const Ensemble& ensemble,
                                    Index leaf_trajectories, const JacobianVisitor& visit);
  struct StateErrors;
  StateErrors state_errors(ConstVectorRef theta, ConstVectorRef units, const Ensemble& ensemble,
                           const States& states);
  States states_nearby(ConstVectorRef theta, const Ensemble& ensemble, const States& at_center,
                       IntegrationCounts& counts);
  Vector parameter_units(ConstVectorRef theta, const Ensemble& ensemble);
  RowMatrix differences_by_start(ConstVectorRef theta, const Ensemble& ensemble,
                                 const States& at_center, const StateErrors& errors,
                                 IntegrationCounts& counts);
};

}  // namespace isochron
