#include <cstdio>

#include "cli/environment.hpp"
#include "cli/network.hpp"
#include "cli/objective.hpp"
#include "cli/output.hpp"
#include "cli/portraits.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/summary.hpp"
#include "cli/verbs.hpp"
#include "cli/verdict.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "isochron/well.hpp"
#include "memory.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// The force that the options name, with its parameters.
struct Subject {
  ForceFieldPtr field;
  Vector theta;
  std::optional<ModelRecord> model;
  std::string title;
};

Subject stored_subject(const Results& stored, const std::string& file) {
  return {std::make_shared<Mlp>(stored.model->network()), stored.model->theta, stored.model,
          "the force of " + file};
}

Subject untrained_subject(const Configuration& configuration) {
  const auto network = network_of(configuration);
  const Vector theta = initial_parameters(configuration, *network);
  return {network, theta, ModelRecord::of(*network, theta, theta),
          "the untrained network " + widths(network->layers())};
}

Subject analytic_subject(const Configuration& configuration) {
  if (configuration.dimension != 1) {
    throw InputError("the force " + configuration.force + " has one dimension; leave out " +
                     "--dimension " + text_of(configuration, "dimension"));
  }
  const Well well = make_well(configuration.force, configuration.parameters);
  return {well.force_field(), Vector(0), std::nullopt, well.name()};
}

Subject choose_subject(const Configuration& configuration, const std::optional<Results>& stored) {
  const std::string& force = configuration.force;
  const bool named = configuration.given("force");
  if (!stored && !named) {
    throw InputError("simulate needs a force: give --model FILE or --force NAME");
  }
  if (stored && named) {
    throw InputError("--model " + configuration.model + " and --force " + force +
                     " name two forces; give one of them");
  }
  if (!configuration.parameters.empty() && (stored || force == "mlp")) {
    throw InputError("--params is for an analytic --force; a network has none");
  }
  if (stored) return stored_subject(*stored, configuration.model);
  return force == "mlp" ? untrained_subject(configuration) : analytic_subject(configuration);
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

/// A record at every so-manieth time.
EnergyRecord thinned(const EnergyRecord& record, Index stride) {
  const auto kept = Eigen::seq(0, record.time.size() - 1, stride);
  return {record.time(kept), record.energy(Eigen::all, kept), record.drift(kept)};
}

/// Says so when the energy drifts by far more than the tolerance explains.
void judge_drift(Results& results, double drift, double explained, const IntegratorOptions& options,
                 double period) {
  set_summary(results, "energy_drift_explained", explained,
              "drift of the energy that the tolerance explains");
  if (drift <= explained) return;
  char text[300];
  std::snprintf(
      text, sizeof text,
      "the energy drifts by %.1e, and rtol %.0e explains no more than %.0e: the orbits are "
      "wrong where the force changes within a step; give %s",
      drift, options.rtol, explained,
      options.method == Method::rk4 ? "more --steps" : "a shorter --max-step");
  results.summary_text["energy_drift_warning"] = text;
  if (options.method == Method::rk4) return;
  const double longest = options.max_step > 0 ? options.max_step : longest_step(period);
  std::snprintf(text, sizeof text, ", %.3g say", longest / 10);
  results.summary_text["energy_drift_warning"] += text;
}

}  // namespace

int simulate(const Configuration& given) {
  const std::optional<Results> stored = read_model_if_any(given.model);
  Configuration configuration = with_problem_of(stored, given.model, given);
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
  Integrator solver(dynamics, integrator);
  const SampledTrajectories sampled =
      solver.sample(subject.theta, one_period, Vector::LinSpaced(looks, 0, 1));

  Results results = new_results(configuration, objective);
  results.title = "orbits of " + subject.title;
  results.model = subject.model;
  // The equal steps of rk4 are others when they must meet the samples.
  const bool sampled_to_the_end =
      configuration.loss == Loss::periodic || configuration.loss == Loss::none;
  results.final_states = sampled_to_the_end && integrator.method != Method::rk4
                             ? sampled.trajectories.states.back()
                             : solver.integrate(subject.theta, objective.ensemble()).states;
  results.residuals = objective.deviations(results.final_states);
  set_summary(results, "mean_square_residual", objective.trajectory_loss(results.final_states),
              mirrors(objective.loss()) ? "mean |X(T/2) + X(0)|^2" : "mean |X(T) - X(0)|^2");
  set_counts(results, "forward", sampled.counts);
  if (moves_on_a_line(dynamics)) {
    compute_or_explain(results, "energy", [&] {
      const EnergyRecord record =
          energy_record(dynamics.field(), subject.theta, sampled.trajectories, objective.period());
      results.energy = thinned(record, stride);
      const double drift = record.drift.maxCoeff();
      set_summary(results, "energy_drift", drift, "max |E(t) - E(0)| over all orbits");
      const double explained = explained_drift(
          dynamics.field(), subject.theta, sampled.trajectories, integrator, sampled.counts.steps);
      judge_drift(results, drift, explained, integrator, objective.period());
    });
  }
  add_portraits(results, dynamics, subject.theta, objective, integrator);
  output.save(results_image(output.path(), results));

  std::printf("%s, N = %ld, T = %.6g\n", shown(results.title).c_str(),
              static_cast<long>(one_period.size()), objective.period());
  for (const char* name : {"mean_square_residual", "energy_drift"}) {
    const auto found = results.summary.find(name);
    if (found == results.summary.end()) continue;
    std::printf("%s = %.4e\n", found->second.long_name.c_str(), found->second.value);
  }
  if (const auto warning = results.summary_text.find("energy_drift_warning");
      warning != results.summary_text.end()) {
    std::printf("%s\n", warning->second.c_str());
  }
  std::printf("results %s\n", shown(output.path().string(), longest_path).c_str());
  return 0;
}

}  // namespace isochron::cli
