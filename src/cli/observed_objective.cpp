#include "cli/observed_objective.hpp"

#include <cmath>
#include <utility>

#include "cli/data_file.hpp"
#include "cli/objective.hpp"
#include "floating_point.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// Where nothing is known of the noise, a fit begins with this part of the data's spread.
constexpr double first_noise = 0.1;

/// What --noise says, one for each component of a state; NaN where it says nothing.
Vector noise_asked_for(const Configuration& configuration, const ObservedData& data) {
  Vector noise = Vector::Constant(data.state_dimension(), not_a_number);
  if (!configuration.noise) return noise;
  const std::vector<double>& given = *configuration.noise;
  const std::vector<Index> counts = data.observed();
  std::vector<Index> observed;
  for (std::size_t d = 0; d < counts.size(); ++d) {
    if (counts[d] > 0) observed.push_back(static_cast<Index>(d));
  }
  require(given.size() == 1 || given.size() == observed.size(),
          "{} gives {} standard errors, but {} components are observed in {}; give one for all, or "
          "one for each",
          as_typed(configuration, "noise"), given.size(), observed.size(),
          shown(configuration.data));
  for (std::size_t k = 0; k < observed.size(); ++k) {
    noise[observed[k]] = given.size() == 1 ? given.front() : given[k];
  }
  return noise;
}

/// Logarithms need positive values, but for first ones that are exact initial states.
void check_values(const ObservedData& data, const Configuration& configuration) {
  if (configuration.error_model != ErrorModel::lognormal) return;
  for (const ObservedTrajectory& trajectory : data.trajectories()) {
    for (Index k = configuration.fit_initial_states ? 0 : 1; k < trajectory.size(); ++k) {
      for (Index d = 0; d < trajectory.value.rows(); ++d) {
        const double value = trajectory.value(d, k);
        const auto row = static_cast<std::size_t>(k);
        require(
            !(value <= 0),
            "--error-model lognormal needs positive values, and {}, {} {}, has {} = {:g}; leave "
            "--error-model out",
            shown(configuration.data), trajectory.place,
            trajectory.places.empty() ? k : trajectory.places[row],
            component_name(data.motion(), data.dimension(), d), value);
      }
    }
  }
}

/// Standard errors to begin with, of components whose values have none; whether there are any.
bool fill_noise(const ObservedData& data, bool starts_are_known, ErrorModel model, Vector& noise) {
  const std::vector<Index> lacking = data.without_error(starts_are_known ? 1 : 0);
  const std::vector<Index> all = data.observed(starts_are_known ? 1 : 0);
  bool estimates = false;
  for (Index d = 0; d < noise.size(); ++d) {
    const auto component = static_cast<std::size_t>(d);
    if (lacking[component] == 0 || !std::isnan(noise[d])) continue;
    require(lacking[component] == all[component],
            "{} of {} values of {} have no standard error, and others have; give --noise for them",
            lacking[component], all[component], component_name(data.motion(), data.dimension(), d));
    double sum = 0;
    double squares = 0;
    double count = 0;
    for (const ObservedTrajectory& trajectory : data.trajectories()) {
      for (const double value : trajectory.value.row(d)) {
        if (std::isnan(value)) continue;
        sum += value;
        squares += value * value;
        count += 1;
      }
    }
    const double spread = std::sqrt(std::max(0.0, squares / count - std::pow(sum / count, 2)));
    const bool is_relative = model == ErrorModel::lognormal;
    noise[d] = is_relative ? first_noise : spread > 0 ? first_noise * spread : 1;
    estimates = true;
  }
  return estimates;
}

/// How the residuals of --data count.
void take_errors(const Configuration& configuration, Observations& observations) {
  observations.error_model = configuration.error_model;
  observations.robust = configuration.robust;
}

Objective objective_of_data(const ObservedData& data, const Dynamics& dynamics,
                            const Configuration& configuration, const Vector& noise) {
  const bool fits_starts = configuration.fit_initial_states;
  ObservedEnsemble observed =
      fits_starts ? with_start(data, starting_states(data), noise) : with_known_start(data, noise);
  take_errors(configuration, observed.observations);
  const Objective objective(dynamics, std::move(observed.ensemble),
                            std::move(observed.observations));
  return fits_starts ? objective.fitting_initial_states() : objective;
}

void refuse_other_problems(const Configuration& configuration) {
  for (const char* key : {"period-multiple", "restarts"}) {
    require(!configuration.given(key), "{} does not go with --data; leave it out",
            as_typed(configuration, key));
  }
  const char* of_orbits =
      first_given(configuration, {"closed-weight", "initial-states", "trajectories", "period",
                                  "period-law", "law-params", "law-range"});
  require(configuration.loss != Loss::none || of_orbits == nullptr,
          "--{} is for closed orbits beside --data; give --loss periodic, or another one, too",
          of_orbits);
  require(configuration.optimizer == OptimizerKind::least_squares,
          "{} does not go with --data; give --optimizer least-squares, or leave it out",
          as_typed(configuration, "optimizer"));
}

/// And what is asked for beside the data.
Objective with_other_parts(Objective objective, const Configuration& configuration) {
  if (configuration.loss != Loss::none) {
    objective =
        objective.with(trajectory_objective(configuration, objective.dynamics(), std::nullopt),
                       configuration.closed_weight);
  }
  return with_held_force(objective, configuration, std::nullopt);
}

}  // namespace

ObservedProblem observed_problem(const Configuration& configuration, const Dynamics& dynamics) {
  refuse_other_problems(configuration);
  const DataColumns columns(configuration.motion, configuration.dimension,
                            parse_observe(configuration.observe));
  const ObservedData data = read_observed_data(configuration.data, columns);
  check_values(data, configuration);
  const bool fits = configuration.fit_initial_states;
  Vector noise = noise_asked_for(configuration, data);
  const bool estimates = fill_noise(data, !fits, configuration.error_model, noise);
  if (configuration.holdout == 0) {
    return {
        with_other_parts(objective_of_data(data, dynamics, configuration, noise), configuration),
        std::nullopt, false, estimates};
  }
  const Holdout parts = hold_out(data, configuration.holdout, configuration.data_seed);
  const Objective objective = with_other_parts(
      objective_of_data(parts.training, dynamics, configuration, noise), configuration);
  if (!parts.continues) {
    return {objective, objective_of_data(parts.held_out, dynamics, configuration, noise), false,
            estimates};
  }
  ObservedEnsemble later = with_start(parts.held_out, objective.ensemble().initial_states, noise);
  take_errors(configuration, later.observations);
  return {objective, Objective(dynamics, std::move(later.ensemble), std::move(later.observations)),
          true, estimates};
}

FitOptions fit_options(const Configuration& configuration, const TrainingOptions& training,
                       bool estimates_noise) {
  FitOptions options;
  options.training = training;
  options.ridge = configuration.ridge;
  options.windows = configuration.windows;
  options.estimate_noise = estimates_noise;
  if (configuration.horizons) {
    options.horizons = *configuration.horizons;
    if (options.horizons.empty()) options.horizons = {infinity};
  }
  return options;
}

void refuse_options_of_data(const Configuration& configuration) {
  for (const char* key : {"closed-weight", "observe", "noise", "error-model", "robust",
                          "fit-initial-states", "holdout", "horizon", "windows", "ridge"}) {
    require(!configuration.given(key), "--{} is for --data; give it, too", key);
  }
}

}  // namespace isochron::cli
