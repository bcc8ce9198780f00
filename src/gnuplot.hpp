#pragma once

#include <string>
#include <string_view>

namespace isochron {

/// These characters as a string in gnuplot's language, whatever they are: nothing in them is a
/// command, ends the string or is expanded. Control characters become blanks, and bytes that are
/// not text become U+FFFD.
[[nodiscard]] std::string gnuplot_string(std::string_view text);

/// What gnuplot writes to its standard output when it is given these commands. The user's settings
/// of gnuplot have no effect. Throws InputError when it is not installed, OutputError when it
/// fails.
[[nodiscard]] std::string run_gnuplot(std::string_view commands);

}  // namespace isochron
