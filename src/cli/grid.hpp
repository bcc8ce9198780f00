#pragma once

#include <string>
#include <vector>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// One of the configurations of a sweep.
struct Variant {
  std::string name;  ///< what sets it apart, as in the grid: "loss=periodic"
  Configuration configuration;
};

/// The configurations of `isochron train` that a sweep runs: those that its grid names, otherwise
/// what is given to the sweep; each with one thread, and with the sweep's own origins. Throws
/// InputError.
[[nodiscard]] std::vector<Variant> variants(const Configuration& sweep);

/// One start of a variant: its configuration with this seed.
[[nodiscard]] Configuration with_seed(Configuration configuration, std::uint64_t seed);

}  // namespace isochron::cli
