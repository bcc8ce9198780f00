#pragma once

#include <functional>

#include "isochron/states.hpp"
#include "sundials/context.hpp"

namespace isochron::sundials {

/// Stock functional iteration, for any y' = F(y); with `count`, for so many vectors at once.
[[nodiscard]] NonlinearSolver make_fixed_point(N_Vector like, SUNContext context, int count = 0);

/// A system of two halves of which one follows from the other at no cost,
///
///   near' = sign T far,     far' = g(near),
///
/// as q' = T v, v' = T f(q) and its adjoint lambda_v' = -T lambda_q, lambda_q' = -T J^T lambda_v.
struct SplitSystem {
  Index near_row = 0;  ///< first row of `near` in the state
  Index far_row = 0;
  Index rows = 0;  ///< of each half
  double sign = 1;
  const double* end_times = nullptr;  ///< T per column

  /// out = g(near) at tau; returns 0, or the code of a failed right-hand side.
  std::function<int(double tau, ConstBlockRef near, BlockRef out)> far_derivative;
};

/// The corrector equation of Adams methods, y = y_p + gamma F(y) - l z_1, for a split system, by
/// alternating halves: near from far, then far from near. It contracts by (gamma T)^2 |dg/dnear|
/// per evaluation of g, the square of what functional iteration does, so one evaluation a step is
/// nearly always enough. The contraction is measured by a second evaluation every so many steps.
[[nodiscard]] NonlinearSolver make_split_corrector(SplitSystem system, N_Vector like,
                                                   SUNContext context);

}  // namespace isochron::sundials
