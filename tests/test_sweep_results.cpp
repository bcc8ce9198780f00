#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "isochron/error.hpp"
#include "sweep_results.hpp"
#include "temporary_folder.hpp"

namespace test_sweep_results {

using namespace isochron;

namespace {

SweepRun made_up_run(long index, long configuration, const std::string& verdict, long n) {
  SweepRun run;
  run.run = index;
  run.configuration = configuration;
  run.seed = std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(index);
  run.status = verdict.empty() ? "the force is not finite" : "ok";
  run.verdict = verdict;
  run.reason = verdict.empty() ? "" : "max |n T(E)/T - 1| = 2.0e-09";
  run.stop_reason = "loss tolerance reached";
  run.file = index == 2 ? "sweep.h5.runs/000002.h5" : "";
  run.n = n;
  if (verdict.empty()) return run;
  run.x0 = 0.1 * static_cast<double>(index);
  run.loss = 1e-13;
  run.loss_verified = 1.1e-13;
  run.period_deviation = 1e-7;
  run.width_deviation = 2e-7;
  run.shear_max = 0.01 * static_cast<double>(index);
  run.shear_at_2 = index == 3 ? std::nan("") : -0.02 * static_cast<double>(index);
  run.deviation = 0.5;
  run.iterations = 100 + index;
  run.wall_time = 0.25;
  return run;
}

SweepResults made_up_sweep() {
  SweepResults sweep;
  sweep.title = "7 starts of 2 configurations";
  sweep.config = R"({"runs": 4})";
  sweep.environment = {{"isochron", "0.1.0"}};
  const std::string sheared = name(Isochrony::sheared);
  sweep.runs = {made_up_run(0, 0, sheared, 1), made_up_run(1, 1, name(Isochrony::harmonic), 1),
                made_up_run(2, 0, sheared, 2), made_up_run(3, 1, name(Isochrony::not_converged), 0),
                made_up_run(4, 0, sheared, 1), made_up_run(5, 1, name(Isochrony::harmonic), 1),
                made_up_run(6, 0, "", 0)};
  const Mlp small({1, 3, 1});
  const Mlp odd({1, 4, 1}, Symmetry::odd, Skip::linear);
  sweep.configurations = {
      {"loss=periodic", small.architecture(), {0, 2, 4}, Eigen::MatrixXd::Random(10, 3)},
      {"symmetry=odd",
       odd.architecture(),
       {1, 3, 5},
       Eigen::MatrixXd::Random(odd.parameters(), 3)}};
  return sweep;
}

std::vector<std::uint64_t> bits(const SweepRun& run) {
  std::vector<std::uint64_t> all;
  for (const auto& field : sweep_fields) {
    if (const auto* number = std::get_if<double SweepRun::*>(&field.value)) {
      all.push_back(std::bit_cast<std::uint64_t>(run.**number));
    } else if (const auto* count = std::get_if<long SweepRun::*>(&field.value)) {
      all.push_back(static_cast<std::uint64_t>(run.**count));
    } else if (const auto* seed = std::get_if<std::uint64_t SweepRun::*>(&field.value)) {
      all.push_back(run.**seed);
    } else {
      all.push_back(std::hash<std::string>()(run.*std::get<std::string SweepRun::*>(field.value)));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a sweep is read back to the last bit") {
  const TemporaryFolder folder;
  const SweepResults sweep = made_up_sweep();
  write_sweep(folder / "sweep.h5", sweep);
  const SweepResults found = read_sweep(folder / "sweep.h5");
  CHECK(found.title == sweep.title);
  CHECK(found.config == sweep.config);
  CHECK(found.part == SweepPart());
  CHECK(found.environment == sweep.environment);
  REQUIRE(found.runs.size() == sweep.runs.size());
  for (std::size_t i = 0; i < sweep.runs.size(); ++i) {
    CHECK(bits(found.runs[i]) == bits(sweep.runs[i]));
  }
  REQUIRE(found.configurations.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(found.configurations[i].name == sweep.configurations[i].name);
    CHECK(found.configurations[i].network == sweep.configurations[i].network);
    CHECK(found.configurations[i].runs == sweep.configurations[i].runs);
    CHECK(found.configurations[i].theta == sweep.configurations[i].theta);
  }
  const Entries entries = read_entries(folder / "sweep.h5");
  CHECK(entries.sweep);
  CHECK_FALSE(entries.run);
  CHECK_FALSE(entries.benchmark);
}

TEST_CASE("parts share the runs evenly, also those of each configuration, however many there are") {
  for (long configurations = 1; configurations <= 12; ++configurations) {
    for (long parts = 1; parts <= 13; ++parts) {
      const auto n = static_cast<std::size_t>(parts);
      std::vector<long> all(n);
      std::vector<std::vector<long>> of(static_cast<std::size_t>(configurations),
                                        std::vector<long>(n));
      for (long run = 0; run < 3 * configurations * parts + 5; ++run) {
        long holders = 0;
        for (long part = 1; part <= parts; ++part) {
          if (!SweepPart{part, parts}.holds(run, configurations)) continue;
          ++holders;
          ++all[static_cast<std::size_t>(part - 1)];
          ++of[static_cast<std::size_t>(run % configurations)][static_cast<std::size_t>(part - 1)];
        }
        REQUIRE(holders == 1);
        const auto even = [](const std::vector<long>& counts) {
          const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
          return *most - *least <= 1;
        };
        REQUIRE(even(all));
        REQUIRE(even(of[static_cast<std::size_t>(run % configurations)]));
      }
    }
  }
}

TEST_CASE("a part of a sweep is read back, and holds runs of its own only") {
  const TemporaryFolder folder;
  SweepResults sweep = made_up_sweep();
  sweep.part = {2, 3};
  CHECK_THROWS_AS(write_sweep(folder / "bad.h5", sweep), InputError);
  std::erase_if(sweep.runs, [&](const SweepRun& run) { return !sweep.part.holds(run.run, 2); });
  for (SweepConfiguration& configuration : sweep.configurations) {
    configuration.runs.clear();
    configuration.theta.resize(0, 0);
  }
  write_sweep(folder / "part.h5", sweep);
  CHECK(read_sweep(folder / "part.h5").part == SweepPart{2, 3});
  sweep.part = {4, 3};
  CHECK_THROWS_AS(write_sweep(folder / "bad.h5", sweep), InputError);
}

TEST_CASE("a sweep without runs, and what is no sweep") {
  const TemporaryFolder folder;
  SweepResults sweep = made_up_sweep();
  sweep.runs.clear();
  for (SweepConfiguration& configuration : sweep.configurations) {
    configuration.runs.clear();
    configuration.theta.resize(0, 0);
  }
  write_sweep(folder / "empty.h5", sweep);
  CHECK(read_sweep(folder / "empty.h5").runs.empty());
  CHECK(read_sweep(folder / "empty.h5").configurations.size() == 2);
  CHECK_THROWS_AS(static_cast<void>(read_results(folder / "empty.h5")), InputError);
  CHECK_THROWS_AS(static_cast<void>(read_sweep(folder / "none.h5")), InputError);

  sweep.runs = {made_up_run(0, 2, "harmonic", 1)};  // of a configuration that is not there
  CHECK_THROWS_AS(write_sweep(folder / "bad.h5", sweep), InputError);
}

TEST_CASE("a sweep whose parts do not fit is refused, also when it is to be written") {
  const TemporaryFolder folder;
  const auto refused = [&](const auto& change) {
    SweepResults sweep = made_up_sweep();
    change(sweep);
    CHECK_THROWS_AS(write_sweep(folder / "bad.h5", sweep), InputError);
  };
  using Sweep = SweepResults&;
  refused([](Sweep s) { s.configurations[0].theta = Eigen::MatrixXd::Zero(9, 3); });
  refused([](Sweep s) { s.configurations[0].theta = Eigen::MatrixXd::Zero(1000000, 3); });
  refused([](Sweep s) { s.configurations[0].theta = Eigen::MatrixXd::Zero(10, 2); });
  refused([](Sweep s) { s.configurations[1].network.layers = {1, 5, 1}; });
  refused([](Sweep s) { s.configurations[1].network.layers = {1, 1L << 62, 1}; });
  refused([](Sweep s) { s.configurations[0].runs = {0, 2, 3}; });  // of the other configuration
  refused([](Sweep s) { s.configurations[0].runs = {0, 2, 8}; });  // of none
  refused([](Sweep s) { std::swap(s.runs[2], s.runs[4]); });
  refused([](Sweep s) { s.runs[5].run = 4; });
  refused([](Sweep s) { s.runs[5].configuration = -1; });
  refused([](Sweep s) { s.configurations.pop_back(); });
}

TEST_CASE("verdicts are counted per configuration, the most frequent first") {
  const auto counts = count_verdicts(made_up_sweep().runs);
  const auto row = [&](std::size_t i) {
    return std::to_string(counts[i].configuration) + ' ' + counts[i].verdict + ' ' +
           std::to_string(counts[i].n) + ' ' + std::to_string(counts[i].runs);
  };
  REQUIRE(counts.size() == 5);
  CHECK(row(0) == "0 isochronous, sheared 1 2");
  CHECK(row(1) == "0 failed 0 1");
  CHECK(row(2) == "0 isochronous, sheared 2 1");
  CHECK(row(3) == "1 harmonic 1 2");
  CHECK(row(4) == "1 not converged 0 1");
}

TEST_CASE("values of a field, increasing, the missing ones left out") {
  const auto runs = made_up_sweep().runs;
  const auto all = [](const SweepRun&) { return true; };
  CHECK(sorted_values(runs, &SweepRun::shear_at_2, all) ==
        std::vector<double>{-0.1, -0.08, -0.04, -0.02, -0.0});
  const auto second = [](const SweepRun& run) { return run.configuration == 1; };
  CHECK(sorted_values(runs, &SweepRun::wall_time, second).size() == 3);
}

}  // namespace test_sweep_results
