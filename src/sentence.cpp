#include "sentence.hpp"

#include <fmt/core.h>
#include <cstdint>
#include <string_view>

namespace isochron {
namespace {

struct Character {
  std::uint32_t code = 0;  ///< its number in Unicode, when it is valid
  std::size_t bytes = 1;
  bool valid = false;
};

/// The character that begins `text`, which is not empty (RFC 3629: neither overlong forms nor
/// surrogates).
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead < 0xc2   ? 0
                            : lead < 0xe0 ? 2
                            : lead < 0xf0 ? 3
                            : lead < 0xf5 ? 4
                                          : 0;
  if (bytes == 0 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80) return {};
    code = code << 6U | (next & 0x3fU);
  }
  const bool overlong = code < (bytes == 3 ? 0x800U : bytes == 4 ? 0x10000U : 0x80U);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, bytes, true};
}

/// Control characters, the ends of lines and paragraphs, and what reorders the text around it.
bool disturbs(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0xfeff ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f);
}

std::string escape(std::uint32_t code) {
  switch (code) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character next = first_character(text);
    if (!next.valid) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (disturbs(next.code)) {
      result += escape(next.code);
    } else {
      result += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return result;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

/// `at` or, when a character would be cut there, a place up to three bytes before.
std::size_t boundary(std::string_view text, std::size_t at) {
  for (std::size_t back = 0; back < 4 && back < at; ++back) {
    if (!is_continuation(text[at - back])) return at - back;
  }
  return at;
}

}  // namespace

std::string shown(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return escaped(text);
  const std::string_view all(text);
  const std::size_t head = boundary(all, longest / 2);
  const std::size_t tail = boundary(all, text.size() - longest / 4);
  return fmt::format("{} [.. {} bytes ..] {}", escaped(all.substr(0, head)), tail - head,
                     escaped(all.substr(tail)));
}

std::string quoted(const std::string& text) { return '\'' + shown(text) + '\''; }

}  // namespace isochron
