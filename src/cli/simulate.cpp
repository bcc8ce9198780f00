#include <fmt/core.h>

#include "cli/data_columns.hpp"
#include "cli/force_option.hpp"
#include "cli/objective.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/resolved.hpp"
#include "cli/run_report.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/training_setup.hpp"
#include "cli/verbs.hpp"
#include "clock.hpp"
#include "isochron/observed_data.hpp"
#include "isochron/random.hpp"
#include "isochron/stoppable_force.hpp"
#include "memory.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// The force that the options name, with its parameters.
struct Subject {
  ForceFieldPtr field;
  Vector theta;
  ForceStructure structure;  ///< of a force with parameters
  std::string title;
};

Subject stored_subject(const Run& stored, const std::string& file) {
  return {
      stored.field(), stored.state.theta, {stored.known, stored.network}, "the force of " + file};
}

Subject untrained_subject(const Configuration& configuration) {
  const ForceStructure structure = force_asked_for(configuration);
  const ForceFieldPtr field = make_field(structure);
  return {field, initial_parameters(configuration, *field), structure,
          "the untrained " + described(structure)};
}

Subject analytic_subject(const Configuration& configuration) {
  return {make_field(force_asked_for(configuration)), Vector(0), {}, configuration.force};
}

Subject choose_subject(const Configuration& configuration, const std::optional<Run>& stored) {
  const std::string& force = configuration.force;
  const bool named = configuration.given("force");
  require(stored || named,
          "simulate needs a force: give a results file, isochron simulate run.h5, or --force NAME");
  require(!stored || !named, "{} and --force {} name two forces; give one of them",
          shown(configuration.model), force);
  require(!stored || !configuration.given("params"),
          "--params is for an analytic --force; that of {} has its own",
          shown(configuration.model));
  for (const char* key : {"fit", "bounds", "log"}) {
    require(!configuration.given(key),
            "--{} is for train; simulate takes parameters as --params has them", key);
  }
  if (stored) return stored_subject(*stored, configuration.model);
  return has_network(force) ? untrained_subject(configuration) : analytic_subject(configuration);
}

/// How many times closer than the times asked for the energy is looked at: a solver that steps over
/// a well finds the same energy on either side. The equal steps of rk4 must not change.
Index looks_per_sample(Index times, Index orbits, Method method) {
  if (method == Method::rk4) return 1;
  constexpr Index looks = 1000;
  constexpr Index looks_of_steps = 200;  // where each is a step
  constexpr Index most_numbers = 4000000;
  const Index wanted =
      std::min(is_multistep(method) ? looks : looks_of_steps, most_numbers / orbits);
  return std::max<Index>(1, (wanted + times - 2) / (times - 1));
}

/// Every `stride`-th time of a record.
EnergyRecord thinned(const EnergyRecord& record, Index stride) {
  const auto kept = Eigen::seq(0, record.time.size() - 1, stride);
  return {record.time(kept), record.energy(Eigen::all, kept), record.drift(kept)};
}

/// Says so when the energy drifts by far more than the tolerance explains.
std::string warning_of(double drift, double explained, const IntegratorOptions& options,
                       double period) {
  if (drift <= explained) return "";
  const bool fixed_steps = options.method == Method::rk4;
  const double longest = options.max_step > 0 ? options.max_step : longest_step(period);
  return fmt::format(
      "the energy drifts by {:.1e}, and rtol {:.0e} explains no more than {:.0e}: the orbits are "
      "wrong where the force changes within a step; give {}",
      drift, options.rtol, explained,
      fixed_steps ? "more --steps" : fmt::format("a shorter --max-step, {:.3g} say", longest / 10));
}

