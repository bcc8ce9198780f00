#include "gnuplot.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <system_error>
#include <vector>

#include "isochron/error.hpp"

namespace isochron {
namespace {

// ---- Text ----

/// The length in bytes of the character that `text` starts with, 0 when its bytes are not UTF-8 or
/// a character that XML (hence SVG) forbids.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::array<unsigned, 5> smallest = {0, 0x20, 0x80, 0x800, 0x10000};  // per length
  const int ones = std::countl_one(byte(0));
  if (ones == 1 || ones > 4) return 0;
  const auto length = static_cast<std::size_t>(std::max(ones, 1));
  if (length > text.size()) return 0;
  unsigned code = byte(0) & (0xFFu >> ones);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return 0;
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  const bool forbidden = surrogate || code == 0xFFFE || code == 0xFFFF;
  return code < smallest[length] || code > 0x10FFFF || forbidden ? 0 : length;
}

/// A character of a gnuplot string in double quotes. All but letters, digits and blanks is written
/// in octal, so that nothing can end the string, nor be expanded as `commands` in it are.
std::string escaped(char character) {
  const auto code = static_cast<unsigned char>(character);
  if (code >= 0x80 || std::isalnum(code) != 0 || code == ' ') return {character};
  const auto digit = [&](int shift) { return static_cast<char>('0' + ((code >> shift) & 7)); };
  return {'\\', '0', digit(6), digit(3), digit(0)};
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(character_length(text), 1);
    if (character_length(text) > 0) {
      for (const char character : text.substr(0, length)) result += escaped(character);
    } else {
      result += static_cast<unsigned char>(text[0]) < 0x20 ? " " : "\uFFFD";
    }
    text.remove_prefix(length);
  }
  return result + "\"";
}

// ---- The process, without a shell ----

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// A file in memory: one for each of gnuplot's three standard streams, so that none of them can
/// block, break or run out of disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("isochron figure", MFD_CLOEXEC)) {
    if (descriptor_ < 0)
      throw OutputError("cannot open a file in memory for gnuplot: " + reason(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// Leaves the file position at the start. Limits on the size of files hold in memory too.
  void write(std::string_view text) const {
    const std::size_t bytes = text.size();
    for (off_t at = 0; !text.empty();) {
      const ssize_t written = pwrite(descriptor_, text.data(), text.size(), at);
      if (written < 0) {
        throw OutputError(fmt::format("cannot pass {} bytes of commands and data to gnuplot: {}",
                                      bytes, reason(errno)));
      }
      text.remove_prefix(static_cast<std::size_t>(written));
      at += written;
    }
  }

  [[nodiscard]] std::string read() const {
    std::string text;
    std::array<char, 65536> buffer{};
    ssize_t count = 0;
    while ((count = pread(descriptor_, buffer.data(), buffer.size(),
                          static_cast<off_t>(text.size()))) > 0)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
  }

 private:
  int descriptor_;
};

/// The environment without the user's choice of a terminal: gnuplot refuses to start when it does
/// not have it.
std::vector<char*> gnuplot_environment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("GNUTERM=")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

/// Lets SIGXFSZ end the child although this process may ignore it: gnuplot does not check what it
/// writes, and beyond the limit on the size of files it would leave a part of a drawing.
void end_at_size_limit(posix_spawnattr_t& attributes) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGXFSZ);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
}

/// Starts gnuplot, with default settings whatever the user's own. It is told to open its standard
/// input: by itself it reads that byte by byte, which takes longer than drawing.
pid_t start_gnuplot(const MemoryFile& input, const MemoryFile& output, const MemoryFile& errors) {
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_adddup2(&streams, input.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&streams, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&streams, errors.descriptor(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  end_at_size_limit(attributes);
  std::string name = "gnuplot";
  std::string option = "--default-settings";
  std::string commands = "/dev/stdin";
  const std::array<char*, 4> arguments = {name.data(), option.data(), commands.data(), nullptr};
  pid_t process = 0;
  const int error = posix_spawnp(&process, name.c_str(), &streams, &attributes, arguments.data(),
                                 gnuplot_environment().data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&streams);
  if (error == ENOENT)
    throw InputError("gnuplot is not installed: figures need it (Debian package gnuplot-nox)");
  if (error != 0) throw OutputError("gnuplot cannot be started: " + reason(error));
  return process;
}

/// gnuplot echoes a faulty command, points at it and says `"/dev/stdin" line 7: what is wrong`.
std::string complaint(const std::string& errors) {
  constexpr std::string_view place = "\"/dev/stdin\" ";
  std::istringstream lines(errors);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.starts_with(place)) return line.substr(place.size());
    if (first.empty()) first = line;
  }
  return first.empty() ? "it gave no reason" : first;
}

}  // namespace

std::string run_gnuplot(std::string_view commands) {
  const MemoryFile input;
  const MemoryFile output;
  const MemoryFile errors;
  input.write(commands);
  const pid_t process = start_gnuplot(input, output, errors);
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) throw OutputError("cannot wait for gnuplot: " + reason(errno));
  }
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    throw OutputError(fmt::format("gnuplot was ended by signal {}: {}", signal, strsignal(signal)));
  }
  std::string drawing = output.read();
  if (status != 0 || drawing.empty())
    throw OutputError("gnuplot could not draw: " + complaint(errors.read()));
  return drawing;
}

}  // namespace isochron
