#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include "cli/print.hpp"
#include "clock.hpp"
#include "isochron/training.hpp"
#include "sentence.hpp"

namespace isochron::cli {

/// Progress on stderr: one line that updates on a terminal, plain lines every so often elsewhere.
class Progress {
 public:
  explicit Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

  void report(const TrainingState& state) {
    const double interval = terminal_ ? 0.1 : 5;
    const bool first = last_ == Clock::time_point();
    if (quiet_ || (!first && seconds_since(last_) < interval)) return;
    last_ = Clock::now();
    print(state);
  }

  /// The last state, on a line that stays.
  void finish(const TrainingState& state) {
    if (quiet_ || state.history.size() == 0) return;
    if (terminal_ || state.history.evaluations.back() != printed_) print(state);
    if (terminal_) cli::say("\n");
    last_ = Clock::time_point();
  }

  template <class... Values>
  void say(fmt::format_string<const Values&...> words, const Values&... values) const {
    constexpr std::size_t longest = 2000;
    if (!quiet_) cli::say("{}\n", shown(fmt::format(words, values...), longest));
  }

 private:
  /// Below 80 columns: a line that wraps cannot update.
  void print(const TrainingState& state) {
    const History& h = state.history;
    printed_ = h.evaluations.back();
    cli::say("{}iteration {:5}  loss {:.3e}  |gradient| {:.1e}  evaluations {:5}  {:6.1f} s{}",
             terminal_ ? "\r" : "", h.iteration.back(), h.loss.back(), h.gradient_norm.back(),
             printed_, h.wall_time.back(), terminal_ ? "\033[K" : "\n");
  }

  bool quiet_;
  bool terminal_;
  Clock::time_point last_;
  long printed_ = -1;
};

}  // namespace isochron::cli
