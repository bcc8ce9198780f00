#pragma once

#include "isochron/figure.hpp"
#include "isochron/states.hpp"

namespace isochron::cli {

/// Where a function on a grid has these values: values(i, j) at (x[i], y[j]), linear in between.
/// One curve of pieces with breaks between them, whose colour is the value.
[[nodiscard]] Curve contours(const Vector& x, const Vector& y, const Eigen::MatrixXd& values,
                             const std::vector<double>& levels);

}  // namespace isochron::cli
