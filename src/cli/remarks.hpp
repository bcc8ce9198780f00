#pragma once

#include <optional>
#include <string>
#include <vector>

#include "isochron/run.hpp"

namespace isochron::cli {

/// Whether orbits close in the periods that were prescribed for them, and what they do meanwhile.
/// Nothing where no periods are prescribed or the run is not verified.
[[nodiscard]] std::optional<std::string> prescribed_periods_in_words(const Run& run);

/// How to go on with a run in `file`: by the program with these options, or else by the library.
[[nodiscard]] std::string how_to_go_on(const Run& run, const std::string& file,
                                       const std::string& options = "");

/// What the numbers of a run in `file` do not say by themselves, a sentence each, with what to do
/// next: a limit that ended it, a loss that its verification contradicts, orbits that rest, a
/// single trajectory.
[[nodiscard]] std::vector<std::string> remarks(const Run& run, const std::string& file);

}  // namespace isochron::cli
