#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "isochron/states.hpp"

namespace isochron {

/// What orthogonal transformations leave of rows, which may be few: the upper triangular n x n
/// factor T of Householder's QR, T^T T = rows^T rows for n columns. Throws Interrupted.
[[nodiscard]] Eigen::MatrixXd triangle_of(Eigen::MatrixXd rows,
                                          const std::function<bool()>& stop_requested);

/// The triangle of rows that come in leaves 0 .. count - 1, of which each is reduced to a triangle
/// (triangle_of) before: two neighbours are merged into one, and so on in a binary tree (TSQR;
/// Demmel, Grigori, Hoemmen, Langou 2012, doi 10.1137/080731992). The tree is fixed by the number
/// of leaves, so the result is the same to the last bit in whatever order they come and on
/// whichever threads. Holds about log2(count) triangles when they come in order.
class TriangularTree {
 public:
  /// `stop_requested` is polled in merges; it must outlive the tree.
  TriangularTree(Index leaves, const std::function<bool()>& stop_requested);

  /// Adds the triangle of a leaf, and merges as far up as both sides are there; to be called once
  /// for each leaf, by several threads at once if need be. Throws Interrupted.
  void add(Index leaf, Eigen::MatrixXd triangle);

  /// The triangle of all rows, once all leaves have been added.
  [[nodiscard]] Eigen::MatrixXd root() const;

 private:
  /// Node `index` of a level, from the left: of the leaves index 2^level .. (index + 1) 2^level - 1
  /// as far as there are so many.
  using Node = std::pair<int, Index>;  // level, index

  /// Takes the other side of a node's parent; nothing, and `triangle` waits, when that is not there
  /// yet.
  [[nodiscard]] std::optional<Eigen::MatrixXd> meet(const Node& node,
                                                    const Eigen::MatrixXd& triangle);

  Index leaves_;
  const std::function<bool()>& stop_;
  std::mutex mutex_;
  std::map<Node, Eigen::MatrixXd> waiting_;
};

}  // namespace isochron
