#include "threads.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>

namespace test_threads {

using namespace isochron;

TEST_CASE("work runs once on each thread") {
  std::atomic<int> calls[4] = {};
  run_on_threads(4, [&](std::size_t k) { ++calls[k]; });
  for (const auto& count : calls) CHECK(count == 1);
}

// Sanitizers' allocators do not let memory run out.
#ifndef ISOCHRON_SANITIZE
TEST_CASE("threads that cannot be started are done without") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 1 << 20;  // less than there is: no room for a stack
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  std::atomic<int> calls = 0;
  std::atomic<bool> first = false;
  run_on_threads(64, [&](std::size_t k) {
    ++calls;
    if (k == 0) first = true;
  });
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(first);
  CHECK(calls < 64);
}
#endif

}  // namespace test_threads
