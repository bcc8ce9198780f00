#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/options.hpp"

namespace isochron::cli {

/// One row of the table from which parsing, help, configuration files and the stored configuration
/// are made.
struct Spec {
  const char* key;
  const char* argument;  // null: a flag
  const char* standard;  // the default, as text
  unsigned verbs;
  const char* group;
  const char* help;
  bool configuration = true;      // part of what makes a run reproducible
  const char* follows = nullptr;  // the option whose value it has when it is not set
};

/// All rows, in the order of the help.
[[nodiscard]] std::span<const Spec> option_table();

/// The first row of that name whose verbs share a bit with `verbs`; null when there is none.
[[nodiscard]] const Spec* find_option(const std::string& key, unsigned verbs);

/// What a verb takes, in the order of the help.
[[nodiscard]] std::vector<std::string> option_keys(Verb verb);

/// The grouped help of a verb; of the program when there is none.
[[nodiscard]] std::string help(std::optional<Verb> verb);

}  // namespace isochron::cli
