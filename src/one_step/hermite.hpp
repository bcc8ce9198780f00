#pragma once

#include <vector>

#include "isochron/states.hpp"

namespace isochron::one_step {

/// Hermite interpolation: of all functions with given derivatives up to order r - 1 at m nodes, the
/// polynomial of degree r m - 1.
class Hermite {
 public:
  /// `nodes`: m of them, all different; `known`: r, 2 or 3.
  Hermite(std::vector<double> nodes, int known);

  /// Where the weight of the derivative of order s at node j is entry r j + s, those for which
  ///
  ///   y(t) = sum values[r j + s] y^(s)(t_j),    y'(t) = sum slopes[r j + s] y^(s)(t_j).
  ///
  /// Both have r m entries. At a node y comes out as its own, and with r = 3 so does y'.
  void weights(double t, double* values, double* slopes) const;

 private:
  std::vector<double> nodes_;
  int known_;
  // Of the Lagrange polynomial L_j of each node: its own inverse distances to all nodes (0 to
  // itself), and x and x^2 in the expansion of L_j^-r in x = t - t_j.
  std::vector<double> inverse_distances_;
  std::vector<double> linear_;
  std::vector<double> quadratic_;
};

/// The first of `count` neighbouring nodes that are best to interpolate between node n and the
/// next: as many on one side as on the other (one more before, when odd), as far as there are. Of
/// `all` nodes, at least `count`.
[[nodiscard]] Index first_of_nearest(Index n, Index count, Index all);

}  // namespace isochron::one_step
