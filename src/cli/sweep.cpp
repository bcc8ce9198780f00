#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "atomic_file.hpp"
#include "budget.hpp"
#include "cli/force_option.hpp"
#include "cli/grid.hpp"
#include "cli/print.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_report.hpp"
#include "cli/training_run.hpp"
#include "cli/verbs.hpp"
#include "clock.hpp"
#include "environment.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "memory.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"
#include "sweep_results.hpp"
#include "threads.hpp"

namespace isochron::cli {
namespace {

// ------------------------------------------------------------------------------------- one run

struct Outcome {
  SweepRun run;
  Vector theta;  ///< empty when there is no force
};

/// `loss`: verified, of the trajectories.
void judge(SweepRun& run, const TrainingSetup& setup, const std::function<bool()>& stop_requested,
           const Vector& theta, double loss) {
  const std::optional<Certificate> certificate =
      certify(setup.objective, theta, loss, setup.run.verdict_tolerance, stop_requested);
  if (!certificate) {
    run.verdict = "none";
    run.reason = no_certificate;
    return;
  }
  const Certificate& found = *certificate;
  run.verdict = name(found.verdict);
  run.reason = found.reason;
  run.n = found.n;
  const ForceFieldPtr field =
      stoppable_force(setup.objective.dynamics().shared_field(), stop_requested);
  run.deviation = fit_harmonic(*field, theta, setup.objective.period()).deviation;
  if (!found.center) return;
  run.x0 = *found.center;
  if (found.curve.empty()) return;
  run.period_deviation = found.period_deviation_max;
  run.width_deviation = found.width_deviation_max;
  run.shear_max = found.shear_max;
  constexpr double amplitude = 2;
  const double energy = std::pow(found.omega() * amplitude, 2) / 2;
  const auto after = std::find_if(found.curve.begin(), found.curve.end(),
                                  [&](const WellOrbit& orbit) { return orbit.energy >= energy; });
  if (after == found.curve.begin() || after == found.curve.end()) return;
  const WellOrbit& before = *std::prev(after);
  const double part = (energy - before.energy) / (after->energy - before.energy);
  run.shear_at_2 = before.shear() + part * (after->shear() - before.shear());
}

/// Throws Interrupted after a signal. A failure is a row, and so is a force for whose verification
/// there was no time. `file`: where the run's own results go; or empty.
Outcome train_once(const Configuration& configuration, SweepRun run,
                   const std::filesystem::path& file) {
  Outcome outcome{std::move(run), {}};
  SweepRun& row = outcome.run;
  const auto start = Clock::now();
  try {
    TrainingSetup setup = training_setup(resolved(configuration), std::nullopt);
    setup.training.sensitivity.integrator.communicator =
        nullptr;  // the starts themselves are shared
    const TrainingResult result = isochron::train(
        setup.objective,
        starting_parameters(setup.objective.dynamics().field(), row.seed, setup.output_scale),
        setup.training);
    if (result.reason == StopReason::interrupted) throw Interrupted("interrupted");
    const Vector& theta = result.state.theta;
    row.stop_reason = describe(result.reason);
    row.iterations = iterations_done(result.state.history);
    row.loss = result.state.loss;
    if (result.state.history.size() > 0) row.wall_time = result.state.history.wall_time.back();
    const Budget budget(time_to_finish(start, setup.training.max_time), signalled);
    const auto stop = file.empty() ? budget.rest() : budget.half();
    const VerifiedLoss verified = verify_loss(setup.objective, result, stop);
    row.loss_verified = verified.loss;
    judge(row, setup, stop, theta, verified.of_trajectories);
    row.status = "ok";
    outcome.theta = theta;
    if (file.empty()) return outcome;
    finish(setup.run, setup.objective, result,
           {time_to_finish(start, setup.training.max_time), signalled});
    write_results(file, setup.run);
    row.file = file.parent_path().filename() / file.filename();
  } catch (const NumericalError& error) {
    row.status = error.what();
  } catch (const Interrupted&) {
    if (signalled()) throw;
    row.status = "there was no time left to verify and judge the force; give more --max-time";
  }
  return outcome;
}

// ----------------------------------------------------------------------------------- the sweep

class Sweep {
 public:
  /// `file`: that of the resumed sweep.
  Sweep(const Configuration& configuration, const std::optional<SweepResults>& resumed,
        const std::string& file, Output output)
      : configuration_(configuration),
        output_(std::move(output)),
        variants_(variants(configuration)),
        runs_(configuration.runs),
        first_seed_(configuration.seed),
        threads_(threads_of(configuration)) {
    require_seeds(configuration, "seed", first_seed_, runs_);
    check_configurations();
    if (resumed) take_up(*resumed, file);
    require(outcomes_.empty() || outcomes_.rbegin()->first < total(),
            "--runs {} is less than what the sweep holds; when it goes on, there can only be more",
            runs_);
    sweep_.title = fmt::format("{} starts of {} configuration{}", runs_, variants_.size(),
                               variants_.size() == 1 ? "" : "s");
    sweep_.config = configuration_json(configuration);
    sweep_.environment = environment(threads_of(configuration));
  }

