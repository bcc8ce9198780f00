#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/configuration.hpp"
#include "cli/grid.hpp"
#include "sweep_results.hpp"

namespace isochron::cli {

/// Which runs a sweep, or a part of it, consists of, and from what each starts. Run k has
/// configuration k mod C of C, and seed k / C counted from that of the sweep, so that more --runs
/// can follow.
class SweepPlan {
 public:
  /// Throws InputError.
  explicit SweepPlan(const Configuration& sweep);

  [[nodiscard]] const std::vector<Variant>& variants() const { return variants_; }
  [[nodiscard]] long configurations() const { return static_cast<long>(variants_.size()); }

  /// Of the whole sweep.
  [[nodiscard]] long total() const { return starts_ * configurations(); }
  /// Of the part, in increasing order.
  [[nodiscard]] std::vector<long> runs() const;

  [[nodiscard]] std::string title() const;

  /// The row of a run that is not made yet.
  [[nodiscard]] SweepRun row(long run) const;
  /// What that run trains.
  [[nodiscard]] Configuration configuration_of(long run) const;

  /// Throws InputError unless what `file` holds are runs of this plan, with these networks.
  void check(const SweepResults& stored, const std::string& file,
             const std::vector<SweepConfiguration>& expected) const;

 private:
  [[nodiscard]] std::uint64_t seed_of(long run) const;

  std::vector<Variant> variants_;
  long starts_;  ///< of each configuration
  std::uint64_t first_seed_;
  SweepPart part_;
};

}  // namespace isochron::cli
