#include "cli/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/version.hpp>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "build_info.hpp"
#include "cli/input_tables.hpp"
#include "cli/stored_configuration.hpp"
#include "clock.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "isochron/well.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

volatile std::sig_atomic_t caught_signal = 0;

extern "C" void remember_signal(int signal) {
  caught_signal = signal;
  std::signal(signal, SIG_DFL);
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string architecture(const Mlp& network, Motion motion) {
  return "network " + widths(network.layers()) + ", symmetry " + name(network.symmetry()) +
         (network.skip() == Skip::none ? "" : std::string(", skip ") + name(network.skip())) +
         (motion == Motion::newtonian ? ", newtonian" : ", first-order");
}

Motion read_motion(const Options& options) {
  return options.choice("dynamics", {"newtonian", "first-order"}) == 0 ? Motion::newtonian
                                                                       : Motion::first_order;
}

Index trajectories(const Options& options) { return options.integer("trajectories", 1, 10000000); }

}  // namespace

void catch_signals() {
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
}
bool signalled() { return caught_signal != 0; }
int signal_status() { return 128 + static_cast<int>(caught_signal); }

Problem read_problem(const Options& options) {
  Problem problem;
  problem.motion = read_motion(options);
  problem.loss = static_cast<Loss>(
      options.choice("loss", names({Loss::periodic, Loss::antiperiodic, Loss::prescribed_period,
                                    Loss::prescribed_half_period, Loss::none})));
  problem.period = options.time("period");
  static_cast<void>(trajectories(options));
  // The first one first: the others may have its value, and the sentence names the one that was
  // given.
  for (const char* key : {"seed", "data-seed", "weight-seed"}) static_cast<void>(options.seed(key));
  return problem;
}

void require_trainable(const Options& options) {
  std::vector<std::string> forces = well_names();
  forces.insert(forces.begin(), "mlp");
  if (options.choice("force", forces) != 0) {
    const std::string& force = options.text("force");
    throw InputError("--force " + force + " has no parameters to train; give mlp; to imitate it: " +
                     "--hold " + force + " --hold-range A,B; to run it: isochron simulate");
  }
  if (!options.text("params").empty()) {
    throw InputError("--params is for the analytic forces of simulate; a network has none");
  }
}

void check_architecture(const Mlp& network, Motion motion, const Results& stored,
                        const std::string& file) {
  const std::string has = architecture(stored.model->network(), stored.motion);
  const std::string asked = architecture(network, motion);
  if (has == asked) return;
  throw InputError(file + " holds " + has + "; the options ask for " + asked +
                   ", but a stored force keeps its architecture");
}

std::shared_ptr<const Mlp> read_network(const Options& options) {
  static_cast<void>(options.choice("activation", {"tanh"}));
  const Index dimension = options.integer("dimension", 1, 64);
  std::vector<Index> layers = options.widths("hidden");
  layers.insert(layers.begin(), dimension);
  layers.push_back(dimension);
  const auto symmetry =
      static_cast<Symmetry>(options.choice("symmetry", names({Symmetry::none, Symmetry::odd})));
  const auto skip = static_cast<Skip>(options.choice("skip", names({Skip::none, Skip::linear})));
  return std::make_shared<Mlp>(layers, symmetry, skip);
}

Vector initial_parameters(const Options& options, const Mlp& network) {
  return network.initial_parameters(options.seed("weight-seed"),
                                    options.number("output-scale", 0, 1e6));
}

std::string widths(const std::vector<Index>& layers) {
  std::string text;
  for (const Index width : layers) text += (text.empty() ? "" : "-") + std::to_string(width);
  return text;
}

bool states_are_drawn(const Options& options) {
  // A data seed that only follows --seed does not ask for other states.
  const Origin file = options.origin("initial-states");
  const bool own_seed = !options.follows_seed("data-seed");
  return options.text("initial-states").empty() || options.origin("trajectories") > file ||
         (own_seed && options.origin("data-seed") > file);
}

States initial_states(Options& options, Index state_dimension,
                      const std::optional<Results>& stored) {
  const Index count = trajectories(options);
  const bool drawn = states_are_drawn(options);
  const bool asked_for = options.given("initial-states") || options.given("trajectories") ||
                         (drawn && options.given("data-seed"));
  if (stored && !asked_for && !stored->has_period_law() &&
      stored->initial_states.rows() == state_dimension) {
    return stored->initial_states;
  }
  if (drawn) {
    options.settle("initial-states", "");
    return normal_states(state_dimension, count, options.seed("data-seed"));
  }
  const std::string source = options.text("initial-states");
  States states = read_states(source, read_motion(options), state_dimension);
  const bool two_counts = options.origin("trajectories") == options.origin("initial-states");
  if (two_counts && states.cols() != count) {
    throw InputError("--trajectories " + std::to_string(count) + " does not fit " + source +
                     ", which holds " + std::to_string(states.cols()) +
                     " initial states; leave it out");
  }
  options.settle("trajectories", std::to_string(states.cols()));
  return states;
}

