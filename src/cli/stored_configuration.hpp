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

/// The configuration that such a text describes: what had been asked for then has the origin
/// stored_file, all else that of a default. Throws InputError when the text has no options, unknown
/// ones or what is no value of one.
[[nodiscard]] Configuration stored_configuration(Verb verb, const std::string& text,
                                                 const std::string& file);

/// A member of a parsed configuration that is an object ("options", "origin"); an empty object
/// where there is none.
[[nodiscard]] nlohmann::ordered_json stored_object(const nlohmann::ordered_json& configuration,
                                                   const std::string& name);

/// A member of such an object that is a text; `otherwise` where there is none.
[[nodiscard]] std::string stored_text(const nlohmann::ordered_json& object, const std::string& key,
                                      const std::string& otherwise = "");

/// The text that describes the configuration of `file` with one option as if nobody had asked for
/// it.
[[nodiscard]] std::string with_default(Verb verb, const std::string& key, const std::string& text,
                                       const std::string& file);

/// With what is stored: what was asked for then is above the defaults, below a config file and the
/// command line; stored defaults take the place of today's.
[[nodiscard]] Configuration with_stored(Configuration configuration, const Configuration& stored);
/// The same of the problem and the force field alone.
[[nodiscard]] Configuration with_stored_problem(Configuration configuration,
                                                const Configuration& stored);

}  // namespace isochron::cli
