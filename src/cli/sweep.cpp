#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "atomic_file.hpp"
#include "cli/force_option.hpp"
#include "cli/print.hpp"
#include "cli/ranks.hpp"
#include "cli/resolved.hpp"
#include "cli/shared_sweep.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_plan.hpp"
#include "cli/sweep_record.hpp"
#include "cli/sweep_report.hpp"
#include "cli/sweep_start.hpp"
#include "cli/training_setup.hpp"
#include "cli/verbs.hpp"
#include "clock.hpp"
#include "environment.hpp"
#include "isochron/error.hpp"
#include "memory.hpp"
#include "sentence.hpp"
#include "threads.hpp"

namespace isochron::cli {
namespace {

/// What the runs have in common. Bad options are found here, before work starts.
SweepResults head_of(const Configuration& configuration, const SweepPlan& plan) {
  const int threads = threads_of(configuration);
  SweepResults head;
  head.title = plan.title();
  head.config = configuration_json(configuration);
  head.part = configuration.part;
  head.environment = environment(threads);
  const double at_once = std::min<double>(threads, static_cast<double>(plan.runs().size()));
  std::vector<Configuration> firsts;
  for (const Variant& variant : plan.variants()) {
    const Configuration first = resolved(with_seed(variant.configuration, configuration.seed));
    require_network_alone(first);
    firsts.push_back(first);
    const TrainingSetup setup = training_setup(first, std::nullopt);
    training_memory(setup.objective, setup.training).require(available_memory(), at_once);
    require(setup.restarts == 1 && setup.period_multiple == 0,
            "--restarts and --period-multiple are for train; a sweep keeps every run");
    SweepConfiguration stored;
    stored.name = variant.name;
    stored.network = *setup.run.network;
    head.configurations.push_back(std::move(stored));
  }
  refuse_idle_options(firsts);
  return head;
}

/// The folder OUTPUT.runs of --keep-runs.
std::filesystem::path made_folder_of_runs(const Configuration& configuration,
                                          const Output& output) {
  std::filesystem::path folder = output.path().string() + ".runs";
  make_output_folder(folder);
  remove_leftovers_in(folder);
  const bool own = output.former() || configuration.overwrite;
  require(own || std::filesystem::is_empty(folder),
          "the folder {} of --keep-runs is not empty; give --overwrite or another --output",
          folder.string());
  return folder;
}

/// How far a sweep is, on stderr.
class SweepProgress {
 public:
  /// `before`: runs that there are already; `total`: that there will be.
  SweepProgress(std::size_t before, std::size_t total, bool quiet)
      : before_(before), total_(total), quiet_(quiet) {}

  void report(const SweepRun& last, std::size_t count) {
    const std::lock_guard lock(mutex_);
    const double elapsed = seconds_since(started_);
    if (quiet_ || elapsed - reported_ < (terminal_ ? 0.1 : 5)) return;
    reported_ = elapsed;
    const double left =
        elapsed / static_cast<double>(count - before_) * static_cast<double>(total_ - count);
    say("{}run {} of {}  {:.0f} s, {:.0f} s left  last: loss {:.1e}, {:.24}{}",
        terminal_ ? "\r" : "", count, total_, elapsed, left, last.loss_verified,
        last.ok() ? last.verdict : "failed", terminal_ ? "\033[K" : "\n");
  }

  void end() const {
    if (!quiet_ && terminal_) say("\n");
  }

 private:
  std::size_t before_;
  std::size_t total_;
  bool quiet_;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  Clock::time_point started_ = Clock::now();
  double reported_ = -1e9;
  std::mutex mutex_;
};

/// The runs that are left, one after the other on each thread.
class Sweep {
 public:
  /// `folder`: where the runs' own files go, or empty.
  Sweep(const Configuration& configuration, const SweepPlan& plan, SweepTable table, Output output,
        std::filesystem::path folder)
      : threads_(configuration.threads),
        plan_(plan),
        folder_(std::move(folder)),
        queue_(left(plan, table)),
        progress_(table.size(), table.size() + queue_.size(), configuration.quiet),
        record_(std::move(table), std::move(output), configuration.sweep_interval) {}

