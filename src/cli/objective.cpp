#include "cli/objective.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "cli/input_tables.hpp"
#include "cli/option_table.hpp"
#include "cli/resolved.hpp"
#include "cli/well_option.hpp"
#include "isochron/error.hpp"
#include "isochron/period_law.hpp"
#include "isochron/random.hpp"
#include "isochron/well.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Keys = std::initializer_list<const char*>;

/// None of these options has a meaning here.
template <class... Values>
void refuse(const Configuration& configuration, Keys keys,
            fmt::format_string<const Values&...> reason, const Values&... values) {
  if (const char* key = first_given(configuration, keys)) {
    throw InputError(fmt::format("--{} {}", key, fmt::format(reason, values...)));
  }
}

void require_line(const Dynamics& dynamics, const std::string& option) {
  require(dynamics.moves_on_a_line(), "{} is for newtonian dynamics with --dimension 1", option);
}

/// Where a file holds as many rows as it does, there is no other number of trajectories.
void require_count(const Configuration& configuration, Index count, const std::string& file,
                   const char* what) {
  require(configuration.trajectories == count,
          "{} does not fit {}, which holds {} {}; leave it out",
          as_typed(configuration, "trajectories"), file, count, what);
}

// -------------------------------------------------------------------------------- drawn or read

States read_initial_states(const Configuration& configuration, Index state_dimension) {
  const std::string& source = configuration.initial_states;
  States states = read_states(source, configuration.motion, state_dimension);
  const bool two_counts =
      configuration.origin("trajectories") == configuration.origin("initial-states");
  if (two_counts) require_count(configuration, states.cols(), source, "initial states");
  return states;
}

// ------------------------------------------------------------------------------ prescribed periods

PeriodLaw law_of(const Well& well, const Configuration& configuration) {
  require(configuration.law_range.has_value(),
          "--period-law {} needs --law-range LOW,HIGH, the range of its amplitudes or energies",
          well.name());
  const PeriodBy by = configuration.period_by;
  const auto [low, high] = *configuration.law_range;
  const std::string range = as_typed(configuration, "law-range");
  require(low >= 0, "{} is not admissible; amplitudes and energies begin at 0 or above", range);
  try {
    return period_law(well, by, law_arguments(by, low, high, configuration.trajectories));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{} does not fit: {}", range, error.what()));
  }
}

PeriodLaw law_in_file(const Configuration& configuration) {
  const std::string& file = configuration.period_law;
  refuse(configuration, {"law-params", "law-range"},
         "is for an analytic --period-law; {} is a file", file);
  const Eigen::MatrixXd pairs = read_periods(file, configuration.period_by);
  if (configuration.given("trajectories")) {
    require_count(configuration, pairs.cols(), file, "periods");
  }
  PeriodLaw law{configuration.period_by, pairs.row(0), pairs.row(1)};
  try {
    law.validate();
    law.require_well();
  } catch (const InputError& error) {
    throw InputError(fmt::format("in {}, {}", file, error.what()));
  }
  return law;
}

Ensemble prescribed_orbits(const Configuration& configuration, const std::optional<Run>& stored) {
  const Loss loss = configuration.loss;
  const bool asked_for =
      first_given(configuration, {"loss", "period-law", "law-params", "law-range", "period-by",
                                  "period-noise", "trajectories", "data-seed"}) != nullptr;
  if (stored && stored->prescribes_periods() && !asked_for) {
    const double halves = loss == Loss::prescribed_half_period ? 2 : 1;
    return {stored->ensemble.initial_states, Vector(halves * stored->ensemble.end_times)};
  }
  require(!configuration.period_law.empty(),
          "--loss {} needs --period-law: an analytic force, or a text file with an amplitude or "
          "energy and its period in each row",
          name(loss));
  return period_law_asked_for(configuration).orbits();
}

Objective prescribed_periods(const Configuration& configuration, const Dynamics& dynamics,
                             const std::optional<Run>& stored) {
  const std::string loss = as_typed(configuration, "loss");
  require_line(dynamics, loss);
  refuse(configuration, {"period", "initial-states"},
         "is not for {}, whose orbits follow from --period-law", loss);
  return Objective(dynamics, prescribed_orbits(configuration, stored), configuration.loss);
}

// ------------------------------------------------------------------------------------ force data

ForceData data_of(const Well& well, const Configuration& configuration) {
  require(configuration.hold_range.has_value(),
          "--hold {} needs --hold-range A,B, the positions between which it is held", well.name());
  const auto [low, high] = *configuration.hold_range;
  ForceData data;
  data.position = Vector::LinSpaced(configuration.hold_points, low, high);
  data.force = data.position.unaryExpr([&](double x) { return well.force(x); });
  require(data.force.allFinite(), "{} leaves the domain of the {} force, {:g} < x < {:g}",
          as_typed(configuration, "hold-range"), well.name(), well.domain().left,
          well.domain().right);
  return data;
}

