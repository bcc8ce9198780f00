#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <string>

#include "cli/print.hpp"
#include "clock.hpp"
#include "isochron/training.hpp"
#include "sentence.hpp"

namespace isochron::cli {

/// Progress of a training on stderr: one line that updates on a terminal, plain lines every so
/// often elsewhere.
class Progress {
 public:
  /// `max_time` and `max_iterations` (-1: unlimited) end the training, whichever is reached first.
  Progress(bool quiet, double max_time, long max_iterations)
      : quiet_(quiet), max_time_(max_time), max_iterations_(max_iterations) {}

  void report(const TrainingState& state) {
    const double interval = terminal_ ? 0.1 : 5;
    if (first_iteration_ < 0 && state.history.size() > 0) {
      first_iteration_ = state.history.iteration.back();
    }
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
    cli::say("{}iteration {:5}  loss {:.3e}  |gradient| {:.1e}  evals {:5}  {:4.0f} s{:4.0f}%{}",
             terminal_ ? "\r" : "", h.iteration.back(), h.loss.back(), h.gradient_norm.back(),
             printed_, h.wall_time.back(), 100 * part_of_limits(h.iteration.back()),
             terminal_ ? "\033[K" : "\n");
  }

  /// Which part of the time or of the iterations is over.
  [[nodiscard]] double part_of_limits(long iteration) const {
    double part = seconds_since(started_) / max_time_;
    if (max_iterations_ > 0) {
      part = std::max(part, static_cast<double>(iteration - std::max(0L, first_iteration_)) /
                                static_cast<double>(max_iterations_));
    }
    return std::min(part, 1.0);
  }

  bool quiet_;
  double max_time_;
  long max_iterations_;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_;
  long printed_ = -1;
  long first_iteration_ = -1;
};

/// How far other work is: on a terminal one line on stderr that updates and goes when the work is
/// done, elsewhere nothing.
class Meter {
 public:
  explicit Meter(bool quiet) : visible_(!quiet && isatty(STDERR_FILENO) == 1) {}
  ~Meter() { end(); }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  /// The next piece of the work.
  void begin(const std::string& what) {
    const std::lock_guard lock(mutex_);
    what_ = what;
    started_ = drawn_ = Clock::now();
    draw("");
  }

  /// Which part of it is done, 0 .. 1. Any thread may tell.
  void report(double part) {
    constexpr double interval = 0.1;
    const std::lock_guard lock(mutex_);
    if (!visible_ || part <= 0 || seconds_since(drawn_) < interval) return;
    drawn_ = Clock::now();
    const double elapsed = seconds_since(started_);
    draw(fmt::format("  {:.0f}%  {:.0f} s, {:.0f} s left", 100 * part, elapsed,
                     elapsed * (1 - part) / part));
  }

  /// Takes the line away, before results are printed.
  void end() {
    const std::lock_guard lock(mutex_);
    if (visible_) say("\r\033[K");
    visible_ = false;
  }

 private:
  void draw(const std::string& how_far) const {
    if (visible_) say("\r{}{}\033[K", what_, how_far);
  }

  bool visible_;
  std::mutex mutex_;
  std::string what_;
  Clock::time_point started_;
  Clock::time_point drawn_;
};

}  // namespace isochron::cli
