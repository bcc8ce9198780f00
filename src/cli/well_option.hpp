#pragma once

#include <map>
#include <optional>
#include <string>

#include "isochron/well.hpp"

namespace isochron::cli {

/// The analytic force that the option `key` names by `text`, with its parameters; nothing when that
/// is a file. Throws InputError when it is neither.
[[nodiscard]] std::optional<Well> well_or_file(const std::string& key, const std::string& text,
                                               const std::map<std::string, double>& parameters);

}  // namespace isochron::cli
