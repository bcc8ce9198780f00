#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "isochron/run.hpp"

namespace isochron {

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
/// InputError, with nothing touched, when sizes in `run` do not fit each other, and OutputError
/// with the system's reason when the file cannot be written; then the old file is intact and the
/// hidden one gone. With Existing::kept a file at `path` that read_entries refuses is an
/// InputError, too.
void write_results(const std::filesystem::path& path, const Run& run,
                   Existing existing = Existing::replaced);

/// The bytes of the file that write_results writes, for those who put it there themselves; with the
/// rest of `former`, whatever is at `path`, which is for messages.
[[nodiscard]] std::string results_image(const std::filesystem::path& path, const Run& run,
                                        const std::optional<FormerFile>& former = std::nullopt);

/// Puts the certificate of its run into an existing file, in the place of an older one; everything
/// else in the file stays. Written and renamed as by write_results. Throws InputError when the file
/// cannot be read, is not isochron's or holds no run, OutputError when it cannot be written.
void write_analysis(const std::filesystem::path& path, const Certificate& certificate);

/// Reads it all back, to the last bit. Groups and datasets it does not know are passed over. Throws
/// InputError when the file is missing, not HDF5, truncated, damaged, not written by isochron, of a
/// newer schema, holds no run, or sizes that do not fit each other.
[[nodiscard]] Run read_results(const std::filesystem::path& path);

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

}  // namespace isochron
