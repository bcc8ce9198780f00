#pragma once

#include <string>

#include "cli/data_columns.hpp"
#include "isochron/observed_data.hpp"

namespace isochron::cli {

/// Observed data of a text file, or of a group of an HDF5 file, FILE:/group.
///
/// A text begins with a line of names; its columns are separated by commas, else tabs, else blanks,
/// as that line has them; # begins a comment. Empty cells (not between blanks) and nan are missing.
/// Each line is a time of a trajectory, whose name may be any word; lines of several trajectories
/// may alternate. Without a column of trajectories there is one, named 0.
///
/// A group holds the same as 1-D datasets of equal length; or, as `simulate` writes it, time [K]
/// and q [N, K, D] with v, or y, their errors of the same shapes, and perhaps trajectory [N]; for D
/// = 1 also [N, K], for N = 1 also [K, D]. Other datasets of such a group are ignored.
///
/// Throws InputError for a file that cannot be read, for columns as DataColumns does, for a cell
/// that is no number, with its line and column, and for what ObservedData refuses.
[[nodiscard]] ObservedData read_observed_data(const std::string& source,
                                              const DataColumns& columns);

}  // namespace isochron::cli
