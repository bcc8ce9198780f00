#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "atomic_file.hpp"
#include "descriptor.hpp"
#include "file_lock.hpp"
#include "isochron/error.hpp"
#include "temporary_folder.hpp"

namespace test_atomic_file {

using namespace isochron;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Changes the umask for as long as it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

}  // namespace

TEST_CASE("a new file has the mode that the umask leaves, an old one keeps its own") {
  const TemporaryFolder folder;
  for (const mode_t mask : {022, 077, 002}) {
    const Umask umask(mask);
    const fs::path file = folder / ("file" + std::to_string(mask));
    replace_file(file, "new");
    CHECK(mode_of(file) == (0666 & ~mask));
    for (const mode_t mode : {0600, 0640, 0664, 0700}) {
      REQUIRE(::chmod(file.c_str(), mode) == 0);
      replace_file(file, "newer");
      CHECK(mode_of(file) == mode);
    }
  }
  CHECK(contents(folder / "file18") == "newer");
}

TEST_CASE("the owner stays where that is permitted") {
  if (::geteuid() != 0) return;
  const TemporaryFolder folder;
  put(folder / "file", "old");
  REQUIRE(::chown((folder / "file").c_str(), 1234, 4321) == 0);
  replace_file(folder / "file", "new");
  struct stat status {};
  REQUIRE(::stat((folder / "file").c_str(), &status) == 0);
  CHECK(status.st_uid == 1234);
  CHECK(status.st_gid == 4321);
}

TEST_CASE("extended attributes stay") {
  const TemporaryFolder folder;
  const std::string file = folder / "file";
  put(file, "old");
  if (::setxattr(file.c_str(), "user.sample", "batch 7", 7, 0) != 0) return;  // not everywhere
  replace_file(file, "new");
  char value[16] = {};
  CHECK(::getxattr(file.c_str(), "user.sample", value, sizeof value) == 7);
  CHECK(std::string(value) == "batch 7");
}

TEST_CASE("a file that nobody may write to is not replaced, not even by the superuser") {
  const TemporaryFolder folder;
  put(folder / "file", "old");
  REQUIRE(::chmod((folder / "file").c_str(), 0444) == 0);
  CHECK(!is_writable(folder / "file"));
  CHECK_THROWS_AS(replace_file(folder / "file", "new"), std::system_error);
  CHECK(contents(folder / "file") == "old");
  CHECK(folder.files().size() == 1);
}

TEST_CASE("a file with other names is replaced under its own alone; links are followed") {
  const TemporaryFolder folder;
  put(folder / "file", "old");
  fs::create_hard_link(folder / "file", folder / "hard");
  fs::create_symlink("file", folder / "link");
  replace_file(folder / "link", "new");
  CHECK(contents(folder / "file") == "new");
  CHECK(contents(folder / "hard") == "old");
  CHECK(fs::is_symlink(folder / "link"));
}

TEST_CASE("the longest names have their hidden files too") {
  const TemporaryFolder folder;
  for (const std::size_t length : {200, 239, 240, 255}) {
    const std::string name(length, 'x');
    const FileLock lock(folder / name);
    CHECK_NOTHROW(replace_file(folder / name, "new"));
    CHECK(contents(folder / name) == "new");
  }
  CHECK(hidden_beside(std::string(255, 'x'), ".lock") !=
        hidden_beside(std::string(254, 'x') + 'y', ".lock"));
}

TEST_CASE("what dead writers have left is removed, what living ones hold and users have is not") {
  const TemporaryFolder folder;
  put(folder / ".file.isochron-abc123", "left");
  put(folder / ".other.isochron-abc123", "of another file");
  put(folder / ".file.isochron-abc1234", "a user's");
  put(folder / "file.tmp", "a user's");
  put(folder / ".file.isochron-living", "held");
  const Descriptor held(folder / ".file.isochron-living", O_RDONLY);
  REQUIRE(held.lock(LOCK_SH) == 0);
  remove_leftovers(folder / "file");
  CHECK(folder.files() == std::set<std::string>{".other.isochron-abc123", ".file.isochron-abc1234",
                                                "file.tmp", ".file.isochron-living"});
  remove_leftovers_in(folder.path());
  CHECK(folder.files() ==
        std::set<std::string>{".file.isochron-abc1234", "file.tmp", ".file.isochron-living"});
}

TEST_CASE("writers of one file at once: it is always one of theirs, and nothing is left") {
  const TemporaryFolder folder;
  const std::string one(100000, 'a');
  const std::string other(50000, 'b');
  const auto write = [&](const std::string& text) {
    for (int i = 0; i < 50; ++i) {
      replace_file(folder / "file", text);
      remove_leftovers(folder / "file");
    }
  };
  replace_file(folder / "file", one);
  std::jthread first(write, one);
  std::jthread second(write, other);
  for (int i = 0; i < 200; ++i) {
    const std::string text = contents(folder / "file");
    CHECK((text == one || text == other));
  }
  first.join();
  second.join();
  CHECK(folder.files().size() == 1);
}

TEST_CASE("a locked file has one writer, who is named") {
  const TemporaryFolder folder;
  const fs::path file = folder / "run.h5";
  CHECK(writer_of(file).is == Writer::Is::nobody);
  {
    FileLock lock(file);
    CHECK(lock.works());
    CHECK(folder.files() == std::set<std::string>{".run.h5.lock"});
    const Writer writer = writer_of(file);
    CHECK(writer.is == Writer::Is::somebody);
    CHECK(writer.process == "process " + std::to_string(::getpid()));
    CHECK_THROWS_WITH_AS(FileLock(folder / "./run.h5"), doctest::Contains(writer.process.c_str()),
                         InputError);
    put(file, "");
    fs::create_symlink("run.h5", folder / "link.h5");
    CHECK_THROWS_AS(FileLock(folder / "link.h5"), InputError);
    FileLock moved = std::move(lock);
    CHECK_THROWS_AS(FileLock{file}, InputError);
  }
  CHECK(writer_of(file).is == Writer::Is::nobody);
  CHECK(folder.files() == std::set<std::string>{"run.h5", "link.h5"});
}

TEST_CASE("a lock that a dead process has left keeps nobody out") {
  const TemporaryFolder folder;
  put(folder / ".run.h5.lock", "1 elsewhere\n");
  CHECK(writer_of(folder / "run.h5").is == Writer::Is::nobody);
  const FileLock lock(folder / "run.h5");
  CHECK(writer_of(folder / "run.h5").process == "process " + std::to_string(::getpid()));
}

TEST_CASE("of many who want a lock at once one has it at a time") {
  const TemporaryFolder folder;
  std::atomic<int> inside = 0;
  std::atomic<int> entered = 0;
  std::atomic<bool> alone = true;
  const auto enter = [&] {
    for (int i = 0; i < 200; ++i) {
      try {
        const FileLock lock(folder / "run.h5");
        if (++inside != 1) alone = false;
        ++entered;
        --inside;
      } catch (const InputError&) {
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(enter);
  }
  CHECK(alone);
  CHECK(entered > 0);
  CHECK(folder.files().empty());
}

}  // namespace test_atomic_file
