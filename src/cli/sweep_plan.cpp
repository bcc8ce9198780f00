#include "cli/sweep_plan.hpp"

#include <fmt/core.h>

#include "cli/training_setup.hpp"
#include "sentence.hpp"

namespace isochron::cli {

SweepPlan::SweepPlan(const Configuration& sweep)
    : variants_(cli::variants(sweep)),
      starts_(sweep.runs),
      first_seed_(sweep.seed),
      part_(sweep.part) {
  require_seeds(sweep, "seed", first_seed_, starts_);
}

std::vector<long> SweepPlan::runs() const {
  std::vector<long> runs;
  for (long run = 0; run < total(); ++run) {
    if (part_.holds(run, configurations())) runs.push_back(run);
  }
  return runs;
}

std::string SweepPlan::title() const {
  std::string whole = fmt::format("{} starts of {} configuration{}", starts_, configurations(),
                                  configurations() == 1 ? "" : "s");
  if (part_ == SweepPart()) return whole;
  return fmt::format("part {} of {} of {}", part_.number, part_.of, whole);
}

std::uint64_t SweepPlan::seed_of(long run) const {
  return first_seed_ + static_cast<std::uint64_t>(run / configurations());
}

SweepRun SweepPlan::row(long run) const {
  SweepRun row;
  row.run = run;
  row.configuration = run % configurations();
  row.seed = seed_of(run);
  return row;
}

Configuration SweepPlan::configuration_of(long run) const {
  return with_seed(variants_[static_cast<std::size_t>(run % configurations())].configuration,
                   seed_of(run));
}

void SweepPlan::check(const SweepResults& stored, const std::string& file,
                      const std::vector<SweepConfiguration>& expected) const {
  const auto check = [&](bool fits, const std::string& what) {
    require(fits, "{} in {} does not fit its stored configuration", what, shown(file));
  };
  check(stored.part == part_, "the part");
  check(stored.configurations.size() == variants_.size(), "the number of configurations");
  for (std::size_t i = 0; i < variants_.size(); ++i) {
    const std::string which = fmt::format(" of configuration {}", i);
    check(stored.configurations[i].name == variants_[i].name, "the name" + which);
    check(stored.configurations[i].network == expected.at(i).network, "the network" + which);
  }
  for (const SweepRun& run : stored.runs) {
    const std::string which = fmt::format(" of run {}", run.run);
    check(run.configuration == run.run % configurations(), "the configuration" + which);
    check(run.seed == seed_of(run.run), "the seed" + which);
  }
  require(stored.runs.empty() || stored.runs.back().run < total(),
          "--runs {} is less than what the sweep holds in {}; when it goes on, there can only be "
          "more",
          starts_, shown(file));
}

}  // namespace isochron::cli
