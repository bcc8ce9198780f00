#include "cli/objective.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "cli/input_tables.hpp"
#include "cli/well_option.hpp"
#include "isochron/error.hpp"
#include "isochron/period_law.hpp"
#include "isochron/well.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Keys = std::initializer_list<const char*>;

std::optional<std::string> first_given(const Options& options, Keys keys) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const char* key) { return options.given(key); });
  return found == keys.end() ? std::nullopt : std::optional<std::string>(*found);
}

/// None of these options has a meaning here.
void refuse(const Options& options, Keys keys, const std::string& reason) {
  if (const auto key = first_given(options, keys)) throw InputError("--" + *key + ' ' + reason);
}

void require_line(const Dynamics& dynamics, const std::string& option) {
  if (dynamics.dimension() == 1 && dynamics.motion() == Motion::newtonian) return;
  throw InputError(option + " is for newtonian dynamics with --dimension 1");
}

// ------------------------------------------------------------------------------ prescribed periods

PeriodBy period_by(const Options& options) {
  return static_cast<PeriodBy>(
      options.choice("period-by", {name(PeriodBy::amplitude), name(PeriodBy::energy)}));
}

PeriodLaw law_of(const Well& well, const Options& options) {
  if (options.text("law-range").empty()) {
    throw InputError("--period-law " + well.name() +
                     " needs --law-range LOW,HIGH: from which amplitudes or energies");
  }
  const PeriodBy by = period_by(options);
  const auto [low, high] = options.interval("law-range");
  if (low < 0) {
    throw InputError("--law-range " + options.text("law-range") +
                     " is not admissible; amplitudes and energies begin at 0 or above");
  }
  try {
    return period_law(well, by,
                      law_arguments(by, low, high, options.integer("trajectories", 1, 10000000)));
  } catch (const InputError& error) {
    throw InputError("--law-range " + options.text("law-range") + " does not fit: " + error.what());
  }
}

PeriodLaw law_in_file(Options& options) {
  const std::string file = options.text("period-law");
  refuse(options, {"law-params", "law-range"},
         "is for an analytic --period-law; " + file + " is a file");
  const Eigen::MatrixXd pairs = read_periods(file, period_by(options));
  if (options.given("trajectories") &&
      options.integer("trajectories", 1, 10000000) != pairs.cols()) {
    throw InputError("--trajectories " + options.text("trajectories") + " does not fit " + file +
                     ", which holds " + std::to_string(pairs.cols()) + " periods; leave it out");
  }
  options.settle("trajectories", std::to_string(pairs.cols()));
  PeriodLaw law{period_by(options), pairs.row(0), pairs.row(1)};
  try {
    law.validate();
    law.require_well();
  } catch (const InputError& error) {
    throw InputError("in " + file + ", " + error.what());
  }
  return law;
}

Ensemble prescribed_orbits(Options& options, Loss loss, const std::optional<Results>& stored) {
  const auto asked_for =
      first_given(options, {"loss", "period-law", "law-params", "law-range", "period-by",
                            "period-noise", "trajectories", "data-seed"});
  if (stored && stored->has_period_law() && !asked_for) {
    const double halves = loss == Loss::prescribed_half_period ? 2 : 1;
    return {stored->initial_states, Vector(halves * stored->end_times)};
  }
  if (options.text("period-law").empty()) {
    throw InputError(std::string("--loss ") + name(loss) +
                     " needs --period-law: an analytic force, or a text file with an "
                     "amplitude or energy and its period in each row");
  }
  const double noise = options.number("period-noise", 0, 0.1);
  const auto well = read_well(options, "period-law", "law-params");
  PeriodLaw law = well ? law_of(*well, options) : law_in_file(options);
  if (noise > 0) law = with_noise(std::move(law), noise, options.seed("data-seed"));
  return law.orbits();
}

Objective prescribed_periods(Options& options, Loss loss, const Dynamics& dynamics,
                             const std::optional<Results>& stored) {
  require_line(dynamics, std::string("--loss ") + name(loss));
  refuse(
      options, {"period", "initial-states"},
      std::string("is not for --loss ") + name(loss) + ", whose orbits follow from --period-law");
  Objective objective(dynamics, prescribed_orbits(options, loss, stored), loss);
  char mean[40];
  std::snprintf(mean, sizeof mean, "%.17g", objective.period());
  options.settle("period", mean);
  options.settle("initial-states", "");
  return objective;
}

