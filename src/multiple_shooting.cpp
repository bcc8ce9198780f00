#include "multiple_shooting.hpp"

#include <algorithm>
#include <cmath>

#include "blocks.hpp"
#include "floating_point.hpp"
#include "isochron/observed_data.hpp"

namespace isochron {
namespace {

/// How the observations after the start are shared out.
struct Cut {
  Index first = 0;       ///< observation after the start
  Index per_window = 0;  ///< observations
  Index windows = 0;
};

Cut cut(const Ensemble& ensemble, Index windows) {
  Cut result;
  result.first = ensemble.observes_start() ? 1 : 0;
  const Index count = ensemble.observations() - result.first;
  result.per_window = divided_up(count, windows);
  result.windows = divided_up(count, result.per_window);
  return result;
}

double time_of(const Ensemble& ensemble, Index trajectory, Index k) {
  return k + 1 == ensemble.observations() ? ensemble.end_times[trajectory]
                                          : ensemble.earlier_times(k, trajectory);
}

/// The values at one time, NaN where there are none.
Vector observed(const Observations& observations, Index column) {
  Vector value = observations.value.col(column);
  if (observations.weight.size() == 0) return value;
  constexpr double missing = not_a_number;
  return (observations.weight.col(column).array() > 0).select(value, missing);
}

/// The state of a trajectory at its k-th time by the observations there and after.
Vector state_by_data(const Objective& objective, Index trajectory, Index k) {
  constexpr std::size_t few = 8;
  const Ensemble& ensemble = objective.ensemble();
  const Index all = ensemble.observations();
  std::vector<Index> used = {k};
  for (Index j = k + 1; j < all && used.size() < few; ++j) {
    const Vector there = observed(objective.observations(), trajectory * all + j);
    if (!there.array().isNaN().all()) used.push_back(j);
  }
  ObservedTrajectory after;
  after.time.resize(static_cast<Index>(used.size()));
  after.value.resize(ensemble.initial_states.rows(), after.time.size());
  for (Index j = 0; j < after.time.size(); ++j) {
    const Index at = used[static_cast<std::size_t>(j)];
    after.time[j] = time_of(ensemble, trajectory, at);
    after.value.col(j) = observed(objective.observations(), trajectory * all + at);
  }
  const Dynamics& dynamics = objective.dynamics();
  return starting_states({dynamics.motion(), dynamics.dimension(), {std::move(after)}}).col(0);
}

/// Gaps are differences of states, also where errors are those of logarithms.
Vector gap_weights(const Observations& observations, double stiffness) {
  const Index s = observations.value.rows();
  States weight = observations.weight;
  if (weight.size() == 0) weight.setOnes(s, observations.value.cols());
  if (observations.error_model == ErrorModel::lognormal) {
    weight = (weight.array() > 0).select(weight.cwiseQuotient(observations.value.cwiseAbs2()), 0.0);
  }
  const Eigen::ArrayXd largest = weight.rowwise().maxCoeff();
  return stiffness * (largest > 0.0).select(largest, weight.maxCoeff());
}

}  // namespace

Objective in_windows(const Objective& objective, Index windows, double stiffness) {
  const Ensemble& whole = objective.ensemble();
  const Observations& data = objective.observations();
  const Cut shares = cut(whole, windows);
  const Index s = whole.initial_states.rows();
  const Index k = shares.first + shares.per_window;
  const Index columns = whole.size() * shares.windows;
  States starts(s, columns);
  Eigen::MatrixXd times = Eigen::MatrixXd::Zero(k, columns);
  Observations parts = data.with_values(States::Zero(s, columns * k), States::Zero(s, columns * k));
  for (Index c = 0; c < columns; ++c) {
    const Index i = c / shares.windows;
    const Index w = c % shares.windows;
    const Index first = shares.first + w * shares.per_window;
    const Index count = std::min(shares.per_window, whole.observations() - first);
    const auto copy = [&](Index from, Index to) {
      parts.value.col(c * k + to) = data.value.col(i * whole.observations() + from);
      parts.weight.col(c * k + to).setOnes();
      if (data.weight.size() == 0) return;
      parts.weight.col(c * k + to) = data.weight.col(i * whole.observations() + from);
    };
    const double start = w == 0 ? 0 : time_of(whole, i, first - 1);
    starts.col(c) =
        w == 0 ? Vector(whole.initial_states.col(i)) : state_by_data(objective, i, first - 1);
    if (w == 0 && shares.first > 0) copy(0, 0);
    // The last window may have fewer observations: times without any stand before its first.
    const Index empty = shares.per_window - count;
    const double first_time = time_of(whole, i, first) - start;
    for (Index j = 0; j < empty; ++j) {
      times(shares.first + j, c) =
          first_time * static_cast<double>(j + 1) / static_cast<double>(empty + 1);
    }
    for (Index j = 0; j < count; ++j) {
      times(shares.first + empty + j, c) = time_of(whole, i, first + j) - start;
      copy(first + j, shares.first + empty + j);
    }
  }
  Joints joints{shares.windows, gap_weights(data, stiffness), {}};
  if (!objective.fits_initial_states()) joints.known_starts = whole.initial_states;
  return Objective(objective.dynamics(), Ensemble::observed_at(std::move(starts), times),
                   std::move(parts))
      .fitting_initial_states()
      .with(std::move(joints));
}

States first_states(const Objective& windows, const States& of_windows) {
  const Index each = windows.joints()->windows;
  return of_windows(Eigen::all, Eigen::seqN(0, of_windows.cols() / each, each));
}

}  // namespace isochron
