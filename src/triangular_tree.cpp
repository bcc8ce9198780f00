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

TriangularTree::Merge merging_triangles(const std::function<bool()>& stop_requested) {
  return [&stop_requested](const Eigen::MatrixXd& left, const Eigen::MatrixXd& right) {
    Eigen::MatrixXd both(left.rows() + right.rows(), left.cols());
    both << left, right;
    return triangle_of(std::move(both), stop_requested);
  };
}

}  // namespace isochron
