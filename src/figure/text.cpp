#include "figure/text.hpp"

#include <algorithm>
#include <sstream>

namespace isochron::drawing {

double text_width(std::string_view text, double font) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; };
  return character_width * font *
         static_cast<double>(std::count_if(text.begin(), text.end(), is_start));
}

double fitting_font(std::string_view text, double font, double room) {
  return std::clamp(font * room / std::max(text_width(text, font), 1.0), 1.0, font);
}

std::vector<std::string> wrapped(const std::string& text, double font, double room) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool fits = !lines.empty() && text_width(lines.back() + ' ' + word, font) <= room;
    if (fits) {
      lines.back() += ' ' + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

}  // namespace isochron::drawing
