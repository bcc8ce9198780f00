#pragma once

#include "cli/data_columns.hpp"
#include "cli/input_tables.hpp"
#include "isochron/observed_data.hpp"

namespace isochron::cli {

/// Observed data of a group of an HDF5 file, as read_observed_data says.
[[nodiscard]] ObservedData read_data_group(const Hdf5Path& path, const DataColumns& columns);

}  // namespace isochron::cli
