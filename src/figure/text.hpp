#pragma once

#include <string>
#include <string_view>
#include <vector>

// Text in a figure. All lengths and font sizes are in points, 1/72 inch.

namespace isochron::drawing {

constexpr double tick_font = 9;
constexpr double key_font = 9;
constexpr double label_font = 10;
constexpr double title_font = 11;
constexpr double caption_font = 9;
constexpr double character_width = 0.64;  ///< of a digit, over the font's size

/// About the width of a text without control sequences.
[[nodiscard]] double text_width(std::string_view text, double font);

/// `font`, or a smaller one that fits the text into `room`.
[[nodiscard]] double fitting_font(std::string_view text, double font, double room);

/// The text in lines that fit into `room`, broken between words; a longer word has its own line.
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text, double font, double room);

}  // namespace isochron::drawing
