#include "cli/solver_options.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "cli/ranks.hpp"
#include "cli/signals.hpp"
#include "sentence.hpp"
#include "threads.hpp"

namespace isochron::cli {
namespace {

void take_optimizer_options(const Configuration& configuration, OptimizerOptions& optimizer) {
  optimizer.memory = configuration.memory;
  optimizer.learning_rate = configuration.learning_rate;
  optimizer.max_iterations = configuration.iterations.value_or(-1);
  optimizer.loss_tolerance = configuration.loss_tolerance;
  optimizer.gradient_tolerance = configuration.gradient_tolerance;
}

/// How least squares gets its Jacobian, where that is asked for: otherwise the training chooses by
/// the tolerance. It does so, too, where a run goes on with the usual method.
std::optional<SensitivityOptions> jacobian_options(const Configuration& configuration,
                                                   const SensitivityOptions& sensitivity) {
  const Method method = sensitivity.integrator.method;
  const bool asked_for =
      method != eighth_order(configuration.motion) || configuration.given("method");
  if (!asked_for) return std::nullopt;
  switch (configuration.optimizer) {
    case OptimizerKind::least_squares: return sensitivity;
    case OptimizerKind::lbfgs_least_squares:
      return is_multistep(method) ? std::nullopt : std::optional(sensitivity);
    case OptimizerKind::lbfgs:
    case OptimizerKind::adam: break;
  }
  return std::nullopt;
}

}  // namespace

int threads_of(const Configuration& configuration) {
  return configuration.threads ? *configuration.threads : available_processors();
}

IntegratorOptions integrator_options(const Configuration& configuration,
                                     IntegratorOptions integrator) {
  integrator.method = configuration.method;
  integrator.steps = configuration.steps;
  integrator.rtol = configuration.rtol.value_or(IntegratorOptions().rtol);  // auto begins there
  integrator.atol = configuration.atol.value_or(integrator.rtol);
  integrator.max_step = configuration.max_step.value_or(0);
  integrator.threads = configuration.threads.value_or(0);
  integrator.communicator = ranks();
  integrator.stop_requested = signalled;
  return integrator;
}

SensitivityOptions sensitivity_options(const Configuration& configuration,
                                       SensitivityOptions sensitivity) {
  sensitivity.integrator = integrator_options(configuration, sensitivity.integrator);
  sensitivity.gradient = configuration.gradient;
  sensitivity.interpolation = configuration.interpolation;
  sensitivity.backward_rtol = configuration.backward_rtol.value_or(0);
  sensitivity.quadrature_rtol = configuration.quadrature_rtol.value_or(0);
  sensitivity.checkpoint_distance = configuration.checkpoint_distance.value_or(0);
  sensitivity.sensitivity_error_control = configuration.sensitivity_errors;
  sensitivity.staggered = configuration.staggered;
  return sensitivity;
}

TrainingOptions usual_options() {
  TrainingOptions usual;
  usual.sensitivity.freeze_steps = true;
  return usual;
}

TrainingOptions training_options(const Configuration& configuration, const Dynamics& dynamics,
                                 TrainingOptions training) {
  training.kind = configuration.optimizer;
  take_optimizer_options(configuration, training.optimizer);
  training.auto_tolerance = !configuration.rtol.has_value();
  require(!*training.auto_tolerance || configuration.is_default("atol"),
          "{} does not fit --rtol auto, with which both tolerances follow the loss; give --rtol a "
          "number",
          as_typed(configuration, "atol"));
  training.sensitivity = sensitivity_options(configuration, training.sensitivity);
  require(configuration.optimizer != OptimizerKind::least_squares ||
              configuration.gradient != GradientMethod::adjoint,
          "--gradient adjoint gives no Jacobian, which --optimizer least-squares needs; give "
          "discrete or forward");
  const auto given = [&](const char* key) { return configuration.given(key); };
  constexpr std::array ways = {"optimizer", "gradient", "method", "steps", "rtol", "atol"};
  const bool keeps_way = training.jacobian && std::none_of(ways.begin(), ways.end(), given);
  if (!keeps_way) training.jacobian = jacobian_options(configuration, training.sensitivity);
  training.sensitivity.validate(dynamics);
  training.max_time = configuration.max_time;
  training.stop_requested = signalled;
  return training;
}

void refuse_idle_options(std::span<const Configuration> runs) {
  const auto refuse = [&](const char* key, const auto& is_used, const char* of) {
    if (std::ranges::any_of(runs, is_used)) return;
    for (const Configuration& run : runs) {
      if (run.origin(key) != Origin::command_line) continue;
      throw InputError(
          fmt::format("{} is for {}; give that, too, or leave it out", as_typed(run, key), of));
    }
  };
  refuse(
      "learning-rate", [](const auto& run) { return run.optimizer == OptimizerKind::adam; },
      "--optimizer adam");
  refuse(
      "memory",
      [](const auto& run) {
        return run.optimizer == OptimizerKind::lbfgs ||
               run.optimizer == OptimizerKind::lbfgs_least_squares;
      },
      "--optimizer lbfgs or lbfgs+least-squares");
  refuse(
      "steps", [](const auto& run) { return run.method == Method::rk4; }, "--method rk4");
}

}  // namespace isochron::cli
