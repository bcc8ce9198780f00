#include "cli/sweep_record.hpp"

#include <doctest/doctest.h>

#include "cli/command_line.hpp"
#include "cli/shared_sweep.hpp"
#include "cli/stored_configuration.hpp"
#include "local_ranks.hpp"
#include "service.hpp"
#include "temporary_folder.hpp"

namespace test_sweep_record {

using namespace isochron;
using namespace isochron::cli;

namespace {

SweepResults head() {
  SweepResults head;
  head.title = "starts of one configuration";
  head.config = "{}";
  head.environment = {{"isochron", "0.1.0"}};
  head.configurations = {{"loss=periodic", Mlp({1, 2, 1}).architecture(), {}, {}}};
  return head;
}

Outcome outcome(long run, double wall_time) {
  Outcome outcome;
  outcome.run.run = run;
  outcome.run.seed = static_cast<std::uint64_t>(run);
  outcome.run.status = "ok";
  outcome.run.wall_time = wall_time;
  outcome.theta = Vector::Constant(7, 0.5);
  return outcome;
}

constexpr double days = 1e6;  // s, longer than any saving takes

}  // namespace

TEST_CASE("a run that is waited for is in the file") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "sweep.h5";
  SweepRecord record(SweepTable(head()), Output(path, false), std::nullopt);
  for (long run = 0; run < 20; ++run) {
    const SweepRecord::Added added = record.add(outcome(run, days));
    CHECK(added.count == static_cast<std::size_t>(run) + 1);
    CHECK(added.awaited == added.count);
    record.wait_until_saved(added.awaited);
    CHECK(record.is_saved(added.awaited));
    CHECK(read_sweep(path).runs.size() == added.count);
  }
  // A saving takes longer than a twentieth of no time.
  CHECK(record.add(outcome(20, 0)).awaited == 0);
  CHECK(record.is_saved(0));
  // Waiting ends a pause between savings, however long.
  record.wait_until_saved(record.add(outcome(21, days)).awaited);
  CHECK(read_sweep(path).runs.size() == 22);
  record.finish();
}

TEST_CASE("nobody waits where there is an interval, and the end saves everything") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "sweep.h5";
  SweepRecord record(SweepTable(head()), Output(path, false), days);
  for (long run = 0; run < 20; ++run) CHECK(record.add(outcome(run, days)).awaited == 0);
  record.finish();
  CHECK(read_sweep(path).runs.size() == 20);
}

TEST_CASE("nobody waits for a file that cannot be written") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lost" / "sweep.h5";
  std::filesystem::create_directory(path.parent_path());
  SweepRecord record(SweepTable(head()), Output(path, false), std::nullopt);
  std::filesystem::remove_all(path.parent_path());
  record.wait_until_saved(record.add(outcome(0, days)).awaited);
  CHECK(record.failed());
  CHECK_THROWS_AS(record.finish(), Error);
}

TEST_CASE("another rank gets its next start when its last one is in the file") {
  const auto mail = std::make_shared<LocalRank::Mail>();
  LocalRank first(0, 2, mail);
  const std::jthread other([&] {
    LocalRank self(1, 2, mail);
    serve(self, nullptr, [&](const Request& request, MessageReader& message) {
      serve_sweep(self, request, message);
    });
  });
  const Configuration configuration = read_configuration(
      verb_sweep, {"--hidden", "2", "--trajectories", "2", "--iterations", "1", "--runs", "9"});
  std::size_t taken = 0;
  std::size_t saved = 0;
  long begun = 0;
  StartsForOthers starts;
  starts.configuration = configuration_json(configuration);
  starts.threads = 2;
  starts.next = [&]() -> std::optional<Start> {
    // Two threads: all starts but the two last ones are saved.
    CHECK(begun <= static_cast<long>(saved) + 1);
    if (begun == 9) return std::nullopt;
    return Start{begun++, {}};
  };
  starts.take = [&](const Outcome& outcome) {
    CHECK(outcome.run.status == "ok");
    return ++taken;
  };
  starts.is_saved = [&](std::size_t count) {
    const bool is_saved = saved >= count;
    if (saved < taken) ++saved;  // between this question and the next one
    return is_saved;
  };
  starts.stop_requested = [] { return false; };
  share_starts(first, starts);
  dismiss(first);
  CHECK(taken == 9);
  CHECK(saved == 9);
}

}  // namespace test_sweep_record
