#pragma once

#include <string>

#include "cli/verb.hpp"

namespace isochron::cli {

/// The manual page of the program, isochron.1, and of a verb, isochron-VERB.1.
[[nodiscard]] std::string manual_page();
[[nodiscard]] std::string manual_page(Verb verb);

/// What bash completes after `isochron`: verbs, their options, and values that have names.
[[nodiscard]] std::string bash_completion();

}  // namespace isochron::cli
