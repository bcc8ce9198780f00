#pragma once

#include <map>
#include <string>

#include "cli/configuration.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// Name and version of every library.
[[nodiscard]] std::map<std::string, std::string> library_versions();

/// Versions, compiler, processor and threads of this run.
[[nodiscard]] std::map<std::string, std::string> run_environment(
    const Configuration& configuration);

/// Results that say who makes them: start time, environment, configuration; and of what.
[[nodiscard]] Results new_results(const Configuration& configuration, const Objective& objective);

}  // namespace isochron::cli
