#pragma once

#include <vector>

#include "isochron/integrator.hpp"

namespace isochron::one_step {

/// Coefficients of an explicit one-step method with s stages. Nystrom methods for q'' = f(q):
///
///   Q_i = q + c_i h v + h^2 sum_j a_ij f(Q_j)
///   q'  = q + h v + h^2 sum_i b_i f(Q_i),      v' = v + h sum_i b_velocity_i f(Q_i)
///
/// and Runge-Kutta methods for y' = f(y), without any v and with h in the place of h^2. The error
/// estimates are the same sums with e, e_velocity: the difference to the embedded method.
struct Tableau {
  int order = 0;
  int embedded_order = 0;      ///< 0: no error estimate
  bool last_is_first = false;  ///< the last stage is f(q'), the next step's first
  std::vector<double> c;
  std::vector<std::vector<double>> a;  ///< row i has i entries
  std::vector<double> b;
  std::vector<double> b_velocity;  ///< empty for first-order motion, and so is e_velocity
  std::vector<double> e;
  std::vector<double> e_velocity;

  [[nodiscard]] std::size_t stages() const { return c.size(); }
};

/// The tableau of rkn8, rkn12 (Newtonian motion only), rk8 or rk4.
[[nodiscard]] Tableau tableau(Method method, Motion motion);

}  // namespace isochron::one_step
