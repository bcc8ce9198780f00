#pragma once

#include <optional>
#include <string>

#include "cli/output.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// A results file with a network. Throws InputError when it holds none.
[[nodiscard]] Results read_model(const std::string& file);
/// The same of an option that need not be given.
[[nodiscard]] std::optional<Results> read_model_if_any(const std::string& file);

/// The options of a stored run. Throws InputError, too, when they describe another network, motion
/// or number of trajectories than the run's.
[[nodiscard]] StoredConfiguration stored_options(const Results& stored, const std::string& file);

/// The problem and the network of the run in `file`, if there is one, where the configuration asks
/// for no others.
[[nodiscard]] Configuration with_problem_of(const std::optional<Results>& stored,
                                            const std::string& file, Configuration configuration);

/// Throws InputError when another network or motion is asked for than `stored` holds.
void check_architecture(const Configuration& configuration, const Results& stored,
                        const std::string& file);

/// The file that is written: what goes on from `resumed`, if that is not empty, goes into it unless
/// another --output is given.
[[nodiscard]] Output output_of(const Configuration& configuration, const std::string& resumed = "");

}  // namespace isochron::cli
