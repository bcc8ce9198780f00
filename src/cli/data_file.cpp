#include "cli/data_file.hpp"

#include <fmt/format.h>
#include <cmath>
#include <optional>
#include <string_view>

#include "cli/data_group.hpp"
#include "cli/data_rows.hpp"
#include "cli/input_tables.hpp"
#include "cli/read_once.hpp"
#include "floating_point.hpp"
#include "sentence.hpp"
#include "text_cells.hpp"
#include "text_file.hpp"

namespace isochron::cli {
namespace {

using Kind = DataColumn::Kind;

class TextReader {
 public:
  TextReader(const std::string& path, const DataColumns& columns)
      : columns_(columns),
        path_(path),
        file_(path, "the data", table_limits,
              fmt::format("; name the group of its data, as {}:/run/trajectories", shown(path))) {}

  ObservedData read() {
    read_names();
    DataRows data(columns_, "line");
    DataRow row(columns_.state_dimension());
    for (std::size_t rows = 0; next(); ++rows) {
      require(rows < most_rows && (rows + 1) * names_.size() <= most_numbers,
              "{} has more than {} rows, the most that is read of a text", file_.name(), rows);
      read_row(row);
      data.add(row, line_number_);
    }
    return data.take(path_);
  }

 private:
  /// The cells of the next line that has any. A tab at the end of a line is followed by an empty
  /// cell, so it must not be cut off.
  bool next() {
    while (file_.next(line_)) {
      ++line_number_;
      if (without_comment(line_).empty()) continue;
      const std::string_view content = std::string_view(line_).substr(0, line_.find('#'));
      refuse_semicolons(content, file_);
      if (names_.empty()) separator_ = separator_of(without_comment(line_));
      split_cells(content, separator_, cells_);
      return true;
    }
    return false;
  }

  void read_names() {
    require(next(), "{} is empty; its first line names the columns: t, {}", file_.name(),
            columns_.components());
    for (const std::string_view cell : cells_) {
      require(!parse_number(cell),
              "{}: {} is not the name of a column; the first line without # names them: t, {}",
              file_.where(), quoted(std::string(cell)), columns_.components());
      names_.emplace_back(cell);
    }
    meanings_ = columns_.of(names_, file_.where());
  }

  void read_row(DataRow& row) {
    if (cells_.size() != names_.size()) refuse_row();
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (meanings_[i].kind == Kind::ignored) continue;
      if (meanings_[i].kind == Kind::trajectory)
        row.trajectory = name_of_trajectory(i);
      else
        row.put(meanings_[i], number(i));
    }
  }

  [[noreturn]] void refuse_row() const {
    throw InputError(fmt::format("{} has {} {}, but {} are named{}", file_.where(), cells_.size(),
                                 cells_.size() == 1 ? "column" : "columns", names_.size(),
                                 separator_ == ',' ? " (decimals need a point, not a comma)"
                                                   : "; write nan where a value is missing"));
  }

  [[nodiscard]] std::string_view name_of_trajectory(std::size_t i) const {
    if (!cells_[i].empty() && cells_[i] != "nan") return cells_[i];
    throw InputError(fmt::format("{}, column {} ({}): the name of the trajectory is missing",
                                 file_.where(), i + 1, shown(names_[i])));
  }

  [[nodiscard]] double number(std::size_t i) const {
    if (cells_[i].empty()) return not_a_number;
    const std::optional<double> value = parse_number(cells_[i]);
    if (value && !std::isinf(*value)) return *value;
    throw InputError(fmt::format(
        "{}, column {} ({}): {} is not a {}number; where a value is missing, {}", file_.where(),
        i + 1, shown(names_[i]), quoted(std::string(cells_[i])), value ? "finite " : "",
        separator_ == ' ' ? "write nan" : "leave the cell empty or write nan"));
  }

  const DataColumns& columns_;
  std::string path_;
  TextFile file_;
  std::string line_;
  long line_number_ = 0;
  char separator_ = ' ';
  Cells cells_;
  std::vector<std::string> names_;
  std::vector<DataColumn> meanings_;
};

}  // namespace

ObservedData read_observed_data(const std::string& source, const DataColumns& columns) {
  if (const auto path = hdf5_path(source)) return read_data_group(*path, columns);
  return read_once<ObservedData>(source, columns.text(),
                                 [&] { return TextReader(source, columns).read(); });
}

}  // namespace isochron::cli
