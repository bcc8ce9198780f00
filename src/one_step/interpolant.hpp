#pragma once

#include <vector>

#include "one_step/hermite.hpp"
#include "one_step/solver.hpp"

namespace isochron::one_step {

/// The states of a block between the steps that it took: Hermite interpolation of (q, v, f), or of
/// (y, f) for first-order motion, at the nodes around, as many as make it better than the steps; v
/// is the slope of q. The states are linear in what the nodes have.
class Interpolant {
 public:
  /// `solver` is referred to: the steps that it took last, with their nodes.
  explicit Interpolant(const OneStepSolver& solver);

  /// So many nodes enter a state, and there must be at least as many.
  [[nodiscard]] Index count() const { return count_; }
  /// Of what is known at a node: y and f have so many rows of D.
  [[nodiscard]] Index known() const { return known_; }
  [[nodiscard]] Index observations() const { return observations_; }

  /// Takes up the steps last taken.
  void start();

  /// Estimates of the error in each step, in units of the tolerance: what one node less would
  /// change in its middle, at most in all trajectories; infinite where it is not finite.
  [[nodiscard]] Vector errors() const;
  /// By how much rounding errors of positions are amplified in the middle of steps, at most: by 2
  /// to 20 where all steps are equal, by much more where they grow from one to the next.
  [[nodiscard]] double amplification() const;
  /// By how much shorter steps must be for such an error to fall to the tolerance, with a reserve.
  [[nodiscard]] double shortening(double error) const;
  /// The steps, those whose nodes enter an error above the tolerance cut into equal parts, as many
  /// as it needs.
  [[nodiscard]] std::vector<double> cut_steps(const Vector& errors) const;

  /// Chooses the times of all that follows: K of their own for each of B trajectories.
  void place(ConstVectorRef end_times, ConstStatesRef earlier_times);

  /// The states at these times, state_dimension x (B K).
  void observe(StatesRef states) const;

  /// What cotangents of these states are as cotangents of y and f at the nodes, which stand as in
  /// OneStepSolver::node, one node below the other.
  void observe_back(ConstStatesRef cotangents, Block& of_nodes) const;

  /// Of trajectory b at its k-th time: the first node, and the weights of positions and of
  /// velocities. Entry known() j + s of either is that of the rows s D .. of its j-th node.
  [[nodiscard]] Index first_node(Index b, Index k) const { return first_[at(b, k)]; }
  [[nodiscard]] const double* position_weights(Index b, Index k) const {
    return weights_.data() + at(b, k) * weights_per_state();
  }
  [[nodiscard]] const double* velocity_weights(Index b, Index k) const {
    return position_weights(b, k) + known_ * count_;
  }

 private:
  [[nodiscard]] std::size_t at(Index b, Index k) const {
    return static_cast<std::size_t>(b * observations_ + k);
  }
  [[nodiscard]] std::size_t weights_per_state() const {
    return static_cast<std::size_t>(2 * known_ * count_);
  }
  [[nodiscard]] Index steps() const { return static_cast<Index>(times_.size()) - 1; }
  [[nodiscard]] Hermite through(Index first, Index count) const;
  [[nodiscard]] double weighted_sum(const double* weights, Index first, Index d, Index b) const;
  void middle_weights(Index step, Index count, double* weights) const;
  void difference(Index step, double* weights) const;

  const OneStepSolver& solver_;
  Index dimension_;
  Index known_;
  Index count_;
  std::vector<double> times_;  // of the nodes, in tau
  Index observations_ = 0;
  std::vector<Index> first_;
  std::vector<double> weights_;
};

}  // namespace isochron::one_step
