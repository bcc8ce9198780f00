#include "isochron/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "budget.hpp"
#include "environment.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

constexpr const char* out_of_time = "the time for it was over";

/// At which T(E) of a fit has standard errors, even in sqrt(E).
constexpr Index period_energies = 41;

/// Of a posterior that is kept.
constexpr Index most_posterior_numbers = 4000000;

using StopRequested = std::function<bool()>;

double finite(double value) {
  if (std::isfinite(value)) return value;
  throw NumericalError("not a finite number");
}

/// How large the part of a network's force is that its linear skip does not hold.
double nonlinear_size(Architecture network, const Vector& theta, const StopRequested& stop) {
  network.skip = Skip::none;
  const auto layers = std::make_shared<Mlp>(std::move(network));
  const Block x = Vector::LinSpaced(401, -2, 2).transpose();
  const Vector theta_of_layers = theta.head(layers->parameters());
  return stoppable_force(layers, stop)->force(theta_of_layers, x).cwiseAbs().maxCoeff();
}

/// The parts of a run, each of which may fail by itself.
class Parts {
 public:
  /// Without a budget everything that is interrupted ends the whole.
  Parts(Run& run, const Objective& objective, StopRequested asked_to_stop = {})
      : run_(run), objective_(objective), asked_to_stop_(std::move(asked_to_stop)) {}

  void add_all(const TrainingResult& result, const Budget& budget) {
    add_verification(result, budget.half());
    add_trained_portraits(result, budget.half());
    add_certificate(result.state.theta, budget.half());
    const StopRequested stop = budget.half();
    compute("integration_floor",
            [&] { run_.verification.floor = finite(integration_floor(objective_, result, stop)); });
    add_validation(result, budget.rest());
  }

