#include "cli/data_group.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <memory>
#include <optional>

#include "cli/data_rows.hpp"
#include "hdf5/arrays.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Kind = DataColumn::Kind;
using Numbers = std::shared_ptr<const std::vector<double>>;

/// A column inside an array: one component of a field [N, K, D], or times that all trajectories
/// share.
struct ArrayColumn {
  DataColumn meaning;
  Numbers numbers;
  Index first = 0;
  Index stride = 1;

  [[nodiscard]] double operator[](Index row) const {
    const auto at = static_cast<std::size_t>(first + row * stride);
    return (*numbers)[at % numbers->size()];
  }
};

/// Rows of observed data as arrays hold them.
struct ArrayTable {
  Index rows = 0;
  Index rows_per_name = 0;  ///< consecutive rows that a name belongs to
  Index places = 0;         ///< after so many rows their numbers begin with 0 again
  std::vector<std::string> names;
  std::vector<ArrayColumn> columns;
};

std::string text_of(const std::vector<Index>& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

class GroupReader {
 public:
  GroupReader(const Hdf5Path& path, const DataColumns& columns)
      : columns_(columns),
        arrays_(path.file, path.object),
        source_(path.file + ':' + path.object),
        where_("in " + shown(source_)),
        names_(arrays_.names()) {}

  ObservedData read() {
    require(!names_.empty(), "{}: there are no datasets; observed data have t, {}", where_,
            columns_.components());
    const bool has_fields = std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return columns_.field(name) && arrays_.shape(name).size() > 1;
    });
    const ArrayTable table = has_fields ? table_of_fields() : table_of_columns();
    DataRows rows(columns_, "row");
    DataRow row(columns_.state_dimension());
    for (Index i = 0; i < table.rows; ++i) {
      if (!table.names.empty()) {
        row.trajectory = table.names[static_cast<std::size_t>(i / table.rows_per_name)];
      }
      for (const ArrayColumn& column : table.columns) row.put(column.meaning, column[i]);
      rows.add(row, i % table.places);
    }
    return rows.take(source_);
  }

 private:
  [[nodiscard]] Numbers numbers(const std::string& name) const {
    return std::make_shared<const std::vector<double>>(arrays_.numbers(name));
  }

  // ------------------------------------------------------------------------------ 1-D datasets

  [[nodiscard]] ArrayTable table_of_columns() const {
    const std::vector<DataColumn> meanings = columns_.of(names_, where_);
    const Index rows = common_length(meanings);
    ArrayTable table{rows, 1, rows, {}, {}};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (meanings[i].kind == Kind::ignored) continue;
      if (meanings[i].kind == Kind::trajectory)
        table.names = arrays_.labels(names_[i]);
      else
        table.columns.push_back({meanings[i], numbers(names_[i])});
    }
    return table;
  }

  [[nodiscard]] Index common_length(const std::vector<DataColumn>& meanings) const {
    std::optional<Index> length;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (meanings[i].kind == Kind::ignored) continue;
      const std::vector<Index> shape = arrays_.shape(names_[i]);
      require(shape.size() == 1, "{}: the dataset {} has {} dimensions, a column has 1", where_,
              quoted(names_[i]), shape.size());
      require(shape[0] == length.value_or(shape[0]),
              "{}: the dataset {} has {} rows, others have {}; give columns of equal length",
              where_, quoted(names_[i]), shape[0], length.value_or(0));
      length = shape[0];
    }
    return *length;
  }

  // ------------------------------------------------------------- fields at times that all share

  [[nodiscard]] ArrayTable table_of_fields() const {
    columns_.check_observed(names_, where_);
    const Numbers times = numbers(name_of_times());
    ArrayTable table;
    table.rows_per_name = table.places = static_cast<Index>(times->size());
    table.columns.push_back({{Kind::time, 0}, times});
    for (const std::string& name : names_) {
      const auto first = columns_.field(name);
      if (first) add_field(table, name, *first);
    }
    table.names = names_of_trajectories(table.rows / table.places);
    return table;
  }

  [[nodiscard]] std::string name_of_times() const {
    const auto found = std::find_if(names_.begin(), names_.end(), [&](const std::string& name) {
      return columns_.renamed(name) == "time" || columns_.renamed(name) == "t";
    });
    require(found != names_.end(), "{}: there is no dataset time, but {}", where_,
            shown(fmt::format("{}", fmt::join(names_, ", "))));
    const std::vector<Index> shape = arrays_.shape(*found);
    require(
        shape.size() == 1 && shape[0] > 0,
        "{}: the times {} have the shape {}; give [K] that all trajectories share, or one "
        "1-D dataset for each component, with the name of the trajectory in a dataset trajectory",
        where_, quoted(*found), text_of(shape));
    return *found;
  }

  /// N x K x D, of which N need not be there if it is 1, and D if it is 1.
  [[nodiscard]] std::vector<Index> whole_shape(const std::string& name) const {
    std::vector<Index> shape = arrays_.shape(name);
    const bool one_dimension = columns_.dimension() == 1;
    if (shape.size() < 3 && one_dimension) shape.push_back(1);
    if (shape.size() < 3) shape.insert(shape.begin(), 1);
    return shape;
  }

  void add_field(ArrayTable& table, const std::string& name, const DataColumn& first) const {
    const std::vector<Index> shape = whole_shape(name);
    const Index trajectories = table.rows > 0 ? table.rows / table.places : shape[0];
    require(shape.size() == 3 && shape[0] > 0 && shape[0] == trajectories &&
                shape[1] == table.places && shape[2] == columns_.dimension(),
            "{}: the dataset {} has the shape {}, but {} trajectories at {} times with --dimension "
            "{} need {} x {} x {}",
            where_, quoted(name), text_of(arrays_.shape(name)), trajectories, table.places,
            columns_.dimension(), trajectories, table.places, columns_.dimension());
    table.rows = trajectories * table.places;
    const Numbers field = numbers(name);
    for (Index d = 0; d < shape[2]; ++d) {
      const DataColumn meaning{first.kind, first.component + d};
      for (const ArrayColumn& other : table.columns) {
        require(other.meaning != meaning, "{}: {} is there twice; leave out the dataset {}", where_,
                component_name(columns_.motion(), columns_.dimension(), meaning.component),
                quoted(name));
      }
      table.columns.push_back({meaning, field, d, shape[2]});
    }
  }

  [[nodiscard]] std::vector<std::string> names_of_trajectories(Index count) const {
    std::vector<std::string> names;
    for (Index i = 0; i < count; ++i) names.push_back(fmt::format("{}", i));
    for (const std::string& name : names_) {
      if (columns_.renamed(name) == "trajectory") names = arrays_.labels(name);
    }
    require(static_cast<Index>(names.size()) == count,
            "{}: there are {} names of trajectories for {} trajectories", where_, names.size(),
            count);
    return names;
  }

  const DataColumns& columns_;
  hdf5::Arrays arrays_;
  std::string source_;
  std::string where_;
  std::vector<std::string> names_;
};

}  // namespace

ObservedData read_data_group(const Hdf5Path& path, const DataColumns& columns) {
  return GroupReader(path, columns).read();
}

}  // namespace isochron::cli
