#include "isochron/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "budget.hpp"
#include "environment.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

constexpr const char* out_of_time = "the time for it was over";

using Stop = std::function<bool()>;

IntegratorOptions stopping(IntegratorOptions integrator, const Stop& stop) {
  integrator.stop_requested = stop;
  return integrator;
}

double finite(double value) {
  if (std::isfinite(value)) return value;
  throw NumericalError("not a finite number");
}

/// How large the part of a network's force is that its linear skip does not hold.
double nonlinear_size(const Architecture& network, const Vector& theta, const Stop& stop) {
  const auto layers = std::make_shared<Mlp>(network.layers, network.symmetry);
  const Block x = Vector::LinSpaced(401, -2, 2).transpose();
  const Vector theta_of_layers = theta.head(layers->parameters());
  return stoppable_force(layers, stop)->force(theta_of_layers, x).cwiseAbs().maxCoeff();
}

/// The parts of a run, each of which may fail by itself.
class Parts {
 public:
  /// Without a budget everything that is interrupted ends the whole.
  Parts(Run& run, const Objective& objective, Stop asked_to_stop = {})
      : run_(run), objective_(objective), asked_to_stop_(std::move(asked_to_stop)) {}

  void add_all(const TrainingResult& result, const Budget& budget) {
    add_verification(result, budget.half());
    add_trained_portraits(result, budget.half());
    add_certificate(result.state.theta, budget.half());
    const Stop stop = budget.half();
    compute("integration_floor",
            [&] { run_.verification.floor = finite(integration_floor(objective_, result, stop)); });
    add_validation(result, budget.rest());
  }

  void add_portraits(const Dynamics& dynamics, ConstVectorRef theta,
                     const IntegratorOptions& integrator) {
    const double period = objective_.period();
    compute("phase_portrait", [&] {
      run_.phase_portrait =
          phase_portraits(dynamics, theta, objective_.whole_periods(), integrator);
    });
    if (!dynamics.moves_on_a_line() || run_.phase_portrait.empty()) return;
    const std::vector<double>& x = run_.phase_portrait.front().x;
    const auto range = std::minmax_element(x.begin(), x.end());
    const double left = *range.first;
    const double right = *range.second;
    compute("force",
            [&] { run_.force = force_curve(dynamics.field(), theta, period, left, right); });
    compute("potential", [&] {
      run_.potential = potential_curve(dynamics.field(), theta, period, left, right);
    });
    compute("orbits", [&] { run_.orbits = orbit_fan(dynamics, theta, period, right, integrator); });
  }

 private:
  /// Where `work` fails, or is ended because its time is over, the part is absent.
  template <class Work>
  void compute(const std::string& part, const Work& work) {
    run_.absent.erase(part);
    try {
      work();
    } catch (const NumericalError& error) {
      run_.absent[part] = error.what();
    } catch (const Interrupted&) {
      if (!asked_to_stop_ || asked_to_stop_()) throw;
      run_.absent[part] = out_of_time;
    }
  }

  [[nodiscard]] Dynamics stopping_dynamics(const Stop& stop) const {
    return Dynamics(stoppable_force(objective_.dynamics().shared_field(), stop),
                    objective_.dynamics().motion());
  }

  void add_verification(const TrainingResult& result, const Stop& stop) {
    compute("loss_verified", [&] {
      const VerifiedLoss verified = verify_loss(objective_, result, stop);
      run_.verification.loss = finite(verified.loss);
      run_.final_states = verified.states;
      run_.residuals = objective_.deviations(verified.states);
      run_.verification.error = verified.error;
      if (objective_.force_data()) run_.verification.of_trajectories = verified.of_trajectories;
    });
    if (!objective_.force_data()) return;
    compute("hold_misfit", [&] {
      run_.verification.force_misfit = finite(
          objective_.force_data()->misfit(stopping_dynamics(stop).field(), result.state.theta));
    });
  }

  void add_trained_portraits(const TrainingResult& result, const Stop& stop) {
    const TrainingState& state = result.state;
    const Dynamics dynamics = stopping_dynamics(stop);
    const IntegratorOptions integrator = stopping(result.integrator, stop);
    compute("phase_portrait_before", [&] {
      run_.phase_portrait_before =
          phase_portraits(dynamics, state.theta_initial, objective_.whole_periods(), integrator);
    });
    add_portraits(dynamics, state.theta, integrator);
    if (run_.force && asks_for_closed_orbits(objective_.loss())) {
      add_character(dynamics, state, stop);
    }
  }

