#pragma once

#include <filesystem>
#include <string>

#include "descriptor.hpp"

namespace isochron {

/// That this process, and no other, writes a file: a lock of the kernel on a hidden file beside it,
/// ".NAME.lock", since the file itself is replaced whenever it is written. The hidden file says who
/// holds it. The lock ends with its process, however that ends.
class FileLock {
 public:
  /// Removes what dead writers have left. Throws InputError when another process writes `file`,
  /// naming it, and std::system_error when the hidden file cannot be made.
  explicit FileLock(const std::filesystem::path& file);
  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(file_, other.file_);
    std::swap(works_, other.works_);
    return *this;
  }
  ~FileLock();

  /// False where the file system has no locks: then nobody is kept out.
  [[nodiscard]] bool works() const { return works_; }

 private:
  std::filesystem::path path_;
  Descriptor file_;
  bool works_ = false;
};

/// Who writes a file.
struct Writer {
  enum class Is { nobody, somebody, unknown } is = Is::unknown;
  std::string process;  ///< of somebody: "process 123", of another machine "process 123 on HOST"
};

/// Whether the file system of a file has locks.
[[nodiscard]] bool can_be_locked(const std::filesystem::path& file);

/// Looks without locking anybody out. Unknown: where locks cannot be had or seen.
[[nodiscard]] Writer writer_of(const std::filesystem::path& file);

}  // namespace isochron
