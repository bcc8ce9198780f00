#include "cli/well_option.hpp"

#include <algorithm>
#include <filesystem>

#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {

std::optional<Well> well_or_file(const std::string& key, const std::string& text,
                                 const std::map<std::string, double>& parameters) {
  const std::vector<std::string> names = well_names();
  if (std::find(names.begin(), names.end(), text) != names.end()) {
    return make_well(text, parameters);
  }
  std::error_code ignored;
  if (std::filesystem::exists(text, ignored)) return std::nullopt;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw InputError("--" + key + ' ' + shown(text) + " is neither an analytic force (" + list +
                   ") nor a file");
}

}  // namespace isochron::cli