IntegratorOptions integrator_options(const Options& options) {
  const auto tolerance = [&](const std::string& key) {
    return options.text(key) == "auto" ? 1e-10 : options.number(key, 1e-15, 1e-1, "auto");
  };
  IntegratorOptions integrator;
  integrator.method = static_cast<Method>(options.choice(
      "method",
      names({Method::adams, Method::bdf, Method::rkn8, Method::rkn12, Method::rk8, Method::rk4})));
  integrator.steps = options.integer("steps", 1, 1000000000);
  integrator.rtol = tolerance("rtol");
  integrator.atol = tolerance("atol");
  if (!options.text("max-step").empty()) {
    integrator.max_step = options.number("max-step", 1e-12, 1e12);
  }
  integrator.threads = options.text("threads").empty()
                           ? static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))
                           : static_cast<int>(options.integer("threads", 1, 1024));
  integrator.stop_requested = signalled;
  return integrator;
}

void read_cvodes_options(const Options& options, SensitivityOptions& sensitivity) {
  const auto tolerance = [&](const char* key) {
    return options.text(key).empty() ? 0 : options.number(key, 1e-15, 1e-1);
  };
  sensitivity.backward_rtol = tolerance("backward-rtol");
  sensitivity.quadrature_rtol = tolerance("quadrature-rtol");
  sensitivity.sensitivity_error_control = options.choice("sensitivity-errors", {"on", "off"}) == 0;
  sensitivity.staggered = options.choice("corrector", {"staggered", "simultaneous"}) == 0;
}

SensitivityOptions sensitivity_options(Options& options, Motion motion) {
  SensitivityOptions sensitivity;
  sensitivity.gradient = static_cast<GradientMethod>(options.choice(
      "gradient",
      names({GradientMethod::adjoint, GradientMethod::forward, GradientMethod::discrete})));
  sensitivity.integrator = integrator_options(options);
  const bool discrete = sensitivity.gradient == GradientMethod::discrete;
  const bool one_step = !is_multistep(sensitivity.integrator.method);
  if (discrete && !one_step && options.origin("gradient") > options.origin("method")) {
    options.settle("method", name(eighth_order(motion)));
    sensitivity.integrator = integrator_options(options);
  } else if (!discrete && one_step && options.origin("method") > options.origin("gradient")) {
    options.settle("gradient", "discrete");
    sensitivity.gradient = GradientMethod::discrete;
  }
  read_cvodes_options(options, sensitivity);
  sensitivity.interpolation = options.choice("interpolation", {"polynomial", "hermite"}) == 0
                                  ? Interpolation::polynomial
                                  : Interpolation::hermite;
  sensitivity.checkpoint_distance =
      options.text("checkpoint-distance") == "unlimited"
          ? 0
          : options.integer("checkpoint-distance", 1, 1000000000, "unlimited");
  sensitivity.freeze_steps = true;
  return sensitivity;
}

std::map<std::string, std::string> library_versions() {
  const auto dotted = [](int number, int major, int minor) {
    return std::to_string(number / major) + '.' + std::to_string(number / minor % (major / minor));
  };
  return {
      {"sundials", sundials_version()},
      {"hdf5", hdf5_version()},
      {"eigen", std::to_string(EIGEN_WORLD_VERSION) + '.' + std::to_string(EIGEN_MAJOR_VERSION) +
                    '.' + std::to_string(EIGEN_MINOR_VERSION)},
      {"boost", dotted(BOOST_VERSION, 100000, 100)},
      {"nlohmann_json", std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + '.' +
                            std::to_string(NLOHMANN_JSON_VERSION_MINOR) + '.' +
                            std::to_string(NLOHMANN_JSON_VERSION_PATCH)},
  };
}

namespace {

/// What the periods of these orbits are prescribed for.
void add_law_arguments(Results& results) {
  const States& states = results.initial_states;
  if (states.row(1).isZero(0)) {
    results.amplitudes = states.row(0);
  } else {
    results.energies = states.row(1).cwiseAbs2() / 2;
  }
}

}  // namespace

std::map<std::string, std::string> run_environment(const Options& options) {
  std::map<std::string, std::string> environment = library_versions();
  environment["isochron"] = build_info::version;
  environment["git_revision"] = build_info::git_revision;
  environment["compiler"] = build_info::compiler;
  environment["flags"] = build_info::flags;
  environment["cpu"] = processor();
  environment["threads"] = std::to_string(integrator_options(options).threads);
  return environment;
}

