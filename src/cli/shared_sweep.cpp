#include "cli/shared_sweep.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/sweep_plan.hpp"
#include "threads.hpp"

namespace isochron {

template <class Archive, Is<SweepRun> T>
void transfer(Archive& archive, T& run) {
  for (const RecordField<SweepRun>& field : sweep_fields) {
    std::visit([&](auto member) { archive(run.*member); }, field.value);
  }
}

namespace cli {

template <class Archive, Is<Outcome> T>
void transfer(Archive& archive, T& outcome) {
  archive(outcome.run, outcome.theta);
}

namespace {

/// How long main threads sleep between looks for messages: they share a core with a start.
constexpr auto between_looks = std::chrono::milliseconds(1);

/// What another rank says.
struct Report {
  int asks = 0;  ///< for so many starts
  std::optional<Outcome> outcome;
  std::optional<Failure> failure;
};
template <class Archive, Is<Report> T>
void transfer(Archive& archive, T& report) {
  archive(report.asks, report.outcome, report.failure);
}

/// What rank 0 answers to each of them.
struct Answer {
  long run = -1;  ///< none: the thread that asked has ended
  std::string file;
};
template <class Archive, Is<Answer> T>
void transfer(Archive& archive, T& answer) {
  archive(answer.run, answer.file);
}

/// A thread of another rank that has asked for a start.
struct Ask {
  int rank;
  std::size_t awaited;  ///< so many runs are to be in the file before it gets one
};

template <class T>
Bytes bytes_of(const T& value) {
  MessageWriter message;
  message(value);
  return message.take();
}

}  // namespace

void share_starts(Communicator& communicator, const StartsForOthers& starts) {
  const std::uint64_t number = tell(communicator, Task::sweep, [&](MessageWriter& to) {
    to(starts.configuration, starts.threads);
  });
  std::optional<Failure> failure;
  bool has_stopped = false;
  int silent = communicator.size() - 1;  // ranks
  int working = 0;                       // threads of ranks
  std::deque<Ask> asks;
  const auto answer = [&](const Ask& ask) {
    const std::optional<Start> start = has_stopped ? std::nullopt : starts.next();
    if (!start) --working;
    const Answer given = start ? Answer{start->run, start->file.string()} : Answer{};
    communicator.send(ask.rank, Communicator::start, bytes_of(given));
  };
  while (silent > 0 || working > 0) {
    if (!has_stopped && (failure || starts.stop_requested())) {
      has_stopped = true;
      stop_others(communicator, number);
    }
    for (; !asks.empty() && starts.is_saved(asks.front().awaited); asks.pop_front()) {
      answer(asks.front());
    }
    const auto message = communicator.take(-1, Communicator::start);
    if (!message) {
      std::this_thread::sleep_for(between_looks);
      continue;
    }
    auto report = MessageReader(message->bytes).next<Report>();
    const bool is_first = !report.outcome && !report.failure;
    if (is_first) {
      --silent;
      working += report.asks;
    }
    if (report.failure && !failure) failure = std::move(report.failure);
    const std::size_t awaited = report.outcome ? starts.take(std::move(*report.outcome)) : 0;
    for (int ask = 0; ask < report.asks; ++ask) asks.push_back({message->from, awaited});
  }
  if (failure && failure->kind != Failure::interrupted) raise(*failure);
}

namespace {

/// The starts of one rank: its main thread exchanges messages, others do the work.
class RankOfSweep {
 public:
  RankOfSweep(Communicator& communicator, std::uint64_t number, const Configuration& configuration)
      : communicator_(communicator),
        given_up_(communicator, number),
        plan_(configuration),
        threads_(threads_of(configuration)) {}

  void run() {
    std::vector<std::jthread> workers;
    for (int k = 0; k < threads_; ++k) workers.emplace_back([this] { work(); });
    say({threads_, {}, {}});
    for (int ended = 0; ended < threads_;) {
      if (given_up_()) stop_as_if_signalled();
      if (const auto message = communicator_.take(0, Communicator::start)) {
        auto answer = MessageReader(message->bytes).next<Answer>();
        if (answer.run < 0) ++ended;
        const std::lock_guard lock(mutex_);
        answers_.push_back(std::move(answer));
        changed_.notify_one();
      } else if (!report()) {
        std::this_thread::sleep_for(between_looks);
      }
    }
  }

 private:
  void say(const Report& report) { communicator_.send(0, Communicator::start, bytes_of(report)); }

  /// Sends what a thread has ended with, if one has.
  bool report() {
    std::unique_lock lock(mutex_);
    if (reports_.empty()) return false;
    const Report next = std::move(reports_.front());
    reports_.pop_front();
    lock.unlock();
    say(next);
    return true;
  }

  /// One thread's share.
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !answers_.empty(); });
      const Answer answer = std::move(answers_.front());
      answers_.pop_front();
      lock.unlock();
      if (answer.run < 0) return;
      Report ended = report_of(answer);
      lock.lock();
      reports_.push_back(std::move(ended));
    }
  }

  [[nodiscard]] Report report_of(const Answer& answer) const {
    try {
      return {1,
              train_once(plan_.configuration_of(answer.run), plan_.row(answer.run), answer.file),
              {}};
    } catch (...) {
      return {1, {}, current_failure()};
    }
  }

  Communicator& communicator_;
  GivenUp given_up_;
  SweepPlan plan_;
  int threads_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Answer> answers_;
  std::deque<Report> reports_;
};

}  // namespace

void serve_sweep(Communicator& communicator, const Request& request, MessageReader& message) {
  std::optional<RankOfSweep> rank;
  try {
    Configuration configuration =
        stored_configuration(verb_sweep, message.next<std::string>(), "rank 0");
    configuration.threads = message.next<std::optional<int>>();
    rank.emplace(communicator, request.number, configuration);
  } catch (...) {
    // Rank 0 takes this for a rank that has ended at once.
    communicator.send(0, Communicator::start, bytes_of(Report{0, {}, {}}));
    communicator.send(0, Communicator::start, bytes_of(Report{0, {}, current_failure()}));
    return;
  }
  rank->run();
}

}  // namespace cli
}  // namespace isochron
