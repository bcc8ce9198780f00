#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "isochron/run.hpp"

namespace isochron {

/// |dL/dtheta| of the iterate that was kept, which need not be the last one.
[[nodiscard]] double kept_gradient_norm(const TrainingState& state);

/// "rk4 with 100 steps", "adams at rtol 1.0e-10".
[[nodiscard]] std::string described(const IntegratorOptions& integrator);

/// "harmonic + network 1-16-16-1"; empty where there is no structure.
[[nodiscard]] std::string described(const ForceStructure& structure);

/// "fit to observations + 10000 times the periodic loss": the losses of a sum with their weights.
[[nodiscard]] std::string losses_of(Loss first, const std::vector<OtherObjective>& others);

/// Whether something beside the trajectories of the first objective counts.
[[nodiscard]] inline bool has_other_parts(const Run& run) {
  return run.force_data.has_value() || !run.others.empty();
}

/// The iterations that a run has behind it.
[[nodiscard]] inline long iterations_done(const History& history) {
  return history.size() == 0 ? 0 : history.iteration.back();
}

/// How many values were observed.
[[nodiscard]] inline Index number_of_data(const Run& run) {
  const States& weight = run.observations.weight;
  return weight.size() > 0 ? (weight.array() > 0).count() : run.observations.value.size();
}

/// Calls visit(name, label, units, value) for every number that a run is summed up in, under the
/// name that it has in a file and for programs: a double& (NaN: absent), a long&, or an optional
/// one. `run`: const or not, to write or to read.
template <class AnyRun, class Visit>
void for_each_number(AnyRun& run, const Visit& visit) {
  visit("loss", "loss at the end of training", "1", run.state.loss);
  visit("loss_verified", "loss by another method, tighter tolerance", "1", run.verification.loss);
  visit("loss_verified_error", "error of the verified loss", "1", run.verification.error);
  visit("loss_periodicity", "the part of trajectories in the verified loss", "1",
        run.verification.of_trajectories);
  visit("hold_misfit", "max |f - f*| where the force is held", "1", run.verification.force_misfit);
  visit("integration_floor",
        "mean square of how residuals differ from an independent method's at 1e-14", "1",
        run.verification.floor);
  visit("chi_squared", "chi^2 per datum", "1", run.fit.chi_squared);
  visit("chi_squared_holdout", "chi^2 per datum of data kept aside", "1",
        run.fit.chi_squared_holdout);
  visit("degrees_of_freedom", "data less parameters that they determine", "1",
        run.fit.degrees_of_freedom);
  visit("effective_parameters", "parameters under the ridge that data determine", "1",
        run.fit.effective_parameters);
  visit("ridge", "weight of |theta|^2 beside the sum of chi^2, in units of the data's size", "1",
        run.fit.ridge);
  visit("log_evidence", "log of the evidence of the data", "1", run.fit.log_evidence);
  visit("autocorrelation", "correlation of successive residuals", "1", run.fit.autocorrelation);
  visit("loss_validation", "mean loss on 10^4 unseen states", "1", run.validation.mean);
  visit("loss_validation_median", "median loss on 10^4 unseen states", "1", run.validation.median);
  visit("loss_validation_inside", "mean loss on unseen states within the training radius", "1",
        run.validation.inside);
  visit("harmonic_n", "n of the -(2 pi n/T)^2 x nearest to f on [-2, 2]", "1",
        run.character.harmonic_n);
  visit("harmonic_deviation", "max |f + (2 pi n/T)^2 x| on [-2, 2]", "1",
        run.character.harmonic_deviation);
  visit("nonlinear_size_before", "max |f - linear skip| on [-2, 2], before training", "1",
        run.character.nonlinear_size_before);
  visit("nonlinear_size", "max |f - linear skip| on [-2, 2], after training", "1",
        run.character.nonlinear_size);
  visit("oscillations_min", "fewest oscillations of an orbit in its period", "1",
        run.character.fewest_oscillations);
  visit("oscillations_max", "most oscillations of an orbit in its period", "1",
        run.character.most_oscillations);
  visit("mean_square_residual", "mean |X(T) - X(0)|^2, of mirrored orbits |X(T/2) + X(0)|^2", "1",
        run.simulation.mean_square_residual);
  visit("energy_drift", "max |E(t) - E(0)| over all orbits", "1", run.simulation.energy_drift);
  visit("energy_drift_explained", "drift of the energy that the tolerance explains", "1",
        run.simulation.explained_drift);
  visit("period_degree", "degree of the polynomial T(E) through the given periods", "1",
        run.inversion.degree);
  visit("period_noise", "standard deviation of the given periods from T(E)", "1",
        run.inversion.noise);
  visit("period_error", "max |T(E)/T - 1| of the well's periods by quadrature", "1",
        run.inversion.period_error);
  visit("all_seeds_wall_time", "wall time of all weight seeds", "s", run.restarts_time);
  visit("weight_seed", "weight seed that was kept", "1", run.weight_seed);
  const auto visit_counts = [&](const std::string& direction, auto& counts) {
    const auto count = [&](const char* name, const char* label, auto& value) {
      visit((direction + name).c_str(), (direction + label).c_str(), "1", value);
    };
    count("_steps", " steps", counts.steps);
    count("_right_hand_sides", " right-hand sides", counts.right_hand_sides);
    count("_jacobians", " Jacobians", counts.jacobians);
    count("_error_test_failures", " error test failures", counts.error_test_failures);
    count("_convergence_failures", " convergence failures", counts.convergence_failures);
  };
  visit_counts("forward", run.state.forward);
  visit_counts("backward", run.state.backward);
}

/// The same for those that follow from others, and are only written.
template <class Visit>
void for_each_derived_number(const Run& run, const Visit& visit) {
  const History& history = run.state.history;
  if (history.size() == 0) return;
  visit("gradient_norm", "|dL/dtheta| at the end", "1", kept_gradient_norm(run.state));
  visit("iterations", "iterations", "1", history.iteration.back());
  visit("evaluations", "evaluations of loss and gradient", "1", history.evaluations.back());
  visit("wall_time", "wall time of training", "s", history.wall_time.back());
  if (run.force_data) visit("hold_weight", "weight of the force data", "1", run.force_data->weight);
}

/// The same with visit(name, text) for texts.
template <class AnyRun, class Visit>
void for_each_text(AnyRun& run, const Visit& visit) {
  visit("stop_reason", run.stop_reason);
  visit("integrated_by", run.integrated_by);
  visit("energy_drift_warning", run.simulation.warning);
}

/// The same with visit(name, label, units, value) for the options that results depend on, of one
/// way to derivatives: numbers, flags and enumerators.
template <class AnyOptions, class Visit>
void for_each_option(AnyOptions& options, const Visit& visit) requires requires {
  options.interpolation;
}
{
  auto& integrator = options.integrator;
  visit("method", "method of integration", "1", integrator.method);
  visit("rtol", "relative tolerance", "1", integrator.rtol);
  visit("atol", "absolute tolerance", "1", integrator.atol);
  visit("steps", "steps of rk4", "1", integrator.steps);
  visit("max_steps", "most steps of a block", "1", integrator.max_steps);
  visit("max_step", "longest step (0: by the end times)", "1", integrator.max_step);
  visit("block_size", "trajectories solved together (0: chosen)", "1", integrator.block_size);
  visit("gradient", "way to the derivatives", "1", options.gradient);
  visit("interpolation", "of the forward solution in the adjoint", "1", options.interpolation);
  visit("backward_rtol", "relative tolerance of the adjoint (0: as rtol)", "1",
        options.backward_rtol);
  visit("quadrature_rtol", "relative tolerance of its gradient (0: as backward_rtol)", "1",
        options.quadrature_rtol);
  visit("checkpoint_distance", "steps between checkpoints (0: all are kept)", "1",
        options.checkpoint_distance);
  visit("sensitivity_error_control", "whether forward sensitivities are in the error test", "1",
        options.sensitivity_error_control);
  visit("staggered", "whether forward sensitivities are corrected after the states", "1",
        options.staggered);
  visit("freeze_steps", "whether discrete gradients take the steps of the last call again", "1",
        options.freeze_steps);
}

/// And of the training itself.
template <class AnyOptions, class Visit>
void for_each_option(AnyOptions& options, const Visit& visit) requires requires {
  options.max_time;
}
{
  auto& optimizer = options.optimizer;
  visit("optimizer", "optimizer", "1", options.kind);
  visit("auto_tolerance", "whether tolerances follow the loss", "1", options.auto_tolerance);
  visit("max_time", "limit of the wall time", "s", options.max_time);
  visit("max_iterations", "limit of the iterations (-1: unlimited)", "1", optimizer.max_iterations);
  visit("loss_tolerance", "loss to stop at", "1", optimizer.loss_tolerance);
  visit("gradient_tolerance", "max |dL/dtheta| to stop at", "1", optimizer.gradient_tolerance);
  visit("memory", "pairs that L-BFGS keeps", "1", optimizer.memory);
  visit("learning_rate", "step of Adam", "1", optimizer.learning_rate);
  visit("damping", "initial damping of least squares", "1", optimizer.damping);
  visit("scale_parameters", "whether least squares damp each parameter in its own units", "1",
        optimizer.scale_parameters);
}

}  // namespace isochron