  void add_character(const Dynamics& dynamics, const TrainingState& state, const Stop& stop) {
    Character& character = run_.character;
    if (prescribes_periods(objective_.loss())) {
      const Vector turns = winding_numbers(run_.phase_portrait.front(), 0);
      character.fewest_oscillations = turns.minCoeff();
      character.most_oscillations = turns.maxCoeff();
    } else {
      compute("harmonic_n", [&] {
        const HarmonicFit fit = fit_harmonic(dynamics.field(), state.theta, objective_.period());
        character.harmonic_deviation = finite(fit.deviation);
        character.harmonic_n = fit.n;
      });
    }
    if (!run_.network || run_.network->skip == Skip::none) return;
    compute("nonlinear_size", [&] {
      character.nonlinear_size_before = nonlinear_size(*run_.network, state.theta_initial, stop);
      character.nonlinear_size = finite(nonlinear_size(*run_.network, state.theta, stop));
    });
  }

  void add_certificate(const Vector& theta, const Stop& stop) {
    compute("analysis", [&] {
      if (objective_.loss() == Loss::own) return;
      const Verification& found = run_.verification;
      const double loss = objective_.force_data() ? found.of_trajectories : found.loss;
      run_.certificate =
          certify(objective_, theta, std::isnan(loss) ? std::nullopt : std::optional(loss),
                  run_.verdict_tolerance, stop);
      if (!run_.certificate) run_.absent["analysis"] = no_certificate;
    });
  }

  /// Why there are no fresh states to validate with; empty when there are.
  [[nodiscard]] std::string no_validation() const {
    if (prescribes_periods(objective_.loss())) {
      return "the periods are prescribed for these orbits, fresh ones have none";
    }
    if (!objective_.counts_trajectories()) return "trajectories do not count in the loss";
    if (!asks_for_closed_orbits(objective_.loss())) {
      return "the loss asks nothing of other trajectories than its own";
    }
    return run_.data_seed ? ""
                          : "the initial states were given, so there is no distribution to draw "
                            "fresh ones from";
  }

  void add_validation(const TrainingResult& result, const Stop& stop) {
    const std::string reason = no_validation();
    if (!reason.empty()) {
      run_.absent["loss_validation"] = reason;
      return;
    }
    constexpr Index fresh_states = 10000;
    compute("loss_validation", [&] {
      // Any other seed would do; this one is never equal to the data's.
      run_.validation = validate_loss(objective_, result, fresh_states, ~*run_.data_seed, stop);
      finite(run_.validation.mean);
    });
  }

  Run& run_;
  const Objective& objective_;
  Stop asked_to_stop_;
};

std::optional<TrainingOptions> without_callables(std::optional<TrainingOptions> options) {
  if (!options) return options;
  options->progress = nullptr;
  options->stop_requested = options->optimizer.stop_requested = nullptr;
  options->sensitivity.integrator.stop_requested = nullptr;
  if (options->jacobian) options->jacobian->integrator.stop_requested = nullptr;
  return options;
}

/// The field of a run, with parameters as many as its theta.
Dynamics dynamics_of(const Run& run, ForceFieldPtr field) {
  require(field || run.network, "the run's force is no network, so its field is needed: give it");
  if (!field) field = std::make_shared<Mlp>(*run.network);
  Dynamics dynamics(std::move(field), run.motion);
  require(dynamics.parameters() == run.state.theta.size() &&
              dynamics.state_dimension() == run.ensemble.initial_states.rows(),
          "a field of dimension {} with {} parameters does not fit the run's {} parameters and "
          "states of {} components",
          dynamics.dimension(), dynamics.parameters(), run.state.theta.size(),
          run.ensemble.initial_states.rows());
  return dynamics;
}

void require_own_loss(const Run& run) {
  require(run.loss == Loss::own, "the run's loss is {}, not one of your own",
          run.loss ? name(*run.loss) : "not known");
}

Objective with_force_data(const Objective& objective, const Run& run) {
  return run.force_data ? objective.with(*run.force_data) : objective;
}

