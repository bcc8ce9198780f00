#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/configuration.hpp"
#include "cli/output.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// Everything that a training run is made of, checked before work starts.
struct TrainingSetup {
  Objective objective;
  TrainingOptions training;
  std::optional<FitOptions> fit;      ///< to observations, in place of training alone
  std::optional<Objective> held_out;  ///< of them
  Run run;                            ///< before there are results
  std::uint64_t weight_seed;          ///< the first one
  std::int64_t restarts;
  int period_multiple;  ///< the n that a weight seed must lead to; 0: any
  double output_scale;  ///< of the initial output layer
  double checkpoint_interval;
  bool quiet;
  std::optional<Output> output = std::nullopt;  ///< absent for a run of a sweep
};

/// A run of this objective that says how it came about: by which options, on which machine, and
/// from which seed its states, which may be those of `stored`.
[[nodiscard]] Run described_run(const Configuration& configuration, const Objective& objective,
                                const std::optional<TrainingOptions>& training,
                                const std::optional<Run>& stored);

/// The run that a resolved configuration asks for, with the problem of `stored` where it asks for
/// no other. Throws InputError when options do not fit each other.
[[nodiscard]] TrainingSetup training_setup(const Configuration& configuration,
                                           const std::optional<Run>& stored);

/// Throws InputError unless the 64 bits hold so many seeds from that of the option `key` on.
void require_seeds(const Configuration& configuration, const std::string& key, std::uint64_t first,
                   std::int64_t count);

}  // namespace isochron::cli
