#include "cli/output.hpp"

#include <fmt/core.h>
#include <cstring>

#include "atomic_file.hpp"
#include "cli/print.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace fs = std::filesystem;

void check_output_folder(const fs::path& folder) {
  std::error_code ignored;
  require(fs::is_directory(folder, ignored),
          "the output folder {0} does not exist; create it: mkdir -p {0}", shown(folder));
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw InputError(fmt::format("the output folder {} cannot be written to: {}", folder.string(),
                                 std::strerror(errno)));
  }
}

/// The file behind `path`.
fs::path checked(const fs::path& path, bool may_replace) {
  require(!path.empty(), "--output '' is not admissible; give the name of a file");
  const std::string name = path.string();
  std::error_code error;
  const bool is_link = fs::is_symlink(path, error);
  fs::path file = is_link ? fs::canonical(path, error) : path;
  require(!is_link || !error, "the output {} is a link that leads nowhere; give another --output",
          name);
  const fs::file_status status = fs::status(file, error);
  require(!fs::is_directory(status) && file.has_filename(),
          "the output {} is a folder; give the name of a file", name);
  check_output_folder(file.has_parent_path() ? file.parent_path() : ".");
  require(fs::status_known(status), "the output file {} cannot be made: {}", name, error.message());
  if (!fs::exists(status)) return file;
  require(fs::is_regular_file(status), "the output {} is a device; give the name of a file", name);
  require(may_replace,
          "the output file {} exists; give --overwrite to replace it or another --output", name);
  require_replaceable(file);
  return file;
}

/// The i-th path like this one: NAME-i.h5.
fs::path with_number(const fs::path& path, int i) {
  constexpr std::size_t longest_stem = 200;  // a longer name might be none with a number in it
  const std::string stem = path.stem().string().substr(0, longest_stem);
  return path.parent_path() / fmt::format("{}-{}{}", stem, i, path.extension().string());
}

bool is_taken(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

FileLock locked(const fs::path& file) {
  try {
    FileLock lock(file);
    if (!lock.works()) {
      say("isochron: warning: the file system of {} has no locks: see to it that no other process "
          "writes the file\n",
          shown(file));
    }
    return lock;
  } catch (const std::system_error& error) {
    throw InputError(fmt::format("the output file {} cannot be made: {}", file.string(),
                                 error.code().message()));
  }
}

}  // namespace

void require_replaceable(const fs::path& file) {
  std::error_code ignored;
  require(!fs::exists(file, ignored) || is_writable(file),
          "the output file {} is write-protected; permit it by chmod u+w or give another --output",
          file.string());
}

void make_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  require(!error, "the folder {} cannot be made: {}", folder.string(), error.message());
  check_output_folder(folder);
}

bool Output::Version::operator==(const Version& other) const {
  return device == other.device && number == other.number && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

Output::Version Output::version_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

Output::Output(const fs::path& path, bool may_replace)
    : path_(checked(path, may_replace)), lock_(locked(path_)) {
  static_cast<void>(checked(path, may_replace));  // the writer before may just have finished
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) last_ = version_of(status);
}

Output Output::into(const fs::path& file) {
  Output output(file, true);
  output.former_.emplace(file);
  return output;
}

Output Output::numbered(const std::string& name) {
  constexpr int most = 100000;
  check_output_folder(".");
  for (int i = 0;; ++i) {
    const fs::path path = i == 0 ? fs::path(name) : with_number(name, i);
    if (is_taken(path)) continue;
    try {
      return {path, false};
    } catch (const InputError&) {  // somebody else has just taken it
      if (i == most) throw;
    }
  }
}

void Output::save(std::string_view bytes) {
  try {
    NewFile file(path_, bytes);
    // While the old file is held, programs that lock as HDF5 does cannot begin to write it.
    const Descriptor held = claim();
    const Version version = version_of(file.status());
    file.put_at(path_);
    last_ = version;
  } catch (const std::system_error& error) {
    throw OutputError(fmt::format("cannot write '{}': {}", path_.string(), error.code().message()));
  }
}

Descriptor Output::claim() {
  Descriptor file;
  for (;;) {
    const std::string why = intrusion(file);
    if (why.empty()) return file;
    divert(why);
  }
}

/// What another program has done to the file at path(); empty when nothing. `file` is then open
/// and, where that is possible, locked as a reader of HDF5 does it.
std::string Output::intrusion(Descriptor& file) const {
  try {
    file = Descriptor(path_, O_RDONLY | O_NONBLOCK);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) return "cannot be read any more";
    return last_ ? "was removed" : "";
  }
  if (file.lock(LOCK_SH) == EWOULDBLOCK) return "is being written by another program";
  if (!last_ || !(version_of(file.status()) == *last_)) return "was changed by another program";
  return is_writable(path_) ? "" : "was write-protected";
}

void Output::divert(const std::string& why) {
  const fs::path before = path_;
  for (int i = 1;; ++i) {
    const fs::path other = with_number(before, i);
    if (is_taken(other)) continue;
    try {
      lock_ = FileLock(other);
    } catch (const InputError&) {  // somebody else is about to write that
      continue;
    }
    path_ = other;
    last_.reset();
    break;
  }
  say("isochron: warning: {} {} while this run went on and is left alone; the results go to {}\n",
      shown(before), why, shown(path_));
}

}  // namespace isochron::cli
