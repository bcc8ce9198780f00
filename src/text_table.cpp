#include "text_table.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "isochron/error.hpp"
#include "sentence.hpp"
#include "text_file.hpp"

namespace isochron {
namespace {

/// 10^7 rows of two numbers with 18 digits fit.
constexpr TextLimits table_limits{std::size_t{512} << 20U, std::size_t{1} << 20U};
constexpr std::size_t most_rows = 10000000;
constexpr std::size_t most_numbers = 50000000;

using Cells = std::vector<std::string_view>;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Without blanks and tabs at the end. A tab at the beginning separates an empty cell from the
/// next.
std::string_view without_end(std::string_view text) {
  const auto last = text.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view without_quotes(std::string_view cell) {
  const bool in_quotes = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
  return in_quotes ? trimmed(cell.substr(1, cell.size() - 2)) : cell;
}

/// What stands between the separators of a line, which is not blank. Only blanks may be repeated.
void split(std::string_view line, Cells& cells) {
  cells.clear();
  const char separator = line.find(',') != std::string_view::npos    ? ','
                         : line.find('\t') != std::string_view::npos ? '\t'
                                                                     : ' ';
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    const std::string_view cell = trimmed(line.substr(at, end - at));
    if (separator != ' ' || !cell.empty()) cells.push_back(without_quotes(cell));
    at = end + 1;
  }
}

/// A decimal number, also one that is not finite; beyond the smallest and largest double it is 0
/// and infinity.
std::optional<double> parse(std::string_view cell) {
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

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char c, unsigned char d) {
    return std::tolower(c) == std::tolower(d);
  });
}

bool is_name(std::string_view cell) {
  return !cell.empty() && std::isalpha(static_cast<unsigned char>(cell.front())) != 0 &&
         !parse(cell);
}

class TableReader {
 public:
  TableReader(const std::string& path, const TextTable& table)
      : table_(table),
        file_(path, table.what, table_limits, table.if_hdf5),
        place_(table.columns.size()) {
    std::iota(place_.begin(), place_.end(), std::size_t{0});
  }

  Eigen::MatrixXd read() {
    Cells cells;
    bool first = true;
    for (std::string line; file_.next(line);) {
      const std::string_view content =
          without_end(std::string_view(line).substr(0, line.find('#')));
      if (content.empty()) continue;
      check_separator(content);
      split(content, cells);
      if (std::exchange(first, false) && std::all_of(cells.begin(), cells.end(), is_name)) {
        read_names(cells);
      } else {
        read_row(cells, content);
      }
    }
    if (numbers_.empty()) throw InputError(file_.name() + " holds no numbers");
    const auto columns = static_cast<Index>(place_.size());
    return Eigen::Map<const Eigen::MatrixXd>(numbers_.data(), columns,
                                             static_cast<Index>(numbers_.size()) / columns);
  }

 private:
  void check_separator(std::string_view content) const {
    if (content.find(';') == std::string_view::npos) return;
    throw InputError(file_.where() +
                     " has semicolons; separate columns by commas, tabs or blanks, and write "
                     "decimals with a point");
  }

  void read_names(const Cells& cells) {
    std::vector<std::size_t> place;
    for (const std::string_view cell : cells) {
      const auto has_name = [&](const std::vector<std::string>& names) {
        return std::any_of(names.begin(), names.end(),
                           [&](const std::string& name) { return same_word(name, cell); });
      };
      const auto found = std::find_if(table_.columns.begin(), table_.columns.end(), has_name);
      const std::string words = fmt::format("{}, column {}: the name {}", file_.where(),
                                            place.size() + 1, quoted(std::string(cell)));
      require(found != table_.columns.end(), "{} is unknown; {} have the columns {}", words,
              table_.what, table_.names);
      const auto index = static_cast<std::size_t>(found - table_.columns.begin());
      require(std::find(place.begin(), place.end(), index) == place.end(),
              "{} stands for a column that is there already; give {} once each", words,
              table_.names);
      place.push_back(index);
    }
    for (std::size_t index = 0; index < place_.size(); ++index) {
      require(std::find(place.begin(), place.end(), index) != place.end(),
              "{} names no column {}; {} have the columns {}", file_.where(),
              table_.columns[index].front(), table_.what, table_.names);
    }
    place_ = std::move(place);
  }

  void read_row(const Cells& cells, std::string_view content) {
    const std::size_t columns = place_.size();
    const std::size_t row = numbers_.size();
    require(row / columns < most_rows && row + columns <= most_numbers,
            "{} has more than {} rows, the most that is read of a text", file_.name(),
            row / columns);
    numbers_.resize(row + columns);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const double value = number(cells[i], i);
      if (i < columns) numbers_[row + place_[i]] = value;
    }
    if (cells.size() == columns) return;
    const bool commas = content.find(',') != std::string_view::npos;
    throw InputError(fmt::format("{} has {} {}; {} need {}, {}{}", file_.where(), cells.size(),
                                 cells.size() == 1 ? "column" : "columns", table_.what, columns,
                                 table_.names,
                                 commas ? " (decimals need a point, not a comma)" : ""));
  }

  double number(std::string_view cell, std::size_t column) const {
    const std::optional<double> value = parse(cell);
    if (value && std::isfinite(*value)) return *value;
    throw InputError(
        fmt::format("{}, column {}{}", file_.where(), column + 1,
                    value ? fmt::format(": {} is not a finite number", quoted(std::string(cell)))
                          : why_no_number(cell)));
  }

  std::string why_no_number(std::string_view cell) const {
    if (cell.empty()) return " is empty; " + table_.what + " need a number there";
    const bool two_words = cell.find_first_of(" \t") != std::string_view::npos;
    const bool in_first_row = numbers_.size() == place_.size();
    return fmt::format(
        ": {} is not a number{}", quoted(std::string(cell)),
        two_words ? "; separate columns by one kind of separator, and write decimals with a point"
        : in_first_row ? fmt::format("; only a first line of names, {}, may stand before numbers",
                                     table_.names)
                       : "");
  }

  const TextTable& table_;
  TextFile file_;
  std::vector<std::size_t> place_;  // of each column of the file among those of the table
  std::vector<double> numbers_;
};

}  // namespace

Eigen::MatrixXd read_text_table(const std::string& path, const TextTable& table) {
  return TableReader(path, table).read();
}

}  // namespace isochron
