#include "cli/sweep_start.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "budget.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/training_run.hpp"
#include "cli/training_setup.hpp"
#include "clock.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "run_fields.hpp"

namespace isochron::cli {
namespace {

/// `loss`: verified, of the trajectories.
void judge(SweepRun& run, const TrainingSetup& setup, const std::function<bool()>& stop_requested,
           const Vector& theta, double loss) {
  const std::optional<Certificate> certificate =
      certify(setup.objective, theta, loss, setup.run.verdict_tolerance, stop_requested);
  if (!certificate) {
    run.verdict = "none";
    run.reason = no_certificate;
    return;
  }
  const Certificate& found = *certificate;
  run.verdict = name(found.verdict);
  run.reason = found.reason;
  run.n = found.n;
  const ForceFieldPtr field =
      stoppable_force(setup.objective.dynamics().shared_field(), stop_requested);
  run.deviation = fit_harmonic(*field, theta, setup.objective.period()).deviation;
  if (!found.center) return;
  run.x0 = *found.center;
  if (found.curve.empty()) return;
  run.period_deviation = found.period_deviation_max;
  run.width_deviation = found.width_deviation_max;
  run.shear_max = found.shear_max;
  constexpr double amplitude = 2;
  const double energy = std::pow(found.omega() * amplitude, 2) / 2;
  const auto after = std::find_if(found.curve.begin(), found.curve.end(),
                                  [&](const WellOrbit& orbit) { return orbit.energy >= energy; });
  if (after == found.curve.begin() || after == found.curve.end()) return;
  const WellOrbit& before = *std::prev(after);
  const double part = (energy - before.energy) / (after->energy - before.energy);
  run.shear_at_2 = before.shear() + part * (after->shear() - before.shear());
}

}  // namespace

Outcome train_once(const Configuration& configuration, SweepRun row,
                   const std::filesystem::path& file) {
  Outcome outcome{std::move(row), {}};
  SweepRun& run = outcome.run;
  const auto start = Clock::now();
  try {
    TrainingSetup setup = training_setup(resolved(configuration), std::nullopt);
    // Ranks share the starts, not what each of them evaluates.
    setup.training.sensitivity.integrator.communicator = nullptr;
    if (setup.training.jacobian) setup.training.jacobian->integrator.communicator = nullptr;
    const TrainingResult result = isochron::train(
        setup.objective,
        starting_parameters(setup.objective.dynamics().field(), run.seed, setup.output_scale),
        setup.training);
    if (result.reason == StopReason::interrupted) throw Interrupted("interrupted");
    const Vector& theta = result.state.theta;
    run.stop_reason = describe(result.reason);
    run.iterations = iterations_done(result.state.history);
    run.loss = result.state.loss;
    if (result.state.history.size() > 0) run.wall_time = result.state.history.wall_time.back();
    const Budget budget(time_to_finish(start, setup.training.max_time), signalled);
    const auto stop = file.empty() ? budget.rest() : budget.half();
    const VerifiedLoss verified = verify_loss(setup.objective, result, stop);
    run.loss_verified = verified.loss;
    judge(run, setup, stop, theta, verified.of_trajectories);
    run.status = "ok";
    outcome.theta = theta;
    if (file.empty()) return outcome;
    finish(setup.run, setup.objective, result,
           {time_to_finish(start, setup.training.max_time), signalled});
    write_results(file, setup.run);
    run.file = file.parent_path().filename() / file.filename();
  } catch (const NumericalError& error) {
    run.status = error.what();
  } catch (const Interrupted&) {
    if (signalled()) throw;
    run.status = "there was no time left to verify and judge the force; give more --max-time";
  }
  return outcome;
}

}  // namespace isochron::cli
