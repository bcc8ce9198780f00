#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace isochron {

[[noreturn]] inline void throw_errno(int error = errno) {
  throw std::system_error(error, std::generic_category());
}

/// An open file of the system. Move-only; failures are std::system_error.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const std::filesystem::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) throw_errno();
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int get() const { return fd_; }

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) throw_errno();
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void sync() const {
    if (::fsync(fd_) != 0) throw_errno();
  }

  [[nodiscard]] struct stat status() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) throw_errno();
    return status;
  }

  /// flock without waiting: 0, or the error.
  [[nodiscard]] int lock(int operation) const {
    while (::flock(fd_, operation | LOCK_NB) != 0) {
      if (errno != EINTR) return errno;
    }
    return 0;
  }

  /// Network file systems report a failed write as late as this.
  void close() {
    if (::close(std::exchange(fd_, -1)) != 0) throw_errno();
  }

 private:
  int fd_ = -1;
};

/// Whether `path`, a link not followed, still names the open file.
[[nodiscard]] inline bool is_at(const Descriptor& file, const std::filesystem::path& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return false;
  const struct stat open = file.status();
  return there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

}  // namespace isochron
