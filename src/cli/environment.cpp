#include "cli/environment.hpp"

#include <boost/version.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "build_info.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_configuration.hpp"
#include "clock.hpp"

namespace isochron::cli {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

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

std::map<std::string, std::string> run_environment(const Configuration& configuration) {
  std::map<std::string, std::string> environment = library_versions();
  environment["isochron"] = build_info::version;
  environment["git_revision"] = build_info::git_revision;
  environment["compiler"] = build_info::compiler;
  environment["flags"] = build_info::flags;
  environment["cpu"] = processor();
  environment["threads"] = std::to_string(threads_of(configuration));
  return environment;
}

Results new_results(const Configuration& configuration, const Objective& objective) {
  Results results;
  results.start_time = time_of_day();
  results.environment = run_environment(configuration);
  results.config = configuration_json(configuration);

  results.motion = objective.dynamics().motion();
  results.initial_states = objective.ensemble().initial_states;
  results.end_times = objective.ensemble().end_times;
  results.force_data = objective.force_data();
  if (prescribes_periods(objective.loss())) add_law_arguments(results);
  return results;
}

}  // namespace isochron::cli
