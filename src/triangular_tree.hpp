#pragma once

#include <functional>

#include "reduction_tree.hpp"

namespace isochron {

/// What orthogonal transformations leave of rows, which may be few: the upper triangular n x n
/// factor T of Householder's QR, T^T T = rows^T rows for n columns. Throws Interrupted.
[[nodiscard]] Eigen::MatrixXd triangle_of(Eigen::MatrixXd rows,
                                          const std::function<bool()>& stop_requested);

/// The triangle of rows that come in leaves, of which each is reduced to a triangle (triangle_of)
/// before, by a tree of merges of two (TSQR; Demmel, Grigori, Hoemmen, Langou 2012, doi
/// 10.1137/080731992). `stop_requested` is polled in merges, and must outlive the tree.
using TriangularTree = ReductionTree<Eigen::MatrixXd>;
[[nodiscard]] TriangularTree::Merge merging_triangles(const std::function<bool()>& stop_requested);

}  // namespace isochron
