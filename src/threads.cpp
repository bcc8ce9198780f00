#include "threads.hpp"

#include <atomic>
#include <cstdio>
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

}  // namespace isochron
