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

struct LeafTask;
struct LeafResult;

/// The same where the Jacobian is too large to be held, or is held by several processes: it comes
/// in leaves.
struct ResidualsInLeaves {
  Index leaves = 0;      ///< 1 or more
  Index parameters = 0;  ///< P, the shared ones
  bool grouped = false;  ///< whether there are others: then every leaf has s columns `own`

  /// Writes the residuals alone. Returns false where they cannot be evaluated.
  std::function<bool(ConstVectorRef theta, Vector& residuals)> values;
  /// Calls `visit` with every leaf at theta, and writes the residuals; or without `residuals`, to
  /// go once more through the same leaves as last time. Returns false where they cannot be
  /// evaluated; what `visit` throws may pass through or be taken for that.
  std::function<bool(ConstVectorRef theta, Vector* residuals, const LeafVisitor& visit)> visit;
  /// In the place of `visit`, where other processes have leaves, too: does a task in all of them.
  std::function<bool(ConstVectorRef theta, Vector* residuals, const LeafTask& task,
                     LeafResult& result)>
      reduce = {};
  /// Whether going through the leaves again is as good as free, since they are held. For residuals
  /// without groups, ridge and scales.
  bool are_held = false;
};

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
///
/// A Jacobian in leaves is never held: each leaf is reduced to a triangle by Householder's QR, and
/// triangles are merged pairwise in a fixed tree (TSQR; Demmel and others 2012, doi
/// 10.1137/080731992). J^T b for the second-order correction, and the own parameters of groups, are
/// had by going through the leaves again. The steps are the same but for rounding errors and for
/// the sketch, which is that of the last triangle; the same to the last bit for any order of the
/// leaves. Also throws NumericalError when the leaves cannot be gone through again, and Interrupted
/// when it is stopped before they have been for the first time.
[[nodiscard]] Minimum minimize_least_squares(const Residuals& residuals, ConstVectorRef theta,
                                             const OptimizerOptions& options,
                                             const IterationCallback& observe);
[[nodiscard]] Minimum minimize_least_squares(const GroupedResiduals& residuals,
                                             ConstVectorRef theta, const OptimizerOptions& options,
                                             const IterationCallback& observe);
[[nodiscard]] Minimum minimize_least_squares(const ResidualsInLeaves& residuals,
                                             ConstVectorRef theta, const OptimizerOptions& options,
                                             const IterationCallback& observe);

}  // namespace isochron
