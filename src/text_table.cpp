#include "text_table.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "isochron/error.hpp"
#include "sentence.hpp"
#include "text_cells.hpp"
#include "text_file.hpp"

namespace isochron {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char c, unsigned char d) {
    return std::tolower(c) == std::tolower(d);
  });
}

bool is_name(std::string_view cell) {
  return !cell.empty() && std::isalpha(static_cast<unsigned char>(cell.front())) != 0 &&
         !parse_number(cell);
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
      const std::string_view content = without_comment(line);
      if (content.empty()) continue;
      refuse_semicolons(content, file_);
      split_cells(content, separator_of(content), cells);
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
    const std::optional<double> value = parse_number(cell);
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
