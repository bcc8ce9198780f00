#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "isochron/mlp.hpp"
#include "isochron/objective.hpp"
#include "isochron/optimizer.hpp"

namespace isochron {

/// One row per accepted iteration; counts and times are cumulative.
struct History {
  std::vector<long> iteration;
  std::vector<double> loss;
  std::vector<double> gradient_norm;   ///< ||dL/dtheta||_2
  std::vector<double> step;            ///< ||theta change||_2
  std::vector<long> evaluations;       ///< of loss and gradient
  std::vector<long> integrator_steps;  ///< forward and backward, all blocks
  std::vector<double> wall_time;       ///< s since the first evaluation began, without `progress`
  /// That took the step, an OptimizerKind as a number (of lbfgs+least-squares one of the two);
  /// empty where it is not known, as in older files.
  std::vector<long> optimizer = {};

  [[nodiscard]] std::size_t size() const { return iteration.size(); }
};

/// theta at about 30 iterations, spaced logarithmically, first and latest included.
struct Snapshots {
  std::vector<long> iteration;
  std::vector<Vector> theta;
};

/// Everything about a run that must survive its interruption. A run continues from any of these.
struct TrainingState {
  Vector theta_initial;
  Vector theta;                                            ///< the best accepted point
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< before the first evaluation
  History history;
  Snapshots snapshots;
  IntegrationCounts forward;
  IntegrationCounts backward;
  States initial_states =
      {};  ///< of the best accepted point, where they are fitted; otherwise empty
};

enum class OptimizerKind {
  lbfgs,                ///< limited-memory BFGS (optimizer.hpp)
  least_squares,        ///< Levenberg-Marquardt on the residuals (least_squares.hpp)
  lbfgs_least_squares,  ///< L-BFGS until its progress slows, then least squares
  adam,                 ///< full batch: the note's baseline
};

/// "lbfgs", "lbfgs+least-squares", ..
[[nodiscard]] const char* name(OptimizerKind kind);

/// Whether least squares take part.
[[nodiscard]] constexpr bool fits_residuals(OptimizerKind kind) {
  return kind == OptimizerKind::least_squares || kind == OptimizerKind::lbfgs_least_squares;
}

/// The defaults are the fastest way to a small loss.
struct TrainingOptions {
  OptimizerKind kind = OptimizerKind::lbfgs_least_squares;
  SensitivityOptions sensitivity;  ///< of L-BFGS and Adam
  /// Of least squares: forward or discrete. Absent: discrete by rkn8, and by rkn12 below 1e-9 (rk8
  /// for first-order motion), or forward where least squares are alone and bdf is the method of
  /// `sensitivity` (stiff problems); with the tolerances and threads of `sensitivity`.
  std::optional<SensitivityOptions> jacobian;
  OptimizerOptions optimizer;
  /// Choose rtol and atol: derivatives are only as good as the trajectories are exact compared with
  /// the residual. Least squares takes 1e-2 sqrt(loss), from 1e-6 to 1e-14, and L-BFGS before it
  /// 1e-6; L-BFGS alone starts with the tolerances given and tightens them tenfold, to 1e-13, when
  /// it makes no more progress. Absent: with least squares, unless `sensitivity` has other
  /// tolerances than the default ones, which are then kept.
  std::optional<bool> auto_tolerance;
  double max_time = 60;                  ///< s of wall time; also stops a single long solve
  std::function<bool()> stop_requested;  ///< polled often; true: StopReason::interrupted
  std::function<void(const TrainingState&)> progress;  ///< after every accepted iteration

  /// Whether tolerances follow the loss.
  [[nodiscard]] bool tolerance_follows() const;
};

/// Where a training ended, and why.
struct TrainingResult {
  TrainingState state;
  StopReason reason = StopReason::no_progress;
  IntegratorOptions integrator;  ///< that the last loss was computed with
};

/// Minimises the objective over theta from theta_0, or on from an earlier state (whose history is
/// continued; the optimizer's memory starts afresh). A trial theta at which the integration fails
/// is a rejected trial. Throws NumericalError only when the very first evaluation fails, InputError
/// when nothing at all is asked, or the optimizer or the tolerance needs residuals and the loss has
/// none, or a loss of the user's has wrong derivatives (check_loss).
[[nodiscard]] TrainingResult train(const Objective& objective, ConstVectorRef theta_0,
                                   const TrainingOptions& options = {});
[[nodiscard]] TrainingResult train(const Objective& objective, TrainingState from,
                                   const TrainingOptions& options = {});

/// The objective from the initial states that a training has fitted, if any.
[[nodiscard]] Objective objective_at(const Objective& objective, const TrainingState& state);

/// The loss of a trained theta recomputed by another method than trained it: for adams rkn12 at
/// 1e-14 (bdf at 1e-13 for first-order dynamics), for all others adams at 1e-14, or after bdf,
/// where that takes far more steps (stiff problems), bdf at 1e-13. `error` is its change when the
/// tolerance is tightened tenfold, or loosened where the method is at its limit.
struct VerifiedLoss {
  double loss = 0;  ///< the whole
  double error = 0;
  double of_trajectories = 0;  ///< of the objective's own; also where trajectories do not count
  States states;               ///< of the recomputation, at the observation times
  std::vector<double> of_others = {};  ///< of Objective::others, without their weights
};

/// All these end with Interrupted when `stop_requested` says so.
[[nodiscard]] VerifiedLoss verify_loss(const Objective& objective, const TrainingResult& result,
                                       const std::function<bool()>& stop_requested = {});

/// What the loss means at most: the sum of (r - r')^2 over the residuals r as the training
/// integrated them and r' by an independent method at 1e-14. A lower loss has fitted the errors of
/// the integration. Of a loss without residuals the difference of the two losses.
[[nodiscard]] double integration_floor(const Objective& objective, const TrainingResult& result,
                                       const std::function<bool()>& stop_requested = {});

/// The loss of unseen trajectories, from initial states from N(0, I). `inside`: the mean over those
/// within the largest radius seen in training.
struct ValidationLoss {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double median = std::numeric_limits<double>::quiet_NaN();
  double inside = std::numeric_limits<double>::quiet_NaN();
};

/// Throws InputError unless the loss asks for closed orbits of one period: other trajectories do
/// not say what unseen ones should do.
[[nodiscard]] ValidationLoss validate_loss(const Objective& objective, const TrainingResult& result,
                                           Index trajectories, std::uint64_t seed,
                                           const std::function<bool()>& stop_requested = {});

}  // namespace isochron
