#include "cli/well_option.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <filesystem>

#include "isochron/analytic_force.hpp"
#include "sentence.hpp"

namespace isochron::cli {

std::optional<Well> well_or_file(const std::string& key, const std::string& text,
                                 const std::map<std::string, double>& parameters) {
  const std::vector<std::string> names = well_names();
  if (std::find(names.begin(), names.end(), text) != names.end()) {
    return make_well(text, parameters);
  }
  const std::vector<std::string> forces = analytic_names();
  require(std::find(forces.begin(), forces.end(), text) == forces.end(),
          "--{} {} is not a force on a line, which is asked for here; give one of {}, or a file",
          key, text, fmt::format("{}", fmt::join(names, ", ")));
  std::error_code ignored;
  require(std::filesystem::exists(text, ignored),
          "--{} {} is neither an analytic force ({}) nor a file", key, shown(text),
          fmt::format("{}", fmt::join(names, ", ")));
  return std::nullopt;
}

}  // namespace isochron::cli
