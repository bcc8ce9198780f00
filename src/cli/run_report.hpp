#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "file_lock.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// A run on one screen: where it stands, what is known of it, what it cost, what it is of. `file`
/// holds it.
void print_run(const Run& run, const std::filesystem::path& file);

/// The same for programs, under the names of the file.
[[nodiscard]] nlohmann::ordered_json run_json(const Run& run, const std::filesystem::path& file);

/// That another process writes a file.
[[nodiscard]] std::string still_running(const Writer& writer);

}  // namespace isochron::cli