/// The energy of the sampled trajectories, of which every `stride`-th time is kept.
void add_energy(Run& run, const Dynamics& dynamics, const Vector& theta,
                const SampledTrajectories& sampled, const IntegratorOptions& integrator,
                Index stride) try {
  const EnergyRecord record =
      energy_record(dynamics.field(), theta, sampled.trajectories, run.period);
  Simulation& found = run.simulation;
  found.energy_drift = record.drift.maxCoeff();
  found.explained_drift = explained_drift(dynamics.field(), theta, sampled.trajectories, integrator,
                                          sampled.counts.steps);
  found.warning = warning_of(found.energy_drift, found.explained_drift, integrator, run.period);
  run.energy = thinned(record, stride);
} catch (const NumericalError& error) {
  run.absent["energy"] = error.what();
}

/// Every `stride`-th sample, with the noise that is asked for.
SampledStates kept_samples(const Trajectories& all, const Ensemble& ensemble, Index stride,
                           const Configuration& configuration) {
  SampledStates kept;
  const Index times = configuration.times;
  const Index n = ensemble.size();
  kept.time = all.tau(Eigen::seq(0, all.tau.size() - 1, stride)) * ensemble.end_times[0];
  kept.states.resize(ensemble.initial_states.rows(), n * times);
  for (Index k = 0; k < times; ++k) {
    const States& states = all.states[static_cast<std::size_t>(k * stride)];
    for (Index i = 0; i < n; ++i) kept.states.col(i * times + k) = states.col(i);
  }
  const double noise = configuration.simulated_noise;
  if (noise > 0) {
    // Of other numbers than the initial states are drawn from.
    kept.states +=
        noise * normal_states(kept.states.rows(), kept.states.cols(), ~configuration.data_seed);
  }
  return kept;
}

/// Standard errors of predictions by a fit to observations, as far as --max-time allows. Initial
/// states that were fitted with it have their errors, other ones are exact.
void add_errors(Run& run, const Run& stored, const Dynamics& dynamics, const States& starts,
                IntegratorOptions integrator, double max_time) try {
  integrator.stop_requested = [start = Clock::now(), max_time] {
    return signalled() || seconds_since(start) > max_time;
  };
  const Posterior& posterior = *stored.posterior;
  const bool fitted = !posterior.starts.empty() && starts.cols() == stored.ensemble.size() &&
                      starts == stored.ensemble.initial_states;
  const Ensemble ensemble =
      Ensemble::observed_at(starts, run.trajectories->time.replicate(1, starts.cols()));
  run.trajectories->errors = predicted_states(dynamics, stored.state.theta, posterior, ensemble,
                                              fitted ? Starts::fitted : Starts::exact, integrator)
                                 .errors;
} catch (const NumericalError& error) {
  run.absent["trajectory_errors"] = error.what();
} catch (const Interrupted&) {
  if (signalled()) throw;
  run.absent["trajectory_errors"] =
      fmt::format("they take longer than --max-time {:g}; give more", max_time);
}

/// The samples as --data reads them. Errors of predictions have a name of their own: they belong
/// together from time to time, as those of observations do not.
std::string table_of(const SampledStates& sampled, Motion motion, double noise) {
  const Index times = sampled.time.size();
  const Index rows = sampled.states.rows();
  const Index dimension = motion == Motion::newtonian ? rows / 2 : rows;
  std::string text = "trajectory,t";
  for (Index d = 0; d < rows; ++d) text += ',' + component_name(motion, dimension, d);
  for (Index d = 0; d < rows && noise > 0; ++d) {
    text += fmt::format(",{}_error", component_name(motion, dimension, d));
  }
  const bool predicts = sampled.errors.size() > 0;
  for (Index d = 0; d < rows && predicts; ++d) {
    text += fmt::format(",{}{}", component_name(motion, dimension, d), prediction_error_suffix);
  }
  for (Index c = 0; c < sampled.states.cols(); ++c) {
    text += fmt::format("\n{},{}", c / times, sampled.time[c % times]);
    for (const double value : sampled.states.col(c)) text += fmt::format(",{}", value);
    for (Index d = 0; d < rows && noise > 0; ++d) text += fmt::format(",{}", noise);
    for (Index d = 0; d < rows && predicts; ++d) {
      text += fmt::format(",{}", sampled.errors(d, c));
    }
  }
  return text + '\n';
}

}  // namespace

