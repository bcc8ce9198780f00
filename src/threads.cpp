#include "threads.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace isochron {
namespace {

void say_once(std::size_t started, std::size_t wanted) {
  static std::atomic<bool> said{false};
  if (said.exchange(true)) return;
  std::fprintf(stderr,
               "isochron: warning: only %zu of %zu threads can be started; results do not depend "
               "on it\n",
               started, wanted);
}

}  // namespace

int available_processors() {
  cpu_set_t processors{};
  if (sched_getaffinity(0, sizeof processors, &processors) == 0) return CPU_COUNT(&processors);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void run_on_threads(std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::vector<std::jthread> others;
  try {
    others.reserve(threads);
    while (others.size() + 1 < threads) {
      others.emplace_back([&work, k = others.size() + 1] { work(k); });
    }
  } catch (const std::system_error&) {  // no thread left
    say_once(others.size() + 1, threads);
  } catch (const std::bad_alloc&) {  // no memory for one
    say_once(others.size() + 1, threads);
  }
  work(0);
}

void share_on_threads(std::size_t threads, std::size_t count,
                      const std::function<void(std::size_t thread, std::size_t i)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> errors(count);
  std::atomic<bool> failed{false};
  run_on_threads(std::min(threads, count), [&](std::size_t thread) {
    for (std::size_t i = next++; i < count && !failed; i = next++) {
      try {
        work(thread, i);
      } catch (...) {
        errors[i] = std::current_exception();
        failed = true;
      }
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace isochron
