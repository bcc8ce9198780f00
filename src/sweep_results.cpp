#include "sweep_results.hpp"

#include <map>
#include <tuple>

namespace isochron {

std::vector<SweepCount> count_verdicts(const std::vector<SweepRun>& runs) {
  std::map<std::tuple<long, std::string, long>, long> found;
  for (const SweepRun& run : runs) {
    ++found[{run.configuration, run.ok() ? run.verdict : "failed", run.n}];
  }
  std::vector<SweepCount> counts;
  for (const auto& [key, count] : found) {
    counts.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  }
  std::stable_sort(counts.begin(), counts.end(), [](const SweepCount& a, const SweepCount& b) {
    return a.configuration != b.configuration ? a.configuration < b.configuration : a.runs > b.runs;
  });
  return counts;
}

}  // namespace isochron