  /// Of a fit whose portraits and certificate are there.
  void add_bands(const ObservationFit& fit, const Budget& budget) {
    const Vector& theta = fit.training.state.theta;
    const StopRequested stop = budget.rest();
    const Dynamics dynamics = stopping_dynamics(stop);
    compute("fit", [&] { run_.fitted = fitted_paths(fit, dynamics, stop); });
    if (!fit.posterior) return;
    const Posterior& posterior = *fit.posterior;
    const ForceField& field = dynamics.field();
    if (run_.force) {
      compute("force_errors", [&] {
        const Block x = run_.force->position.transpose();
        run_.force->error = force_errors(field, theta, posterior, x).transpose();
      });
    }
    if (run_.potential) {
      compute("potential_errors", [&] {
        const Vector& x = run_.potential->position;
        const double zero = nearest_bottom(field, theta, x[0], x[x.size() - 1]).value_or(0);
        run_.potential->error = potential_errors(field, theta, posterior, zero, x);
      });
    }
    if (!run_.certificate || run_.certificate->curve.empty()) return;
    compute("periods", [&] {
      const Certificate& found = *run_.certificate;
      const double lowest = found.lowest_energy;
      const double highest = found.highest_energy;
      const Vector roots = Vector::LinSpaced(lowest < highest ? period_energies : 1,
                                             std::sqrt(lowest), std::sqrt(highest));
      PeriodCurve curve = period_curve(field, theta, posterior, *found.center, roots.cwiseAbs2());
      if (curve.energy.size() == 0) {
        throw NumericalError("all visited energies are next to the brim of the well");
      }
      run_.periods = std::move(curve);
    });
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
    const std::optional<Interval> shown = range_around(left, right);
    compute("force",
            [&] { run_.force = force_curve(dynamics.field(), theta, period, left, right, shown); });
    compute("potential", [&] {
      run_.potential = potential_curve(dynamics.field(), theta, period, left, right, shown);
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

  /// Observed positions have any size, and what lies far beyond them is not known.
  [[nodiscard]] std::optional<Interval> range_around(double left, double right) const {
    if (objective_.loss() != Loss::observations) return std::nullopt;
    constexpr double part_beyond = 0.2;
    const double margin = part_beyond * (right - left);
    return Interval{left - margin, right + margin};
  }

  /// The first trajectories of a fit.
  [[nodiscard]] FittedPaths fitted_paths(const ObservationFit& fit, const Dynamics& dynamics,
                                         const StopRequested& stop) const {
    constexpr Index most_trajectories = 3;
    constexpr Index samples = 201;
    const Ensemble& all = objective_.ensemble();
    const Index n = std::min(most_trajectories, all.size());
    FittedPaths paths;
    paths.time = Vector::LinSpaced(samples, 0, 1) * all.end_times.head(n).transpose();
    const Ensemble ensemble = Ensemble::observed_at(all.initial_states.leftCols(n), paths.time);
    const Vector& theta = fit.training.state.theta;
    IntegratorOptions integrator = fit.training.integrator;
    integrator.stop_requested = stop;
    if (fit.posterior) {
      const Starts starts = objective_.fits_initial_states() ? Starts::fitted : Starts::exact;
      PredictedStates found =
          predicted_states(dynamics, theta, *fit.posterior, ensemble, starts, integrator);
      paths.states = std::move(found.states);
      paths.errors = std::move(found.errors);
    } else {
      paths.states = Integrator(dynamics, integrator).integrate(theta, ensemble).states;
    }
    return paths;
  }

  [[nodiscard]] Dynamics stopping_dynamics(const StopRequested& stop) const {
    return Dynamics(stoppable_force(objective_.dynamics().shared_field(), stop),
                    objective_.dynamics().motion());
  }

  void add_verification(const TrainingResult& result, const StopRequested& stop) {
    compute("loss_verified", [&] {
      const VerifiedLoss verified = verify_loss(objective_, result, stop);
      run_.verification.loss = finite(verified.loss);
      run_.final_states = verified.states;
      run_.residuals = objective_.deviations(verified.states);
      run_.verification.error = verified.error;
      if (has_other_parts(run_)) run_.verification.of_trajectories = verified.of_trajectories;
      run_.verification.of_others = verified.of_others;
    });
    if (!objective_.force_data()) return;
    compute("hold_misfit", [&] {
      run_.verification.force_misfit = finite(
          objective_.force_data()->misfit(stopping_dynamics(stop).field(), result.state.theta));
    });
  }

  void add_trained_portraits(const TrainingResult& result, const StopRequested& stop) {
    const TrainingState& state = result.state;
    const Dynamics dynamics = stopping_dynamics(stop);
    IntegratorOptions integrator = result.integrator;
    integrator.stop_requested = stop;
    compute("phase_portrait_before", [&] {
      run_.phase_portrait_before =
          phase_portraits(dynamics, state.theta_initial, objective_.whole_periods(), integrator);
    });
    add_portraits(dynamics, state.theta, integrator);
    if (run_.force && asks_for_closed_orbits(objective_.loss())) {
      add_character(dynamics, state, stop);
    }
  }

  void add_character(const Dynamics& dynamics, const TrainingState& state,
                     const StopRequested& stop) {
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
    if (!run_.network || run_.known || run_.network->skip == Skip::none) return;
    compute("nonlinear_size", [&] {
      character.nonlinear_size_before = nonlinear_size(*run_.network, state.theta_initial, stop);
      character.nonlinear_size = finite(nonlinear_size(*run_.network, state.theta, stop));
    });
  }

  void add_certificate(const Vector& theta, const StopRequested& stop) {
    compute("analysis", [&] {
      if (objective_.loss() == Loss::own) return;
      const Verification& found = run_.verification;
      const double loss = has_other_parts(run_) ? found.of_trajectories : found.loss;
      run_.certificate =
          certify(objective_, theta, std::isnan(loss) ? std::nullopt : std::optional(loss),
                  run_.verdict_tolerance, stop);
      if (!run_.certificate) run_.absent["analysis"] = no_certificate;
    });
  }

  /// Why there are no unseen states to validate with; empty when there are.
  [[nodiscard]] std::string no_validation() const {
    if (prescribes_periods(objective_.loss())) {
      return "the periods are prescribed for these orbits; unseen ones have none";
    }
    if (!objective_.counts_trajectories()) return "trajectories do not count in the loss";
    if (!asks_for_closed_orbits(objective_.loss())) {
      return "the loss asks nothing of other trajectories than its own";
    }
    return run_.data_seed ? ""
                          : "the initial states were given, so there is no distribution to draw "
                            "unseen ones from";
  }

  void add_validation(const TrainingResult& result, const StopRequested& stop) {
    const std::string reason = no_validation();
    if (!reason.empty()) {
      run_.absent["loss_validation"] = reason;
      return;
    }
    constexpr Index unseen_states = 10000;
    compute("loss_validation", [&] {
      // Any other seed would do; this one is never equal to the data's.
      run_.validation = validate_loss(objective_, result, unseen_states, ~*run_.data_seed, stop);
      finite(run_.validation.mean);
    });
  }

  Run& run_;
  const Objective& objective_;
  StopRequested asked_to_stop_;
};

std::optional<TrainingOptions> without_callables(std::optional<TrainingOptions> options) {
  if (!options) return options;
  options->progress = nullptr;
  options->stop_requested = options->optimizer.stop_requested = nullptr;
  const auto clear = [](IntegratorOptions& integrator) {
    integrator.stop_requested = nullptr;
    integrator.progress = nullptr;
  };
  clear(options->sensitivity.integrator);
  if (options->jacobian) clear(options->jacobian->integrator);
  return options;
}

/// The field of a run, with parameters as many as its theta.
Dynamics dynamics_of(const Run& run, ForceFieldPtr field) {
  if (!field) field = run.field();
  require(field != nullptr, "the file does not hold the run's force: give its field");
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

/// Of observations or closed orbits.
Objective first_objective(const OtherObjective& stored, const Dynamics& dynamics) {
  const Loss loss = stored.loss;
  if (loss == Loss::observations) {
    return Objective(dynamics, stored.ensemble, stored.observations);
  }
  const double parts = mirrors(loss) ? 2 : 1;
  const States& starts = stored.ensemble.initial_states;
  const Vector& times = stored.ensemble.end_times;
  const bool one_period = (parts * times.array() == stored.period).all();
  if (one_period && !prescribes_periods(loss)) {
    return Objective(dynamics, loss, starts, stored.period);
  }
  return Objective(dynamics, Ensemble(starts, Vector(parts * times)), loss);
}

/// With force data and the other objectives of a run.
Objective with_other_parts(Objective objective, const Run& run) {
  for (const OtherObjective& other : run.others) {
    objective = objective.with(first_objective(other, objective.dynamics()), other.weight);
  }
  return run.force_data ? objective.with(*run.force_data) : objective;
}

}  // namespace

ObservationTable observation_table(const Ensemble& ensemble, const Observations& observations,
                                   ConstStatesRef predictions) {
  const States& value = observations.value;
  const States& weight = observations.weight;
  const bool is_lognormal = observations.error_model == ErrorModel::lognormal;
  require(predictions.rows() == value.rows() && predictions.cols() == value.cols(),
          "{} predicted states do not fit {} observed ones", predictions.cols(), value.cols());
  const Index k = ensemble.observations();
  ObservationTable table;
  for (Index c = 0; c < value.cols(); ++c) {
    for (Index d = 0; d < value.rows(); ++d) {
      const double w = weight.size() == 0 ? 1 : weight(d, c);
      if (w == 0) continue;
      const Index i = c / k;
      const bool is_last = c % k + 1 == k;
      table.trajectory.push_back(i);
      table.component.push_back(d);
      table.time.push_back(is_last ? ensemble.end_times[i] : ensemble.earlier_times(c % k, i));
      table.value.push_back(value(d, c));
      const double predicted = predictions(d, c);
      const double deviation =
          is_lognormal ? std::log(predicted / value(d, c)) : predicted - value(d, c);
      table.error.push_back((is_lognormal ? value(d, c) : 1) / std::sqrt(w));
      table.prediction.push_back(predicted);
      table.residual.push_back(deviation * std::sqrt(w));
    }
  }
  return table;
}

std::string described(const ForceStructure& structure) {
  std::vector<std::string> parts;
  if (structure.known) parts.push_back(structure.known->name);
  if (structure.network) {
    parts.push_back(fmt::format("network {}", fmt::join(structure.network->layers, "-")));
  }
  return fmt::format("{}", fmt::join(parts, " + "));
}

std::string losses_of(Loss first, const std::vector<OtherObjective>& others) {
  std::string words = first == Loss::observations ? "fit to observations"
                      : first == Loss::none       ? "no loss on orbits"
                                                  : fmt::format("{} loss", name(first));
  for (const OtherObjective& other : others) {
    words += fmt::format(" + {:g} times the {} loss", other.weight, name(other.loss));
  }
  return words;
}

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

ForceFieldPtr Run::field() const { return make_field({known, network}); }

Vector Run::known_values() const {
  if (!known) return {};
  const AnalyticForce term(*known);
  return term.values(state.theta.head(term.parameters()));
}

bool Run::is_verified() const { return !std::isnan(verification.loss); }

Run new_run(const Objective& objective, const std::optional<TrainingOptions>& options) {
  Run run;
  run.start_time = time_of_day();
  run.environment = environment(options ? options->sensitivity.integrator.thread_count() : 1);
  run.motion = objective.dynamics().motion();
  run.loss = objective.loss();
  run.period = objective.period();
  run.ensemble = objective.ensemble();
  run.observations = objective.observations();
  run.fits_initial_states = objective.fits_initial_states();
  run.force_data = objective.force_data();
  for (const auto& [weight, other] : objective.others()) {
    run.others.push_back(
        {weight, other.loss(), other.period(), other.ensemble(), other.observations()});
  }
  run.options = without_callables(options);
  const ForceStructure structure = structure_of(objective.dynamics().field());
  run.known = structure.known;
  run.network = structure.network;
  const std::string force = described(structure);
  run.title = fmt::format(
      "{}, {}, N = {}", losses_of(objective.loss(), run.others),
      force.empty() ? fmt::format("{} parameters", objective.dynamics().parameters()) : force,
      objective.ensemble().size());
  return run;
}

void record(Run& run, const TrainingState& state, const std::string& stop_reason) {
  static_cast<Findings&>(run) = {};
  run.state = state;
  if (state.initial_states.size() > 0) run.ensemble.initial_states = state.initial_states;
  run.stop_reason = stop_reason;
}

namespace {

/// The standard errors of the known term's parameters, in natural units by the delta method.
Vector known_errors(const AnalyticForce& force, const TrainingState& state,
                    const Posterior& posterior) {
  const Vector slopes = force.slopes(state.theta.head(force.parameters()));
  Vector errors = Vector::Constant(slopes.size(), not_a_number);
  Index next = 0;
  for (Index p = 0; p < slopes.size(); ++p) {
    if (!force.term().parameters[static_cast<std::size_t>(p)].is_fitted) continue;
    errors[p] = posterior.standard_error(slopes[p] * Vector::Unit(state.theta.size(), next++));
  }
  return errors;
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

/// How many numbers a posterior holds.
Index size_of(const Posterior& posterior) {
  Index size = posterior.factor.size();
  for (const Posterior::Start& start : posterior.starts) {
    size += start.factor.size() + start.by_theta.size();
  }
  return size;
}

void keep_posterior(Run& run, const Posterior& posterior) {
  if (posterior.starts.size() > 0) run.initial_state_errors = posterior.initial_state_errors;
  if (size_of(posterior) <= most_posterior_numbers) {
    run.posterior = posterior;
  } else {
    run.absent["posterior"] = "more than 4 10^6 numbers, so simulate predicts without bands";
  }
}

/// What is asked to stop, perhaps never.
StopRequested stop_of(const FinishOptions& options) {
  return options.stop_requested ? options.stop_requested : [] { return false; };
}

void finish_into(Run& finished, const Objective& objective, const TrainingResult& result,
                 const Budget& budget, const StopRequested& stop) {
  record(finished, result.state, describe(result.reason));
  finished.integrated_by = described(result.integrator);
  Parts(finished, objective, stop).add_all(result, budget);
}

}  // namespace

void finish(Run& run, const Objective& objective, const TrainingResult& result,
            const FinishOptions& options) {
  Run finished = run;
  const StopRequested stop = stop_of(options);
  finish_into(finished, objective, result, Budget(options.max_time, stop), stop);
  run = std::move(finished);
}

void finish(Run& run, const ObservationFit& fit, const FinishOptions& options) {
  Run finished = run;
  const TrainingState& state = fit.training.state;
  const Objective objective = objective_at(fit.objective, state);
  finished.observations = objective.observations();
  const StopRequested stop = stop_of(options);
  const Budget budget(options.max_time, stop);
  finish_into(finished, objective, fit.training, budget, stop);
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
    keep_posterior(finished, *fit.posterior);
    if (finished.known) {
      finished.parameter_errors =
          known_errors(AnalyticForce(*finished.known), state, *fit.posterior);
    }
  }
  Parts(finished, objective, stop).add_bands(fit, budget);
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

std::optional<Interval> observed_positions(const Observations& observations) {
  const States& value = observations.value;
  const States& weight = observations.weight;
  std::optional<Interval> range;
  for (Index c = 0; c < value.cols(); ++c) {
    if (weight.size() > 0 && weight(0, c) == 0) continue;
    const double x = value(0, c);
    range = range ? Interval{std::min(range->left, x), std::max(range->right, x)} : Interval{x, x};
  }
  return range;
}

std::optional<Certificate> certify(const Objective& objective, ConstVectorRef theta,
                                   std::optional<double> loss, double tolerance,
                                   const StopRequested& stop_requested) {
  if (!objective.dynamics().moves_on_a_line()) return std::nullopt;
  CertificateOptions options = certificate_options(objective.loss(), objective.period(), loss);
  options.tolerance = tolerance;
  options.visited = observed_positions(objective.observations());
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
  const Objective first =
      first_objective({1, *run.loss, run.period, run.ensemble, run.observations}, dynamics);
  return with_other_parts(run.fits_initial_states ? first.fitting_initial_states() : first, run);
}

Objective objective_of(const Run& run, TrajectoryLoss loss, ForceFieldPtr field) {
  require_own_loss(run);
  const Dynamics dynamics = dynamics_of(run, std::move(field));
  return with_other_parts(Objective(dynamics, run.ensemble, std::move(loss)), run);
}

Objective objective_of(const Run& run, TrajectoryResiduals residuals, ForceFieldPtr field) {
  require_own_loss(run);
  const Dynamics dynamics = dynamics_of(run, std::move(field));
  return with_other_parts(Objective(dynamics, run.ensemble, std::move(residuals)), run);
}

}  // namespace isochron
