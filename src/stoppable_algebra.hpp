#pragma once

#include <Eigen/QR>
#include <functional>

#include "isochron/states.hpp"

namespace isochron {

/// Throws Interrupted when `stop_requested` is given and says so.
void poll_stop(const std::function<bool()>& stop_requested);

/// Householder's QR as Eigen does it, in panels of columns when it takes long, so that it can be
/// stopped in between: then the constructor throws Interrupted.
class StoppableQr : public Eigen::HouseholderQR<Eigen::MatrixXd> {
 public:
  StoppableQr(Eigen::MatrixXd matrix, const std::function<bool()>& stop_requested);

  /// The first columns of Q. Throws Interrupted.
  [[nodiscard]] Eigen::MatrixXd thin_q(Index columns,
                                       const std::function<bool()>& stop_requested) const;
};

/// a b, in panels of rows when it takes long. Throws Interrupted.
[[nodiscard]] Eigen::MatrixXd multiply(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                       const Eigen::Ref<const Eigen::MatrixXd>& b,
                                       const std::function<bool()>& stop_requested);
/// a^T b, likewise.
[[nodiscard]] Eigen::MatrixXd multiply_transposed(const Eigen::Ref<const Eigen::MatrixXd>& a,
                                                  const Eigen::Ref<const Eigen::MatrixXd>& b,
                                                  const std::function<bool()>& stop_requested);

}  // namespace isochron
