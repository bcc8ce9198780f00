#include "cli/output.hpp"

#include <cstdio>
#include <cstring>

#include "atomic_file.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace fs = std::filesystem;

void check_output_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    const std::string name = shown(folder.string());
    throw InputError("the output folder " + name + " does not exist; create it: mkdir -p " + name);
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw InputError("the output folder " + folder.string() +
                     " cannot be written to: " + std::strerror(errno));
  }
}

/// The file behind `path`.
fs::path checked(const fs::path& path, bool may_replace) {
  if (path.empty()) throw InputError("--output '' is not admissible; give the name of a file");
  std::error_code error;
  const bool is_link = fs::is_symlink(path, error);
  fs::path file = is_link ? fs::canonical(path, error) : path;
  if (is_link && error) {
    throw InputError("the output " + path.string() + " is a link that leads nowhere");
  }
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status) || !file.has_filename()) {
    throw InputError("the output " + path.string() + " is a folder; give the name of a file");
  }
  check_output_folder(file.has_parent_path() ? file.parent_path() : ".");
  if (!fs::status_known(status)) {
    throw InputError("the output file " + path.string() + " cannot be made: " + error.message());
  }
  if (!fs::exists(status)) return file;
  if (!fs::is_regular_file(status)) {
    throw InputError("the output " + path.string() + " is a device; give the name of a file");
  }
  if (!may_replace) {
    throw InputError("the output file " + path.string() +
                     " exists; give --overwrite to replace it or another --output");
  }
  require_replaceable(file);
  return file;
}

FileLock locked(const fs::path& file) {
  try {
    FileLock lock(file);
    if (!lock.works()) {
      std::fprintf(stderr,
                   "isochron: warning: the file system of %s has no locks: see to it that no other "
                   "process writes the file\n",
                   shown(file).c_str());
    }
    return lock;
  } catch (const std::system_error& error) {
    throw InputError("the output file " + file.string() +
                     " cannot be made: " + error.code().message());
  }
}

}  // namespace

void require_replaceable(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored) || is_writable(file)) return;
  throw InputError("the output file " + file.string() +
                   " is write-protected; permit it by chmod u+w or give another --output");
}

void make_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw InputError("the folder " + folder.string() + " cannot be made: " + error.message());
  }
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

void Output::save(std::string_view bytes) {
  try {
    NewFile file(path_, bytes);
    // While the old file is held, programs that lock as HDF5 does cannot begin to write it.
    const Descriptor held = claim();
    const Version version = version_of(file.status());
    file.put_at(path_);
    last_ = version;
  } catch (const std::system_error& error) {
    throw OutputError("cannot write '" + path_.string() + "': " + error.code().message());
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
  constexpr std::size_t longest_stem = 200;  // a longer name might be none with a number in it
  const fs::path before = path_;
  const std::string stem = before.stem().string().substr(0, longest_stem);
  for (int i = 1;; ++i) {
    fs::path other = before.parent_path() / stem;
    other += '-' + std::to_string(i);
    other += before.extension();
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(other, ignored))) continue;
    try {
      lock_ = FileLock(other);
    } catch (const InputError&) {  // somebody else is about to write that
      continue;
    }
    path_ = other;
    last_.reset();
    break;
  }
  std::fprintf(stderr,
               "isochron: warning: %s %s while this run went on and is left alone; the results go "
               "to %s\n",
               shown(before).c_str(), why.c_str(), shown(path_).c_str());
}

}  // namespace isochron::cli
