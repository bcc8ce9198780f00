#pragma once

#include <fmt/core.h>
#include <cstddef>
#include <string>

#include "isochron/error.hpp"

namespace isochron {

/// Throws InputError with the sentence unless the condition holds.
template <class... Values>
void require(bool holds, fmt::format_string<const Values&...> words, const Values&... values) {
  if (!holds) throw InputError(fmt::format(words, values...));
}

/// The longest value or name that a sentence shows in full, in bytes.
inline constexpr std::size_t longest_shown = 200;

/// The longest path that the system takes, for what scripts read.
inline constexpr std::size_t longest_path = 4096;

/// What a user or a file says, as it may stand in a sentence on a terminal, on one line: control
/// characters, marks that reorder a line, and bytes that are no UTF-8 as escapes (\n, \x1b,
/// \u202e); of a text of more than `longest` bytes only its beginning and its end. Escapes are not
/// escaped again.
[[nodiscard]] std::string shown(const std::string& text, std::size_t longest = longest_shown);

/// The same in single quotes.
[[nodiscard]] std::string quoted(const std::string& text);

}  // namespace isochron
