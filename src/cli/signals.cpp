#include "cli/signals.hpp"

#include <atomic>
#include <csignal>

namespace isochron::cli {
namespace {

// Written by a handler on one thread, polled by all of them.
std::atomic<int> caught_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void remember_signal(int signal) {
  caught_signal = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_signals() {
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
}

bool signalled() { return caught_signal != 0; }

void stop_as_if_signalled() { caught_signal = SIGTERM; }

int signal_status() { return 128 + caught_signal; }

}  // namespace isochron::cli
