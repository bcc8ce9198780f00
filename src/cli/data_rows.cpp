#include "cli/data_rows.hpp"

#include <fmt/core.h>
#include <utility>

#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Kind = DataColumn::Kind;

}  // namespace

void DataRow::put(const DataColumn& column, double number) {
  if (column.kind == Kind::time) time = number;
  if (column.kind == Kind::value) values[column.component] = number;
  if (column.kind == Kind::error) errors[column.component] = number;
}

void DataRows::add(const DataRow& row, long place) {
  const auto [found, is_new] = index_.try_emplace(row.trajectory, parts_.size());
  if (is_new) parts_.emplace_back().name = row.trajectory;
  Parts& parts = parts_[found->second];
  parts.times.push_back(row.time);
  parts.values.insert(parts.values.end(), row.values.begin(), row.values.end());
  parts.errors.insert(parts.errors.end(), row.errors.begin(), row.errors.end());
  parts.places.push_back(place);
}

ObservedTrajectory DataRows::trajectory(Parts parts) const {
  const Index components = columns_.state_dimension();
  const auto times = static_cast<Index>(parts.times.size());
  return {std::move(parts.name),
          Eigen::Map<const Vector>(parts.times.data(), times),
          Eigen::Map<const States>(parts.values.data(), components, times),
          Eigen::Map<const States>(parts.errors.data(), components, times),
          place_,
          std::move(parts.places)};
}

ObservedData DataRows::take(const std::string& source) {
  std::vector<ObservedTrajectory> trajectories;
  for (Parts& parts : std::exchange(parts_, {})) {
    trajectories.push_back(trajectory(std::move(parts)));
  }
  try {
    return {columns_.motion(), columns_.dimension(), std::move(trajectories)};
  } catch (const InputError& error) {
    throw InputError(fmt::format("in {}, {}", shown(source), error.what()));
  }
}

}  // namespace isochron::cli
