#include "cli/resolved.hpp"

#include "cli/force_option.hpp"

namespace isochron::cli {
namespace {

void resolve_tolerance(Configuration& c) {
  if (!c.is_default("rtol")) return;
  if (!c.is_default("atol")) {
    c.rtol = Configuration().rtol;
  } else if (fits_residuals(c.optimizer)) {
    c.rtol.reset();
  }
}

/// Least squares needs a Jacobian, which the adjoint does not give.
void resolve_jacobian(Configuration& c) {
  if (c.optimizer != OptimizerKind::least_squares || !c.is_default("gradient")) return;
  const bool by_cvodes = is_multistep(c.method) && !c.is_default("method");
  c.gradient = by_cvodes ? GradientMethod::forward : GradientMethod::discrete;
  if (c.is_default("method")) c.method = eighth_order(c.motion);
}

/// Discrete gradients are those of one-step methods: the one that was asked for brings the other.
void resolve_gradient(Configuration& c) {
  const bool discrete = c.gradient == GradientMethod::discrete;
  const bool one_step = !is_multistep(c.method);
  if (discrete && !one_step && c.origin("gradient") > c.origin("method")) {
    c.method = eighth_order(c.motion);
  } else if (!discrete && one_step && c.origin("method") > c.origin("gradient")) {
    c.gradient = GradientMethod::discrete;
  }
}

}  // namespace

Configuration resolved(Configuration configuration) {
  if (configuration.verb != verb_train) return configuration;
  configuration = with_dimension_of_force(std::move(configuration));
  constexpr std::int64_t restarts_for_a_multiple = 20;
  if (configuration.period_multiple && configuration.is_default("restarts")) {
    configuration.restarts = restarts_for_a_multiple;
  }
  if (!configuration.data.empty()) {
    if (configuration.is_default("optimizer")) {
      configuration.optimizer = OptimizerKind::least_squares;
    }
    if (configuration.is_default("loss")) configuration.loss = Loss::none;
  }
  resolve_tolerance(configuration);
  resolve_jacobian(configuration);
  resolve_gradient(configuration);
  return configuration;
}

Configuration with_orbits(Configuration configuration, const Objective& sum) {
  const Objective& objective = sum.others().empty() ? sum : sum.others().front().objective;
  const bool by_law = prescribes_periods(configuration.loss);
  const bool by_energy = by_law && configuration.period_by == PeriodBy::energy;
  configuration.trajectories = objective.ensemble().size() / (by_energy ? 2 : 1);
  if (by_law) configuration.period = objective.period();
  if (by_law || states_are_drawn(configuration)) configuration.initial_states.clear();
  return configuration;
}

bool states_are_drawn(const Configuration& configuration) {
  // A data seed that only follows --seed does not ask for other states.
  const Origin file = configuration.origin("initial-states");
  const Source data_seed = configuration.source("data-seed");
  return configuration.initial_states.empty() || configuration.origin("trajectories") > file ||
         (!data_seed.follows_seed && data_seed.origin > file);
}

}  // namespace isochron::cli
