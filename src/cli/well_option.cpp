#include "cli/well_option.hpp"

#include <algorithm>
#include <filesystem>

#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {

std::optional<Well> read_well(const Options& options, const char* key, const char* parameters) {
  const std::string text = options.text(key);
  const std::vector<std::string> names = well_names();
  if (std::find(names.begin(), names.end(), text) != names.end()) {
    return make_well(text, options.text(parameters).empty() ? std::map<std::string, double>()
                                                            : options.parameters(parameters));
  }
  std::error_code ignored;
  if (std::filesystem::exists(text, ignored)) return std::nullopt;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw InputError(std::string("--") + key + ' ' + shown(text) + " is neither an analytic force (" +
                   list + ") nor a file");
}

}  // namespace isochron::cli
