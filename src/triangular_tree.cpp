#include "triangular_tree.hpp"

#include <algorithm>

#include "stoppable_algebra.hpp"

namespace isochron {

Eigen::MatrixXd triangle_of(Eigen::MatrixXd rows, const std::function<bool()>& stop_requested) {
  const Index columns = rows.cols();
  const Index count = std::min(rows.rows(), columns);
  const StoppableQr qr(std::move(rows), stop_requested);
  Eigen::MatrixXd triangle = Eigen::MatrixXd::Zero(columns, columns);
  triangle.topRows(count) = qr.matrixQR().topRows(count).triangularView<Eigen::Upper>();
  return triangle;
}

TriangularTree::TriangularTree(Index leaves, const std::function<bool()>& stop_requested)
    : leaves_(leaves), stop_(stop_requested) {}

void TriangularTree::add(Index leaf, Eigen::MatrixXd triangle) {
  Node node{0, leaf};
  for (Index width = leaves_; width > 1; width = (width + 1) / 2) {
    const bool has_sibling = (node.second ^ 1) < width;
    if (has_sibling) {
      const std::optional<Eigen::MatrixXd> other = meet(node, triangle);
      if (!other) return;
      const bool is_left = node.second % 2 == 0;
      const Index n = triangle.cols();
      Eigen::MatrixXd both(2 * n, n);
      both << (is_left ? triangle : *other), (is_left ? *other : triangle);
      triangle = triangle_of(std::move(both), stop_);
    }
    node = {node.first + 1, node.second / 2};
  }
  const std::lock_guard lock(mutex_);
  waiting_[node] = std::move(triangle);
}

std::optional<Eigen::MatrixXd> TriangularTree::meet(const Node& node,
                                                    const Eigen::MatrixXd& triangle) {
  const std::lock_guard lock(mutex_);
  const auto sibling = waiting_.find({node.first, node.second ^ 1});
  if (sibling == waiting_.end()) {
    waiting_[node] = triangle;
    return std::nullopt;
  }
  Eigen::MatrixXd other = std::move(sibling->second);
  waiting_.erase(sibling);
  return other;
}

Eigen::MatrixXd TriangularTree::root() const { return waiting_.begin()->second; }

}  // namespace isochron
