#pragma once

#include <cstdio>
#include <string>

namespace isochron {

/// printf into a string, for messages with numbers; at most 399 characters.
template <class... Values>
[[nodiscard]] std::string sentence(const char* format, Values... values) {
  char text[400];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace isochron
