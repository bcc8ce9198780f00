#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sweep_results.hpp"

namespace isochron::cli {

/// Per configuration: how many runs ended with which verdict, and the spread of what they found,
/// for the screen.
[[nodiscard]] std::string sweep_text(const SweepResults& sweep, const std::filesystem::path& file);

/// Configurations with their counts, and all runs.
[[nodiscard]] nlohmann::ordered_json sweep_json(const SweepResults& sweep, const std::string& file);

}  // namespace isochron::cli
