#pragma once

#include <optional>
#include <string>

#include "cli/output.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// Throws InputError where a results file is asked for, and a table or an analytic force is named.
void require_results_file(const std::string& file);

/// A results file. What files of version 0.1.0 say in their configuration alone is in its place.
[[nodiscard]] Run read_run(const std::string& file);

/// Whether a run of simulate is in the file, and no training.
[[nodiscard]] bool is_simulated(const Run& run);

/// One with a force that the file holds: a network, an analytic one or both. Throws InputError when
/// it holds none.
[[nodiscard]] Run read_model(const std::string& file);
/// The same of an option that need not be given.
[[nodiscard]] std::optional<Run> read_model_if_any(const std::string& file);

/// Whether the program can go on with it: a force that the file holds, and a loss that it knows.
[[nodiscard]] bool resumable(const Run& run);

/// A stored run as the options of `train`: what it was made of, and beyond that what its
/// configuration says. Throws InputError, too, when that describes another network, motion or
/// number of trajectories.
[[nodiscard]] Configuration configuration_of(const Run& run, const std::string& file);

/// The problem and the network of the run in `file`, if there is one, where the configuration asks
/// for no others.
[[nodiscard]] Configuration with_problem_of(const std::optional<Run>& stored,
                                            const std::string& file, Configuration configuration);

/// Throws InputError when another network or motion is asked for than `stored` holds.
void check_architecture(const Configuration& configuration, const Run& stored,
                        const std::string& file);

/// The file that is written: --output, or where that is not given one named after the verb. What
/// goes on from `resumed`, if that is not empty, goes into it unless another --output is given.
[[nodiscard]] Output output_of(const Configuration& configuration, const std::string& resumed = "");

}  // namespace isochron::cli
