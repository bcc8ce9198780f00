#pragma once

#include <optional>
#include <string>

#include "isochron/dynamics.hpp"
#include "isochron/period_law.hpp"
#include "isochron/states.hpp"

namespace isochron::cli {

// The tables that options read from files. All throw InputError.

/// Whether a file begins with words or numbers, as a table does.
[[nodiscard]] bool is_text_file(const std::string& file);

/// A dataset or group of an HDF5 file.
struct Hdf5Path {
  std::string file;
  std::string object;  ///< "/run/data"
};

/// What FILE:/path says; nothing when it is the name of a file as it stands. FILE may hold ":/",
/// too: then it is the longest that exists.
[[nodiscard]] std::optional<Hdf5Path> hdf5_path(const std::string& source);

/// Initial states, one per row, of a text or of a dataset of an HDF5 file, FILE:/dataset.
[[nodiscard]] States read_states(const std::string& source, Motion motion, Index state_dimension);

/// Positions and the force there, in two rows; `what` they are: "the force data".
[[nodiscard]] Eigen::MatrixXd read_forces(const std::string& path, const std::string& what);

/// Amplitudes or energies and their periods, in two rows.
[[nodiscard]] Eigen::MatrixXd read_periods(const std::string& path, PeriodBy by);

}  // namespace isochron::cli
