#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "isochron/objective.hpp"

namespace isochron {

/// The component of a state as data name it: "q1".."qD", "v1".."vD", "y1".."yD"; for D = 1 "q", "v"
/// and "y". `component` counts from 0 in the order of `States`.
[[nodiscard]] std::string component_name(Motion motion, Index dimension, Index component);

/// What was observed of one trajectory, at its own K times.
struct ObservedTrajectory {
  std::string name;  ///< as messages call it
  Vector time;   ///< [K] increasing; the initial state is that at the first time, whether or not
                 ///< it was observed
  States value;  ///< state_dimension x K; NaN: not observed
  States error;  ///< standard errors, of the same shape; NaN: unknown; empty: all unknown

  std::string place = "row";  ///< where a time stands in its file, for messages: in a "line"
  std::vector<long> places;   ///< [K] the numbers of these; empty: times count from 0

  [[nodiscard]] Index size() const { return time.size(); }
  /// Whether anything was observed at the k-th time.
  [[nodiscard]] bool observes(Index k) const { return !value.col(k).array().isNaN().all(); }
};

/// Observations of trajectories of a motion at many times: an immutable value that is known to be
/// admissible. Values and times are in the units of the data.
class ObservedData {
 public:
  /// Throws InputError, which names the trajectory and the place, unless there are trajectories;
  /// and in each, shapes fit, there are at least two times, all finite and increasing, so that they
  /// can be told apart relative to the whole; something is observed after the first; values are
  /// finite or NaN; and the standard error of each value is NaN or positive, neither its square nor
  /// the inverse of that being infinite. Errors of values that are missing do not count.
  ObservedData(Motion motion, Index dimension, std::vector<ObservedTrajectory> trajectories);

  [[nodiscard]] Motion motion() const { return motion_; }
  [[nodiscard]] Index dimension() const { return dimension_; }
  [[nodiscard]] Index state_dimension() const {
    return motion_ == Motion::newtonian ? 2 * dimension_ : dimension_;
  }
  [[nodiscard]] const std::vector<ObservedTrajectory>& trajectories() const& {
    return trajectories_;
  }
  /// Of data that do not outlive the call.
  [[nodiscard]] std::vector<ObservedTrajectory> trajectories() && {
    return std::move(trajectories_);
  }
  /// N.
  [[nodiscard]] Index size() const { return static_cast<Index>(trajectories_.size()); }

  /// How many values of each component were observed [state_dimension], and of how many of them the
  /// standard error is unknown; at all times, or from that number on: 1 leaves out the first times,
  /// where known initial states are exact.
  [[nodiscard]] std::vector<Index> observed(Index from = 0) const;
  [[nodiscard]] std::vector<Index> without_error(Index from = 0) const;

 private:
  Motion motion_;
  Index dimension_;
  std::vector<ObservedTrajectory> trajectories_;
};

// ------------------------------------------------------------------------------- what a fit takes

/// Where trajectories start and are observed, and what was observed there. Times are relative to
/// each trajectory's first, at which Ensemble::observes_start(). All have as many times as the
/// longest: others are observed in between, too, with weight 0, by halving their longest gaps.
/// Weights are 1/sigma^2, and 0 of what is missing.
struct ObservedEnsemble {
  Ensemble ensemble;
  Observations observations;
};

/// The observations at the first times are the initial states, exactly: there the weights are 0.
/// `noise` [state_dimension] is the standard error of values that have none; empty, or NaN where
/// none is needed. Throws InputError when an initial state is not complete or an error is lacking.
[[nodiscard]] ObservedEnsemble with_known_start(const ObservedData& data,
                                                ConstVectorRef noise = Vector());

/// Trajectories start from these states (state_dimension x N, finite) instead; observations at the
/// first times count like all others. Throws InputError as above, and when shapes do not fit.
[[nodiscard]] ObservedEnsemble with_start(const ObservedData& data, States initial_states,
                                          ConstVectorRef noise = Vector());

/// Where a fit of unknown initial states may begin: state_dimension x N. A component that is
/// observed at the first time has this value. Others follow from a parabola through the
/// trajectory's first seven observations of the component (fewer points: a line, a constant), by
/// least squares; a position and its velocity from one parabola, through observations of both. It
/// is continued to the first time, but not farther than its observations reach. What was never
/// observed is 0.
[[nodiscard]] States starting_states(const ObservedData& data);

// ------------------------------------------------------------------------------------- validation

/// Data in two parts, of which a fit sees one.
struct Holdout {
  ObservedData training;
  ObservedData held_out;
  bool continues;  ///< held out are later times of the one trajectory that there is: its first time
                   ///< is there, too, without values, since its initial state belongs to training
};

/// Holds out the given fraction (in (0, 1)) of the trajectories, drawn by the seed, and at least
/// one; one is left. Of a single trajectory its last times are held out. Order is kept. Throws
/// InputError when a single trajectory has fewer than two observations after its first time.
[[nodiscard]] Holdout hold_out(const ObservedData& data, double fraction, std::uint64_t seed);

}  // namespace isochron
