#include "block_dynamics.hpp"

namespace isochron {

BlockDynamics::BlockDynamics(const Dynamics& dynamics, Index points)
    : dynamics_(dynamics),
      at_(dynamics.field().linearisation(points)),
      force_(dynamics.dimension(), points),
      cotangent_(dynamics.dimension(), points) {}

void BlockDynamics::bind(const double* theta, const double* end_times) {
  theta_ = theta;
  end_times_ = end_times;
}

namespace {

using Times = Eigen::Map<const Eigen::RowVectorXd>;
using Parameters = Eigen::Map<const Vector>;

}  // namespace

void BlockDynamics::acceleration(ConstBlockRef q, BlockRef out) {
  at_->force(Parameters(theta_, dynamics_.parameters()), q, out);
  out.array().rowwise() *= Times(end_times_, q.cols()).array();
}

void BlockDynamics::derivative(ConstBlockRef y, BlockRef out) {
  const Index d = dynamics_.dimension();
  acceleration(y.topRows(d), out.bottomRows(d));
  if (dynamics_.motion() == Motion::newtonian) {
    out.topRows(d) = y.bottomRows(d).array().rowwise() * Times(end_times_, y.cols()).array();
  }
}

void BlockDynamics::linearise(ConstBlockRef y) {
  at_->linearise(Parameters(theta_, dynamics_.parameters()), y.topRows(dynamics_.dimension()),
                 force_.leftCols(y.cols()));
}

void BlockDynamics::adjoint_acceleration(ConstBlockRef lambda_v, BlockRef out) {
  at_->transposed_product(lambda_v, out);
  out.array().rowwise() *= -Times(end_times_, lambda_v.cols()).array();
}

void BlockDynamics::adjoint_derivative(ConstBlockRef lambda, BlockRef out) {
  const Index d = dynamics_.dimension();
  adjoint_acceleration(lambda.bottomRows(d), out.topRows(d));
  if (dynamics_.motion() == Motion::newtonian) {
    out.bottomRows(d) =
        lambda.topRows(d).array().rowwise() * -Times(end_times_, lambda.cols()).array();
  }
}

void BlockDynamics::add_parameter_product(ConstBlockRef lambda, double scale, VectorRef gradient) {
  const Times t(end_times_, lambda.cols());
  auto cotangent = cotangent_.leftCols(lambda.cols());
  cotangent = lambda.bottomRows(dynamics_.dimension()).array().rowwise() * (scale * t.array());
  at_->add_parameter_product(cotangent, gradient);
}

}  // namespace isochron