  int execute() {
    catch_signals();
    if (configuration_.keep_runs) {
      folder_ = output_.path().string() + ".runs";
      make_output_folder(folder_);
      remove_leftovers_in(folder_);
      const bool own = output_.former() || configuration_.overwrite;
      require(own || std::filesystem::is_empty(folder_),
              "the folder {} of --keep-runs is not empty; give --overwrite or another --output",
              folder_.string());
    }
    started_ = last_write_ = Clock::now();
    for (long run = 0; run < total(); ++run) {
      if (outcomes_.count(run) == 0) queue_.push_back(run);
    }
    const auto workers = std::min(static_cast<std::size_t>(threads_), queue_.size());
    run_on_threads(std::max<std::size_t>(1, workers), [this](std::size_t) { work(); });
    save();  // what there is, also after a failure
    if (failure_) std::rethrow_exception(failure_);
    if (!configuration_.quiet && terminal_) say("\n");
    if (signalled()) {
      say("isochron: interrupted; {0} holds the {1} runs up to here, go on with: isochron sweep "
          "--resume {0}\n",
          shown(output_.path()), outcomes_.size());
      return signal_status();
    }
    print_sweep(assembled(), output_.path());
    return 0;
  }

 private:
  [[nodiscard]] long configurations() const { return static_cast<long>(variants_.size()); }

  /// Run k has seed k / configurations, so that more --runs can follow.
  [[nodiscard]] long total() const { return runs_ * configurations(); }

  /// Bad options are found before work starts.
  void check_configurations() {
    for (const Variant& variant : variants_) {
      const Configuration first = with_seed(variant.configuration, first_seed_);
      require_network_alone(first);
      const TrainingSetup setup = training_setup(resolved(first), std::nullopt);
      const double at_once = static_cast<double>(std::min<long>(threads_, total()));
      training_memory(setup.objective, setup.training).require(available_memory(), at_once);
      require(setup.restarts == 1 && setup.period_multiple == 0,
              "--restarts and --period-multiple are for train; a sweep keeps every run");
      SweepConfiguration stored;
      stored.name = variant.name;
      stored.network = *setup.run.network;
      sweep_.configurations.push_back(std::move(stored));
    }
  }

  /// The seed of the starts with this index.
  [[nodiscard]] std::uint64_t seed_of(long run) const {
    return first_seed_ + static_cast<std::uint64_t>(run / configurations());
  }

  /// Throws InputError unless what `file` holds is the beginning of this sweep.
  void check_beginning(const SweepResults& stored, const std::string& file) const {
    const auto check = [&](bool fits, const std::string& what) {
      require(fits, "{} in {} does not fit its stored configuration", what, shown(file));
    };
    check(stored.configurations.size() == variants_.size(), "the number of configurations");
    for (std::size_t i = 0; i < variants_.size(); ++i) {
      const std::string which = fmt::format(" of configuration {}", i);
      check(stored.configurations[i].name == sweep_.configurations[i].name, "the name" + which);
      check(stored.configurations[i].network == sweep_.configurations[i].network,
            "the network" + which);
    }
    for (const SweepRun& run : stored.runs) {
      const std::string which = fmt::format(" of run {}", run.run);
      check(run.configuration == run.run % configurations(), "the configuration" + which);
      check(run.seed == seed_of(run.run), "the seed" + which);
    }
  }

