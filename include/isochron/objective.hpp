#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "isochron/force_data.hpp"
#include "isochron/grouped_jacobian.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron {

/// What a loss asks of trajectories.
enum class Loss {
  periodic,      ///< mean_i ||X_i(T) - X_i(0)||^2
  antiperiodic,  ///< mean_i ||X_i(T/2) + X_i(0)||^2; its only minimisers are f = -(2 pi n/T)^2 x, n
                 ///< odd
  prescribed_period,       ///< mean_i ||X_i(T_i) - X_i(0)||^2, each trajectory with its own period;
                           ///< fulfilled, too, by rest: f = 0 for orbits that start with v = 0
  prescribed_half_period,  ///< mean_i ||X_i(T_i/2) + X_i(0)||^2: the same for odd forces, whose
                           ///< orbits are symmetric, but not fulfilled by rest, nor when an orbit
                           ///< oscillates an even number of times in T_i
  none,                    ///< nothing: only force data count; X_i(T) - X_i(0) is still measured
  observations,            ///< to pass through given states
  own,                     ///< what a callable of the user's says
};

/// "periodic", "antiperiodic", "prescribed-period", "prescribed-half-period", "none",
/// "observations", "own".
[[nodiscard]] const char* name(Loss loss);

[[nodiscard]] constexpr bool prescribes_periods(Loss loss) {
  return loss == Loss::prescribed_period || loss == Loss::prescribed_half_period;
}

/// Whether orbits are to be mirrored after half a period, rather than to close after a whole one.
[[nodiscard]] constexpr bool mirrors(Loss loss) {
  return loss == Loss::antiperiodic || loss == Loss::prescribed_half_period;
}

/// Whether it is one of the losses on closed orbits, which belong to a period.
[[nodiscard]] constexpr bool asks_for_closed_orbits(Loss loss) {
  return loss != Loss::observations && loss != Loss::own;
}

/// What errors of observations do to a value.
enum class ErrorModel {
  additive,   ///< z = y + error: deviations are y - z
  lognormal,  ///< log z = log y + error, of positive values: deviations are log y - log z
};

/// "additive", "lognormal".
[[nodiscard]] const char* name(ErrorModel model);

/// What residuals count that are too large for a normal distribution.
enum class Robust {
  none,   ///< their square
  huber,  ///< 2 c |r| - c^2 beyond c = huber_threshold standard errors (Huber 1964, doi
          ///< 10.1214/aoms/1177703732)
};

/// "none", "huber".
[[nodiscard]] const char* name(Robust robust);

/// Where the efficiency for normal errors is 95%.
inline constexpr double huber_threshold = 1.345;

/// What a residual from N(0, 1) counts in the mean: 1 without Robust::huber.
[[nodiscard]] double expected_square(Robust robust);

/// Where trajectories should be at their K observation times: the loss is the mean over all M
/// components that have been observed of
///
///   w (y_d(t_ik; theta) - z)^2,
///
/// for weights of 1/sigma^2 chi^2 per datum.
struct Observations {
  States value;   ///< z, state_dimension x (N K), column i K + k
  States weight;  ///< w >= 0 of the same shape, 0: not observed; or empty: all are 1
  ErrorModel error_model = ErrorModel::additive;  ///< of deviations: in place of y - z
  Robust robust = Robust::none;                   ///< of residuals: in place of their squares

  /// The same observations' errors, of other values.
  [[nodiscard]] Observations with_values(States values, States weights) const {
    return {std::move(values), std::move(weights), error_model, robust};
  }
};

/// Windows of observed trajectories, each with an initial state of its own, that should join: where
/// one ends the next one starts. The squares of the gaps add w/M each to a mean over M observed
/// components.
struct Joints {
  Index windows = 1;    ///< of each trajectory, successive ones of the ensemble
  Vector weight;        ///< [state_dimension] w > 0
  States known_starts;  ///< state_dimension x trajectories, where the first windows should start;
                        ///< or empty: anywhere

  /// Of each trajectory.
  [[nodiscard]] Index gaps() const { return windows - (known_starts.size() > 0 ? 0 : 1); }
};

/// A loss of the user's, additive over trajectories: the share of one of them by its states at the
/// K observation times (state_dimension x K), to which the callable writes its derivative of the
/// same shape. Called from several threads at once. It has a gradient, but no residuals: it is for
/// L-BFGS and Adam.
using TrajectoryLoss =
    std::function<double(Index trajectory, ConstStatesRef states, StatesRef cotangents)>;

