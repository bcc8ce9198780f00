#pragma once

#include <functional>

#include "isochron/states.hpp"

namespace isochron {

/// Derivatives of a function of parameters from its values alone.
struct Slopes {
  Eigen::MatrixXd columns;  ///< one per parameter
  Vector errors;            ///< estimated norm of each column's error
};

/// A function whose values have errors of their own; throws NumericalError where it has none.
struct NoisyFunction {
  std::function<Vector(ConstVectorRef theta)> values;
  double noise = 0;           ///< norm of those errors
  double relative_noise = 0;  ///< of what the values are made from, 0 .. 1
};

/// Central differences D(h), extrapolated to an error O(h^4) by R(h) = (4 D(h) - D(2h))/3. Its
/// error is estimated by R(h) - R(2h) and by the noise over h; h is halved as long as that can fall
/// (Ridders 1982, doi 10.1016/S0141-1195(82)80057-0, with one column of his table). It starts as a
/// part of `units`, the changes of the parameters that change the function about by itself, and is
/// made longer where the noise hides the slope, and shorter where there are no values.
[[nodiscard]] Slopes central_differences(const NoisyFunction& function, ConstVectorRef theta,
                                         ConstVectorRef units);

}  // namespace isochron
