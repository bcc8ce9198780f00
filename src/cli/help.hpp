#pragma once

#include <optional>
#include <string>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// The grouped help of a verb; of the program when there is none.
[[nodiscard]] std::string help(std::optional<Verb> verb);

}  // namespace isochron::cli
