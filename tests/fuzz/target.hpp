#pragma once

// What the targets of the fuzzer share. A target is a file that defines LLVMFuzzerTestOneInput; it
// is linked with libFuzzer (preset fuzz) or, in any other build, with replay.cpp.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "isochron/error.hpp"

extern "C" {
/// Reads one input. It returns, whatever the input is; a fault ends the process.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
/// Changes an input within `most` bytes: the fuzzer's own way, and one that a target may have.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed);
}

namespace isochron::fuzz {

/// Nobody reads a million screens.
inline const bool silent = std::freopen("/dev/null", "w", stdout) != nullptr;

/// Files of the process: one folder, in memory where the system has such a place, whose files are
/// written again for each input.
class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto place =
        std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (place / "isochron-fuzz-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

  /// A file with these bytes: its path.
  std::string file(const std::string& name, std::string_view bytes) const {
    std::string path = *this / name;
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline const Folder& folder() {
  static const Folder one;
  return one;
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Whether a call takes the input or refuses it in a sentence. Any other exception is a fault.
template <class Call>
bool taken(const Call& call) {
  try {
    call();
    return true;
  } catch (const InputError& error) {
    if (*error.what() == '\0') std::abort();
    return false;
  }
}

/// What must hold of an input that was taken.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

}  // namespace isochron::fuzz
