#pragma once

#include <functional>
#include <optional>

#include "cli/budget.hpp"
#include "cli/training_setup.hpp"

namespace isochron::cli {

[[nodiscard]] long iterations_done(const History& history);

/// Trains, writes checkpoints and the results file and prints a report; goes on from `resumed` when
/// there is one. Returns the exit status.
int run_training(TrainingSetup setup, const std::optional<Results>& resumed);

/// The certificate of a trained force, whose trajectories have this verified loss; absent for
/// dynamics other than newtonian with one dimension.
[[nodiscard]] std::optional<Certificate> certify_trained(
    const TrainingSetup& setup, const std::function<bool()>& stop_requested, const Vector& theta,
    std::optional<double> loss);
inline constexpr const char* no_certificate =
    "wells are analysed for newtonian dynamics with one dimension";

/// All that the file of a finished run holds, as far as the budget allows. Throws Interrupted after
/// a signal.
[[nodiscard]] Results complete_results(TrainingSetup setup, const TrainingResult& result,
                                       const Budget& budget);

}  // namespace isochron::cli
