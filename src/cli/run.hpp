#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "cli/options.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// The verbs. Each returns an exit status and throws isochron's errors.
int train(const Options& options);
int simulate(const Options& options);
int show(const Options& options);
int plot(const Options& options);

/// SIGINT and SIGTERM ask the running verb to stop; the second one kills.
void catch_signals();
[[nodiscard]] bool signalled();
/// 130 or 143.
[[nodiscard]] int signal_status();

/// The initial states that the options ask for: drawn, or read from a file. Columns are trajectories.
[[nodiscard]] States initial_states(const Options& options, Index state_dimension);

[[nodiscard]] Motion motion(const Options& options);
[[nodiscard]] IntegratorOptions integrator_options(const Options& options);

/// Throws InputError unless a file can be made at `path`: a folder that exists and may be written
/// to, no folder of that name, and no file unless `may_replace`.
void check_output(const std::filesystem::path& path, bool may_replace);

/// Results that say who makes them: start time, environment, configuration.
[[nodiscard]] Results new_results(const std::string& verb, const Options& options);

/// Values of a stored configuration by option. Throws InputError when it is not isochron's.
[[nodiscard]] std::map<std::string, std::string> stored_options(const std::string& config,
                                                                const std::string& file);

/// Name and version of every library, a line each.
[[nodiscard]] std::map<std::string, std::string> library_versions();

/// U, f, phase portraits and orbits of a force into the results, as far as its dimension has them.
/// The portraits are of `ensemble`, up to its end times.
void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Ensemble& ensemble, double period, const IntegratorOptions& integrator);

}  // namespace isochron::cli
