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

struct SensitivityOptions {
  IntegratorOptions integrator;
  Interpolation interpolation = Interpolation::polynomial;
};

/// A loss as the gradient sees it: reads the final states of the trajectories first, first+1, ...
/// (state_dimension x B), writes dL/dy(T) of the same shape, and returns their share of the loss.
/// Called once per block, possibly from several threads at once.
using FinalLoss =
    std::function<double(Index first, ConstStatesRef final_states, StatesRef cotangents)>;

struct LossGradient {
  double loss = 0;
  Vector gradient;            ///< dL/dtheta [P]; empty when only the loss was asked for
  States final_states;        ///< y(T), state_dimension x N
  States initial_cotangents;  ///< dL/dy(0) through the flow, state_dimension x N; empty likewise
  IntegrationCounts forward;
  IntegrationCounts backward;
};

/// Loss and gradient of an ensemble by the adjoint method, CVODES's own (CVodeF, CVodeB):
///
///   lambda' = -(dF/dy)^T lambda,  lambda(T) = dL/dy(T),   dL/dtheta = int_0^T lambda^T dF/dtheta
///   dt,
///
/// the integral a quadrature inside the error test. The backward tolerances scale with the size of
/// the cotangent. Blocks run on threads and are summed in their order: the result is the same to
/// the last bit for any number of threads. Keeps its solver memory from call to call.
class Sensitivity {
 public:
  Sensitivity(Dynamics dynamics, SensitivityOptions options);
  ~Sensitivity();
  Sensitivity(Sensitivity&&) noexcept;
  Sensitivity& operator=(Sensitivity&&) noexcept;

  /// Throws like Integrator::integrate; whatever `loss` throws passes through.
  [[nodiscard]] LossGradient gradient(ConstVectorRef theta, const Ensemble& ensemble,
                                      const FinalLoss& loss);

  /// The loss alone, from the same forward path to the last bit.
  [[nodiscard]] LossGradient loss(ConstVectorRef theta, const Ensemble& ensemble,
                                  const FinalLoss& loss);

  /// Steps allowed per block and direction from the next call on.
  void limit_steps(long max_steps);

  [[nodiscard]] const Dynamics& dynamics() const;
  [[nodiscard]] const SensitivityOptions& options() const;

 private:
  struct Workers;
  std::unique_ptr<Workers> workers_;
};

}  // namespace isochron
