#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/sweep_start.hpp"
#include "team.hpp"

namespace isochron::cli {

/// A run of a sweep for another rank.
struct Start {
  long run = 0;
  std::filesystem::path file;  ///< of its own results, or empty
};

/// What rank 0 does for the others while a sweep goes on.
struct StartsForOthers {
  std::string configuration;                   ///< of the sweep, as JSON, which tells no threads
  std::optional<int> threads;                  ///< of each rank; nothing: as many as it may use
  std::function<std::optional<Start>()> next;  ///< nothing: there are no more
  /// Returns how many runs are to be in the file before the thread that made it begins another.
  std::function<std::size_t(Outcome)> take;
  std::function<bool(std::size_t)> is_saved;  ///< are so many in the file?
  std::function<bool()> stop_requested;
};

/// On rank 0, on the main thread: hands out starts one by one to whichever rank asks for the next,
/// and takes what came of them, until there are no more and all ranks have ended theirs. A thread
/// gets its next start when so many runs are saved as `take` has said. Throws what failed on a
/// rank.
void share_starts(Communicator& communicator, const StartsForOthers& starts);

/// On all other ranks: makes starts on as many threads as were asked for, each of which asks for
/// the next one when it has ended.
void serve_sweep(Communicator& communicator, const Request& request, MessageReader& message);

}  // namespace isochron::cli
