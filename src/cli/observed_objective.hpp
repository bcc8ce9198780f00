#pragma once

#include <array>
#include <optional>

#include "cli/configuration.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// The options that say which observations are fitted.
inline constexpr std::array data_problem_options = {"data", "observe", "noise",
                                                    "fit-initial-states", "holdout"};

/// What --data asks for: to pass through the observations of a file, of which some may be held out.
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
