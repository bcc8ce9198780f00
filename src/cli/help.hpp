#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/option_table.hpp"

namespace isochron::cli {

/// Which options the help of a verb tells of.
enum class Extent {
  essential,  ///< those that most runs need
  all,
};

/// Columns of the terminal on standard output; where there is none, COLUMNS of the environment or
/// 100.
[[nodiscard]] std::size_t terminal_width();

/// The help of the program, and of a verb: its options by groups, in lines of at most `width`
/// columns.
[[nodiscard]] std::string help(std::size_t width);
[[nodiscard]] std::string help(Verb verb, Extent extent, std::size_t width);

/// "-o, --output".
[[nodiscard]] std::string names_of(const Option& option);

/// What an option means, with its default.
[[nodiscard]] std::string meaning_of(const Option& option, Verb verb);

}  // namespace isochron::cli