// -------------------------------------------------------------------------------- the held force

ForceData held_to(const Well& well, const Options& options) {
  if (options.text("hold-range").empty()) {
    throw InputError("--hold " + well.name() +
                     " needs --hold-range A,B: at which positions the force is held");
  }
  const auto [low, high] = options.interval("hold-range");
  const Index points = options.integer("hold-points", 2, 100000);
  ForceData held;
  held.position = Vector::LinSpaced(points, low, high);
  held.force = held.position.unaryExpr([&](double x) { return well.force(x); });
  if (!held.force.allFinite()) {
    char domain[100];
    std::snprintf(domain, sizeof domain, "%g < x < %g", well.domain().left, well.domain().right);
    throw InputError("--hold-range " + options.text("hold-range") + " leaves the domain of the " +
                     well.name() + " force, " + domain);
  }
  return held;
}

ForceData held_to_file(const Options& options) {
  const std::string file = options.text("hold");
  refuse(options, {"hold-params", "hold-range", "hold-points"},
         "is for an analytic --hold; " + file + " is a file");
  const Eigen::MatrixXd pairs = read_forces(file, "the held force");
  return {pairs.row(0), pairs.row(1), 1};
}

/// The points that --hold asks for, without their weight.
std::optional<ForceData> held_points(const Options& options, const std::optional<Results>& stored) {
  if (options.text("hold").empty()) {
    refuse(options, {"hold-params", "hold-range", "hold-points"},
           "says where a force is held; give --hold, too");
    return std::nullopt;
  }
  const bool asked_for =
      first_given(options, {"hold", "hold-params", "hold-range", "hold-points"}).has_value();
  if (stored && stored->held && !asked_for) return stored->held;
  const auto well = read_well(options, "hold", "hold-params");
  return well ? held_to(*well, options) : held_to_file(options);
}

/// An orbit of energy E starts at x = 0 with v^2/2 = E, so that is where the minimum must be.
void add_equilibrium(ForceData& held) {
  for (Index k = 0; k < held.position.size(); ++k) {
    if (held.position[k] != 0) continue;
    if (held.force[k] == 0) return;
    throw InputError(sentence("the force is held at %g in x = 0, where periods by energy need it 0",
                              held.force[k]));
  }
  const Index points = held.position.size();
  held.position.conservativeResize(points + 1);
  held.force.conservativeResize(points + 1);
  held.position[points] = held.force[points] = 0;
}

}  // namespace

Objective read_objective(Options& options, const Problem& problem, const Dynamics& dynamics,
                         const std::optional<Results>& stored) {
  if (prescribes_periods(problem.loss)) {
    return prescribed_periods(options, problem.loss, dynamics, stored);
  }
  refuse(options, {"period-law", "law-params", "law-range", "period-by", "period-noise"},
         "is for --loss prescribed-period and prescribed-half-period");
  return Objective(dynamics, problem.loss,
                   initial_states(options, dynamics.state_dimension(), stored), problem.period);
}

Objective read_training_objective(Options& options, const Problem& problem, const Mlp& network,
                                  const Dynamics& dynamics, const std::optional<Results>& stored) {
  Objective objective = read_objective(options, problem, dynamics, stored);
  std::optional<ForceData> held = held_points(options, stored);
  if (held) require_line(dynamics, "--hold");
  const bool by_energy = prescribes_periods(problem.loss) && period_by(options) == PeriodBy::energy;
  if (by_energy && network.symmetry() != Symmetry::odd) {
    if (!held) held.emplace();
    add_equilibrium(*held);
  }
  if (!held) {
    refuse(options, {"hold-weight"}, "weighs a held force; give --hold, too");
    if (problem.loss == Loss::none) {
      throw InputError(
          "--loss none asks nothing of trajectories, so the force must be held; give "
          "--hold");
    }
    return objective;
  }
  held->weight = options.number("hold-weight", 1e-12, 1e12);
  return objective.with(std::move(*held));
}

}  // namespace isochron::cli
