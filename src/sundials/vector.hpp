#pragma once

#include "isochron/states.hpp"
#include "sundials/context.hpp"

namespace isochron::sundials {

/// What CVODES takes as the size of a vector of errors.
enum class Norm {
  root_mean_square,    ///< over all elements, as usual
  largest_trajectory,  ///< the largest of the columns' own: every trajectory keeps its tolerance
};

/// Layout of a vector: rows x stride numbers, row by row, stride a multiple of block_padding.
/// Of each row, `columns` count and the rest is padding.
struct VectorShape {
  Index rows = 1;
  Index columns = 0;
  Index stride = 0;
  Norm norm = Norm::root_mean_square;
};

/// A serial vector with its own operations, aligned and padded so that they run in SIMD registers:
/// Debian compiles SUNDIALS' own without optimisation, and they would dominate the run time.
[[nodiscard]] VectorHandle make_vector(const VectorShape& shape, SUNContext context);

/// The numbers of such a vector as a rows x stride block.
[[nodiscard]] Eigen::Map<Block, Eigen::Aligned64, Eigen::OuterStride<>> as_block(N_Vector v);

/// The counting columns of a one-row vector.
[[nodiscard]] Eigen::Map<Vector, Eigen::Aligned64> as_row(N_Vector v);

}  // namespace isochron::sundials
