#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// A member of the configuration, by the texts of its option.
struct Setting {
  /// Sets the member; false, and nothing is set, where the text is not admissible.
  std::function<bool(Configuration&, const std::string&)> read;
  std::function<std::string(const Configuration&)> write;
  /// Takes the member over from another configuration.
  std::function<void(Configuration&, const Configuration&)> take;
  std::string wanted;                ///< what is admissible, for sentences
  std::string range;                 ///< and for the help
  std::vector<std::string> choices;  ///< texts that have names, for completion
};

/// One row of the table from which parsing, help, configuration files and the stored configuration
/// are made. Its default is that of the member.
struct Option {
  const char* key;
  const char* argument;  ///< null: a flag
  unsigned verbs;
  const char* group;
  Setting setting;
  const char* words;              ///< of the help, with {} where the range stands
  bool reproduces = true;         ///< part of what makes a run reproducible
  const char* follows = nullptr;  ///< the option whose value it has when it is not set
  [[nodiscard]] std::string help() const;
};

/// All rows, in the order of the help.
[[nodiscard]] const std::vector<Option>& option_table();

/// The first row of that name whose verbs share a bit with `verbs`; null when there is none.
[[nodiscard]] const Option* find_option(const std::string& key, unsigned verbs);

/// The same of a key that the program itself names. Throws std::logic_error when there is none.
[[nodiscard]] const Option& option_named(const std::string& key, unsigned verbs);

/// What a verb takes, in the order of the help.
[[nodiscard]] std::vector<const Option*> options_of(Verb verb);

/// Whether most runs of the verb need it. Of a verb with few options they all count.
[[nodiscard]] bool is_essential(const Option& option, Verb verb);

}  // namespace isochron::cli