int simulate(const Configuration& given) {
  const std::optional<Run> stored = read_model_if_any(given.model);
  Configuration configuration = with_problem_of(stored, given.model, given);
  configuration = with_dimension_of_force(std::move(configuration));
  const Subject subject = choose_subject(configuration, stored);
  if (stored) check_architecture(configuration, *stored, configuration.model);
  const Dynamics dynamics(stoppable_force(subject.field, signalled), configuration.motion);
  const Index times = configuration.times;
  const IntegratorOptions integrator = integrator_options(configuration);
  Output output = output_of(configuration);
  const Objective objective = trajectory_objective(configuration, dynamics, stored);
  configuration = with_orbits(std::move(configuration), objective);
  const Index stride = looks_per_sample(times, objective.ensemble().size(), integrator.method);
  const Index looks = (times - 1) * stride + 1;
  sampling_memory(dynamics, objective.ensemble().size(), looks).require(available_memory());
  echo(configuration);

  catch_signals();
  const Ensemble one_period(objective.ensemble().initial_states, objective.period());
  Meter meter(configuration.quiet);
  meter.begin(fmt::format("integrating {} orbits", one_period.size()));
  IntegratorOptions metered = integrator;
  metered.progress = [&meter](double part) { meter.report(part); };
  Integrator solver(dynamics, metered);
  const SampledTrajectories sampled =
      solver.sample(subject.theta, one_period, Vector::LinSpaced(looks, 0, 1));

  Run run = described_run(configuration, objective, std::nullopt, stored);
  run.title = "orbits of " + subject.title;
  run.known = subject.structure.known;
  run.network = subject.structure.network;
  run.state.theta = subject.theta;
  if (!stored) run.state.theta_initial = subject.theta;
  // The equal steps of rk4 are others when they must meet the samples.
  const bool sampled_to_the_end =
      configuration.loss == Loss::periodic || configuration.loss == Loss::none;
  run.final_states = sampled_to_the_end && integrator.method != Method::rk4
                         ? sampled.trajectories.states.back()
                         : solver.integrate(subject.theta, objective.ensemble()).states;
  run.residuals = objective.deviations(run.final_states);
  run.simulation.mean_square_residual = objective.trajectory_loss(run.final_states);
  run.integrated_by = described(integrator);
  run.state.forward = sampled.counts;
  meter.begin("energies and portraits");
  if (dynamics.moves_on_a_line()) {
    add_energy(run, dynamics, subject.theta, sampled, integrator, stride);
  }
  add_portraits(run, dynamics, subject.theta, objective, integrator);
  constexpr Index most_numbers = 10000000;
  if (times * objective.ensemble().initial_states.size() <= most_numbers) {
    run.trajectories = kept_samples(sampled.trajectories, one_period, stride, configuration);
  } else {
    run.absent["trajectories"] = "more than 10^7 numbers; give fewer --trajectories or --times";
  }
  const bool predicts = stored && stored->posterior && configuration.simulated_noise == 0;
  if (predicts && run.trajectories) {
    meter.begin("standard errors of the predictions");
    add_errors(run, *stored, dynamics, one_period.initial_states, integrator,
               configuration.max_time);
  }
  meter.begin("writing the file");
  if (is_table(output.path())) {
    require(run.trajectories.has_value(),
            "{} times of {} trajectories are more than 10^7 numbers; give fewer --trajectories or "
            "--times",
            times, one_period.size());
    output.save(table_of(*run.trajectories, configuration.motion, configuration.simulated_noise));
  } else {
    output.save(results_image(output.path(), run));
  }
  meter.end();
  print_run(run, output.path());
  return 0;
}

}  // namespace isochron::cli
