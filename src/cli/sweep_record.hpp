#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/output.hpp"
#include "cli/sweep_table.hpp"

namespace isochron::cli {

/// Keeps the runs of a sweep that goes on, and saves them from a thread of its own: at once, or
/// `interval` s after the last saving. The file is written as a whole; runs that end meanwhile are
/// saved next, all of them at once.
///
/// Without an interval whoever adds a run begins no other before it is in the file. So a process
/// that is killed loses as many runs as were being made at that moment, and no more.
class SweepRecord {
 public:
  /// Throws NumericalError when the system has no thread left.
  SweepRecord(SweepTable table, Output output, std::optional<double> interval);

  /// Of any thread. Returns how many there are now.
  std::size_t add(Outcome outcome);

  /// Whether `count` runs are in the file. True as well where nobody is to wait for that: with an
  /// interval, or after a saving has failed.
  [[nodiscard]] bool is_saved(std::size_t count) const;
  void wait_until_saved(std::size_t count) const;

  /// Whether saving has failed: the file will not be written any more.
  [[nodiscard]] bool failed() const { return failed_; }

  /// Ends the saving, with everything that there is in the file. Throws OutputError when that, or
  /// an earlier saving, has failed.
  void finish();

  // After finish(), or of what never changes:
  [[nodiscard]] const std::filesystem::path& path() const { return output_.path(); }
  [[nodiscard]] const SweepTable& table() const { return table_; }

 private:
  void keep_saving(const std::stop_token& stop);
  void save(const SweepResults& sweep);
  [[nodiscard]] bool holds(std::size_t count) const {
    return interval_ || failed_ || saved_ >= count;
  }

  SweepTable table_;
  Output output_;
  std::optional<double> interval_;
  mutable std::mutex mutex_;  ///< of the table, and of what follows
  std::condition_variable_any added_;
  mutable std::condition_variable has_saved_;
  std::size_t saved_;  ///< so many runs are in the file
  std::exception_ptr failure_;
  std::atomic<bool> failed_ = false;
  std::jthread saver_;  ///< the last: it uses all others
};

}  // namespace isochron::cli
