#include "leaves.hpp"

#include <algorithm>
#include <numeric>

#include "blocks.hpp"

namespace isochron {
namespace {

constexpr Index fewest_leaves = 8;

/// Of a trajectory, as far as all are observed.
Index most_residuals(const Objective& objective) {
  const Ensemble& ensemble = objective.ensemble();
  return objective.loss() == Loss::own ? objective.residuals_of_trajectory(0)
                                       : ensemble.initial_states.rows() * ensemble.observations();
}

}  // namespace

Leaves cut_into_leaves(const Objective& objective, const IntegratorOptions& integrator) {
  const Index of_others = objective.force_data() || !objective.others().empty() ? 1 : 0;
  const Index trajectories = objective.ensemble().size();
  if (objective.residual_count() == 0) return {trajectories, of_others};
  const Index block =
      cut_into_blocks(objective.ensemble(), objective.dynamics(), integrator).front().size;
  const Index unit = std::lcm(block, objective.joints() ? objective.joints()->windows : 1);
  const Index rows = rows_over_parameters * objective.dynamics().parameters();
  const Index wanted = std::max<Index>(1, divided_up(rows, most_residuals(objective)));
  const Index of_leaf = divided_up(wanted, unit) * unit;
  return {of_leaf, divided_up(trajectories, of_leaf) + of_others};
}

bool are_many(const Leaves& leaves) { return leaves.count >= fewest_leaves; }

bool is_too_large_to_hold(const Objective& objective, const Leaves& leaves) {
  if (!are_many(leaves)) return false;
  const Index rows = most_residuals(objective) * objective.ensemble().size();
  return static_cast<double>(rows) * static_cast<double>(objective.dynamics().parameters()) >
         largest_held;
}

}  // namespace isochron
