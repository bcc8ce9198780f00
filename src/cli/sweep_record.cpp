#include "cli/sweep_record.hpp"

#include <chrono>
#include <functional>
#include <system_error>
#include <utility>

#include "isochron/error.hpp"

namespace isochron::cli {

SweepRecord::SweepRecord(SweepTable table, Output output, double interval)
    : table_(std::move(table)), output_(std::move(output)), interval_(interval) {
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
  unsaved_ = true;
  changed_.notify_one();
  return table_.size();
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
      changed_.wait(lock, stop, [this] { return unsaved_; });
      if (stop.stop_requested()) return;  // what is left is saved by finish()
      const SweepResults sweep = table_.assembled();
      unsaved_ = false;
      lock.unlock();
      save(sweep);
      lock.lock();
      changed_.wait_for(lock, stop, std::chrono::duration<double>(interval_), [] { return false; });
    }
  } catch (...) {
    failure_ = std::current_exception();
    failed_ = true;
  }
}

void SweepRecord::save(const SweepResults& sweep) {
  output_.save(sweep_image(output_.path(), sweep, output_.former()));
}

}  // namespace isochron::cli
