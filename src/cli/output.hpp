#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "file_lock.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// The results file of a verb. From before the work to the end no other process of isochron writes
/// it; and what other programs do to it meanwhile is not overwritten.
class Output {
 public:
  /// Throws InputError unless the file can be made: in a folder that exists and may be written to,
  /// not in the place of anything but a file that may be written to, and of that only if
  /// `may_replace`; and unless nobody else writes it.
  Output(const std::filesystem::path& path, bool may_replace);

  /// For a verb that goes on from a file and writes into it. Throws InputError, too, when that
  /// cannot be read.
  [[nodiscard]] static Output into(const std::filesystem::path& file);

  /// A new file in the working folder: `name`, or where that exists or is going to be written by
  /// another process NAME-1.h5, NAME-2.h5, .. Throws InputError when none can be made there.
  [[nodiscard]] static Output numbered(const std::string& name);

  /// What the file was that is gone on from; absent for a new one.
  [[nodiscard]] const std::optional<FormerFile>& former() const { return former_; }

  /// Where it is, or is going to be: a symbolic link is followed.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Puts the bytes of a file there. Where something else than this process has left, or met, is at
  /// path(), or is being written there, that stays: the path is from then on another one, which a
  /// warning names. Throws OutputError with the system's reason.
  void save(std::string_view bytes);

 private:
  /// Tells one content of a file from another.
  struct Version {
    dev_t device;
    ino_t number;
    off_t size;
    timespec changed;

    [[nodiscard]] bool operator==(const Version& other) const;
  };

  [[nodiscard]] static Version version_of(const struct stat& status);
  [[nodiscard]] Descriptor claim();
  [[nodiscard]] std::string intrusion(Descriptor& file) const;
  void divert(const std::string& why);

  std::filesystem::path path_;
  FileLock lock_;
  std::optional<FormerFile> former_;
  std::optional<Version> last_;  ///< what is there, as far as is known; absent: nothing
};

/// Throws InputError when there is a file that must not be written to.
void require_replaceable(const std::filesystem::path& file);

/// Whether a table in text is asked for instead of a results file, by the ending of its name.
[[nodiscard]] inline bool is_table(const std::filesystem::path& file) {
  return file.extension() == ".csv";
}

/// Makes `folder` where it is not there yet. Throws InputError unless it may then be written to.
void make_output_folder(const std::filesystem::path& folder);

}  // namespace isochron::cli
