#pragma once

#include <string>
#include <vector>

#include "isochron/states.hpp"

namespace isochron {

/// What a table in a text file holds.
struct TextTable {
  std::string what;                               ///< "the initial states"
  std::vector<std::vector<std::string>> columns;  ///< in order; each by all names a header may use
  std::string names;                              ///< those that messages list: "x, v"
  std::string if_hdf5 =
      ", not text";  ///< added to the sentence about an HDF5 file: what to give instead
};

/// The numbers of a text file with one row of `table` per line: a column of the matrix for each
/// line, its rows in the order of `table.columns`.
///
/// Columns are separated by commas, else by tabs, else by blanks; # begins a comment; lines without
/// anything else are passed over. A first line of names gives the order of the columns. Numbers are
/// decimal, with exponents as in 1e-5 or, by Fortran, 1D-5; cells may stand in double quotes.
///
/// Throws InputError, with line and column, unless every cell holds a finite number and all lines
/// have all columns; for unknown, missing and repeated names; and as TextFile does.
[[nodiscard]] Eigen::MatrixXd read_text_table(const std::string& path, const TextTable& table);

}  // namespace isochron
