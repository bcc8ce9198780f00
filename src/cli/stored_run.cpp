#include "cli/stored_run.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/force_option.hpp"
#include "cli/input_tables.hpp"
#include "cli/option_table.hpp"
#include "cli/resolved.hpp"
#include "cli/solver_options.hpp"
#include "isochron/analytic_force.hpp"
#include "sentence.hpp"

namespace isochron::cli {

namespace {

std::string in_words(const AnalyticTerm& term) {
  std::vector<std::string> words;
  for (const AnalyticParameter& parameter : term.parameters) {
    const auto& [name, value, is_fitted, scale] = parameter;
    words.push_back(fmt::format(
        "{} = {}{}{}{}", name, shortest(value), is_fitted ? " fitted" : "",
        scale.logarithmic ? " by its logarithm" : "",
        scale.bounds ? " in " + range_in_words(scale.bounds->left, scale.bounds->right) : ""));
  }
  return fmt::format("{} ({})", term.name, fmt::join(words, ", "));
}

std::string in_words(const Architecture& network) {
  const bool is_usual = network.activation == Activation::tanh;
  return fmt::format(
      "network {}{}, symmetry {}{}", widths(network.layers),
      is_usual ? "" : fmt::format(", {}", name(network.activation)), name(network.symmetry),
      network.skip == Skip::none ? "" : fmt::format(", skip {}", name(network.skip)));
}

std::string in_words(const ForceStructure& structure, Motion motion) {
  std::vector<std::string> parts;
  if (structure.known) parts.push_back(in_words(*structure.known));
  if (structure.network) parts.push_back(in_words(*structure.network));
  return fmt::format("{}, {}", fmt::join(parts, " + "), name(motion));
}

/// That the run has the network, the motion and the trajectories which its configuration describes.
void check_description(const Configuration& described, const Run& run, const std::string& file) {
  const ForceStructure structure{run.known, run.network};
  require(force_asked_for(with_dimension_of_force(described)) == structure &&
              described.motion == run.motion,
          "the configuration in {} describes another network or dynamics than the file holds",
          shown(file));
  const bool two_orbits =
      prescribes_periods(described.loss) && described.period_by == PeriodBy::energy;
  const Ensemble& orbits = run.others.empty() ? run.ensemble : run.others.front().ensemble;
  require(orbits.size() == (two_orbits ? 2 : 1) * described.trajectories &&
              run.ensemble.end_times.size() == run.ensemble.size(),
          "data/initial_states and data/end_times in {} are not those of {} trajectories, as its "
          "configuration says",
          shown(file), described.trajectories);
}

/// Version 0.1.0 said some things in the text of the configuration alone.
void complete_from_text(Run& run, const std::string& file) {
  const Vector& times = run.ensemble.end_times;
  if (times.size() == 0 || times.size() != run.ensemble.size()) return;
  const Configuration described = resolved(stored_configuration(verb_train, run.config, file));
  run.loss = described.loss;
  run.period = prescribes_periods(described.loss) ? times.mean() * (mirrors(described.loss) ? 2 : 1)
                                                  : described.period;
  run.verdict_tolerance = described.verdict_tolerance;
  if (!run.prescribes_periods() && states_are_drawn(described)) run.data_seed = described.data_seed;
  if (run.state.history.size() > 0 && run.network) {
    run.options = training_options(described, Dynamics(network_of(described), described.motion));
  }
}

/// Values of a run in the place of those that a configuration has.
class Taking {
 public:
  Taking(Configuration& configuration, const std::string& file)
      : configuration_(configuration), file_(file) {}

  template <class T, class U>
  void operator()(const char* key, T Configuration::*member, const U& value) const {
    if (configuration_.*member == value) return;
    configuration_.*member = value;
    configuration_.sources[key] = {Origin::stored_file, false, file_};
    const Setting& setting = option_named(key, verb_train).setting;
    Configuration scratch;
    if (!setting.read(scratch, setting.write(configuration_))) {
      throw not_admissible(configuration_, key, setting.wanted);
    }
  }

