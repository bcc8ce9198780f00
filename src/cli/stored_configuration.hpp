#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/options.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// Verb, options and their origins as JSON.
[[nodiscard]] std::string configuration_json(const std::string& verb, const Options& options);

/// A configuration that `file` holds; null where it holds none. Throws InputError unless it is a
/// JSON object of values and of objects of values, without a name twice, of a sensible size.
[[nodiscard]] nlohmann::ordered_json parsed_configuration(const std::string& text,
                                                          const std::string& file);

/// Its options. Throws InputError when it has none, unknown ones or what is no value of one.
[[nodiscard]] Options::Stored stored_configuration(const std::string& text,
                                                   const std::string& file);

/// The options of a stored run. Throws InputError, too, when they describe another network, motion
/// or number of trajectories than the run's.
[[nodiscard]] Options::Stored stored_options(const Results& stored, const std::string& file);

}  // namespace isochron::cli
