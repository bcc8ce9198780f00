#include "cli/figures/shown_run.hpp"

#include <cmath>
#include <filesystem>

#include "cli/force_option.hpp"
#include "cli/print.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/stored_run.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

constexpr double longest_completion = 10;  ///< s

/// A simulation of an analytic force says in its configuration alone which that was.
ForceFieldPtr field_of(const Run& run, const std::string& file) {
  ForceFieldPtr field = run.field();
  if (field || run.config.empty() || run.state.theta.size() > 0) return field;
  try {
    field = make_field(force_asked_for(stored_configuration(verb_simulate, run.config, file)));
    return field && field->parameters() == run.state.theta.size() ? field : nullptr;
  } catch (const InputError&) {  // a force of the user's own
    return nullptr;
  }
}

/// Verifies and analyses the latest theta of a run that has not come to that.
void complete(ShownRun& shown_run) try {
  Run& run = shown_run.run;
  const bool has_to = shown_run.is_trained() && !run.is_verified() && run.phase_portrait.empty();
  if (!has_to || !shown_run.objective) return;
  const Objective objective = objective_at(*shown_run.objective, run.state);
  const IntegratorOptions integrator =
      run.options ? run.options->sensitivity.integrator : IntegratorOptions();
  const std::string reason = run.stop_reason;
  finish(run, objective, {run.state, StopReason::interrupted, integrator},
         {.max_time = longest_completion, .stop_requested = {}});
  run.stop_reason = reason;
  say("isochron: {} has not been finished ({}); its figures are of iteration {}\n",
      shown(shown_run.file), reason, run.state.history.iteration.back());
} catch (const NumericalError& error) {
  say("isochron: {} has not been finished, and its force fails: {}\n", shown(shown_run.file),
      error.what());
}

}  // namespace

bool ShownRun::moves_on_a_line() const {
  return run.motion == Motion::newtonian && run.ensemble.initial_states.rows() == 2;
}

bool ShownRun::has_units() const {
  const bool has_errors = run.trajectories && run.trajectories->errors.size() > 0;
  return run.loss == Loss::observations || has_errors;
}

std::optional<Vector> ShownRun::energies(ConstStatesRef states) const {
  if (!moves_on_a_line() || !field) return std::nullopt;
  try {
    const double reach = 1 + states.row(0).cwiseAbs().maxCoeff();
    const double zero = nearest_bottom(*field, run.state.theta, -reach, reach).value_or(0);
    const Vector energy = states.row(1).transpose().cwiseAbs2() / 2 +
                          potentials(*field, run.state.theta, zero, states.row(0).transpose());
    if (energy.allFinite()) return energy;
  } catch (const NumericalError&) {
  }
  return std::nullopt;
}

std::optional<PotentialWell> ShownRun::well(double highest_energy) const {
  if (!field || !run.certificate || !run.certificate->center || !(highest_energy > 0)) {
    return std::nullopt;
  }
  try {
    return PotentialWell(*field, run.state.theta, *run.certificate->center, {-infinity, infinity},
                         highest_energy);
  } catch (const Error&) {
    return std::nullopt;
  }
}

ShownRun read_shown_run(const std::string& file) {
  ShownRun result;
  result.file = file;
  result.name = std::filesystem::path(file).stem().string();
  result.run = read_run(file);
  result.field = field_of(result.run, file);
  const bool is_known = result.run.loss && result.run.loss != Loss::own;
  if (result.field && is_known) result.objective = objective_of(result.run, result.field);
  complete(result);
  return result;
}

}  // namespace isochron::cli
