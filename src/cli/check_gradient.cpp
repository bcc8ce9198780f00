#include <fmt/core.h>

#include "cli/force_option.hpp"
#include "cli/objective.hpp"
#include "cli/print.hpp"
#include "cli/progress.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/verbs.hpp"
#include "isochron/gradient_check.hpp"
#include "memory.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

void print(const GradientCheck& check) {
  put("loss {:.6e}, |gradient| {:.6e}, size of its terms 2|S||r|/N = {:.3e}\n"
      "condition {:.1e}: by so much errors of the states grow in the gradient\n"
      "reference: {}; forward and discrete at 1e-14 differ by {:.1e} of the terms\n\n",
      check.loss, check.gradient_norm, check.terms, check.condition, check.reference,
      check.reference_disagreement);
  put("{:<11} {:<19} {:>10} {:>10} {:>10} {:>10} {:>6} {:>10}  \n", "method", "", "relative",
      "of terms", "allowed", "worst", "at", "time/ms");
  for (const CheckedGradient& row : check.gradients) {
    put("{:<11} {:<19} ", name(row.method), row.variant);
    if (!row.failure.empty()) {
      put("FAILED: {}\n", row.failure);
      continue;
    }
    put("{:10.1e} {:10.1e} {:>10} {:10.1e} {:6} {:10.3f}  {}\n", row.relative_error,
        row.error_of_terms, row.reported_only() ? "-" : fmt::format("{:.1e}", row.allowed),
        row.worst_deviation, row.worst_component, 1e3 * row.seconds,
        row.reported_only() ? "reported"
        : row.agrees()      ? "agrees"
                            : "DISAGREES");
  }
  const std::string verdict = check.passed() ? "all methods agree" : "the methods disagree";
  put("\n{}\n", check.doubt.empty() ? verdict : check.doubt);
}

/// The methods are checked one after the other; forward sensitivities take the most.
MemoryNeed checking_memory(const Objective& objective, SensitivityOptions sensitivity) {
  MemoryNeed need;
  const Dynamics& dynamics = objective.dynamics();
  const auto numbers = static_cast<double>(objective.ensemble().initial_states.size()) *
                       static_cast<double>(dynamics.parameters());
  need.add("the Jacobian",
           static_cast<double>(objective.ensemble().observations()) * numbers * sizeof(double),
           "fewer --trajectories or narrower --hidden layers");
  sensitivity.gradient = GradientMethod::forward;
  add_derivative_memory(need, dynamics, objective.ensemble(), sensitivity, true);
  return need;
}

/// That of the stored run, where it fits observations and no option asks for another one.
Objective checked_objective(const Configuration& configuration, const Dynamics& dynamics,
                            const std::optional<Run>& stored) {
  const bool fits = stored && stored->loss == Loss::observations;
  if (fits && !asks_for_problem(configuration)) {
    return objective_of(*stored, dynamics.shared_field());
  }
  require(configuration.loss != Loss::none,
          "--loss none has no trajectories to differentiate; give --loss periodic");
  return trajectory_objective(configuration, dynamics, stored);
}

}  // namespace

int check_gradient(const Configuration& given) {
  const std::string& file = given.at;
  const std::optional<Run> stored = read_model_if_any(file);
  Configuration configuration = with_problem_of(stored, file, given);
  configuration = with_dimension_of_force(std::move(configuration));
  const ForceFieldPtr field = trainable_field(configuration);
  if (stored) check_architecture(configuration, *stored, file);
  const Dynamics dynamics(field, configuration.motion);
  const SensitivityOptions sensitivity = sensitivity_options(configuration);
  sensitivity.integrator.validate(dynamics);
  const Objective objective = checked_objective(configuration, dynamics, stored);
  configuration = with_orbits(std::move(configuration), objective);
  const Vector theta = stored ? stored->state.theta : initial_parameters(configuration, *field);
  checking_memory(objective, sensitivity).require(available_memory());
  echo(configuration);

  catch_signals();
  Meter meter(false);
  const GradientCheck check =
      check_gradients(objective, theta, sensitivity, stored.has_value(),
                      [&](const std::string& what, int number, int of) {
                        meter.begin(fmt::format("{} ({} of {})", what, number, of));
                      });
  meter.end();
  put("{}, {}, N = {}, T = {:.6g}, at {}, rtol {:.1e}, atol {:.1e}\n",
      losses_of(objective.loss(), new_run(objective).others), described(structure_of(*field)),
      objective.ensemble().size(), objective.period(), stored ? file : "the initial weights",
      sensitivity.integrator.rtol, sensitivity.integrator.atol);
  print(check);
  return check.passed() ? 0 : 1;
}

}  // namespace isochron::cli