Results new_results(const std::string& verb, const Options& options, const Objective& objective) {
  Results results;
  results.start_time = time_of_day();
  results.environment = run_environment(options);
  results.config = configuration_json(verb, options);

  results.motion = objective.dynamics().motion();
  results.initial_states = objective.ensemble().initial_states;
  results.end_times = objective.ensemble().end_times;
  results.held = objective.force_data();
  if (prescribes_periods(objective.loss())) add_law_arguments(results);
  return results;
}

Results read_model(const std::string& file) {
  Results stored = read_results(file);
  if (!stored.model || stored.model->theta.size() == 0) {
    throw InputError(shown(file) + " holds no network; give the file of a training run");
  }
  return stored;
}

std::optional<Results> read_trained(Options& options, const std::string& key) {
  const std::string file = options.text(key);
  if (file.empty()) return std::nullopt;
  Results stored = read_model(file);
  const Options::Stored configuration = stored_options(stored, file);
  options.add_stored(configuration, "Problem");
  options.add_stored(configuration, "Force field");
  return stored;
}

void set_summary(Results& results, const std::string& name, double value, const std::string& what,
                 const std::string& units) {
  if (std::isfinite(value)) {
    results.summary_text.erase(name);
    results.summary[name] = {value, what + " (" + units + ")", units};
  } else {
    results.summary.erase(name);
    results.summary_text[name] = "absent: not a finite number";
  }
}

namespace {
constexpr const char* out_of_time = "absent: the time for it was over";
}

void compute_or_explain(Results& results, const std::string& name,
                        const std::function<void()>& compute) {
  try {
    compute();
  } catch (const NumericalError& error) {
    results.summary_text[name] = std::string("absent: ") + error.what();
    std::fprintf(stderr, "isochron: warning: %s is absent: %s\n", name.c_str(), error.what());
  } catch (const Interrupted&) {
    if (signalled()) throw;
    results.summary_text[name] = out_of_time;
  }
}

std::vector<std::string> left_out(const Results& results) {
  std::vector<std::string> names;
  for (const auto& [name, text] : results.summary_text) {
    if (text == out_of_time) names.push_back(name);
  }
  return names;
}

std::optional<double> verified_loss_of_trajectories(const Results& run) {
  const auto found = run.summary.find(run.held ? "loss_periodicity" : "loss_verified");
  if (found == run.summary.end()) return std::nullopt;
  return found->second.value;
}

CertificateOptions certificate_options(const Problem& problem, std::optional<double> loss) {
  CertificateOptions asked;
  if (prescribes_periods(problem.loss)) return asked;
  asked.period = problem.period;
  asked.half_orbits = problem.loss == Loss::antiperiodic;
  if (problem.loss != Loss::none) asked.loss = loss;
  return asked;
}

namespace {

struct Count {
  long IntegrationCounts::*value;
  const char* name;
  const char* what;
};
constexpr Count counted[] = {
    {&IntegrationCounts::steps, "_steps", " steps"},
    {&IntegrationCounts::right_hand_sides, "_right_hand_sides", " right-hand sides"},
    {&IntegrationCounts::jacobians, "_jacobians", " Jacobians"},
    {&IntegrationCounts::error_test_failures, "_error_test_failures", " error test failures"},
    {&IntegrationCounts::convergence_failures, "_convergence_failures", " convergence failures"},
};

}  // namespace

void set_counts(Results& results, const std::string& direction, const IntegrationCounts& counts) {
  for (const Count& count : counted) {
    set_summary(results, direction + count.name, static_cast<double>(counts.*count.value),
                direction + count.what);
  }
}

IntegrationCounts stored_counts(const Results& results, const std::string& direction) {
  IntegrationCounts counts;
  for (const Count& count : counted) {
    const auto found = results.summary.find(direction + count.name);
    if (found != results.summary.end())
      counts.*count.value = static_cast<long>(found->second.value);
  }
  return counts;
}

void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator) {
  const double period = objective.period();
  compute_or_explain(results, "phase_portrait", [&] {
    results.phase_portrait =
        phase_portraits(dynamics, theta, objective.whole_periods(), integrator);
  });
  if (dynamics.dimension() != 1 || dynamics.motion() != Motion::newtonian) return;
  if (results.phase_portrait.empty()) return;
  const std::vector<double>& x = results.phase_portrait.front().x;
  const auto range = std::minmax_element(x.begin(), x.end());
  compute_or_explain(results, "force", [&] {
    results.force = force_curve(dynamics.field(), theta, period, *range.first, *range.second);
  });
  compute_or_explain(results, "potential", [&] {
    results.potential =
        potential_curve(dynamics.field(), theta, period, *range.first, *range.second);
  });
  compute_or_explain(results, "orbits", [&] {
    results.orbits = orbit_fan(dynamics, theta, period, *range.second, integrator);
  });
}

}  // namespace isochron::cli
