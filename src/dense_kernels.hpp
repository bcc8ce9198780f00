#pragma once

#include <Eigen/Dense>

// Eigen's kernels for dense matrices, compiled by dense_kernels.cpp instead of by every source that
// multiplies some, where they take seconds. For the precompiled header alone: Eigen 3.4 does not
// document these names.

#if EIGEN_WORLD_VERSION == 3 && EIGEN_MAJOR_VERSION == 4

#ifndef ISOCHRON_KERNEL
#define ISOCHRON_KERNEL extern template
#endif

namespace Eigen::internal {

using Blocking = gebp_traits<double, double>;
using Columns = const_blas_data_mapper<double, Index, ColMajor>;
using Rows = const_blas_data_mapper<double, Index, RowMajor>;
using Result = blas_data_mapper<double, Index, ColMajor>;

// A B.
ISOCHRON_KERNEL struct gebp_kernel<double, double, Index, Result, Blocking::mr, Blocking::nr, false,
                                   false>;
ISOCHRON_KERNEL struct gemm_pack_lhs<double, Index, Columns, Blocking::mr, Blocking::LhsProgress,
                                     Blocking::LhsPacket4Packing, ColMajor, false, false>;
ISOCHRON_KERNEL struct gemm_pack_lhs<double, Index, Rows, Blocking::mr, Blocking::LhsProgress,
                                     Blocking::LhsPacket4Packing, RowMajor, false, false>;
ISOCHRON_KERNEL struct gemm_pack_rhs<double, Index, Columns, Blocking::nr, ColMajor, false, false>;
ISOCHRON_KERNEL struct gemm_pack_rhs<double, Index, Rows, Blocking::nr, RowMajor, false, false>;

// A x and A^T x, of vectors and of rows.
ISOCHRON_KERNEL struct general_matrix_vector_product<Index, double, Columns, ColMajor, false,
                                                     double, Rows, false, 0>;
ISOCHRON_KERNEL struct general_matrix_vector_product<Index, double, Rows, RowMajor, false, double,
                                                     Columns, false, 0>;
ISOCHRON_KERNEL struct general_matrix_vector_product<Index, double, Rows, RowMajor, false, double,
                                                     Rows, false, 1>;

// R^-1 B, and what blocks of reflections take: L B, U B and their transposes.
ISOCHRON_KERNEL struct triangular_solve_matrix<double, Index, OnTheLeft, Upper, false, ColMajor,
                                               ColMajor, 1>;
ISOCHRON_KERNEL struct product_triangular_matrix_matrix<double, Index, Lower, true, ColMajor, false,
                                                        ColMajor, false, ColMajor, 1>;
ISOCHRON_KERNEL struct product_triangular_matrix_matrix<double, Index, UnitLower, true, ColMajor,
                                                        false, ColMajor, false, ColMajor, 1>;
ISOCHRON_KERNEL struct product_triangular_matrix_matrix<double, Index, Upper, true, RowMajor, false,
                                                        ColMajor, false, ColMajor, 1>;
ISOCHRON_KERNEL struct product_triangular_matrix_matrix<double, Index, UnitUpper, true, RowMajor,
                                                        false, ColMajor, false, ColMajor, 1>;

}  // namespace Eigen::internal

namespace Eigen {
ISOCHRON_KERNEL class HouseholderQR<MatrixXd>;
}  // namespace Eigen

#undef ISOCHRON_KERNEL

#endif