  /// The runs of an earlier invocation.
  void take_up(const SweepResults& stored, const std::string& file) {
    check_beginning(stored, file);
    for (const SweepRun& run : stored.runs) outcomes_[run.run] = {run, {}};
    for (const SweepConfiguration& configuration : stored.configurations) {
      for (std::size_t i = 0; i < configuration.runs.size(); ++i) {
        outcomes_.at(configuration.runs[i]).theta = configuration.theta.col(static_cast<Index>(i));
      }
    }
  }

  /// One thread's share.
  void work() noexcept {
    try {
      for (;;) {
        const std::size_t next = next_++;
        if (next >= queue_.size() || signalled() || failed_) return;
        const long run = queue_[next];
        SweepRun row;
        row.run = run;
        row.configuration = run % configurations();
        const std::uint64_t seed = seed_of(run);
        row.seed = seed;
        const Variant& variant = variants_[static_cast<std::size_t>(row.configuration)];
        add(train_once(with_seed(variant.configuration, seed), std::move(row), file_of(run)));
      }
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

  void add(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    report(outcome.run);
    outcomes_[outcome.run.run] = std::move(outcome);
    if (seconds_since(last_write_) < configuration_.checkpoint_interval) return;
    save();
    last_write_ = Clock::now();
  }

  void save() { output_.save(sweep_image(output_.path(), assembled(), output_.former())); }

  /// In the order of the runs, whatever the threads did.
  [[nodiscard]] SweepResults assembled() const {
    SweepResults sweep = sweep_;
    std::vector<std::vector<const Vector*>> forces(sweep.configurations.size());
    for (const auto& [index, outcome] : outcomes_) {
      sweep.runs.push_back(outcome.run);
      if (outcome.theta.size() == 0) continue;
      const auto configuration = static_cast<std::size_t>(outcome.run.configuration);
      sweep.configurations[configuration].runs.push_back(index);
      forces[configuration].push_back(&outcome.theta);
    }
    for (std::size_t i = 0; i < forces.size(); ++i) {
      if (forces[i].empty()) continue;
      Eigen::MatrixXd& theta = sweep.configurations[i].theta;
      theta.resize(forces[i].front()->size(), static_cast<Index>(forces[i].size()));
      for (Index k = 0; k < theta.cols(); ++k)
        theta.col(k) = *forces[i][static_cast<std::size_t>(k)];
    }
    return sweep;
  }

  /// Before `last` is added.
  void report(const SweepRun& last) {
    const long count = static_cast<long>(outcomes_.size()) + 1;
    const double elapsed = seconds_since(started_);
    if (configuration_.quiet || elapsed - reported_ < (terminal_ ? 0.1 : 5)) return;
    reported_ = elapsed;
    const long here = count - (total() - static_cast<long>(queue_.size()));
    const double left = elapsed / static_cast<double>(here) * static_cast<double>(total() - count);
    say("{}run {} of {}  {:.0f} s, {:.0f} s left  last: loss {:.1e}, {:.24}{}",
        terminal_ ? "\r" : "", count, total(), elapsed, left, last.loss_verified,
        last.ok() ? last.verdict : "failed", terminal_ ? "\033[K" : "\n");
  }

  const Configuration& configuration_;
  Output output_;
  std::vector<Variant> variants_;
  long runs_;
  std::uint64_t first_seed_;
  int threads_;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::filesystem::path folder_;      ///< of the runs' own files, if they are kept
  SweepResults sweep_;                ///< all but its runs
  std::map<long, Outcome> outcomes_;  ///< by run
  std::vector<long> queue_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  Clock::time_point started_;
  Clock::time_point last_write_;
  double reported_ = -1e9;
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
  return Sweep(configuration, stored, resumed, std::move(output)).execute();
}

}  // namespace isochron::cli
