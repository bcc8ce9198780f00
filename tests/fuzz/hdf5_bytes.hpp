#pragma once

// Changes of HDF5 files that the library does not refuse at once: the superblock and every object
// header end in a checksum of the rest, which is made right again. Not changed is where the
// library's own trees and heaps are: up to 1.14 it follows such an address before it looks whether
// it is in the file, and does not survive it.

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "target.hpp"

namespace isochron::fuzz {

using Bytes = std::span<std::uint8_t>;

/// lookup3 of Bob Jenkins, by which HDF5 checks its metadata.
inline std::uint32_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size());
  std::uint32_t b = a;
  std::uint32_t c = a;
  const auto rotated = [](std::uint32_t x, int by) { return (x << by) | (x >> (32 - by)); };
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i)
      value |= std::uint32_t{bytes[at + i]} << (8 * i);
    return value;
  };
  std::size_t at = 0;
  for (; bytes.size() > at + 12; at += 12) {
    a += word(at);
    b += word(at + 4);
    c += word(at + 8);
    a = (a - c) ^ rotated(c, 4), c += b;
    b = (b - a) ^ rotated(a, 6), a += c;
    c = (c - b) ^ rotated(b, 8), b += a;
    a = (a - c) ^ rotated(c, 16), c += b;
    b = (b - a) ^ rotated(a, 19), a += c;
    c = (c - b) ^ rotated(b, 4), b += a;
  }
  if (at == bytes.size()) return c;
  a += word(at);
  b += word(at + 4);
  c += word(at + 8);
  c = (c ^ b) - rotated(b, 14);
  a = (a ^ c) - rotated(c, 11);
  b = (b ^ a) - rotated(a, 25);
  c = (c ^ b) - rotated(b, 16);
  a = (a ^ c) - rotated(c, 4);
  b = (b ^ a) - rotated(a, 14);
  c = (c ^ b) - rotated(b, 24);
  return c;
}