/// One on closed orbits.
Objective closed_orbits(const Run& run, const Dynamics& dynamics) {
  const double parts = mirrors(*run.loss) ? 2 : 1;
  const Vector& times = run.ensemble.end_times;
  const bool one_period = (parts * times.array() == run.period).all();
  if (one_period && !prescribes_periods(*run.loss)) {
    return Objective(dynamics, *run.loss, run.ensemble.initial_states, run.period);
  }
  return Objective(dynamics, Ensemble(run.ensemble.initial_states, Vector(parts * times)),
                   *run.loss);
}

}  // namespace

std::string described(const IntegratorOptions& integrator) {
  return integrator.method == Method::rk4
             ? fmt::format("rk4 with {} steps", integrator.steps)
             : fmt::format("{} at rtol {:.1e}", name(integrator.method), integrator.rtol);
}

double kept_gradient_norm(const TrainingState& state) {
  const History& h = state.history;
  const auto kept = std::find(h.loss.rbegin(), h.loss.rend(), state.loss);
  const auto back = kept == h.loss.rend() ? 0 : kept - h.loss.rbegin();
  return *(h.gradient_norm.rbegin() + back);
}

bool Run::by_energy() const {
  const States& states = ensemble.initial_states;
  return prescribes_periods() && motion == Motion::newtonian && states.rows() == 2 &&
         states.row(0).isZero(0);
}

Vector Run::law_arguments() const {
  const States& states = ensemble.initial_states;
  if (by_energy()) return states.row(1).cwiseAbs2() / 2;
  const bool released = prescribes_periods() && motion == Motion::newtonian && states.rows() == 2 &&
                        states.row(1).isZero(0);
  return released ? Vector(states.row(0)) : Vector();
}

bool Run::is_verified() const { return !std::isnan(verification.loss); }

Run new_run(const Objective& objective, const std::optional<TrainingOptions>& options) {
  Run run;
  run.start_time = time_of_day();
  run.environment = environment(options ? options->sensitivity.integrator.threads : 1);
  run.motion = objective.dynamics().motion();
  run.loss = objective.loss();
  run.period = objective.period();
  run.ensemble = objective.ensemble();
  run.observations = objective.observations();
  run.fits_initial_states = objective.fits_initial_states();
  run.force_data = objective.force_data();
  run.options = without_callables(options);
  if (const auto* network = dynamic_cast<const Mlp*>(&objective.dynamics().field())) {
    run.network = network->architecture();
    run.title = fmt::format("{} loss, network {}, N = {}", name(objective.loss()),
                            fmt::join(network->layers(), "-"), objective.ensemble().size());
  } else {
    run.title = fmt::format("{} loss, {} parameters, N = {}", name(objective.loss()),
                            objective.dynamics().parameters(), objective.ensemble().size());
  }
  return run;
}

void record(Run& run, const TrainingState& state, const std::string& stop_reason) {
  static_cast<Findings&>(run) = {};
  run.state = state;
  if (state.initial_states.size() > 0) run.ensemble.initial_states = state.initial_states;
  run.stop_reason = stop_reason;
}

namespace {

/// The standard errors of f along its curve.
void add_errors(PositionCurve& force, const ForceField& field, const TrainingState& state,
                const Posterior& posterior) {
  const Index points = force.position.size();
  const auto at = field.linearisation(points);
  Block value(1, points);
  Block slopes(field.parameters(), points);
  at->linearise(state.theta, Block(force.position.transpose()), value);
  at->parameter_jacobians(slopes);
  force.error.resize(points);
  for (Index i = 0; i < points; ++i) {
    force.error[i] = posterior.standard_error(Vector(slopes.col(i)));
  }
}

/// Of residuals that are standard errors from data, in the order of observation.
double autocorrelation(const Objective& objective, const States& deviations) {
  const States& weight = objective.observations().weight;
  const Index k = objective.ensemble().observations();
  double products = 0;
  double squares = 0;
  for (Index d = 0; d < deviations.rows(); ++d) {
    for (Index i = 0; i < objective.ensemble().size(); ++i) {
      double before = 0;
      for (Index c = i * k; c < (i + 1) * k; ++c) {
        if (weight(d, c) == 0) continue;
        const double residual = std::sqrt(weight(d, c)) * deviations(d, c);
        products += before * residual;
        squares += residual * residual;
        before = residual;
      }
    }
  }
  return squares > 0 ? products / squares : 0;
}

void finish_into(Run& finished, const Objective& objective, const TrainingResult& result,
                 const FinishOptions& options) {
  record(finished, result.state, describe(result.reason));
  finished.integrated_by = described(result.integrator);
  const Stop stop = options.stop_requested ? options.stop_requested : [] { return false; };
  Parts(finished, objective, stop).add_all(result, Budget(options.max_time, stop));
}

}  // namespace

