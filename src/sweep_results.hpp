#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "floating_point.hpp"
#include "isochron/results.hpp"
#include "record_field.hpp"
#include "sweep_part.hpp"

namespace isochron {

/// One training run of many, and what its force turned out to be. Numbers that were not had are
/// NaN; `status` or `verdict` says why.
struct SweepRun {
  long run = 0;            ///< counted from 0 over the whole sweep
  long configuration = 0;  ///< index into SweepResults::configurations
  std::uint64_t seed = 0;  ///< of data and weights
  std::string status;      ///< ok, or why there is no force
  std::string verdict;     ///< name() of an Isochrony
  std::string reason;      ///< the verdict's
  std::string stop_reason;
  std::string file;  ///< of the run's own results, seen from the sweep's folder; or empty
  long n = 0;        ///< periods in T; 0: undecided
  double x0 = not_a_number;
  double loss = not_a_number;
  double loss_verified = not_a_number;
  double period_deviation = not_a_number;  ///< max |n T(E)/T - 1|
  double width_deviation = not_a_number;   ///< max |R - 1|
  double shear_max = not_a_number;         ///< max |S|/A
  double shear_at_2 = not_a_number;        ///< S at A = 2, if it was visited
  double deviation = not_a_number;         ///< max |f + omega^2 x|, [-2, 2]
  long iterations = 0;
  double wall_time = 0;  ///< s

  [[nodiscard]] bool ok() const { return status == "ok"; }
  [[nodiscard]] bool isochronous() const {
    return n > 0 && (verdict == name(Isochrony::harmonic) || verdict == name(Isochrony::sheared));
  }
};

/// The columns of the table.
inline constexpr RecordField<SweepRun> sweep_fields[] = {
    {"run", &SweepRun::run, "run"},
    {"configuration", &SweepRun::configuration, "configuration, counted from 0"},
    {"seed", &SweepRun::seed, "seed of data and weights"},
    {"status", &SweepRun::status, "ok, or why there is no force"},
    {"verdict", &SweepRun::verdict, "verdict"},
    {"reason", &SweepRun::reason, "numbers that decide the verdict", "", true},
    {"stop_reason", &SweepRun::stop_reason, "why training stopped"},
    {"file", &SweepRun::file, "results file of the run, if it was kept"},
    {"n", &SweepRun::n, "periods in T (0: undecided)"},
    {"x0", &SweepRun::x0, "centre x0"},
    {"loss", &SweepRun::loss, "loss at the end of training"},
    {"loss_verified", &SweepRun::loss_verified, "loss by another method, tighter tolerance"},
    {"period_deviation", &SweepRun::period_deviation, "max |n T(E)/T - 1|"},
    {"width_deviation", &SweepRun::width_deviation, "max |R - 1|"},
    {"shear_max", &SweepRun::shear_max, "max |S|/A"},
    {"shear_at_2", &SweepRun::shear_at_2, "shear S at amplitude A = 2"},
    {"deviation", &SweepRun::deviation, "max |f + (2 pi n/T)^2 x| on [-2, 2], best n"},
    {"iterations", &SweepRun::iterations, "iterations"},
    {"wall_time", &SweepRun::wall_time, "wall time of training", "s"},
};

/// What the runs of one configuration have in common, and their forces.
struct SweepConfiguration {
  std::string name;  ///< the options that set it apart: "loss=periodic symmetry=odd"
  Architecture network;
  std::vector<long> runs;  ///< with a force, in the order of the columns of
  Eigen::MatrixXd theta;   ///< P x runs
};

/// The entry /sweep of a file in memory.
struct SweepResults {
  std::string title;
  std::string config;  ///< JSON
  SweepPart part;      ///< of whose runs there are none but these
  std::map<std::string, std::string> environment;
  std::vector<SweepConfiguration> configurations;
  std::vector<SweepRun> runs;  ///< in increasing order
};

/// How many runs of a configuration ended so.
struct SweepCount {
  long configuration;
  std::string verdict;  ///< or "failed"
  long n;               ///< 0: undecided
  long runs;
};

/// Sorted by configuration, then the most frequent first.
[[nodiscard]] std::vector<SweepCount> count_verdicts(const std::vector<SweepRun>& runs);

/// Finite values of a field in the runs of a configuration with a given property, increasing.
template <class Wanted>
[[nodiscard]] std::vector<double> sorted_values(const std::vector<SweepRun>& runs,
                                                double SweepRun::*field, const Wanted& wanted) {
  std::vector<double> values;
  for (const SweepRun& run : runs) {
    if (wanted(run) && std::isfinite(run.*field)) values.push_back(run.*field);
  }
  std::sort(values.begin(), values.end());
  return values;
}

/// Writes the file as write_results does: the old one or the complete new one is at `path`. Throws
/// InputError when sizes do not fit, OutputError when it cannot be written.
void write_sweep(const std::filesystem::path& path, const SweepResults& sweep);

/// The bytes of that file, as results_image.
[[nodiscard]] std::string sweep_image(const std::filesystem::path& path, const SweepResults& sweep,
                                      const std::optional<FormerFile>& former = std::nullopt);

/// Reads it back, to the last bit. Throws InputError as read_results does, and when the file holds
/// no sweep.
[[nodiscard]] SweepResults read_sweep(const std::filesystem::path& path);

}  // namespace isochron
