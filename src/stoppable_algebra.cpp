#include "stoppable_algebra.hpp"

#include <algorithm>

#include "isochron/error.hpp"

namespace isochron {
namespace {

/// Operations that may pass between two looks at the clock: some tenths of a second. What takes no
/// more is done in one go.
constexpr double most_operations = 1e9;

double operations(Index a, Index b, Index c) {
  return 2 * static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

/// Calls part(first, count) for all of `size` rows or columns, of which each takes `each`
/// operations.
template <class Part>
void in_parts(Index size, double each, const std::function<bool()>& stop_requested,
              const Part& part) {
  const double fitting = most_operations / std::max(1.0, each);
  const Index at_once = fitting >= static_cast<double>(size)
                            ? std::max<Index>(1, size)
                            : std::max<Index>(1, static_cast<Index>(fitting));
  for (Index first = 0; first < size; first += at_once) {
    poll_stop(stop_requested);
    part(first, std::min(at_once, size - first));
  }
}

}  // namespace

void poll_stop(const std::function<bool()>& stop_requested) {
  if (stop_requested && stop_requested()) {
    throw Interrupted("the computation was stopped on request");
  }
}

StoppableQr::StoppableQr(Eigen::MatrixXd matrix, const std::function<bool()>& stop_requested) {
  m_qr = std::move(matrix);
  const Index rows = m_qr.rows();
  const Index cols = m_qr.cols();
  const Index size = std::min(rows, cols);
  if (operations(rows, cols, size) <= most_operations) {
    m_hCoeffs.resize(size);
    m_temp.resize(cols);
    computeInPlace();
    return;
  }
  constexpr Index panel_columns = 32;
  m_hCoeffs.resize(size);
  for (Index k = 0; k < size; k += panel_columns) {
    poll_stop(stop_requested);
    const Index count = std::min(panel_columns, size - k);
    Eigen::Ref<Eigen::MatrixXd> block = m_qr.block(k, k, rows - k, count);
    const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> panel(block);
    m_hCoeffs.segment(k, count) = panel.hCoeffs();
    in_parts(cols - k - count, 2 * operations(rows - k, count, 1), stop_requested,
             [&](Index first, Index columns) {
               m_qr.block(k, k + count + first, rows - k, columns)
                   .applyOnTheLeft(panel.householderQ().adjoint());
             });
  }
  m_isInitialized = true;
}

Eigen::MatrixXd StoppableQr::thin_q(Index columns,
                                    const std::function<bool()>& stop_requested) const {
  Eigen::MatrixXd q(rows(), columns);
  in_parts(columns, 2 * operations(rows(), m_hCoeffs.size(), 1), stop_requested,
           [&](Index first, Index count) {
             Eigen::MatrixXd part = Eigen::MatrixXd::Zero(rows(), count);
             part.middleRows(first, count).setIdentity();
             q.middleCols(first, count) = householderQ() * part;
           });
  return q;
}

StoppableCholesky::StoppableCholesky(Eigen::MatrixXd matrix,
                                     const std::function<bool()>& stop_requested)
    : factor_(std::move(matrix)) {
  constexpr Index panel_columns = 256;
  const Index size = factor_.cols();
  for (Index k = 0; k < size && succeeded_; k += panel_columns) {
    poll_stop(stop_requested);
    const Index count = std::min(panel_columns, size - k);
    const Index below = size - k - count;
    Eigen::Ref<Eigen::MatrixXd> corner = factor_.block(k, k, count, count);
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> panel(corner);
    succeeded_ = panel.info() == Eigen::Success;
    auto rows = factor_.block(k + count, k, below, count);
    panel.matrixU().solveInPlace<Eigen::OnTheRight>(rows);
    factor_.bottomRightCorner(below, below).selfadjointView<Eigen::Lower>().rankUpdate(rows, -1);
  }
}

Vector StoppableCholesky::solve(Vector right) const {
  factor_.triangularView<Eigen::Lower>().solveInPlace(right);
  factor_.transpose().triangularView<Eigen::Upper>().solveInPlace(right);
  return right;
}

Eigen::MatrixXd squared(const Eigen::Ref<const Eigen::MatrixXd>& a,
                        const std::function<bool()>& stop_requested) {
  Eigen::MatrixXd product = Eigen::MatrixXd::Zero(a.cols(), a.cols());
  in_parts(
      a.rows(), operations(1, a.cols(), a.cols()), stop_requested, [&](Index first, Index rows) {
        product.selfadjointView<Eigen::Lower>().rankUpdate(a.middleRows(first, rows).transpose());
      });
  return product;
}

Eigen::MatrixXd multiply(const Eigen::Ref<const Eigen::MatrixXd>& a,
                         const Eigen::Ref<const Eigen::MatrixXd>& b,
                         const std::function<bool()>& stop_requested) {
  Eigen::MatrixXd product(a.rows(), b.cols());
  in_parts(a.rows(), operations(1, a.cols(), b.cols()), stop_requested,
           [&](Index first, Index rows) {
             product.middleRows(first, rows).noalias() = a.middleRows(first, rows) * b;
           });
  return product;
}

Eigen::MatrixXd multiply_transposed(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                    const Eigen::Ref<const Eigen::MatrixXd>& b,
                                    const std::function<bool()>& stop_requested) {
  Eigen::MatrixXd product(a.cols(), b.cols());
  in_parts(
      a.cols(), operations(1, a.rows(), b.cols()), stop_requested, [&](Index first, Index columns) {
        product.middleRows(first, columns).noalias() = a.middleCols(first, columns).transpose() * b;
      });
  return product;
}

}  // namespace isochron
