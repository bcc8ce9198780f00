#pragma once

#include "isochron/error.hpp"
#include "isochron/integrator.hpp"

namespace isochron {

/// Solves one block of trajectories after another, in scaled time tau in [0, 1].
class BlockSolver {
 public:
  virtual ~BlockSolver() = default;

  /// Loads a block: `theta` [P] must stay alive; states state_dimension x B, end_times [B], B <=
  /// the stride that the solver was made for.
  virtual void start(const double* theta, ConstStatesRef states, ConstVectorRef end_times) = 0;

  /// Integrates to tau. Throws NumericalError or Interrupted.
  virtual void advance(double tau) = 0;

  /// The states at the last tau, state_dimension x B.
  virtual void read(StatesRef states) const = 0;

  [[nodiscard]] virtual IntegrationCounts counts() const = 0;
};

/// Fills a block of at least as many columns from states, repeating the last trajectory.
void fill_block(ConstStatesRef states, BlockRef block);

/// The same for end times.
void fill_times(ConstVectorRef end_times, VectorRef padded_times);

/// Throws Interrupted when the options' caller wants to stop.
void poll_stop(const IntegratorOptions& options);

/// The longest step in tau for all trajectories of a block, which runs from 0 to 1 over `lengths`,
/// all or a segment of their way. `widest_gap`: part of a step over which the force is not seen.
[[nodiscard]] double longest_step(const IntegratorOptions& options, ConstVectorRef whole_times,
                                  ConstVectorRef lengths, double widest_gap);

/// Why a block that takes more steps than allowed has failed.
[[nodiscard]] std::string too_many_steps(const IntegratorOptions& options);

/// What a failed integration says: which problem (forward, backward), where, how, why.
[[nodiscard]] NumericalError integration_failure(const char* problem, double time, double end_time,
                                                 const IntegratorOptions& options,
                                                 const std::string& reason);

}  // namespace isochron
