#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "file_lock.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// Names and values; a row without a name goes on with the one before it.
using Rows = std::vector<std::pair<std::string, std::string>>;

/// Where a run stands, what is known of it, what it cost, what it is of. `file` holds it.
[[nodiscard]] Rows run_rows(const Run& run, const std::filesystem::path& file);

/// The same on one screen.
void print_run(const Run& run, const std::filesystem::path& file);

/// The same for programs, under the names of the file.
[[nodiscard]] nlohmann::ordered_json run_json(const Run& run, const std::filesystem::path& file);

/// That another process writes a file.
[[nodiscard]] std::string still_running(const Writer& writer);

}  // namespace isochron::cli
