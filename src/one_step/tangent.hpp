#pragma once

#include <vector>

#include "isochron/dynamics.hpp"
#include "one_step/tableau.hpp"

namespace isochron::one_step {

/// z = sum_k coefficients[k] x_k, where the x_k are blocks of z's shape, one below the other in x.
void combine(const std::vector<double>& coefficients, const Block& x, BlockRef z);

/// The error of a step as the derivatives of the solution see it. The states alone cannot tell: at
/// rest, or where f = 0, a step of any length is exact, and the tangents s of
///
///   s'' = J(q) s + (df/dtheta) u        (s' for first-order motion)
///
/// need short ones all the same. So two tangents take the step by the method itself: one starts
/// displaced, with u = 0; the other starts from zero, in a random direction u of the parameters,
/// each in its own unit |theta_p|. The estimate is that of the embedded method.
class TangentError {
 public:
  /// `tableau` is referred to, not copied.
  TangentError(const Dynamics& dynamics, const Tableau& tableau, Index stride);

  /// Begins trajectories with these parameters, which take times T_b in all [stride].
  void start(ConstVectorRef theta, const Vector& end_times);

  /// Begins a step of these lengths in time, one for each trajectory.
  void start_step(const Eigen::ArrayXd& lengths);

  /// Takes the next stage, with the linearisation at its positions.
  void take_stage(Linearisation& at);

  /// After all stages: the largest estimate over trajectories and both tangents, in units of their
  /// sizes. Infinite when tangents overflow; 0 where f has no finite derivative, which is for the
  /// gradient to report.
  [[nodiscard]] double estimate();

 private:
  using Row = Eigen::Array<double, 1, Eigen::Dynamic>;  // a number for each trajectory

  [[nodiscard]] Row factor(const Eigen::ArrayXd& times) const;
  [[nodiscard]] static Row magnitude(const auto& x) { return x.cwiseAbs().colwise().maxCoeff(); }
  [[nodiscard]] double relative_error(const Block& slopes, const Row& least_size);

  const Tableau& tableau_;
  bool newtonian_;
  Index dimension_;
  Block displacement_;  // s(0) of the displaced tangent, and the length of the step times s'(0)
  Block velocity_;
  Vector unit_direction_;  // random, for parameters of size one
  Vector direction_;       // u
  Row factor_;             // h^2, or h for first-order motion
  Row largest_force_;      // |(df/dtheta) u| on the way so far
  Row stiffness_;          // |J s|/|s| likewise, at least 1/T^2, or 1/T for first-order motion
  Block displaced_;        // factor times J s + (df/dtheta) u at the stages, one below the other,
  Block forced_;           // of either tangent
  Block forcing_;          // (df/dtheta) u
  Block s_;
  std::size_t stage_ = 0;
  bool differentiable_ = true;
};

}  // namespace isochron::one_step
