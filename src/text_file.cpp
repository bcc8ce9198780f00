#include "text_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {

TextFile::TextFile(const std::string& path, const std::string& what, TextLimits limits,
                   const std::string& if_hdf5)
    : path_(path),
      name_(what + " file " + shown(path)),
      limits_(limits),
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
  if (descriptor_ < 0) throw InputError(name_ + " cannot be read: " + std::strerror(errno));
  try {
    check_beginning(if_hdf5);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

TextFile::~TextFile() { ::close(descriptor_); }

std::string TextFile::where() const { return fmt::format("in {}, line {}", shown(path_), line_); }

/// Appends to the buffer what a pipe gives at once; nothing at the end of the file.
void TextFile::read_some() {
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw InputError(name_ + " cannot be read: " + std::strerror(errno));
  end_ += static_cast<std::size_t>(count);
  total_ += static_cast<std::size_t>(count);
  if (total_ > limits_.bytes) {
    throw InputError(fmt::format("{} has more than {} MiB, the most that is read of such a text",
                                 name_, limits_.bytes >> 20U));
  }
}

void TextFile::check_zeros() const {
  if (std::string_view(buffer_.data(), end_).find('\0') == std::string_view::npos) return;
  throw InputError(name_ +
                   " holds zero bytes, as UTF-16 and binary files do; save it as UTF-8 text");
}

void TextFile::check_beginning(const std::string& if_hdf5) {
  constexpr std::string_view hdf5_signature = "\x89HDF\r\n\x1a\n";
  for (std::size_t before = end_;; before = end_) {
    read_some();
    if (end_ == before || end_ >= hdf5_signature.size()) break;
  }
  const std::string_view beginning(buffer_.data(), end_);
  const auto is = [&](std::string_view mark) { return beginning.substr(0, mark.size()) == mark; };
  if (is(hdf5_signature)) throw InputError(name_ + " is HDF5" + if_hdf5);
  if (is("\xff\xfe") || is("\xfe\xff")) {
    throw InputError(name_ + " is encoded in UTF-16; save it as UTF-8 text");
  }
  if (is("\xef\xbb\xbf")) begin_ = 3;
  check_zeros();
}

bool TextFile::refill() {
  begin_ = end_ = 0;
  read_some();
  check_zeros();
  return end_ > 0;
}

bool TextFile::next(std::string& line) {
  line.clear();
  ++line_;
  while (begin_ < end_ || refill()) {
    if (std::exchange(after_return_, false) && buffer_[begin_] == '\n') {
      ++begin_;
      continue;
    }
    const char* first = buffer_.data() + begin_;
    const char* last = buffer_.data() + end_;
    const char* stop = std::find_if(first, last, [](char c) { return c == '\n' || c == '\r'; });
    line.append(first, stop);
    if (line.size() > limits_.line) {
      throw InputError(fmt::format("{} is longer than {} KiB", where(), limits_.line >> 10U));
    }
    begin_ = static_cast<std::size_t>(stop - buffer_.data());
    if (stop == last) continue;
    after_return_ = buffer_[begin_++] == '\r';
    return true;
  }
  return !line.empty();
}

}  // namespace isochron
