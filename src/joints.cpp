#include "joints.hpp"

#include <cmath>

namespace isochron {
namespace {

/// Where the rows of one trajectory stand.
struct Rows {
  Index data = 0;        ///< among the residuals of all windows
  Index joined = 0;      ///< among all, gaps included
  Index data_count = 0;  ///< of its windows
};

/// Calls work(trajectory, rows) for each.
template <class Work>
void for_each_trajectory(const Objective& windows, const Work& work) {
  const Joints& joints = *windows.joints();
  Rows rows;
  for (Index i = 0; i < windows.ensemble().size() / joints.windows; ++i) {
    rows.data_count = 0;
    for (Index w = 0; w < joints.windows; ++w) {
      rows.data_count += windows.residuals_of_trajectory(i * joints.windows + w);
    }
    work(i, rows);
    rows.data += rows.data_count;
    rows.joined += rows.data_count + joints.gaps() * joints.weight.size();
  }
}

/// The root of each component's share in the mean.
Vector roots(const Objective& windows) {
  return (windows.joints()->weight / static_cast<double>(windows.residual_count())).cwiseSqrt();
}

/// Of one trajectory, one after the other.
Vector gaps(const Objective& windows, Index trajectory, ConstStatesRef states,
            ConstStatesRef starts) {
  const Joints& joints = *windows.joints();
  const Index s = starts.rows();
  const Index k = windows.ensemble().observations();
  const Index first = trajectory * joints.windows;
  const Vector root = roots(windows);
  Vector all(joints.gaps() * s);
  for (Index w = 1; w < joints.windows; ++w) {
    all.segment((w - 1) * s, s) =
        root.cwiseProduct(states.col((first + w) * k - 1) - starts.col(first + w));
  }
  if (joints.known_starts.size() > 0) {
    all.tail(s) = root.cwiseProduct(starts.col(first) - joints.known_starts.col(trajectory));
  }
  return all;
}

}  // namespace

Vector joined_residuals(const Objective& windows, ConstStatesRef states, ConstStatesRef starts) {
  const Vector data = windows.residuals(states);
  const Joints& joints = *windows.joints();
  const Index trajectories = starts.cols() / joints.windows;
  Vector all(data.size() + trajectories * joints.gaps() * starts.rows());
  for_each_trajectory(windows, [&](Index i, const Rows& rows) {
    all.segment(rows.joined, rows.data_count) = data.segment(rows.data, rows.data_count);
    all.segment(rows.joined + rows.data_count, joints.gaps() * starts.rows()) =
        gaps(windows, i, states, starts);
  });
  return all;
}

void joined_residuals(const Objective& windows, const StateJacobian& at, ConstStatesRef starts,
                      VectorRef residuals, GroupedJacobian& jacobian) {
  const Joints& joints = *windows.joints();
  const Index s = starts.rows();
  const Index k = windows.ensemble().observations();
  const Index gap_rows = joints.gaps() * s;
  GroupedJacobian data;
  data.shared.resize(windows.residual_count(), at.jacobian.cols());
  Vector of_data(windows.residual_count());
  windows.residuals(at, of_data, data);
  residuals = joined_residuals(windows, at.states, starts);
  jacobian.own = Eigen::MatrixXd::Zero(residuals.size(), joints.windows * s);
  jacobian.group_sizes.clear();
  const Vector root = roots(windows);
  for_each_trajectory(windows, [&](Index i, const Rows& rows) {
    jacobian.shared.middleRows(rows.joined, rows.data_count) =
        data.shared.middleRows(rows.data, rows.data_count);
    jacobian.group_sizes.push_back(rows.data_count + gap_rows);
    Index row = 0;
    for (Index w = 0; w < joints.windows; ++w) {
      const Index count = windows.residuals_of_trajectory(i * joints.windows + w);
      jacobian.own.block(rows.joined + row, w * s, count, s) =
          data.own.middleRows(rows.data + row, count);
      row += count;
    }
    auto shared = jacobian.shared.middleRows(rows.joined + row, gap_rows);
    auto own = jacobian.own.middleRows(rows.joined + row, gap_rows);
    shared.setZero();
    for (Index w = 1; w < joints.windows; ++w) {
      const Index end = ((i * joints.windows + w) * k - 1) * s;
      shared.middleRows((w - 1) * s, s) = root.asDiagonal() * at.jacobian.middleRows(end, s);
      own.block((w - 1) * s, (w - 1) * s, s, s) =
          root.asDiagonal() * at.by_start.middleRows(end, s);
      own.block((w - 1) * s, w * s, s, s).diagonal() = -root;
    }
    if (joints.known_starts.size() > 0) own.bottomLeftCorner(s, s).diagonal() = root;
  });
}

}  // namespace isochron