/// The same by residuals, whose squares add up to the loss: R for every trajectory. The callable
/// writes them [R], and dr/dy (R x (state_dimension K), the component d at the time k in column
/// k state_dimension + d). Called from several threads at once.
struct TrajectoryResiduals {
  Index count = 0;  ///< R
  std::function<void(Index trajectory, ConstStatesRef states, VectorRef residuals,
                     Eigen::Ref<Eigen::MatrixXd> derivatives)>
      evaluate;
};

struct WeightedObjective;
class TrajectoryFunction;
struct LeafTask;
struct LeafResult;

/// The function that is minimised, without the way to compute it: dynamics, trajectories, what is
/// asked of them, and the data that the force is to match. Immutable; copies share it.
/// Units: everything is dimensionless.
class Objective {
 public:
  /// One of the losses on closed orbits with one period T > 0, or Loss::none. `initial_states`:
  /// state_dimension x N, all finite. Throws InputError.
  Objective(Dynamics dynamics, Loss loss, States initial_states, double period);

  /// Prescribed periods T_i: the end times of the ensemble, all > 0. Throws InputError.
  Objective(Dynamics dynamics, Ensemble orbits, Loss loss = Loss::prescribed_period);

  /// Observed states. Throws InputError when shapes do not fit, a value or a weight is not finite,
  /// a weight is negative or all are 0, or a value with lognormal errors is not positive.
  Objective(Dynamics dynamics, Ensemble ensemble, Observations observations);

  /// A loss of the user's. check_loss compares its derivatives with differences. Throws InputError.
  Objective(Dynamics dynamics, Ensemble ensemble, TrajectoryLoss loss);
  Objective(Dynamics dynamics, Ensemble ensemble, TrajectoryResiduals residuals);

  /// The same objective with force data, whose penalty adds to the loss. Throws InputError when
  /// they do not fit the dynamics.
  [[nodiscard]] Objective with(ForceData data) const;

  /// The same objective, to whose loss `weight` times that of another one adds, of trajectories of
  /// its own: of closed orbits beside observations, say. Its dynamics become those of this one.
  /// Throws InputError when the dynamics differ in motion, dimension or number of parameters, the
  /// weight is not positive and finite, or the other one is a loss of the user's, counts no
  /// trajectories, fits initial states or has force data (which belong to the sum).
  [[nodiscard]] Objective with(const Objective& other, double weight) const;

  /// The same of observed states with other observations of the same trajectories at the same
  /// times. Throws InputError like the constructor.
  [[nodiscard]] Objective with(Observations observations) const;

  /// The same objective for another field, of the same dimension and with the same parameters: one
  /// that can be stopped, say.
  [[nodiscard]] Objective with(ForceFieldPtr field) const;

  /// The same, with the initial states as parameters beside theta. Throws InputError unless it is
  /// one of observed states.
  [[nodiscard]] Objective fitting_initial_states() const;

  /// The same of windows that should join, for least squares alone. Throws InputError unless it
  /// fits initial states, and when shapes do not fit.
  [[nodiscard]] Objective with(Joints joints) const;

  /// The same from other initial states, of the same shape.
  [[nodiscard]] Objective starting_at(States initial_states) const;

  /// The same of observed states, of each trajectory's first ones alone, 1 .. K.
  [[nodiscard]] Objective first_observations(Index count) const;

  [[nodiscard]] const Dynamics& dynamics() const { return dynamics_; }
  [[nodiscard]] const Ensemble& ensemble() const { return parts_->ensemble; }
  [[nodiscard]] const std::optional<ForceData>& force_data() const { return force_data_; }
  [[nodiscard]] const std::optional<Joints>& joints() const { return joints_; }
  /// What else counts, with other trajectories. All that is said below of trajectories and their
  /// states is about the objective's own ones, unless it says otherwise.
  [[nodiscard]] const std::vector<WeightedObjective>& others() const { return others_; }
  /// Without them.
  [[nodiscard]] Objective without_others() const;
  /// Of Loss::observations; otherwise empty.
  [[nodiscard]] const Observations& observations() const { return parts_->observations; }
  [[nodiscard]] Loss loss() const { return parts_->loss; }
  [[nodiscard]] bool fits_initial_states() const { return fits_initial_states_; }
  /// The share of some successive trajectories, without the force data: its residuals are those of
  /// these trajectories among all. Windows that should join must all be in it.
  [[nodiscard]] Objective share(Index first, Index count) const;

  /// How many parameters there are: P, and those of the initial states where these are fitted.
  [[nodiscard]] Index unknowns() const;

  /// Of closed orbits T, or the mean of prescribed ones; otherwise the longest time of a
  /// trajectory.
  [[nodiscard]] double period() const { return parts_->period; }

  /// The initial states over their whole periods, T or T_i; otherwise to their end times.
  [[nodiscard]] Ensemble whole_periods() const;

