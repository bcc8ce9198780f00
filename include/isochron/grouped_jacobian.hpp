#pragma once

#include <functional>
#include <vector>

#include "isochron/states.hpp"

namespace isochron {

/// The Jacobian of residuals of which some parameters belong to groups of residuals, as the unknown
/// initial state does to the residuals of its trajectory. Parameters are the P shared ones, then s
/// of each of G groups; residuals those of the groups, then M' others.
///
/// Groups can be linked in chains, as the windows are that a trajectory is cut into: then the last
/// s residuals of each but the last one of its chain are the gap to the next group, and depend on
/// the parameters of that one, too.
struct GroupedJacobian {
  Eigen::MatrixXd shared;          ///< M x P
  Eigen::MatrixXd own;             ///< (M - M') x s: each group's by its own parameters
  std::vector<Index> group_sizes;  ///< [G] residuals of each group, gaps included
  Index chain_length = 1;          ///< groups of each chain; G is a multiple
  Eigen::MatrixXd links{};         ///< (gaps s) x s: each gap by the parameters of the next group
};

/// Successive residuals with their Jacobian: a part of all that is small enough to be held. The
/// leaves of a problem hold its residuals in their order, and whole groups.
struct JacobianLeaf {
  Index number = 0;       ///< 0, 1, .. among the leaves
  Index first_row = 0;    ///< among all residuals
  Index first_group = 0;  ///< among all groups
  Vector residuals;       ///< [m]
  GroupedJacobian jacobian;
};

/// What is done with each leaf; may be called from several threads at once, in any order.
using LeafVisitor = std::function<void(const JacobianLeaf& leaf)>;

}  // namespace isochron
