#pragma once

#include <filesystem>

#include "cli/configuration.hpp"
#include "sweep_results.hpp"

namespace isochron::cli {

/// What came of one start.
struct Outcome {
  SweepRun run;
  Vector theta;  ///< empty when there is no force
};

/// Trains, verifies and judges on this thread. `row` says which run it is; `file`: where its own
/// results go, or empty. A failure is a row, and so is a force for whose verification there was no
/// time. Throws Interrupted after a signal.
[[nodiscard]] Outcome train_once(const Configuration& configuration, SweepRun row,
                                 const std::filesystem::path& file);

}  // namespace isochron::cli