  /// Whether the loss depends on trajectories at all.
  [[nodiscard]] bool counts_trajectories() const { return loss() != Loss::none; }

  /// Whether the loss is a sum of squares, as least squares need it.
  [[nodiscard]] bool has_residuals() const { return !parts_->own_loss; }

  /// y - z at all observations, unweighted, of the states' shape: X(T) - X(0), or after half a
  /// period X(T/2) + X(0), or what is missed of observed states: with lognormal errors log y - log
  /// z, and 0 where nothing is observed. Empty for a loss of the user's. Throws NumericalError for
  /// a state that has no logarithm.
  [[nodiscard]] States deviations(ConstStatesRef states) const;

  /// The residuals of all trajectories at states of theirs, whose squares add up to the
  /// trajectories' loss: sqrt(w/M) (y - z) of what was observed, or the user's. Throws InputError
  /// for a loss that is no sum of squares, NumericalError for a user's residual that is not finite.
  [[nodiscard]] Vector residuals(ConstStatesRef states) const;

  /// The same, and their derivatives as they follow from those of the states, written to the first
  /// rows of `residuals` and `jacobian.shared`, and to `jacobian.own` of fitted initial states.
  void residuals(const StateJacobian& at, VectorRef residuals, GroupedJacobian& jacobian) const;

  /// How many there are, without gaps between windows; 0 where trajectories do not count.
  [[nodiscard]] Index residual_count() const;
  /// Of one trajectory, and of all before it.
  [[nodiscard]] Index residuals_of_trajectory(Index trajectory) const;
  [[nodiscard]] Index residuals_before(Index trajectory) const;

  /// What the squares of deviations are a mean over: components that were observed, or
  /// trajectories; of a share as of the whole.
  [[nodiscard]] double mean_over() const;

  /// The trajectories' share of the loss, and, written to `cotangents`, its derivative by their
  /// states: StateLoss. Of Loss::none, what is measured.
  double trajectory_loss(Index first, ConstStatesRef states, StatesRef cotangents) const;

  /// That of all trajectories at once, without the derivative.
  [[nodiscard]] double trajectory_loss(ConstStatesRef states) const;

  /// The loss at theta, where trajectories have these states: theirs, as far as it counts, and the
  /// penalty of the force data; without that of others.
  [[nodiscard]] double total(ConstStatesRef states, ConstVectorRef theta) const;

  /// About the loss of a force that does nothing useful: of states at 0 (with lognormal errors: at
  /// their mean logarithm), or where no trajectories count of f = 0; with that of others. 0 for a
  /// loss of the user's alone.
  [[nodiscard]] double scale() const;

 private:
  struct Parts {
    Loss loss;
    double period;
    Ensemble ensemble;
    Observations observations;  ///< of all losses but the user's; of closed orbits without values
    std::optional<std::vector<Index>> observed;  ///< [M] elements of the states of all times;
                                                 ///< absent: all are
    TrajectoryLoss own_loss;
    TrajectoryResiduals own_residuals;
    Index first = 0;       ///< of a share: its first trajectory among all
    double mean_over = 0;  ///< of a share: that of the whole; 0: its own
  };
  Objective(Dynamics dynamics, Parts parts);

  /// What a loss of the user's says of one trajectory: residuals, or the one number that it is.
  struct OwnResiduals {
    Vector residuals;
    Eigen::MatrixXd derivatives;  ///< by its states, a row each
  };
  friend void check_loss(const Objective& objective, ConstStatesRef states);
  [[nodiscard]] States observed_values(Index first, Index columns) const;
  [[nodiscard]] Vector observed(ConstStatesRef states) const;
  struct Residuals {
    Vector value;
    Vector slope;  ///< by the state that was observed
  };
  [[nodiscard]] Residuals of_observed(ConstStatesRef states) const;
  void take_rows(const RowMatrix& of_states, const Vector& slopes,
                 Eigen::Ref<Eigen::MatrixXd> rows) const;
  [[nodiscard]] double own_share(Index trajectory, ConstStatesRef states,
                                 StatesRef cotangents) const;
  [[nodiscard]] OwnResiduals own_residuals(Index trajectory, ConstStatesRef states) const;
  [[nodiscard]] OwnResiduals own_values(Index trajectory, ConstStatesRef states) const;

  Dynamics dynamics_;
  std::shared_ptr<const Parts> parts_;
  std::optional<ForceData> force_data_;
  std::optional<Joints> joints_;
  std::vector<WeightedObjective> others_;
  bool fits_initial_states_ = false;
};

/// A part of a sum of objectives.
struct WeightedObjective {
  double weight;
  Objective objective;
};

