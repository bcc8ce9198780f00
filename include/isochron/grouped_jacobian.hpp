#pragma once

#include <vector>

#include "isochron/states.hpp"

namespace isochron {

/// The Jacobian of residuals of which some parameters belong to groups of residuals, as the unknown
/// initial state does to the residuals of its trajectory. Parameters are the P shared ones, then s
/// of each of G groups; residuals those of the groups, then M' others.
struct GroupedJacobian {
  Eigen::MatrixXd shared;          ///< M x P
  Eigen::MatrixXd own;             ///< (M - M') x s: each group's by its own parameters
  std::vector<Index> group_sizes;  ///< [G] residuals of each group
};

}  // namespace isochron
