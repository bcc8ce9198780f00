#pragma once

#include <optional>
#include <string>
#include <vector>

#include "isochron/results.hpp"

namespace isochron::cli {

/// Whether orbits close in the periods that were prescribed for them, and what they do meanwhile.
/// Nothing where no periods are prescribed or the run is not verified.
[[nodiscard]] std::optional<std::string> prescribed_periods_in_words(const Results& run);

/// What the numbers of a run in `file` do not say by themselves, a sentence each, with what to do
/// next: a limit that ended it, a loss that its verification contradicts, orbits that rest, a
/// single trajectory.
[[nodiscard]] std::vector<std::string> remarks(const Results& run, const std::string& file);

}  // namespace isochron::cli
