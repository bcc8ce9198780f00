#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "isochron/dynamics.hpp"

namespace isochron::cli {

/// What columns with other names mean: the names that data have, by those in the file.
using ColumnNames = std::map<std::string, std::string>;

/// The value of --observe: "hare=y1,lynx=y2", or nothing. Throws InputError.
[[nodiscard]] ColumnNames parse_observe(const std::string& text);

/// Of the columns with errors of predictions, which simulate writes and --data refuses.
inline constexpr const char* prediction_error_suffix = "_prediction_error";

/// What a column of observed data holds.
struct DataColumn {
  enum class Kind { trajectory, time, value, error, ignored };

  Kind kind = Kind::ignored;
  Index component = 0;  ///< of a value or its standard error

  [[nodiscard]] bool operator==(const DataColumn&) const = default;
};

/// The columns that data of a motion may have, and what those of a file hold:
///
///   trajectory; t or time; the components q or x, v, or first-order y, with their numbers from 1
///   on (q2 or q_2; for D = 1 without, too); and their standard errors, NAME_error.
class DataColumns {
 public:
  DataColumns(Motion motion, Index dimension, ColumnNames observe)
      : motion_(motion), dimension_(dimension), observe_(std::move(observe)) {}

  [[nodiscard]] Motion motion() const { return motion_; }
  [[nodiscard]] Index dimension() const { return dimension_; }
  [[nodiscard]] Index state_dimension() const {
    return motion_ == Motion::newtonian ? 2 * dimension_ : dimension_;
  }

  /// What each column of a file is. `where` begins messages: "in f.csv, line 1". Columns without a
  /// meaning are ignored if --observe names others. Throws InputError, which names the column, for
  /// those without a meaning otherwise, for two of the same, an error without its component, no
  /// time, no component, and for what --observe says wrongly.
  [[nodiscard]] std::vector<DataColumn> of(const std::vector<std::string>& names,
                                           const std::string& where) const;

  /// The name by which data know a column of the file: that of --observe, or its own.
  [[nodiscard]] std::string renamed(const std::string& name) const;

  /// The first column of an array of all components of one kind: of q, x, v or y, or their errors.
  [[nodiscard]] std::optional<DataColumn> field(const std::string& name) const;

  /// That all columns which --observe names are there.
  void check_observed(const std::vector<std::string>& names, const std::string& where) const;

  /// The components as messages list them: "q1..q3, v1..v3".
  [[nodiscard]] std::string components() const;

  /// All of it, to tell it from others: "y1..y2, hare=y1, lynx=y2".
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] DataColumn meaning(const std::string& known_name) const;
  [[nodiscard]] std::optional<Index> first_component(const std::string& letter) const;
  [[nodiscard]] std::optional<Index> component(const std::string& known_name) const;
  void check_meanings() const;
  void check_set(const std::vector<std::string>& names, const std::vector<DataColumn>& columns,
                 const std::string& where) const;

  Motion motion_;
  Index dimension_;
  ColumnNames observe_;
};

}  // namespace isochron::cli
