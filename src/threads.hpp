#pragma once

#include <cstddef>
#include <functional>

namespace isochron {

/// Calls work(0) .. work(threads - 1) at once: work(0) on this thread, each of the others on one of
/// its own. Where the system gives fewer threads, the last calls are left out, which is said on
/// stderr once; so the calls must take what there is to do from one queue. `work` must not throw.
void run_on_threads(std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace isochron
