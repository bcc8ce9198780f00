#include "cli/sweep_record.hpp"

#include <chrono>
#include <functional>
#include <system_error>
#include <utility>

#include "clock.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {

SweepRecord::SweepRecord(SweepTable table, Output output, std::optional<double> interval)
    : table_(std::move(table)),
      output_(std::move(output)),
      interval_(interval),
      saved_(table_.size()) {
  try {
    saver_ = std::jthread([this](const std::stop_token& stop) { keep_saving(stop); });
  } catch (const std::system_error& error) {
    throw NumericalError("the thread that saves the runs cannot be started: " +
                         error.code().message());
  }
}

SweepRecord::Added SweepRecord::add(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  const bool is_long = outcome.run.wall_time >= 20 * saving_time_;
  table_.add(std::move(outcome));
  changed_.notify_one();
  return {table_.size(), is_long && !interval_ ? table_.size() : 0};
}

void SweepRecord::await(std::size_t count) {
  if (count <= awaited_) return;
  awaited_ = count;
  changed_.notify_one();
}

bool SweepRecord::is_saved(std::size_t count) {
  const std::lock_guard lock(mutex_);
  await(count);
  return has_saved(count);
}

void SweepRecord::wait_until_saved(std::size_t count) {
  std::unique_lock lock(mutex_);
  await(count);
  ended_.wait(lock, [&] { return has_saved(count); });
}

void SweepRecord::finish() {
  saver_.request_stop();
  saver_.join();
  if (failure_) std::rethrow_exception(failure_);
  save(table_.assembled());
}

void SweepRecord::keep_saving(const std::stop_token& stop) {
  try {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, stop, [this] { return table_.size() > saved_; });
      if (stop.stop_requested()) return;  // what is left is saved by finish()
      const auto started = Clock::now();
      const SweepResults sweep = table_.assembled();
      lock.unlock();
      save(sweep);
      lock.lock();
      saved_ = sweep.runs.size();
      saving_time_ = seconds_since(started);
      ended_.notify_all();
      const std::chrono::duration<double> pause(interval_.value_or(9 * saving_time_));
      changed_.wait_for(lock, stop, pause, [this] { return awaited_ > saved_; });
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    failed_ = true;
    ended_.notify_all();
  }
}

void SweepRecord::save(const SweepResults& sweep) {
  output_.save(sweep_image(output_.path(), sweep, output_.former()));
}

}  // namespace isochron::cli
