#include <cstdio>
#include <iostream>

#include "cli/run.hpp"
#include "isochron/error.hpp"
#include "isochron/well.hpp"

namespace isochron::cli {
namespace {

/// The force that the options name, with its parameters.
struct Source {
  ForceFieldPtr field;
  Vector theta;
  std::optional<ModelRecord> model;
  std::string title;
};

Source choose_force(const Options& options) {
  const std::string model_file = options.text("model");
  const std::string name = options.text("force");
  if (model_file.empty() && name == "mlp") {
    throw InputError("simulate needs a force: give --model FILE or an analytic --force NAME");
  }
  if (!model_file.empty() && options.given("force")) {
    throw InputError("--model " + model_file + " and --force " + name +
                     " name two forces; give one of them");
  }
  if (model_file.empty()) {
    const Well well = make_well(name, options.parameters("params"));
    return {well.force_field(), Vector(0), std::nullopt, name};
  }
  Results stored = read_results(model_file);
  if (!stored.model || stored.model->theta.size() == 0) {
    throw InputError(model_file + " holds no model");
  }
  return {std::make_shared<Mlp>(stored.model->network()), stored.model->theta, stored.model,
          "the force of " + model_file};
}

}  // namespace

int simulate(const Options& options) {
  const std::filesystem::path output = options.text("output");
  const Source source = choose_force(options);
  const Dynamics dynamics(source.field, motion(options));
  const double period = options.time("period");
  const Index times = options.integer("times", 2, 100000);
  const IntegratorOptions integrator = integrator_options(options);
  const Objective objective(options.choice("loss", {"periodic", "antiperiodic"}) == 0
                                ? Loss::periodic
                                : Loss::antiperiodic,
                            initial_states(options, dynamics.state_dimension()), period);
  check_output(output, options.flag("overwrite"));
  if (options.flag("verbose")) std::cerr << "configuration:\n" << options.echo();

  catch_signals();
  const Ensemble ensemble(objective.ensemble().initial_states, period);
  const SampledTrajectories sampled =
      Integrator(dynamics, integrator)
          .sample(source.theta, ensemble, Vector::LinSpaced(times, 0, 1));

  Results results = new_results("simulate", options);
  results.title = "orbits of " + source.title;
  results.model = source.model;
  results.motion = dynamics.motion();
  results.initial_states = ensemble.initial_states;
  results.final_states = sampled.trajectories.states.back();
  results.residuals = results.final_states - ensemble.initial_states;
  results.end_times = ensemble.end_times;
  const double mismatch = Objective::mean_square(results.residuals);
  results.summary["mean_square_residual"] = {mismatch, "mean |X(T) - X(0)|^2 (1)"};
  results.summary["forward_steps"] = {static_cast<double>(sampled.counts.steps),
                                      "forward steps (1)"};
  add_portraits(results, dynamics, source.theta, ensemble, period, integrator);
  std::printf("%s, N = %ld, T = %.6g: mean |X(T) - X(0)|^2 = %.4e\n", results.title.c_str(),
              static_cast<long>(ensemble.size()), period, mismatch);
  if (dynamics.dimension() == 1 && dynamics.motion() == Motion::newtonian) {
    results.energy = energy_record(*source.field, source.theta, sampled.trajectories, period);
    const double drift = results.energy->drift.maxCoeff();
    results.summary["energy_drift"] = {drift, "max |E(t) - E(0)| over all orbits (1)"};
    std::printf("largest energy drift %.2e\n", drift);
  }
  write_results(output, results);
  std::printf("results %s\n", output.c_str());
  return 0;
}

}  // namespace isochron::cli
