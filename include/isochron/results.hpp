#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "isochron/certificate.hpp"
#include "isochron/portrait.hpp"
#include "isochron/training.hpp"

namespace isochron {

/// The network of a run; with theta enough to rebuild the force elsewhere.
struct ModelRecord {
  std::vector<Index> layers;  ///< all widths, input and output included
  std::string activation = "tanh";
  Symmetry symmetry = Symmetry::none;
  Skip skip = Skip::none;
  Vector theta;          ///< [P]
  Vector theta_initial;  ///< [P], or empty when unknown

  [[nodiscard]] static ModelRecord of(const Mlp& network, Vector theta = {},
                                      Vector theta_initial = {}) {
    return {network.layers(), "tanh",           network.symmetry(),
            network.skip(),   std::move(theta), std::move(theta_initial)};
  }
  [[nodiscard]] Mlp network() const { return Mlp(layers, symmetry, skip); }
};

/// One number of the summary.
struct SummaryValue {
  double value = 0;
  std::string long_name;    ///< what it is, unit included: "wall time (s)"
  std::string units = "1";  ///< "1": dimensionless
  std::optional<std::uint64_t> whole = std::nullopt;  ///< exactly, of one that may exceed 2^53
};

/// A results file in memory: the tree of schema_version 1. What is absent (no value, no entries, an
/// empty string) is not written, and reads back as absent. Names of `environment`, `summary` and
/// `summary_text` become names in the file: no '/', and not the same one in both summaries.
struct Results {
  std::string entry = "run";  ///< name of the NXentry
  std::string title;
  std::string start_time;                          ///< ISO 8601
  std::string config;                              ///< JSON
  std::map<std::string, std::string> environment;  ///< versions, compiler, CPU, threads, ...

  std::optional<ModelRecord> model;
  Snapshots snapshots;

  States initial_states;  ///< state_dimension x N (one row per trajectory in the file)
  States final_states;    ///< the same, or absent
  States residuals;       ///< the same, or absent
  Vector end_times;       ///< [N], or absent
  Vector amplitudes;      ///< [N] that periods are prescribed for, or absent
  Vector energies;        ///< the same
  std::optional<ForceData> force_data;
  Motion motion = Motion::newtonian;

  History history;
  std::vector<PhasePortrait> phase_portrait_before;  ///< one per degree of freedom
  std::vector<PhasePortrait> phase_portrait;         ///< one per degree of freedom
  std::optional<OrbitFan> orbits;
  std::optional<PositionCurve> force;
  std::optional<PositionCurve> potential;
  std::optional<EnergyRecord> energy;  ///< of a simulation
  std::optional<Certificate> analysis;

  std::map<std::string, SummaryValue> summary;      ///< loss, loss_verified, ...
  std::map<std::string, std::string> summary_text;  ///< stop_reason, ...

  /// Whether the trajectories are those of a period law.
  [[nodiscard]] bool has_period_law() const { return amplitudes.size() + energies.size() > 0; }
};

/// A file of isochron's as it was before it is written again. What is not isochron's own there
/// stays when it is handed on: attributes, groups and links that users have added, entries other
/// than the one that is written, references to all of them.
class FormerFile {
 public:
  /// Reads it. Throws InputError as read_entries does.
  explicit FormerFile(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::string& bytes() const { return *bytes_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::string> bytes_;
};

/// What becomes of a file that a new one takes the place of: it is gone, or all that is not
/// replaced stays (as by FormerFile), such as a benchmark beside a run.
enum class Existing { replaced, kept };

/// Writes a file beside `path`, hidden and under a name of its own (".NAME.isochron-" and six
/// letters), syncs it and renames it over `path`: at every moment either the old file or the
/// complete new one is there. Mode and, as far as permitted, owner of an old file stay. Throws
/// InputError, with nothing touched, when sizes in `results` do not fit each other, and OutputError
/// with the system's reason when the file cannot be written; then the old file is intact and the
/// hidden one gone. With Existing::kept a file at `path` that read_entries refuses is an
/// InputError, too.
void write_results(const std::filesystem::path& path, const Results& results,
                   Existing existing = Existing::replaced);

/// The bytes of the file that write_results writes, for those who put it there themselves; with the
/// rest of `former`, whatever is at `path`, which is for messages.
[[nodiscard]] std::string results_image(const std::filesystem::path& path, const Results& results,
                                        const std::optional<FormerFile>& former = std::nullopt);

/// Puts the certificate of its run into an existing file, in the place of an older one; everything
/// else in the file stays. Written and renamed as by write_results. Throws InputError when the file
/// cannot be read, is not isochron's or holds no run, OutputError when it cannot be written.
void write_analysis(const std::filesystem::path& path, const Certificate& certificate);

/// Reads it all back, to the last bit. Groups and datasets it does not know are passed over. Throws
/// InputError when the file is missing, not HDF5, truncated, damaged, not written by isochron, of a
/// newer schema, holds no run, or sizes that do not fit each other.
[[nodiscard]] Results read_results(const std::filesystem::path& path);

/// What a file of isochron holds: /run (or an entry of another name), /benchmark, both, or /sweep.
struct Entries {
  bool run = false;
  bool benchmark = false;
  bool sweep = false;
};

/// Throws InputError as read_results does, but not when there is only a benchmark.
[[nodiscard]] Entries read_entries(const std::filesystem::path& path);

/// A dataset of any HDF5 file, for initial states: rows x columns, or one column for a 1-D dataset.
/// Integers and floats of any width are converted. Throws InputError unless `dataset` (a path
/// inside the file) holds at least one number.
[[nodiscard]] Eigen::MatrixXd read_matrix(const std::filesystem::path& file,
                                          const std::string& dataset);

/// The version of the HDF5 library that runs: "1.10.8".
[[nodiscard]] std::string hdf5_version();

}  // namespace isochron