  /// Returns the exit status.
  int execute(int threads) {
    const auto workers = std::min(static_cast<std::size_t>(threads), queue_.size());
    if (ranks()) {
      run_on_threads(workers + 1, [this](std::size_t k) { k == 0 ? hand_out() : work(); });
    } else {
      run_on_threads(std::max<std::size_t>(1, workers), [this](std::size_t) { work(); });
    }
    record_.finish();  // with what there is, also after a failure
    if (failure_) std::rethrow_exception(failure_);
    progress_.end();
    if (signalled()) {
      say("isochron: interrupted; {0} holds the {1} runs up to here, go on with: isochron sweep "
          "--resume {0}\n",
          shown(record_.path()), record_.table().size());
      return signal_status();
    }
    put("{}", sweep_text(record_.table().assembled(), record_.path()));
    return 0;
  }

 private:
  [[nodiscard]] static std::vector<long> left(const SweepPlan& plan, const SweepTable& table) {
    std::vector<long> runs = plan.runs();
    std::erase_if(runs, [&](long run) { return table.holds(run); });
    return runs;
  }

  /// Whether nothing more is to be started.
  [[nodiscard]] bool is_over() const { return signalled() || failed_ || record_.failed(); }

  /// The next run to be made, here or by another rank.
  [[nodiscard]] std::optional<long> next_run() {
    if (is_over()) return std::nullopt;
    const std::size_t next = next_++;
    return next < queue_.size() ? std::optional(queue_[next]) : std::nullopt;
  }

  /// Returns how many runs are to be in the file before its thread begins another.
  std::size_t take(Outcome outcome) {
    const SweepRun row = outcome.run;
    const SweepRecord::Added added = record_.add(std::move(outcome));
    progress_.report(row, added.count);
    return added.awaited;
  }

  /// One thread's share.
  void work() noexcept {
    attempt([this] {
      while (const std::optional<long> run = next_run()) {
        record_.wait_until_saved(
            take(train_once(plan_.configuration_of(*run), plan_.row(*run), file_of(*run))));
      }
    });
  }

  /// What other ranks do.
  void hand_out() noexcept {
    attempt([this] {
      share_starts(*ranks(), {record_.table().head().config, threads_,
                              [this]() -> std::optional<Start> {
                                const std::optional<long> run = next_run();
                                if (!run) return std::nullopt;
                                return Start{*run, file_of(*run)};
                              },
                              [this](Outcome outcome) { return take(std::move(outcome)); },
                              [this](std::size_t count) { return record_.is_saved(count); },
                              [this] { return is_over(); }});
    });
  }

  template <class Do>
  void attempt(const Do& what) noexcept {
    try {
      what();
    } catch (const Interrupted&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failed_ = true;
      failure_ = std::current_exception();
    }
  }

  /// OUTPUT.runs/000017.h5, when runs are kept.
  [[nodiscard]] std::filesystem::path file_of(long run) const {
    if (folder_.empty()) return {};
    return folder_ / fmt::format("{:06}.h5", run);
  }

  std::optional<int> threads_;
  const SweepPlan& plan_;
  std::filesystem::path folder_;
  std::vector<long> queue_;
  SweepProgress progress_;
  SweepRecord record_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  ///< of the failure
  std::exception_ptr failure_;
};

/// A sweep goes on with its own configurations.
void keep_configurations(const Configuration& configuration) {
  for (const std::string& key : given_keys(configuration)) {
    require(key == "runs", "--{} cannot change when a sweep goes on; only --runs can, to more",
            key);
  }
}

}  // namespace

int sweep(const Configuration& given) {
  Configuration configuration = given;
  const std::string& resumed = given.resume;
  std::optional<SweepResults> stored;
  if (!resumed.empty()) {
    stored = read_sweep(resumed);
    configuration = with_stored(given, stored_configuration(verb_sweep, stored->config, resumed));
    keep_configurations(configuration);
  }
  Output output = output_of(configuration, resumed);
  if (output.former()) stored = read_sweep(resumed);  // again, now that nobody else writes it
  echo(configuration);
  const SweepPlan plan(configuration);
  SweepTable table(head_of(configuration, plan));
  if (stored) {
    plan.check(*stored, resumed, table.head().configurations);
    table.add(*stored, resumed, output.path());
  }
  catch_signals();
  std::filesystem::path folder;
  if (configuration.keep_runs) folder = made_folder_of_runs(configuration, output);
  return Sweep(configuration, plan, std::move(table), std::move(output), std::move(folder))
      .execute(threads_of(configuration));
}

}  // namespace isochron::cli
