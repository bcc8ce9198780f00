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

/// Keeps the runs of a sweep that goes on, and saves them from a thread of its own. The file is
/// written as a whole; runs that end meanwhile are saved next, all of them at once.
///
/// Whoever adds a run waits until it is in the file before it begins another: so a process that is
/// killed loses the runs that were being made at that moment, and no more. But where a saving takes
/// longer than a twentieth of the run (thousands of short ones), or with an interval, nobody waits:
/// there is a pause between savings, of the interval, or so long that they take a tenth of the
/// time.
class SweepRecord {
 public:
  /// Throws NumericalError when the system has no thread left.
  SweepRecord(SweepTable table, Output output, std::optional<double> interval);

  struct Added {
    std::size_t count;    ///< of all runs
    std::size_t awaited;  ///< so many are to be in the file before the next one begins
  };
  /// Of any thread.
  Added add(Outcome outcome);

  /// Whether `count` runs are in the file, or never will be. Asking ends the pause between savings.
  [[nodiscard]] bool is_saved(std::size_t count);
  void wait_until_saved(std::size_t count);

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
  [[nodiscard]] bool has_saved(std::size_t count) const { return failed_ || saved_ >= count; }
  void await(std::size_t count);

  SweepTable table_;
  Output output_;
  std::optional<double> interval_;
  std::mutex mutex_;                     ///< of the table, and of what follows
  std::condition_variable_any changed_;  ///< the table, or `awaited_`
  std::condition_variable ended_;        ///< a saving
  std::size_t saved_;                    ///< so many runs are in the file
  std::size_t awaited_ = 0;              ///< so many are waited for
  double saving_time_ = 0;               ///< of the last saving, in s
  std::exception_ptr failure_;
  std::atomic<bool> failed_ = false;
  std::jthread saver_;  ///< the last: it uses all others
};

}  // namespace isochron::cli
