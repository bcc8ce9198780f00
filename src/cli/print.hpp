#pragma once

#include <fmt/core.h>
#include <cstdio>

// Text of the program. Unlike fmt::print, neither throws when nobody reads it: a run goes on, and
// at its end main asks whether all that belongs on standard output has arrived.

namespace isochron::cli {

/// On standard output.
template <class... Values>
void put(fmt::format_string<const Values&...> words, const Values&... values) {
  std::fputs(fmt::format(words, values...).c_str(), stdout);
}

/// On standard error.
template <class... Values>
void say(fmt::format_string<const Values&...> words, const Values&... values) {
  std::fputs(fmt::format(words, values...).c_str(), stderr);
}

}  // namespace isochron::cli
