#include "atomic_file.hpp"

#include <fmt/core.h>
#include <sys/xattr.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

namespace isochron {
namespace {

namespace fs = std::filesystem;

constexpr const char* mark = ".isochron-";
constexpr std::size_t letters = 6;

/// FNV-1a of 64 bits: the same for every process.
std::uint64_t hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string random_letters() {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device source;
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  std::string text;
  for (std::size_t i = 0; i < letters; ++i) text += alphabet[pick(source)];
  return text;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

std::optional<struct stat> status_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) return status;
  if (errno != ENOENT) throw_errno();
  return std::nullopt;
}

/// What cannot be copied, such as attributes that only the superuser sets, is left out.
void copy_extended_attributes(const fs::path& from, const Descriptor& to) {
  const ssize_t size = ::listxattr(from.c_str(), nullptr, 0);
  if (size <= 0) return;
  std::string names(static_cast<std::size_t>(size), '\0');
  if (::listxattr(from.c_str(), names.data(), names.size()) != size) return;
  for (std::size_t at = 0; at < names.size(); at += std::string_view(&names[at]).size() + 1) {
    const char* name = &names[at];
    const ssize_t length = ::getxattr(from.c_str(), name, nullptr, 0);
    if (length < 0) continue;
    std::vector<char> value(static_cast<std::size_t>(length));
    if (::getxattr(from.c_str(), name, value.data(), value.size()) != length) continue;
    static_cast<void>(::fsetxattr(to.get(), name, value.data(), value.size(), 0));
  }
}

/// Permissions of a group are for that group: where the file cannot have it, they shrink to those
/// of others.
void copy_status(const fs::path& from, const struct stat& old, const Descriptor& to) {
  mode_t mode = old.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
  if (::fchown(to.get(), old.st_uid, old.st_gid) != 0 &&
      ::fchown(to.get(), static_cast<uid_t>(-1), old.st_gid) != 0) {
    mode &= ~static_cast<mode_t>(S_IRWXG) | ((mode & S_IRWXO) << 3);
  }
  copy_extended_attributes(from, to);
  if (::fchmod(to.get(), mode) != 0) throw_errno();
}

/// Makes a rename in the folder survive a power failure, where the file system can.
void sync_folder(const fs::path& folder) {
  const Descriptor opened(folder, O_RDONLY | O_DIRECTORY);
  if (::fsync(opened.get()) != 0 && errno != EINVAL) throw_errno();
}

void remove_if_nobody_holds(const fs::path& file) {
  const Descriptor opened(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (S_ISREG(opened.status().st_mode) && opened.lock(LOCK_EX) == 0) ::unlink(file.c_str());
}

/// Those whose name begins so and ends as a new file's does.
void remove_hidden_files(const fs::path& folder, const std::string& beginning) noexcept {
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      const std::size_t at = name.rfind(mark);
      if (at == std::string::npos || name.size() != at + std::string_view(mark).size() + letters ||
          !name.starts_with('.') || !name.starts_with(beginning)) {
        continue;
      }
      try {
        remove_if_nobody_holds(entry.path());
      } catch (const std::system_error&) {  // gone already, or not ours to open
      }
    }
  } catch (const std::exception&) {  // a folder that cannot be read has no leftovers of ours
  }
}

}  // namespace

fs::path hidden_beside(const fs::path& file, const std::string& ending) {
  constexpr std::size_t longest = 255;
  std::string name = "." + file.filename().string();
  if (name.size() + std::string_view(mark).size() + letters > longest) {
    name = fmt::format(".{:016x}", hash(file.filename().string()));
  }
  return file.parent_path() / (name + ending);
}

NewFile::NewFile(const fs::path& target, std::string_view bytes) {
  // Nobody else reads what is not to be read by others until it has the mode of the file before.
  constexpr mode_t by_umask = 0666;
  constexpr mode_t mine_alone = 0600;
  const mode_t mode = status_of(target) ? mine_alone : by_umask;
  do {
    path_ = hidden_beside(target, mark + random_letters());
    try {
      file_ = Descriptor(path_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::file_exists) throw;
      continue;
    }
    // Shared, as readers of HDF5 lock: they may open the file as soon as it is in its place.
    // Whoever cleans up wants it exclusively, and may have been faster than this.
    static_cast<void>(file_.lock(LOCK_SH));
  } while (file_.get() < 0 || !is_at(file_, path_));
  try {
    file_.write(bytes);
    file_.sync();
  } catch (const std::system_error&) {
    ::unlink(path_.c_str());
    throw;
  }
}

NewFile::~NewFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void NewFile::put_at(const fs::path& target) {
  const std::optional<struct stat> old = status_of(target);
  if (old && S_ISDIR(old->st_mode)) throw_errno(EISDIR);
  if (old && !S_ISREG(old->st_mode)) throw_errno(EEXIST);
  if (old && !is_writable(target)) throw_errno(EACCES);
  if (old) copy_status(target, *old, file_);
  fs::rename(path_, target);
  path_.clear();
  file_.close();
  sync_folder(folder_of(target));
}

void replace_file(const fs::path& link, std::string_view bytes) {
  const fs::path path = fs::is_symlink(link) ? fs::weakly_canonical(link) : link;
  NewFile(path, bytes).put_at(path);
}

bool is_writable(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  return (status.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) != 0 && ::access(file.c_str(), W_OK) == 0;
}

void remove_leftovers(const fs::path& file) noexcept {
  remove_hidden_files(folder_of(file), hidden_beside(file, mark).filename());
}

void remove_leftovers_in(const fs::path& folder) noexcept { remove_hidden_files(folder, ""); }

}  // namespace isochron
