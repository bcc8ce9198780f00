#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "text_file.hpp"

namespace isochron {

// The grammar of tables in text files: # begins a comment; cells are separated by commas, else by
// tabs, else by blanks, and may stand in double quotes; numbers are decimal.

/// The largest table that is read: 10^7 rows of two numbers with 18 digits fit.
inline constexpr TextLimits table_limits{std::size_t{512} << 20U, std::size_t{1} << 20U};
inline constexpr std::size_t most_rows = 10000000;
inline constexpr std::size_t most_numbers = 50000000;

using Cells = std::vector<std::string_view>;

/// A line without its comment, and without blanks and tabs at the end.
[[nodiscard]] std::string_view without_comment(std::string_view line);

/// Throws InputError when the line that was read last has semicolons, as tables with decimal
/// commas.
void refuse_semicolons(std::string_view line, const TextFile& file);

/// What separates the cells of a line: a comma if there is one, else a tab, else a blank.
[[nodiscard]] char separator_of(std::string_view line);

/// What stands between the separators of a line, without blanks around it and without quotes. Only
/// blanks may be repeated: between two commas, or two tabs, is an empty cell.
void split_cells(std::string_view line, char separator, Cells& cells);

/// A decimal number, with exponents as in 1e-5 or, by Fortran, 1D-5; also one that is not finite.
/// Beyond the smallest and largest double it is 0 and infinity. Nothing when the cell is none.
[[nodiscard]] std::optional<double> parse_number(std::string_view cell);

}  // namespace isochron
