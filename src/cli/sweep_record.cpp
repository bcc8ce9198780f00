#include "cli/sweep_record.hpp"

#include <chrono>
#include <functional>
#include <system_error>
#include <utility>

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

std::size_t SweepRecord::add(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  table_.add(std::move(outcome));
  added_.notify_one();
  return table_.size();
}

bool SweepRecord::is_saved(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  return holds(count);
}

void SweepRecord::wait_until_saved(std::size_t count) const {
  std::unique_lock lock(mutex_);
  has_saved_.wait(lock, [&] { return holds(count); });
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
      added_.wait(lock, stop, [this] { return table_.size() > saved_; });
      if (stop.stop_requested()) return;  // what is left is saved by finish()
      const SweepResults sweep = table_.assembled();
      lock.unlock();
      save(sweep);
      lock.lock();
      saved_ = sweep.runs.size();
      has_saved_.notify_all();
      added_.wait_for(lock, stop, std::chrono::duration<double>(interval_.value_or(0)),
                      [] { return false; });
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    failed_ = true;
    has_saved_.notify_all();
  }
}

void SweepRecord::save(const SweepResults& sweep) {
  output_.save(sweep_image(output_.path(), sweep, output_.former()));
}

}  // namespace isochron::cli