 private:
  Configuration& configuration_;
  const std::string& file_;
};

using C = Configuration;

void take_network(const Architecture& network, const Taking& take) {
  const std::vector<Index>& layers = network.layers;
  take("hidden", &C::hidden, std::vector<Index>(layers.begin() + 1, layers.end() - 1));
  take("activation", &C::activation, network.activation);
  take("symmetry", &C::symmetry, network.symmetry);
  take("skip", &C::skip, network.skip);
}

void take_term(const AnalyticTerm& term, const Taking& take) {
  C::Parameters values;
  std::vector<std::string> fitted;
  std::vector<std::string> logarithmic;
  C::Bounds bounds;
  for (const AnalyticParameter& parameter : term.parameters) {
    const ParameterScale& scale = parameter.scale;
    values[parameter.name] = parameter.value;
    if (parameter.is_fitted) fitted.push_back(parameter.name);
    if (scale.logarithmic) logarithmic.push_back(parameter.name);
    if (scale.bounds) bounds[parameter.name] = {scale.bounds->left, scale.bounds->right};
  }
  take("params", &C::parameters, values);
  take("fit", &C::fitted, fitted);
  take("log", &C::logarithmic, logarithmic);
  take("bounds", &C::bounds, bounds);
}

/// What a run would be of such orbits alone.
Run orbits_of(const OtherObjective& orbits, Motion motion) {
  Run run;
  run.motion = motion;
  run.loss = orbits.loss;
  run.period = orbits.period;
  run.ensemble = orbits.ensemble;
  return run;
}

/// The trajectories of a run and what its loss asks of them.
void take_orbits(const Run& run, const Taking& take) {
  take("trajectories", &C::trajectories, run.ensemble.size() / (run.by_energy() ? 2 : 1));
  if (!run.loss) return;
  take("loss", &C::loss, asks_for_closed_orbits(*run.loss) ? *run.loss : Loss::none);
  if (run.prescribes_periods()) {
    take("period-by", &C::period_by, run.by_energy() ? PeriodBy::energy : PeriodBy::amplitude);
  } else {
    take("period", &C::period, run.period);
  }
}

void take_problem(const Run& run, const Taking& take) {
  take("dynamics", &C::motion, run.motion);
  take("force", &C::force, force_name_of({run.known, run.network}));
  take("dimension", &C::dimension, run.field()->dimension());
  if (run.network) take_network(*run.network, take);
  if (run.known) take_term(*run.known, take);
  const bool has_orbits_beside = run.loss == Loss::observations && !run.others.empty() &&
                                 asks_for_closed_orbits(run.others.front().loss);
  if (has_orbits_beside) {
    take("closed-weight", &C::closed_weight, run.others.front().weight);
    take_orbits(orbits_of(run.others.front(), run.motion), take);
  } else {
    take_orbits(run, take);
  }
  if (!run.loss) return;
  if (run.data_seed) take("data-seed", &C::data_seed, *run.data_seed);
  if (run.force_data) take("hold-weight", &C::hold_weight, run.force_data->weight);
  take("verdict-tolerance", &C::verdict_tolerance, run.verdict_tolerance);
}

/// What an option of 0 leaves to the program.
template <class T>
std::optional<T> unless_zero(T value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

void take_options(const TrainingOptions& options, const Taking& take) {
  const bool jacobian_alone = options.kind == OptimizerKind::least_squares && options.jacobian;
  const SensitivityOptions& way = jacobian_alone ? *options.jacobian : options.sensitivity;
  const IntegratorOptions& integrator = way.integrator;
  take("method", &C::method, integrator.method);
  take("steps", &C::steps, integrator.steps);
  take("max-step", &C::max_step, unless_zero(integrator.max_step));
  const auto rtol = options.tolerance_follows() ? std::nullopt : std::optional(integrator.rtol);
  take("rtol", &C::rtol, rtol);
  if (rtol && integrator.atol != *rtol) take("atol", &C::atol, std::optional(integrator.atol));
  take("gradient", &C::gradient, way.gradient);
  take("interpolation", &C::interpolation, way.interpolation);
  take("backward-rtol", &C::backward_rtol, unless_zero(way.backward_rtol));
  take("quadrature-rtol", &C::quadrature_rtol, unless_zero(way.quadrature_rtol));
  take("checkpoint-distance", &C::checkpoint_distance, unless_zero(way.checkpoint_distance));
  take("sensitivity-errors", &C::sensitivity_errors, way.sensitivity_error_control);
  take("corrector", &C::staggered, way.staggered);

  const OptimizerOptions& optimizer = options.optimizer;
  take("optimizer", &C::optimizer, options.kind);
  take("max-time", &C::max_time, options.max_time);
  take("memory", &C::memory, optimizer.memory);
  take("learning-rate", &C::learning_rate, optimizer.learning_rate);
  take("loss-tolerance", &C::loss_tolerance, optimizer.loss_tolerance);
  take("gradient-tolerance", &C::gradient_tolerance, optimizer.gradient_tolerance);
  const long limit = optimizer.max_iterations;
  take("iterations", &C::iterations, limit < 0 ? std::nullopt : std::optional(limit));
}

/// What else can be given than a file without a force: the analytic one that was simulated.
std::string remedy_without_force(const Run& run, const std::string& file) {
  const auto config = parsed_configuration(run.config, file);
  if (!is_simulated(run)) return "";
  const std::string force = stored_text(stored_object(config, "options"), "force");
  return force.empty() ? "" : ", or --force " + shown(force);
}

}  // namespace

bool is_simulated(const Run& run) { return !std::isnan(run.simulation.mean_square_residual); }

void require_results_file(const std::string& file) {
  const std::vector<std::string> forces = analytic_names();
  std::error_code ignored;
  require(std::filesystem::exists(file, ignored) ||
              std::find(forces.begin(), forces.end(), file) == forces.end(),
          "{0} does not exist; for the analytic force: isochron simulate --force {1}", quoted(file),
          file);
  require(!is_text_file(file),
          "{} is not an HDF5 file; to fit a table of observations: isochron train --data {}",
          quoted(file), shown(file));
}

Run read_run(const std::string& file) {
  Run run = read_results(file);
  static_cast<void>(parsed_configuration(run.config, file));  // or throws, where it is damaged
  if (!run.loss && !run.config.empty()) complete_from_text(run, file);
  return run;
}

Run read_model(const std::string& file) {
  require_results_file(file);
  Run run = read_run(file);
  const bool has_force = run.state.theta.size() > 0;
  require(has_force, "{} {}holds no network; give the file of a training run{}", shown(file),
          is_simulated(run) ? "comes from simulate and " : "", remedy_without_force(run, file));
  require(run.field() != nullptr,
          "{} holds a force of another kind than a network: only the library, given its field, can "
          "go on with it",
          shown(file));
  return run;
}

std::optional<Run> read_model_if_any(const std::string& file) {
  return file.empty() ? std::nullopt : std::optional(read_model(file));
}

bool resumable(const Run& run) { return run.field() != nullptr && run.loss != Loss::own; }

Configuration configuration_of(const Run& run, const std::string& file) {
  Configuration configuration;
  configuration.verb = verb_train;
  if (!run.config.empty()) {
    configuration = stored_configuration(verb_train, run.config, file);
    check_description(configuration, run, file);
  }
  const Taking take(configuration, file);
  take_problem(run, take);
  if (run.options) take_options(*run.options, take);
  return configuration;
}

Configuration with_problem_of(const std::optional<Run>& stored, const std::string& file,
                              Configuration configuration) {
  if (!stored) return configuration;
  Configuration theirs = configuration_of(*stored, file);
  if (stored->loss == Loss::observations) take_orbits(*stored, Taking(theirs, file));
  return with_stored_problem(std::move(configuration), theirs);
}

void check_architecture(const Configuration& configuration, const Run& stored,
                        const std::string& file) {
  const std::string has = in_words({stored.known, stored.network}, stored.motion);
  const std::string asked = in_words(force_asked_for(configuration), configuration.motion);
  require(has == asked,
          "{} holds {}; the options ask for {}, but a stored force keeps its architecture", file,
          has, asked);
}

Output output_of(const Configuration& configuration, const std::string& resumed) {
  const std::string& output = configuration.output;
  std::error_code ignored;
  const bool same =
      !configuration.given("output") ||
      (configuration.overwrite && std::filesystem::equivalent(output, resumed, ignored));
  if (!resumed.empty() && same) return Output::into(resumed);
  if (configuration.given("output")) return {output, configuration.overwrite};
  const std::string name = name_of(configuration.verb) + ".h5";
  return configuration.overwrite ? Output(name, true) : Output::numbered(name);
}

}  // namespace isochron::cli
