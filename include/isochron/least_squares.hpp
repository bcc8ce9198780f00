#pragma once

#include <functional>

#include "isochron/grouped_jacobian.hpp"
#include "isochron/optimizer.hpp"

namespace isochron {

/// Writes the residuals r(theta) [M] and, unless it is null, their Jacobian dr/dtheta (M x P).
/// Returns false where they cannot be evaluated: such a trial is rejected.
using Residuals =
    std::function<bool(ConstVectorRef theta, Vector& residuals, Eigen::MatrixXd* jacobian)>;

/// The same with parameters of groups: theta holds the shared ones, then those of each group.
using GroupedResiduals =
    std::function<bool(ConstVectorRef theta, Vector& residuals, GroupedJacobian* jacobian)>;

/// Minimises the loss ||r(theta)||^2 from theta by Levenberg-Marquardt: steps
///
///   delta = argmin ||r + J delta||^2 + mu ||delta||^2
///
/// with the damping mu led by the gain ratio (Nielsen 1999, IMM-REP-1999-05) and a second-order
/// correction along the curved valley (geodesic acceleration; Transtrum and Sethna, arXiv
/// 1201.5885). J may be rank deficient or wider than high: the step is sought in the span of its
/// rows as far as they are numerically independent, found by a random sketch (Halko, Martinsson,
/// Tropp, doi 10.1137/090771806), and by QR there, so small singular values keep their accuracy.
///
/// A ridge rho adds sum_p rho_p theta_p^2 to the loss, inside the damped solve and not as
/// residuals. Parameters of groups are eliminated group by group (QR of their columns first, with
/// the damping in units of each group's largest column), so that what is factorised keeps P
/// columns.
///
/// Scaled parameters start with a step no longer, in their units, than theta is far from 0.
///
/// At each accepted point r and J are evaluated together before they are used, so r may be computed
/// more accurately from there on. Throws NumericalError when they cannot be evaluated at the start.
[[nodiscard]] Minimum minimize_least_squares(const Residuals& residuals, ConstVectorRef theta,
                                             const OptimizerOptions& options,
                                             const IterationCallback& observe);
[[nodiscard]] Minimum minimize_least_squares(const GroupedResiduals& residuals,
                                             ConstVectorRef theta, const OptimizerOptions& options,
                                             const IterationCallback& observe);

}  // namespace isochron
