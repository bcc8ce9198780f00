#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cli/data_columns.hpp"
#include "floating_point.hpp"
#include "isochron/observed_data.hpp"

namespace isochron::cli {

/// What stands in one row of observed data; NaN: missing, or without a column.
struct DataRow {
  explicit DataRow(Index components)
      : values(Vector::Constant(components, not_a_number)), errors(values) {}

  /// A number of a column of times, values or errors.
  void put(const DataColumn& column, double number);

  std::string trajectory = "0";
  double time = not_a_number;
  Vector values;
  Vector errors;
};

/// Sorts the rows of a file by their trajectories, in the order in which these appear.
class DataRows {
 public:
  /// `place` is what messages call a row: "line", "row".
  DataRows(const DataColumns& columns, std::string place)
      : columns_(columns), place_(std::move(place)) {}

  void add(const DataRow& row, long place);

  /// Takes the rows. Throws InputError as ObservedData does, with the source in front.
  [[nodiscard]] ObservedData take(const std::string& source);

 private:
  struct Parts {
    std::string name;
    std::vector<double> times;
    std::vector<double> values;
    std::vector<double> errors;
    std::vector<long> places;
  };

  [[nodiscard]] ObservedTrajectory trajectory(Parts parts) const;

  const DataColumns& columns_;
  std::string place_;
  std::vector<Parts> parts_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace isochron::cli
