#include "text_cells.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "isochron/error.hpp"

namespace isochron {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view without_quotes(std::string_view cell) {
  const bool in_quotes = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
  return in_quotes ? trimmed(cell.substr(1, cell.size() - 2)) : cell;
}

}  // namespace

// A tab at the beginning separates an empty cell from the next.
std::string_view without_comment(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto last = line.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

void refuse_semicolons(std::string_view line, const TextFile& file) {
  if (line.find(';') == std::string_view::npos) return;
  throw InputError(
      file.where() +
      " has semicolons; separate columns by commas, tabs or blanks, and write decimals "
      "with a point");
}

char separator_of(std::string_view line) {
  if (line.find(',') != std::string_view::npos) return ',';
  return line.find('\t') != std::string_view::npos ? '\t' : ' ';
}

void split_cells(std::string_view line, char separator, Cells& cells) {
  cells.clear();
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    const std::string_view cell = trimmed(line.substr(at, end - at));
    if (separator != ' ' || !cell.empty()) cells.push_back(without_quotes(cell));
    at = end + 1;
  }
}

std::optional<double> parse_number(std::string_view cell) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  std::string fortran;
  if (const auto exponent = cell.find_first_of("dD"); exponent != std::string_view::npos) {
    fortran = cell;
    fortran[exponent] = 'e';
    cell = fortran;
  }
  double value = 0;
  const char* last = cell.data() + cell.size();
  const auto [end, error] = std::from_chars(cell.data(), last, value);
  if (end != last || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(cell).c_str(), nullptr);
  return value;
}

}  // namespace isochron