inline std::uint64_t number(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

inline void put_number(Bytes bytes, std::size_t at, std::size_t width, std::uint64_t value) {
  for (std::size_t i = 0; i < width; ++i)
    bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

inline bool begins(Bytes bytes, std::size_t at, std::string_view signature) {
  return bytes.size() - at >= signature.size() &&
         std::memcmp(bytes.data() + at, signature.data(), signature.size()) == 0;
}

/// A part of a file whose last four bytes are the checksum of the others.
struct Checked {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Finds them as the library does, but object headers by their signature; and all messages in
/// headers that lead to other parts of the file.
class CheckedParts {
 public:
  explicit CheckedParts(Bytes file) : file_(file) {
    constexpr std::size_t superblock = 48;
    if (file.size() >= superblock && begins(file, 0, "\x89HDF\r\n\x1a\n") && file[8] >= 2)
      parts_.push_back({0, superblock});
    for (std::size_t at = 0; at + 16 < file.size(); ++at) {
      if (begins(file, at, "OHDR")) add_header(at);
    }
  }

  [[nodiscard]] const std::vector<Checked>& parts() const { return parts_; }

  /// Whether what holds the file together is the same in another state of it.
  [[nodiscard]] bool same_structure(Bytes other) const {
    return std::all_of(structure_.begin(), structure_.end(), [&](const Checked& part) {
      return part.end <= other.size() &&
             std::memcmp(&file_[part.begin], &other[part.begin], part.end - part.begin) == 0;
    });
  }

 private:
  void add_header(std::size_t at) {
    const unsigned flags = file_[at + 5];
    const std::size_t width = std::size_t{1} << (flags & 3U);
    const std::size_t times = (flags & 0x20U) != 0 ? 16 : 0;
    const std::size_t phases = (flags & 0x10U) != 0 ? 4 : 0;
    const std::size_t messages = at + 6 + times + phases + width;
    if (messages > file_.size()) return;
    const std::uint64_t length = number(file_, messages - width, width);
    if (length > file_.size() || messages + length + 4 > file_.size()) return;
    parts_.push_back({at, messages + length + 4});
    add_messages(messages, messages + length, (flags & 4U) != 0);
  }

  void add_messages(std::size_t at, std::size_t end, bool ordered) {
    const std::size_t head = ordered ? 6 : 4;
    while (at + head <= end && parts_.size() < most_parts) {
      const std::uint8_t type = file_[at];
      const std::size_t length = number(file_, at + 1, 2);
      const std::size_t next = std::min(at + head + length, end);
      constexpr std::string_view own("\x01\x03\x04\x05\x08\x0b");  // extent, type, place, ..
      const bool is_own = own.find(static_cast<char>(type)) != std::string_view::npos;
      structure_.push_back({at, is_own ? at + head : next});
      if (type == 0x0c) free_values({at + head, next});
      if (type == 0x10 && at + head + 16 <= next)
        add_chunk(number(file_, at + head, 8), number(file_, at + head + 8, 8), ordered);
      at += head + length;
    }
  }

  /// Of an attribute its name and its values change: what cannot be decoded is not freed well.
  void free_values(const Checked& attribute) {
    constexpr std::size_t head = 9;
    const std::size_t begin = attribute.begin;
    if (attribute.end < begin + head || file_[begin] != 3) return;
    const std::size_t types = begin + head + number(file_, begin + 2, 2);
    const std::size_t values = types + number(file_, begin + 4, 2) + number(file_, begin + 6, 2);
    if (values > attribute.end) return;
    structure_.back().end = begin + head;
    structure_.push_back({types - 1, values});
  }

  void add_chunk(std::uint64_t at, std::uint64_t length, bool ordered) {
    if (at > file_.size() || length < 8 || length > file_.size() - at) return;
    if (!begins(file_, at, "OCHK")) return;
    parts_.push_back({at, at + length});
    add_messages(at + 4, at + length - 4, ordered);
  }

  static constexpr std::size_t most_parts = 10000;  // chunks may lead to each other
  Bytes file_;
  std::vector<Checked> parts_;
  std::vector<Checked> structure_;
};

inline void repair_checksums(Bytes file) {
  const CheckedParts found(file);
  for (const Checked& part : found.parts()) {
    const Bytes rest = file.subspan(part.begin, part.end - part.begin - 4);
    put_number(file, part.end - 4, 4, checksum(rest));
  }
}

/// A number in the file becomes another one: more often in its headers than in its data.
inline void change_number(Bytes file, const std::vector<Checked>& parts, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n < 2 ? 0 : random() % n; };
  constexpr std::array<std::size_t, 5> widths = {1, 1, 2, 4, 8};
  const std::size_t width = widths[below(widths.size())];
  std::size_t at = below(file.size());
  if (!parts.empty() && below(10) < 7) {
    const Checked& part = parts[below(parts.size())];
    at = part.begin + below(part.end - part.begin);
  }
  if (at + width > file.size()) return;
  const std::uint64_t old = number(file, at, width);
  const std::array<std::uint64_t, 12> others = {old ^ (std::uint64_t{1} << below(8 * width)),
                                                old + 1 + below(16),
                                                old - 1 - below(16),
                                                old * 2,
                                                0,
                                                1,
                                                ~std::uint64_t{0},
                                                ~std::uint64_t{0} >> (65 - 8 * width),
                                                file.size(),
                                                below(file.size()),
                                                random(),
                                                number(file, below(file.size() - width), width)};
  put_number(file, at, width, others[below(others.size())]);
}

/// One to eight numbers in the file become others.
inline void change_numbers(Bytes file, std::mt19937& random) {
  std::vector<std::uint8_t> before(file.begin(), file.end());
  const CheckedParts found(before);
  for (std::size_t times = 1 + random() % 8; times > 0; --times)
    change_number(file, found.parts(), random);
  if (!found.same_structure(file)) std::copy(before.begin(), before.end(), file.begin());
  repair_checksums(file);
}

/// A file that is another one.
inline std::size_t changed_file(std::uint8_t* data, std::size_t size, std::size_t most,
                                std::mt19937& random) {
  constexpr std::size_t least = 64;
  if (size < least || random() % 12 == 0) {
    size = LLVMFuzzerMutate(data, size, most);
  } else {
    change_numbers({data, size}, random);
  }
  return size;
}

}  // namespace isochron::fuzz
