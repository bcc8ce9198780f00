#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "cli/budget.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// Everything that a training run is made of, checked before work starts.
struct TrainingSetup {
  Problem problem;
  std::shared_ptr<const Mlp> network;
  std::optional<Output> output;
  std::optional<FormerFile> former;  ///< what the output was when the run that goes on was read
  std::int64_t restarts = 1;
  int period_multiple = 0;  ///< the n that a weight seed must lead to; 0: any
  double output_scale = 1;  ///< of the initial output layer
  double checkpoint_interval = 5;
  double verdict_tolerance = 1e-4;
  bool quiet = false;
  TrainingOptions training;
};

/// Settles what the options leave open. Throws InputError.
[[nodiscard]] TrainingSetup read_training_setup(Options& options);

[[nodiscard]] long iterations_done(const History& history);

/// Trains, writes checkpoints and the results file and prints a report; goes on from `resumed` when
/// there is one. Returns the exit status.
int run_training(Options& options, TrainingSetup setup, const std::optional<Results>& resumed);

/// The certificate of a trained force, whose trajectories have this verified loss; absent for
/// dynamics other than newtonian with one dimension.
[[nodiscard]] std::optional<Certificate> certify_trained(
    const TrainingSetup& setup, const Objective& objective,
    const std::function<bool()>& stop_requested, const Vector& theta, std::optional<double> loss);
inline constexpr const char* no_certificate =
    "wells are analysed for newtonian dynamics with one dimension";

/// All that the file of a finished run holds, as far as the budget allows. Throws Interrupted after
/// a signal.
[[nodiscard]] Results complete_results(Options& options, TrainingSetup setup,
                                       const TrainingResult& result, const Budget& budget);

}  // namespace isochron::cli
