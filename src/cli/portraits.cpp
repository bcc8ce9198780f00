#include "cli/portraits.hpp"

#include <algorithm>

#include "cli/summary.hpp"
#include "cli/verdict.hpp"

namespace isochron::cli {

void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator) {
  const double period = objective.period();
  compute_or_explain(results, "phase_portrait", [&] {
    results.phase_portrait =
        phase_portraits(dynamics, theta, objective.whole_periods(), integrator);
  });
  if (!moves_on_a_line(dynamics)) return;
  if (results.phase_portrait.empty()) return;
  const std::vector<double>& x = results.phase_portrait.front().x;
  const auto range = std::minmax_element(x.begin(), x.end());
  compute_or_explain(results, "force", [&] {
    results.force = force_curve(dynamics.field(), theta, period, *range.first, *range.second);
  });
  compute_or_explain(results, "potential", [&] {
    results.potential =
        potential_curve(dynamics.field(), theta, period, *range.first, *range.second);
  });
  compute_or_explain(results, "orbits", [&] {
    results.orbits = orbit_fan(dynamics, theta, period, *range.second, integrator);
  });
}

}  // namespace isochron::cli
