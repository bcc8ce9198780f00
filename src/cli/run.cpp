#include "cli/run.hpp"

#include <unistd.h>

#include <boost/version.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "build_info.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"

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

std::string now() {
  const std::time_t t = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&t, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

States read_text_states(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw InputError("the initial states file " + path + " cannot be read");
  std::vector<double> numbers;
  Index columns = 0;
  Index rows = 0;
  long line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    const auto comment = line.find('#');
    if (comment != std::string::npos) line.erase(comment);
    for (char& c : line) {
      if (c == ',' || c == ';') c = ' ';
    }
    std::istringstream words(line);
    Index count = 0;
    for (std::string word; words >> word; ++count) {
      char* end = nullptr;
      numbers.push_back(std::strtod(word.c_str(), &end));
      if (*end != '\0') {
        throw InputError("in " + path + ", line " + std::to_string(line_number) + ", '" + word +
                         "' is not a number");
      }
    }
    if (count == 0) continue;
    if (rows > 0 && count != columns) {
      throw InputError("in " + path + ", line " + std::to_string(line_number) + " has " +
                       std::to_string(count) + " numbers, the lines before have " +
                       std::to_string(columns));
    }
    columns = count;
    ++rows;
  }
  // One state per row of the file: exactly the columns of a column-major matrix.
  return Eigen::Map<const States>(numbers.data(), columns, rows);
}

States read_states(const std::string& source) {
  const auto colon = source.find(":/");
  if (colon == std::string::npos) return read_text_states(source);
  return read_matrix(source.substr(0, colon), source.substr(colon + 1)).transpose();
}

/// A stored value: numbers as numbers, so that programs need not parse them.
nlohmann::json typed(const std::string& text) {
  if (text.empty()) return nullptr;
  const auto value = nlohmann::json::parse(text, nullptr, false);
  const bool round_trips = value.is_number() && value.dump() == text;
  return round_trips ? value : nlohmann::json(text);
}

}  // namespace

void catch_signals() {
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
}
bool signalled() { return caught_signal != 0; }
int signal_status() { return 128 + static_cast<int>(caught_signal); }

Motion motion(const Options& options) {
  return options.choice("dynamics", {"newtonian", "first-order"}) == 0 ? Motion::newtonian
                                                                       : Motion::first_order;
}

States initial_states(const Options& options, Index state_dimension) {
  const std::string source = options.text("initial-states");
  if (source.empty()) {
    return normal_states(state_dimension, options.integer("trajectories", 1, 10000000),
                         options.seed("data-seed"));
  }
  States states = read_states(source);
  if (states.cols() == 0) throw InputError("the initial states file " + source + " is empty");
  if (states.rows() != state_dimension) {
    throw InputError("the initial states in " + source + " have " + std::to_string(states.rows()) +
                     " components, the problem needs " + std::to_string(state_dimension));
  }
  if (!states.allFinite()) {
    throw InputError("the initial states in " + source + " are not all finite");
  }
  return states;
}

IntegratorOptions integrator_options(const Options& options) {
  IntegratorOptions integrator;
  integrator.method = options.choice("method", {"adams", "bdf"}) == 0 ? Method::adams : Method::bdf;
  integrator.rtol = options.text("rtol") == "auto" ? 1e-10 : options.number("rtol", 1e-15, 1e-1);
  integrator.atol =
      options.text("atol").empty() ? integrator.rtol : options.number("atol", 1e-15, 1e-1);
  integrator.threads = options.text("threads").empty()
                           ? static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))
                           : static_cast<int>(options.integer("threads", 1, 1024));
  integrator.stop_requested = signalled;
  return integrator;
}

void check_output(const std::filesystem::path& path, bool may_replace) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (path.empty()) throw InputError("--output '' is not admissible; give the name of a file");
  if (fs::is_directory(path, ignored)) {
    throw InputError("the output " + path.string() + " is a folder; give the name of a file");
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored)) {
    throw InputError("the output folder " + folder.string() + " does not exist");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw InputError("the output folder " + folder.string() + " is not writable");
  }
  if (fs::exists(path, ignored) && !may_replace) {
    throw InputError("the output file " + path.string() +
                     " exists; give --overwrite to replace it or another --output");
  }
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

Results new_results(const std::string& verb, const Options& options) {
  Results results;
  results.start_time = now();
  results.environment = library_versions();
  results.environment["isochron"] = build_info::version;
  results.environment["git_revision"] = build_info::git_revision;
  results.environment["compiler"] = build_info::compiler;
  results.environment["flags"] = build_info::flags;
  results.environment["cpu"] = processor();
  results.environment["threads"] = std::to_string(integrator_options(options).threads);

  nlohmann::ordered_json config;
  config["verb"] = verb;
  for (const std::string& key : options.configuration_keys()) {
    config["options"][key] = typed(options.text(key));
    config["origin"][key] = describe(options.origin(key));
  }
  results.config = config.dump(2);
  return results;
}

std::map<std::string, std::string> stored_options(const std::string& config,
                                                  const std::string& file) {
  const auto json = nlohmann::json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains("options") || !json["options"].is_object()) {
    throw InputError(file + " holds no configuration of a run");
  }
  std::map<std::string, std::string> result;
  for (const auto& [key, value] : json["options"].items()) {
    if (value.is_null()) continue;
    result[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return result;
}

void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Ensemble& ensemble, double period, const IntegratorOptions& integrator) {
  results.phase_portrait = phase_portraits(dynamics, theta, ensemble, integrator);
  if (dynamics.dimension() != 1 || dynamics.motion() != Motion::newtonian) return;
  const std::vector<double>& x = results.phase_portrait.front().x;
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  results.force = force_curve(dynamics.field(), theta, period, *low, *high);
  results.potential = potential_curve(dynamics.field(), theta, period, *low, *high);
  results.orbits = orbit_fan(dynamics, theta, period, *high, integrator);
}

}  // namespace isochron::cli
