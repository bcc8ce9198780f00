#include "file_lock.hpp"

#include <fmt/core.h>
#include <array>
#include <chrono>
#include <sstream>
#include <thread>

#include "atomic_file.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

namespace fs = std::filesystem;

fs::path real_path(const fs::path& file) {
  return fs::is_symlink(file) ? fs::weakly_canonical(file) : file;
}

fs::path lock_path(const fs::path& file) { return hidden_beside(real_path(file), ".lock"); }

std::string host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

/// Number and host. On a full disk the lock stays anonymous, which harms nobody.
void sign(const Descriptor& file) {
  const std::string text = fmt::format("{} {}\n", ::getpid(), host());
  if (::ftruncate(file.get(), 0) != 0) return;
  static_cast<void>(::pwrite(file.get(), text.data(), text.size(), 0));
}

/// In words; who has just got the lock may not have signed it yet.
std::string signature(const Descriptor& file) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size() - 1, 0);
  std::istringstream words(size > 0 ? text.data() : "");
  long process = 0;
  std::string where;
  if (!(words >> process >> where)) return "another process";
  return fmt::format("process {}{}", process, where == host() ? "" : " on " + where);
}

bool means_no_locks(int error) {
  return error == ENOLCK || error == EOPNOTSUPP || error == ENOTSUP || error == ENOSYS ||
         error == EINVAL;
}

void wait_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

/// What a dead process of another user has left can be read and removed, though not signed.
Descriptor open_lock(const fs::path& path) {
  try {
    return {path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666};
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::permission_denied) throw;
  }
  Descriptor foreign(path, O_RDONLY | O_NOFOLLOW);
  if (foreign.lock(LOCK_EX) == 0 && is_at(foreign, path)) {
    if (::unlink(path.c_str()) != 0) throw_errno();
    return {path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666};
  }
  return foreign;
}

}  // namespace

FileLock::FileLock(const fs::path& file) : path_(lock_path(file)) {
  // Those who only look hold the lock for a moment.
  constexpr int attempts = 20;
  for (int attempt = 1;; ++attempt) {
    file_ = open_lock(path_);
    const int error = file_.lock(LOCK_EX);
    works_ = error == 0;
    if (means_no_locks(error)) return;
    if (error == EWOULDBLOCK) {
      const std::string process = signature(file_);
      if (attempt == attempts) {
        path_.clear();
        throw InputError(
            fmt::format("{} is being written by {}: wait for it, stop it, or give another --output",
                        file.string(), process));
      }
      wait_a_moment();
    } else if (error != 0) {
      throw_errno(error);
    } else if (is_at(file_, path_)) {  // the holder before has not just removed it
      break;
    }
  }
  sign(file_);
  remove_leftovers(real_path(file));
}

FileLock::~FileLock() {
  if (file_.get() >= 0 && !path_.empty()) ::unlink(path_.c_str());
}

bool can_be_locked(const fs::path& file) {
  try {
    return !means_no_locks(Descriptor(file, O_RDONLY | O_NONBLOCK).lock(LOCK_SH));
  } catch (const std::system_error&) {  // whoever opens it will say why that fails
    return true;
  }
}

Writer writer_of(const fs::path& file) {
  try {
    const fs::path path = lock_path(file);
    if (!fs::exists(path)) return {Writer::Is::nobody, ""};
    const Descriptor opened(path, O_RDONLY | O_NOFOLLOW);
    const int error = opened.lock(LOCK_SH);
    if (error == 0) return {Writer::Is::nobody, ""};
    if (error == EWOULDBLOCK) return {Writer::Is::somebody, signature(opened)};
  } catch (const std::system_error&) {  // what cannot be opened says nothing
  }
  return {};
}

}  // namespace isochron
