#pragma once

#include <functional>
#include <string>
#include <vector>

#include "isochron/objective.hpp"
#include "isochron/sensitivity.hpp"

namespace isochron {

/// One way to the gradient, compared with the most accurate independent one.
struct CheckedGradient {
  GradientMethod method = GradientMethod::adjoint;
  std::string variant;         ///< "adams, polynomial", "rkn8", ..
  double relative_error = 0;   ///< ||g - reference||_2 / ||reference||_2
  double error_of_terms = 0;   ///< the same difference over |S| |c|, the size of what is summed
  double allowed = 0;          ///< the largest error_of_terms; infinite: only reported
  Index worst_component = 0;   ///< where |g - reference| is largest
  double worst_deviation = 0;  ///< that difference
  double seconds = 0;          ///< wall time of one loss and gradient, after a first one
  std::string failure;         ///< why there is no gradient; empty when there is one

  [[nodiscard]] bool agrees() const { return failure.empty() && error_of_terms <= allowed; }
  [[nodiscard]] bool reported_only() const;
};

/// All ways to the gradient of a loss on trajectories at one theta, those of other objectives
/// beside it included; the penalty of force data, which no integration stands in between, is left
/// out.
struct GradientCheck {
  std::vector<CheckedGradient> gradients;
  std::string reference;              ///< what they are compared with
  double loss = 0;                    ///< of the reference
  double gradient_norm = 0;           ///< ||reference||_2
  double terms = 0;                   ///< |S| |c|: the Frobenius norm of dy/dtheta, and c = dL/dy,
                                      ///< not less than where states are off by the tolerance
  double reference_disagreement = 0;  ///< of the two references, over `terms`
  double condition = 0;  ///< change of the gradient by relative errors of the initial states, over
                         ///< `terms` and these errors
  std::string doubt;     ///< why nothing is decided: the references contradict each other

  /// Nothing is in doubt, and all that are not only reported agree.
  [[nodiscard]] bool passed() const;
};

/// What begins, and that it is the number-th of `of` pieces of the work.
using CheckProgress = std::function<void(const std::string& what, int number, int of)>;

/// Computes the gradient of the objective by theta, with its initial states as they are, by every
/// method at the tolerances of `options`: adjoint with either interpolation, forward, discrete by
/// rkn8 (rk8 for first-order motion) and rk4 with options.integrator.steps; and by differences at
/// rtol 1e-13, which need no derivatives. The reference is the forward method at 1e-14; for the
/// forward method itself the discrete one at 1e-14. Where these two differ by more than differences
/// can be wrong, differences tell which of them to take, or else the check is in doubt.
///
/// Adjoint (polynomial), forward and discrete may err by 100 rtol of the terms, times the condition
/// where that is above 1; where `at_minimum`, where the cotangents c are small, also by 3 |dc|
/// / |c|, dc their measured error at this tolerance; differences by thrice their own estimate. An
/// explicit one-step method in the options is checked like these; Hermite interpolation and rk4 are
/// otherwise only reported.
/// `progress` is told of each piece of the work before it begins.
[[nodiscard]] GradientCheck check_gradients(const Objective& objective, ConstVectorRef theta,
                                            const SensitivityOptions& options, bool at_minimum,
                                            const CheckProgress& progress = {});

}  // namespace isochron
