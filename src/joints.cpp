#include "joints.hpp"

#include <cmath>

namespace isochron {
namespace {

/// Where the rows of one window stand: among all the known start's, if any, the residuals, and the
/// gap to the next window, if any.
struct Rows {
  Index window;      ///< of all trajectories
  Index data;        ///< first residual among those of all windows
  Index count;       ///< residuals
  Index start;       ///< first row among all
  Index start_size;  ///< rows of the known start: s, or 0
  Index gap_size;    ///< rows of the gap: s, or 0

  [[nodiscard]] Index residuals() const { return start + start_size; }
  [[nodiscard]] Index gap() const { return residuals() + count; }
  [[nodiscard]] Index size() const { return start_size + count + gap_size; }
};

/// Calls work(rows) for each window.
template <class Work>
void for_each_window(const Objective& windows, const Work& work) {
  const Joints& joints = *windows.joints();
  const Index s = joints.weight.size();
  Rows rows{};
  for (; rows.window < windows.ensemble().size(); ++rows.window) {
    const Index in_trajectory = rows.window % joints.windows;
    rows.count = windows.residuals_of_trajectory(rows.window);
    rows.start_size = in_trajectory == 0 && joints.known_starts.size() > 0 ? s : 0;
    rows.gap_size = in_trajectory + 1 < joints.windows ? s : 0;
    work(rows);
    rows.data += rows.count;
    rows.start += rows.size();
  }
}

/// The root of each component's share in the mean.
Vector roots(const Objective& windows) {
  return (windows.joints()->weight / windows.mean_over()).cwiseSqrt();
}

/// Of all windows, `data` being their own residuals.
void join(const Objective& windows, const Vector& data, ConstStatesRef states,
          ConstStatesRef starts, VectorRef all) {
  const Joints& joints = *windows.joints();
  const Index s = starts.rows();
  const Index k = windows.ensemble().observations();
  const Vector root = roots(windows);
  for_each_window(windows, [&](const Rows& rows) {
    const Index w = rows.window;
    all.segment(rows.residuals(), rows.count) = data.segment(rows.data, rows.count);
    if (rows.start_size > 0) {
      const auto known = joints.known_starts.col(w / joints.windows);
      all.segment(rows.start, s) = root.cwiseProduct(starts.col(w) - known);
    }
    if (rows.gap_size > 0) {
      const auto end = states.col((w + 1) * k - 1);
      all.segment(rows.gap(), s) = root.cwiseProduct(end - starts.col(w + 1));
    }
  });
}

}  // namespace

Vector joined_residuals(const Objective& windows, ConstStatesRef states, ConstStatesRef starts) {
  const Joints& joints = *windows.joints();
  const Index gaps = starts.cols() / joints.windows * joints.gaps();
  Vector all(windows.residual_count() + gaps * starts.rows());
  join(windows, windows.residuals(states), states, starts, all);
  return all;
}

void joined_residuals(const Objective& windows, const StateJacobian& at, ConstStatesRef starts,
                      VectorRef residuals, GroupedJacobian& jacobian) {
  const Joints& joints = *windows.joints();
  const Index s = starts.rows();
  const Index k = windows.ensemble().observations();
  GroupedJacobian data;
  data.shared.resize(windows.residual_count(), at.jacobian.cols());
  Vector of_data(windows.residual_count());
  windows.residuals(at, of_data, data);
  join(windows, of_data, at.states, starts, residuals);
  const Vector root = roots(windows);
  jacobian.own.resize(residuals.size(), s);
  jacobian.links = Eigen::MatrixXd((-root).asDiagonal())
                       .replicate(starts.cols() - starts.cols() / joints.windows, 1);
  jacobian.chain_length = joints.windows;
  jacobian.group_sizes.clear();
  for_each_window(windows, [&](const Rows& rows) {
    jacobian.group_sizes.push_back(rows.size());
    jacobian.shared.middleRows(rows.residuals(), rows.count) =
        data.shared.middleRows(rows.data, rows.count);
    jacobian.own.middleRows(rows.residuals(), rows.count) =
        data.own.middleRows(rows.data, rows.count);
    if (rows.start_size > 0) {
      jacobian.shared.middleRows(rows.start, s).setZero();
      jacobian.own.middleRows(rows.start, s) = root.asDiagonal();
    }
    if (rows.gap_size > 0) {
      const Index end = ((rows.window + 1) * k - 1) * s;
      jacobian.shared.middleRows(rows.gap(), s) =
          root.asDiagonal() * at.jacobian.middleRows(end, s);
      jacobian.own.middleRows(rows.gap(), s) = root.asDiagonal() * at.by_start.middleRows(end, s);
    }
  });
}

Vector residuals_at(const Objective& objective, ConstStatesRef states, ConstStatesRef starts) {
  return objective.joints() ? joined_residuals(objective, states, starts)
                            : objective.residuals(states);
}

void residuals_at(const Objective& objective, const StateJacobian& at, ConstStatesRef starts,
                  VectorRef residuals, GroupedJacobian& jacobian) {
  if (objective.joints()) return joined_residuals(objective, at, starts, residuals, jacobian);
  objective.residuals(at, residuals, jacobian);
}

Index gaps_before(const Objective& objective, Index trajectory) {
  const std::optional<Joints>& joints = objective.joints();
  return joints ? trajectory / joints->windows * joints->gaps() * joints->weight.size() : 0;
}

}  // namespace isochron
