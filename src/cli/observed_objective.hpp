#pragma once

#include <optional>

#include "cli/configuration.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// What --data asks for: to pass through the observations of a file, of which some may be held out,
/// and what --loss and --hold ask for beside it.
struct ObservedProblem {
  Objective objective;
  std::optional<Objective> held_out;  ///< absent without --holdout
  bool continues = false;             ///< held out are later times of the same trajectory
  bool estimates_noise = false;
};

/// Reads the file. Throws InputError when it, or other options, do not fit.
[[nodiscard]] ObservedProblem observed_problem(const Configuration& configuration,
                                               const Dynamics& dynamics);

/// How it is fitted. `training`: as it was asked for.
[[nodiscard]] FitOptions fit_options(const Configuration& configuration,
                                     const TrainingOptions& training, bool estimates_noise);

/// Throws InputError when options for --data are given without it.
void refuse_options_of_data(const Configuration& configuration);

}  // namespace isochron::cli
