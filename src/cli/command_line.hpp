#pragma once

#include <string>
#include <vector>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// What `isochron VERB arguments` asks for, with its --config file. After --help or --help-all
/// nothing else counts. Throws InputError for an unknown option (naming the nearest one), a missing
/// value, one that is not admissible, an unreadable or faulty file.
[[nodiscard]] Configuration read_configuration(Verb verb,
                                               const std::vector<std::string>& arguments);

/// Says which verbs take the option, or which option is the nearest one.
[[nodiscard]] InputError unknown_option(const std::string& key, Verb verb);

/// The candidate with the fewest edits from `word`.
[[nodiscard]] std::string nearest(const std::string& word,
                                  const std::vector<std::string>& candidates);

}  // namespace isochron::cli
