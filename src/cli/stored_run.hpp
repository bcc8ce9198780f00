#pragma once

#include <optional>
#include <string>

#include "cli/output.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// A results file with a network. Throws InputError when it holds none.
[[nodiscard]] Results read_model(const std::string& file);

/// The options of a stored run. Throws InputError, too, when they describe another network, motion
/// or number of trajectories than the run's.
[[nodiscard]] StoredConfiguration stored_options(const Results& stored, const std::string& file);

/// The run that a file holds; none where its name is empty. Its problem and its network are taken
/// into the configuration, where that asks for no others.
[[nodiscard]] std::optional<Results> take_stored_force(Configuration& configuration,
                                                       const std::string& file);

/// Throws InputError when another network or motion is asked for than `stored` holds.
void check_architecture(const Configuration& configuration, const Results& stored,
                        const std::string& file);

/// The file that is written: what goes on from `resumed`, if that is not empty, goes into it unless
/// another --output is given.
[[nodiscard]] Output output_of(const Configuration& configuration, const std::string& resumed = "");

}  // namespace isochron::cli
