#pragma once

#include <string>

#include "isochron/states.hpp"

namespace isochron::cli {

/// The numbers of a text file, separated by blanks, commas or semicolons, up to a # in each line:
/// one column per line that holds any. Throws InputError, naming `what` ("the initial states") and
/// the file, unless there is a finite number and all lines hold equally many.
[[nodiscard]] Eigen::MatrixXd read_text_table(const std::string& path, const std::string& what);

/// A table of two columns; `rows` is what its lines are: "position, force".
[[nodiscard]] Eigen::MatrixXd read_pairs(const std::string& path, const std::string& what,
                                         const std::string& rows);

}  // namespace isochron::cli
