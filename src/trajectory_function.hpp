#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "isochron/objective.hpp"
#include "leaf_task.hpp"
#include "leaves.hpp"
#include "team.hpp"

namespace isochron {

/// The loss of an objective's own trajectories as a function of theta and their initial states, and
/// the derivatives of their states: where the options have a communicator by all of its ranks, each
/// of which does successive blocks.
class TrajectoryFunction {
 public:
  /// Throws InputError when the options cannot be met.
  TrajectoryFunction(const Objective& objective, const SensitivityOptions& options);
  ~TrajectoryFunction();
  TrajectoryFunction(const TrajectoryFunction&) = delete;
  TrajectoryFunction& operator=(const TrajectoryFunction&) = delete;

  /// As those of Sensitivity.
  [[nodiscard]] LossGradient loss(ConstVectorRef theta, const States& starts);
  [[nodiscard]] LossGradient gradient(ConstVectorRef theta, const States& starts);
  [[nodiscard]] StateJacobian jacobian(ConstVectorRef theta, const States& starts);

  /// The Jacobian of the residuals leaf by leaf, and all else about the trajectories. Throws
  /// InputError where ranks share the leaves.
  StateJacobian visit(ConstVectorRef theta, const States& starts, const LeafVisitor& visit);

  /// Does a task in all leaves, and adds what is found to `tree` and `own`; the states are those at
  /// a new point alone.
  StateJacobian reduce(ConstVectorRef theta, const States& starts, const LeafTask& task,
                       ReductionTree<LeafSum>& tree, std::vector<OwnSegment>& own);

  void limit_steps(long max_steps);
  [[nodiscard]] const SensitivityOptions& options() const { return options_; }

  /// The part of one rank in what rank 0 asks for.
  [[nodiscard]] Share part(const Communicator& communicator, Task task, MessageReader& request,
                           const std::function<bool()>& stop_requested);

  /// On the way to another rank, and there. `own` has what cannot be in a message.
  void write(MessageWriter& to) const;
  [[nodiscard]] static std::unique_ptr<TrajectoryFunction> read(MessageReader& from,
                                                                const Objective* own);

 private:
  TrajectoryFunction(Objective objective, SensitivityOptions options, Index unit);

  [[nodiscard]] LossGradient evaluate(Task task, ConstVectorRef theta, const States& starts);
  [[nodiscard]] Share shared(Task task, ConstVectorRef theta,
                             const std::function<void(MessageWriter&)>& write,
                             const std::function<Share(const BlockRange&)>& own_part);
  [[nodiscard]] Share part(Task task, ConstVectorRef theta, const BlockRange& range);
  [[nodiscard]] Share part(const LeafTask& task, Index leaves, ConstVectorRef theta,
                           const BlockRange& range);
  void visit_part(const LeafTask& task, ConstVectorRef theta, const BlockRange& range,
                  const LeafVisitor& visit, Share& share);
  [[nodiscard]] JacobianLeaf leaf_of(Index number, const StateJacobian& at) const;
  [[nodiscard]] Index blocks() const;
  void keep_steps(bool last_succeeded);

  /// The leaves of a rank at one point.
  struct HeldLeaves {
    long point = 0;
    std::vector<JacobianLeaf> leaves;
  };

  Objective objective_;
  SensitivityOptions options_;
  Ensemble ensemble_;  // of the objective, from the initial states of the last call
  Index of_block_;     // trajectories
  Leaves leaves_;      // of the trajectories
  Index unit_;         // trajectories that one rank does together: a block, or a leaf
  bool is_shared_;
  std::function<bool()> stop_requested_;  // of the current request
  Sensitivity sensitivity_;               // of all trajectories, or of this rank's blocks
  HeldLeaves held_;
  std::uint64_t name_ = 0;      // by which other ranks know it; 0: they do not
  bool last_succeeded_ = true;  // the last evaluation, on all ranks
  bool has_new_steps_ = false;  // of the last evaluation here
};

}  // namespace isochron
