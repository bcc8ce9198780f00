#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "isochron/objective.hpp"
#include "team.hpp"

namespace isochron {

/// The loss of an objective's own trajectories as a function of theta and their initial states, and
/// the derivatives of their states: where the options have a communicator by all of its ranks, each
/// of which does successive blocks.
class TrajectoryFunction {
 public:
  /// Throws InputError when the options cannot be met.
  TrajectoryFunction(Objective objective, SensitivityOptions options);
  ~TrajectoryFunction();
  TrajectoryFunction(const TrajectoryFunction&) = delete;
  TrajectoryFunction& operator=(const TrajectoryFunction&) = delete;

  /// As those of Sensitivity.
  [[nodiscard]] LossGradient loss(ConstVectorRef theta, const States& starts);
  [[nodiscard]] LossGradient gradient(ConstVectorRef theta, const States& starts);
  [[nodiscard]] StateJacobian jacobian(ConstVectorRef theta, const States& starts);
  StateJacobian jacobian(ConstVectorRef theta, const States& starts, Index leaf_trajectories,
                         const JacobianVisitor& visit);

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
  [[nodiscard]] LossGradient evaluate(Task task, ConstVectorRef theta, const States& starts);
  [[nodiscard]] Share shared(Task task, ConstVectorRef theta);
  [[nodiscard]] Share part(const Communicator& communicator, Task task, ConstVectorRef theta);
  void keep_steps(bool last_succeeded);

  Objective objective_;
  SensitivityOptions options_;
  Ensemble ensemble_;  // of the objective, from the initial states of the last call
  Index of_block_;     // trajectories
  Index blocks_;
  bool is_shared_;
  std::function<bool()> stop_requested_;  // of the current request
  Sensitivity sensitivity_;               // of all trajectories, or of this rank's blocks
  std::uint64_t name_ = 0;                // by which other ranks know it; 0: they do not
  bool last_succeeded_ = true;            // the last evaluation, on all ranks
};

}  // namespace isochron
