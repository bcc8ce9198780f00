#pragma once

#include <cstddef>
#include <filesystem>
#include <map>

#include "cli/sweep_start.hpp"
#include "sweep_results.hpp"

namespace isochron::cli {

/// The runs of a sweep that there are, in any order they come.
class SweepTable {
 public:
  /// `head`: what they have in common, a sweep without runs.
  explicit SweepTable(SweepResults head) : head_(std::move(head)) {}

  void add(Outcome outcome);

  /// Adds all runs that `file` holds. Their own files are then named as seen from the folder of
  /// `output`.
  void add(const SweepResults& stored, const std::filesystem::path& file,
           const std::filesystem::path& output);

  [[nodiscard]] const SweepResults& head() const { return head_; }
  [[nodiscard]] bool holds(long run) const { return outcomes_.count(run) != 0; }
  [[nodiscard]] std::size_t size() const { return outcomes_.size(); }

  /// Everything, in the order of the runs.
  [[nodiscard]] SweepResults assembled() const;

 private:
  SweepResults head_;
  std::map<long, Outcome> outcomes_;  ///< by run
};

}  // namespace isochron::cli
