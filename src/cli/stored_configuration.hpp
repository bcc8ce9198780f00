#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// Verb, options and their origins as JSON.
[[nodiscard]] std::string configuration_json(const Configuration& configuration);

/// A configuration that `file` holds; null where it holds none. Throws InputError unless it is a
/// JSON object of values and of objects of values, without a name twice, of a sensible size.
[[nodiscard]] nlohmann::ordered_json parsed_configuration(const std::string& text,
                                                          const std::string& file);

/// The options of a stored configuration.
struct StoredConfiguration {
  Layer defaults{Origin::default_value, {}, {}};  ///< what nobody had asked for
  Layer asked_for{Origin::stored_file, {}, {}};

  StoredConfiguration() = default;
  /// Throws InputError when the text has no options, unknown ones or what is no value of one.
  StoredConfiguration(const std::string& text, const std::string& file);

  [[nodiscard]] bool asks_for(const std::string& key) const;
};

/// With what is stored: what was asked for is above the defaults, below a config file and the
/// command line; stored defaults take the place of today's.
[[nodiscard]] Configuration with_stored(Configuration configuration,
                                        const StoredConfiguration& stored);
/// The same of the problem and the force field alone.
[[nodiscard]] Configuration with_stored_force(Configuration configuration,
                                              const StoredConfiguration& stored);
/// What is stored and nothing else.
[[nodiscard]] Configuration as_stored(Verb verb, const StoredConfiguration& stored);

}  // namespace isochron::cli