/// Compares the derivatives of a user's loss with differences at states near `states` (that of the
/// first trajectories: state_dimension x (n K)). Throws InputError that names the worst component
/// when one is wrong by 1e-4 of the largest, or when a share is not finite.
void check_loss(const Objective& objective, ConstStatesRef states);

/// An objective as a function of theta, or of theta and the initial states, trajectory by
/// trajectory, where these are fitted; with its derivatives by one method. Owns the solvers and
/// keeps their memory from call to call. Not for use by two threads at once.
class ObjectiveFunction {
 public:
  /// Throws InputError when the options cannot be met, or nothing at all is asked.
  ObjectiveFunction(Objective objective, SensitivityOptions options);
  ~ObjectiveFunction();
  ObjectiveFunction(ObjectiveFunction&&) noexcept;
  ObjectiveFunction& operator=(ObjectiveFunction&&) noexcept;

  /// The loss. Throws like Sensitivity::loss.
  [[nodiscard]] double value(ConstVectorRef theta);
  /// The loss, and its gradient [P]. Throws like Sensitivity::gradient.
  double value(ConstVectorRef theta, VectorRef gradient);

  /// All residuals, whose squares add up to the loss: those of the trajectories, then of the others
  /// in their order, times sqrt(weight), then of the force data; and unless it is null their
  /// Jacobian dr/dtheta, with the initial state of each trajectory, where it is fitted, as the own
  /// parameters of its residuals. Throws like Sensitivity::jacobian, and InputError for a loss that
  /// is no sum of squares.
  void residuals(ConstVectorRef theta, Vector& residuals, GroupedJacobian* jacobian = nullptr);
  /// The same with the Jacobian by theta alone.
  void residuals(ConstVectorRef theta, Vector& residuals, Eigen::MatrixXd* jacobian);

  /// The same with the Jacobian in leaves, of which none is held when `visit` has seen it:
  /// successive trajectories with at least 8 P residuals, then all other residuals. Without
  /// `residuals` these are not computed.
  void visit_residuals(ConstVectorRef theta, Vector* residuals, const LeafVisitor& visit);
  /// The same where ranks share the leaves: does a task in all of them.
  void reduce_residuals(ConstVectorRef theta, Vector* residuals, const LeafTask& task,
                        LeafResult& result);
  /// How many leaves there are.
  [[nodiscard]] Index leaves() const;
  /// Whether the whole Jacobian is so large that least squares should take the leaves; whether it
  /// is depends on the numbers of trajectories, times, states and parameters alone.
  [[nodiscard]] bool needs_leaves() const;
  /// Whether it is so small that its leaves can be held, and so large that these are worth it; also
  /// a matter of sizes alone.
  [[nodiscard]] bool can_hold_leaves() const;

  /// The share of the objective's own trajectories in the loss and its gradient, with what the
  /// solvers did.
  [[nodiscard]] LossGradient trajectory_gradient(ConstVectorRef theta);
  /// The derivatives of the trajectories' states.
  [[nodiscard]] StateJacobian trajectory_jacobian(ConstVectorRef theta);

  /// Steps allowed per block and direction from the next call on.
  void limit_steps(long max_steps);

  [[nodiscard]] const Objective& objective() const { return objective_; }
  [[nodiscard]] const SensitivityOptions& options() const;

  /// What the solvers did in all calls, and the most steps of a block in the last one.
  [[nodiscard]] IntegrationCounts forward() const;
  [[nodiscard]] IntegrationCounts backward() const;
  [[nodiscard]] long steps_of_last() const;

 private:
  void count(const IntegrationCounts& forward, const IntegrationCounts& backward, Index blocks);
  [[nodiscard]] LossGradient trajectory_states(ConstVectorRef theta);
  [[nodiscard]] Vector take(ConstVectorRef unknowns);
  [[nodiscard]] std::optional<JacobianLeaf> last_leaf(ConstVectorRef of_field);
  [[nodiscard]] Vector all_residuals(const States& states,
                                     const std::optional<JacobianLeaf>& last) const;
  [[nodiscard]] Index other_residuals() const;
  void add_other_residuals(ConstVectorRef of_field, Index first, VectorRef residuals,
                           GroupedJacobian* jacobian);

  Objective objective_;
  States starts_;  // of the last call, of the objective or as they are fitted
  std::unique_ptr<TrajectoryFunction> trajectories_;
  ForceFieldPtr field_;  // for the force data, which no integrator stops
  std::vector<ObjectiveFunction> others_;
  IntegrationCounts forward_;
  IntegrationCounts backward_;
  long steps_of_last_ = 0;
};

}  // namespace isochron
