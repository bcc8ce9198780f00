#pragma once

#include <functional>
#include <memory>

#include "isochron/integrator.hpp"

namespace isochron {

/// How the backward problem sees the forward solution between the stored steps.
enum class Interpolation {
  polynomial,  ///< of the order of the step: follows rtol; the default
  hermite,     ///< cubic Hermite: levels off at 1e-9 to 1e-10
};

/// "polynomial", "hermite".
[[nodiscard]] const char* name(Interpolation interpolation);

/// Ways to the derivatives of states by parameters.
enum class GradientMethod {
  adjoint,     ///< the adjoint problem by CVODES (CVodeF, CVodeB): gradients only
  forward,     ///< forward sensitivities by CVODES
  discrete,    ///< the exact derivative of a one-step method's discrete solution
  difference,  ///< central differences at two step sizes, extrapolated: for reference
};

/// "adjoint", ..
[[nodiscard]] const char* name(GradientMethod method);

/// How derivatives by theta and by initial states are computed.
struct SensitivityOptions {
  IntegratorOptions integrator;  ///< for `discrete` rkn8, rkn12, rk8 or rk4; else adams or bdf
                                 ///< (`difference` takes any)
  GradientMethod gradient = GradientMethod::adjoint;

  // adjoint
  Interpolation interpolation = Interpolation::polynomial;
  double backward_rtol = 0;    ///< of the backward problem; 0: the integrator's
  double quadrature_rtol = 0;  ///< of the gradient; 0: the backward problem's, by bdf a tenth of it

  /// Steps between checkpoints, 0 .. 10^9. 0 keeps every step of the forward solution. Otherwise
  /// only the checkpoints are kept, and the steps of one stretch between them at a time, which is
  /// solved again on the way back; the loss stays the same to the last bit. That costs a second
  /// forward solution, and after each checkpoint some 20 small steps of a start: for T = 100 pi,
  /// N = 100 and 6,428 steps at rtol 1e-10, distances of 50, 200 and 1000 take in all 1.3 times as
  /// long and keep 1/31, 1/23 and 1/6 of the memory.
  ///
  /// Trajectories that are observed at several times, at other fractions of their end times than
  /// their neighbours, have a checkpoint at each of them, too, even with 0.
  long checkpoint_distance = 0;

  // forward
  bool sensitivity_error_control = true;  ///< off: the steps are those of the states alone, which
                                          ///< with `staggered` are those of the plain solution
  bool staggered = true;  ///< sensitivities are corrected after the states, not with them

  /// Derivatives by the initial states, too: dy/dy(0) beside dy/dtheta, and by every method
  /// dL/dy(0) beside the gradient. `forward` then solves for more sensitivities; to `adjoint` and
  /// `discrete` they come for nothing.
  bool initial_states = false;

  // discrete
  bool freeze_steps = false;  ///< take the steps of the last call again as long as their error
                              ///< estimates allow: the loss is then smooth in theta

  /// Throws InputError for what cannot be done.
  void validate(const Dynamics& dynamics) const;
};

/// A loss as the gradient sees it: reads the states of the trajectories first, first+1, .. at their
/// K observation times (state_dimension x (B K), trajectory by trajectory), writes dL/dy of the
/// same shape, and returns their share of the loss. Called once per block, possibly from several
/// threads at once.
using StateLoss = std::function<double(Index first, ConstStatesRef states, StatesRef cotangents)>;

/// A loss and its gradient.
struct LossGradient {
  double loss = 0;
  Vector gradient;            ///< dL/dtheta [P]; empty when only the loss was asked for
  double gradient_error = 0;  ///< difference: its own estimate, ||.||_2
  States states;              ///< at the observation times: state_dimension x (N K)
  States initial_cotangents;  ///< dL/dy(0) through the flow, state_dimension x N: by adjoint and
                              ///< discrete, otherwise empty without the option initial_states
  IntegrationCounts forward;
  IntegrationCounts backward;  ///< with what was solved again from checkpoints
  Index blocks = 0;            ///< that the ensemble was cut into
  double stored_bytes = 0;     ///< most that was kept of a block's solution for the way back
};

/// Observed states and their derivatives.
struct StateJacobian {
  RowMatrix jacobian;  ///< dy_d(t_ik)/dtheta, row (i K + k) state_dimension + d, P columns
  RowMatrix by_start;  ///< dy_d(t_ik)/dy_i(0), of as many rows, state_dimension columns; empty
                       ///< without the option initial_states
  States states;       ///< at the observation times: state_dimension x (N K)
  IntegrationCounts forward;
  IntegrationCounts backward;
  Index blocks = 0;  ///< as in LossGradient, and so is the next
  double stored_bytes = 0;
};

/// What is done with the derivatives of some successive trajectories, of all that stand in
/// StateJacobian; possibly called from several threads at once, in any order.
using JacobianVisitor = std::function<void(Index leaf, const StateJacobian& of_leaf)>;

/// Derivatives of an ensemble's states at its observation times, by the method of the options. The
/// adjoint is
///
///   lambda' = -(dF/dy)^T lambda,   dL/dtheta = int_0^T lambda^T (dF/dtheta) dt,
///
/// where lambda(T) = dL/dy(T), and dL/dy(t_k) is added to lambda on the way back past t_k,
///
/// the integral a quadrature inside the error test, the tolerances in units of the size of the
/// cotangents that have been added. Observations before the end are those of the interpolants of
/// CVODES, of the accuracy of its steps; by `adjoint` the steps end there where the observations of
/// a block are not at the same fractions of the end times. Those of `discrete` always do, unless
/// observations are denser than steps: then the states are interpolated as accurately as the
/// tolerance, and the derivatives are those of the interpolated states. Blocks run on threads and
/// are summed in their order: the result is the same to the last bit for any number of threads.
/// Keeps its solver memory from call to call.
class Sensitivity {
 public:
  /// Throws InputError when the options cannot be met.
  Sensitivity(Dynamics dynamics, SensitivityOptions options);
  ~Sensitivity();
  Sensitivity(Sensitivity&&) noexcept;
  Sensitivity& operator=(Sensitivity&&) noexcept;

  /// Throws like Integrator::integrate; whatever `loss` throws passes through.
  [[nodiscard]] LossGradient gradient(ConstVectorRef theta, const Ensemble& ensemble,
                                      const StateLoss& loss);

  /// The loss alone, from the same forward path to the last bit.
  [[nodiscard]] LossGradient loss(ConstVectorRef theta, const Ensemble& ensemble,
                                  const StateLoss& loss);

  /// dy/dtheta of all trajectories at their observation times. Throws like `gradient`, and
  /// InputError for `adjoint`.
  [[nodiscard]] StateJacobian jacobian(ConstVectorRef theta, const Ensemble& ensemble);

  /// The same in leaves of so many trajectories, a multiple of the block size; the last may have
  /// fewer. The derivatives of a leaf are held for as long as `visit` takes (`difference` holds all
  /// of them), and the result has the rest. Whatever `visit` throws passes through.
  StateJacobian jacobian(ConstVectorRef theta, const Ensemble& ensemble, Index leaf_trajectories,
                         const JacobianVisitor& visit);

  /// Steps allowed per block and direction from the next call on.
  void limit_steps(long max_steps);

  [[nodiscard]] const Dynamics& dynamics() const;
  [[nodiscard]] const SensitivityOptions& options() const;

 private:
  friend class TrajectoryFunction;  // which has ranks do some blocks each
  struct Workers;
  std::unique_ptr<Workers> workers_;
};

}  // namespace isochron
