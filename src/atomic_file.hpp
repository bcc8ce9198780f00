#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "descriptor.hpp"

// Files that are there complete or not at all. A new one is written beside its place, under a name
// that no user has, ".NAME.isochron-" and six letters, and renamed. Its writer holds a lock on it,
// which dies with the process: what nobody holds is a leftover.

namespace isochron {

/// The name of a hidden file that belongs to `file`, in the same folder: ".NAME" and `ending`;
/// where NAME is so long that this would be no name, a number stands for it.
[[nodiscard]] std::filesystem::path hidden_beside(const std::filesystem::path& file,
                                                  const std::string& ending);

/// A complete file, synced, that waits beside its place. Removed unless it is put there. Failures
/// are std::system_error with the system's reason; what was in the place is then untouched.
class NewFile {
 public:
  /// In the folder of `target`.
  NewFile(const std::filesystem::path& target, std::string_view bytes);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  [[nodiscard]] struct stat status() const { return file_.status(); }

  /// Takes the place of what is at `target`, in the same folder, and syncs that. An older file
  /// passes on its mode, its extended attributes (so its access control list) and, as far as
  /// permitted, its owner; one that is not to be written (see is_writable) or no file is refused.
  void put_at(const std::filesystem::path& target);

 private:
  std::filesystem::path path_;
  Descriptor file_;
};

/// Puts `bytes` in the place of what is at `path`, a symbolic link followed, as NewFile does.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

/// Whether anybody may write this file, and this process does: the superuser, who may write
/// everything, respects a mode without any w.
[[nodiscard]] bool is_writable(const std::filesystem::path& file);

/// Removes what writers of `file` that are dead have left.
void remove_leftovers(const std::filesystem::path& file) noexcept;
/// Of any file in `folder`.
void remove_leftovers_in(const std::filesystem::path& folder) noexcept;

}  // namespace isochron
