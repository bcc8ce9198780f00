#include "cli/signals.hpp"

#include <csignal>

namespace isochron::cli {
namespace {

volatile std::sig_atomic_t caught_signal = 0;

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

int signal_status() { return 128 + static_cast<int>(caught_signal); }

}  // namespace isochron::cli