void finish(Run& run, const Objective& objective, const TrainingResult& result,
            const FinishOptions& options) {
  Run finished = run;
  finish_into(finished, objective, result, options);
  run = std::move(finished);
}

void finish(Run& run, const ObservationFit& fit, const FinishOptions& options) {
  Run finished = run;
  const TrainingState& state = fit.training.state;
  const Objective objective = objective_at(fit.objective, state);
  finished.observations = objective.observations();
  finish_into(finished, objective, fit.training, options);
  FitQuality& quality = finished.fit;
  quality.chi_squared = fit.chi_squared / static_cast<double>(objective.residual_count());
  quality.degrees_of_freedom = fit.degrees_of_freedom;
  quality.effective_parameters = fit.effective_parameters;
  quality.ridge = fit.ridge;
  quality.log_evidence = fit.log_evidence;
  if (std::isnan(fit.chi_squared)) finished.absent["chi_squared"] = out_of_time;
  if (finished.residuals.size() > 0) {
    quality.autocorrelation = autocorrelation(objective, finished.residuals);
  }
  if (fit.posterior) {
    if (objective.fits_initial_states()) {
      finished.initial_state_errors = fit.posterior->initial_state_errors;
    }
    if (finished.force) {
      add_errors(*finished.force, objective.dynamics().field(), state, *fit.posterior);
    }
  }
  run = std::move(finished);
}

std::vector<std::string> left_out(const Run& run) {
  std::vector<std::string> names;
  for (const auto& [name, reason] : run.absent) {
    if (reason == out_of_time) names.push_back(name);
  }
  return names;
}

void add_portraits(Run& run, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator) {
  Parts(run, objective).add_portraits(dynamics, theta, integrator);
}

std::optional<Certificate> certify(const Objective& objective, ConstVectorRef theta,
                                   std::optional<double> loss, double tolerance,
                                   const Stop& stop_requested) {
  if (!objective.dynamics().moves_on_a_line()) return std::nullopt;
  CertificateOptions options = certificate_options(objective.loss(), objective.period(), loss);
  options.tolerance = tolerance;
  options.stop_requested = stop_requested;
  ForceFieldPtr field = objective.dynamics().shared_field();
  if (stop_requested) field = stoppable_force(field, stop_requested);
  return certify(*field, theta, objective.ensemble().initial_states, options);
}

CertificateOptions certificate_options(Loss loss, double period, std::optional<double> missed_by) {
  CertificateOptions asked;
  if (prescribes_periods(loss) || !asks_for_closed_orbits(loss)) return asked;
  asked.period = period;
  asked.half_orbits = loss == Loss::antiperiodic;
  if (loss != Loss::none) asked.loss = missed_by;
  return asked;
}

Objective objective_of(const Run& run, ForceFieldPtr field) {
  const Dynamics dynamics = dynamics_of(run, std::move(field));
  require(run.loss.has_value(), "the file does not say what the loss of the run was");
  require(run.loss != Loss::own, "the run's loss is one of your own: give its callable, too");
  if (run.loss == Loss::observations) {
    const Objective observed(dynamics, run.ensemble, run.observations);
    return with_force_data(run.fits_initial_states ? observed.fitting_initial_states() : observed,
                           run);
  }
  return with_force_data(closed_orbits(run, dynamics), run);
}

Objective objective_of(const Run& run, TrajectoryLoss loss, ForceFieldPtr field) {
  require_own_loss(run);
  const Dynamics dynamics = dynamics_of(run, std::move(field));
  return with_force_data(Objective(dynamics, run.ensemble, std::move(loss)), run);
}

Objective objective_of(const Run& run, TrajectoryResiduals residuals, ForceFieldPtr field) {
  require_own_loss(run);
  const Dynamics dynamics = dynamics_of(run, std::move(field));
  return with_force_data(Objective(dynamics, run.ensemble, std::move(residuals)), run);
}

}  // namespace isochron