ForceData data_in_file(const Configuration& configuration) {
  const std::string& file = configuration.hold;
  refuse(configuration, {"hold-params", "hold-range", "hold-points"},
         "is for an analytic --hold; {} is a file", file);
  const Eigen::MatrixXd pairs = read_forces(file, "the force data");
  return {pairs.row(0), pairs.row(1), 1};
}

/// The points that --hold asks for, without their weight.
std::optional<ForceData> force_data_asked_for(const Configuration& configuration,
                                              const std::optional<Run>& stored) {
  const bool asked_for =
      first_given(configuration, {"hold", "hold-params", "hold-range", "hold-points"}) != nullptr;
  if (stored && stored->force_data && !asked_for) return stored->force_data;
  if (configuration.hold.empty()) {
    refuse(configuration, {"hold-params", "hold-range", "hold-points"},
           "says where a force is held; give --hold, too");
    return std::nullopt;
  }
  const auto well = well_or_file("hold", configuration.hold, configuration.hold_parameters);
  return well ? data_of(*well, configuration) : data_in_file(configuration);
}

/// An orbit of energy E starts at x = 0 with v^2/2 = E, so that is where the minimum must be.
void add_equilibrium(ForceData& data) {
  for (Index k = 0; k < data.position.size(); ++k) {
    if (data.position[k] != 0) continue;
    require(
        data.force[k] == 0,
        "--hold asks for f(0) = {:g}, but --period-by energy needs f(0) = 0, where its orbits have "
        "their least energy; give a force that is 0 there, or --period-by amplitude",
        data.force[k]);
    return;
  }
  const Index points = data.position.size();
  data.position.conservativeResize(points + 1);
  data.force.conservativeResize(points + 1);
  data.position[points] = data.force[points] = 0;
}

}  // namespace

PeriodLaw period_law_asked_for(const Configuration& configuration) {
  const auto well =
      well_or_file("period-law", configuration.period_law, configuration.law_parameters);
  PeriodLaw law = well ? law_of(*well, configuration) : law_in_file(configuration);
  const double noise = configuration.period_noise;
  return noise > 0 ? with_noise(std::move(law), noise, configuration.data_seed) : law;
}

const char* first_given(const Configuration& configuration,
                        std::initializer_list<const char*> keys) {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const char* key) { return configuration.given(key); });
  return found == keys.end() ? nullptr : *found;
}

bool asks_for_problem(const Configuration& configuration) {
  const std::vector<std::string> keys = given_keys(configuration);
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return key != "weight-seed" &&
           option_named(key, configuration.verb).group == std::string("Problem");
  });
}

States initial_states(const Configuration& configuration, Index state_dimension,
                      const std::optional<Run>& stored) {
  const bool drawn = states_are_drawn(configuration);
  const bool asked_for = configuration.given("initial-states") ||
                         configuration.given("trajectories") ||
                         (drawn && configuration.given("data-seed"));
  if (stored && !asked_for && !stored->prescribes_periods() &&
      stored->ensemble.initial_states.rows() == state_dimension) {
    return stored->ensemble.initial_states;
  }
  return drawn ? normal_states(state_dimension, configuration.trajectories, configuration.data_seed)
               : read_initial_states(configuration, state_dimension);
}

Objective trajectory_objective(const Configuration& configuration, const Dynamics& dynamics,
                               const std::optional<Run>& stored) {
  if (prescribes_periods(configuration.loss)) {
    return prescribed_periods(configuration, dynamics, stored);
  }
  refuse(configuration, {"period-law", "law-params", "law-range", "period-by", "period-noise"},
         "is for --loss prescribed-period and prescribed-half-period");
  return Objective(dynamics, configuration.loss,
                   initial_states(configuration, dynamics.state_dimension(), stored),
                   configuration.period);
}

Objective training_objective(const Configuration& configuration, const Dynamics& dynamics,
                             const std::optional<Run>& stored) {
  if (stored && stored->loss && !asks_for_problem(configuration)) {
    return objective_of(*stored, dynamics.shared_field());
  }
  Objective objective =
      with_held_force(trajectory_objective(configuration, dynamics, stored), configuration, stored);
  require(objective.counts_trajectories() || objective.force_data(),
          "--loss none asks nothing of trajectories, so the force must be held; give --hold");
  return objective;
}

Objective with_held_force(const Objective& objective, const Configuration& configuration,
                          const std::optional<Run>& stored) {
  std::optional<ForceData> data = force_data_asked_for(configuration, stored);
  if (data) require_line(objective.dynamics(), "--hold");
  const bool by_energy =
      prescribes_periods(configuration.loss) && configuration.period_by == PeriodBy::energy;
  if (by_energy && configuration.symmetry != Symmetry::odd) {
    if (!data) data.emplace();
    add_equilibrium(*data);
  }
  if (!data) {
    refuse(configuration, {"hold-weight"}, "weighs force data; give --hold, too");
    return objective;
  }
  data->weight = configuration.hold_weight;
  return objective.with(std::move(*data));
}

}  // namespace isochron::cli
