#include <cstdio>

#include "cli/network.hpp"
#include "cli/objective.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/verbs.hpp"
#include "isochron/error.hpp"
#include "isochron/gradient_check.hpp"
#include "memory.hpp"

namespace isochron::cli {
namespace {

void print(const GradientCheck& check) {
  std::printf("loss %.6e, |gradient| %.6e, size of its terms 2|S||r|/N = %.3e\n", check.loss,
              check.gradient_norm, check.terms);
  std::printf("condition %.1e: by so much errors of the states grow in the gradient\n",
              check.condition);
  std::printf("reference: %s; forward and discrete at 1e-14 differ by %.1e of the terms\n\n",
              check.reference.c_str(), check.reference_disagreement);
  std::printf("%-11s %-19s %10s %10s %10s %10s %6s %10s  %s\n", "method", "", "relative",
              "of terms", "allowed", "worst", "at", "time/ms", "");
  for (const CheckedGradient& row : check.gradients) {
    std::printf("%-11s %-19s ", name(row.method), row.variant.c_str());
    if (!row.failure.empty()) {
      std::printf("FAILED: %s\n", row.failure.c_str());
      continue;
    }
    std::printf("%10.1e %10.1e ", row.relative_error, row.error_of_terms);
    if (row.reported_only()) {
      std::printf("%10s ", "-");
    } else {
      std::printf("%10.1e ", row.allowed);
    }
    std::printf("%10.1e %6ld %10.3f  %s\n", row.worst_deviation,
                static_cast<long>(row.worst_component), 1e3 * row.seconds,
                row.reported_only() ? "reported"
                : row.agrees()      ? "agrees"
                                    : "DISAGREES");
  }
  const char* verdict = check.passed() ? "all methods agree" : "the methods disagree";
  std::printf("\n%s\n", check.doubt.empty() ? verdict : check.doubt.c_str());
}

/// The methods are checked one after the other; forward sensitivities take the most.
MemoryNeed checking_memory(const Objective& objective, SensitivityOptions sensitivity) {
  MemoryNeed need;
  const Dynamics& dynamics = objective.dynamics();
  const auto numbers = static_cast<double>(objective.ensemble().initial_states.size()) *
                       static_cast<double>(dynamics.parameters());
  need.add("the Jacobian", numbers * sizeof(double),
           "fewer --trajectories or narrower --hidden layers");
  sensitivity.gradient = GradientMethod::forward;
  add_derivative_memory(need, dynamics, objective.ensemble(), sensitivity, true);
  return need;
}

}  // namespace

int check_gradient(const Configuration& given) {
  const std::string& file = given.at;
  const std::optional<Results> stored = read_model_if_any(file);
  Configuration configuration = with_problem_of(stored, file, given);
  require_trainable(configuration);
  const auto network = network_of(configuration);
  if (stored) check_architecture(configuration, *stored, file);
  const Dynamics dynamics(network, configuration.motion);
  const SensitivityOptions sensitivity = sensitivity_options(configuration);
  sensitivity.integrator.validate(dynamics);
  if (configuration.loss == Loss::none) {
    throw InputError("--loss none has no trajectories to differentiate; give --loss periodic");
  }
  const Objective objective = trajectory_objective(configuration, dynamics, stored);
  configuration = with_orbits(std::move(configuration), objective);
  const Vector theta = stored ? stored->model->theta : initial_parameters(configuration, *network);
  checking_memory(objective, sensitivity).require(available_memory());
  echo(configuration);

  catch_signals();
  const GradientCheck check = check_gradients(objective, theta, sensitivity, stored.has_value());
  std::printf("%s loss, network %s, N = %ld, T = %.6g, %s, rtol %.1e, atol %.1e\n",
              name(objective.loss()), widths(network->layers()).c_str(),
              static_cast<long>(objective.ensemble().size()), objective.period(),
              stored ? ("at " + file).c_str() : "at the initial weights",
              sensitivity.integrator.rtol, sensitivity.integrator.atol);
  print(check);
  return check.passed() ? 0 : 1;
}

}  // namespace isochron::cli
