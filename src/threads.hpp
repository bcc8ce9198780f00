#pragma once

#include <cstddef>
#include <functional>

namespace isochron {

/// How many processors this process may use: those of its affinity, which taskset and the launchers
/// of ranks set; all of the machine where that is not known.
[[nodiscard]] int available_processors();

/// Calls work(0) .. work(threads - 1) at once: work(0) on this thread, each of the others on one of
/// its own. Where the system gives fewer threads, the last calls are left out, which is said on
/// stderr once; so the calls must take what there is to do from one queue. `work` must not throw.
void run_on_threads(std::size_t threads, const std::function<void(std::size_t)>& work);

/// Calls work(thread, i) for i = 0 .. count - 1, each on one of so many threads, numbered from 0.
/// When some fail, those that have not begun are left out, and the exception of the first of them
/// (of those that ran) is rethrown.
void share_on_threads(std::size_t threads, std::size_t count,
                      const std::function<void(std::size_t thread, std::size_t i)>& work);

}  // namespace isochron
