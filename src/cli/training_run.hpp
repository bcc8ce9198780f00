#pragma once

#include <optional>

#include "cli/training_setup.hpp"
#include "clock.hpp"

namespace isochron::cli {

/// Trains, writes checkpoints and the results file and prints a report; goes on from `resumed` when
/// there is one. Returns the exit status.
int run_training(TrainingSetup setup, const std::optional<Run>& resumed);

/// s that what follows a training of `max_time` from `start` may take: half as much again, or 5 s
/// where that is more. What the training took too much is taken off, and what cannot be stopped at
/// the end is reserved.
[[nodiscard]] double time_to_finish(Clock::time_point start, double max_time, double reserved = 0);

}  // namespace isochron::cli
