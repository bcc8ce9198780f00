#include "isochron/force_data.hpp"

#include <algorithm>
#include <cmath>

#include "sentence.hpp"

namespace isochron {

void ForceData::validate(const Dynamics& dynamics) const {
  require(dynamics.dimension() == 1 && dynamics.motion() == Motion::newtonian,
          "force data are for newtonian dynamics of one dimension only");
  require(position.size() > 0 && force.size() == position.size(),
          "force data need at least one position and as many forces, not {} and {}",
          position.size(), force.size());
  require(position.allFinite() && force.allFinite(),
          "the positions and forces of force data must be finite");
  require(weight > 0 && std::isfinite(weight),
          "the weight of force data is {:g}, it must be positive and finite", weight);
}

double ForceData::scale() const { return std::sqrt(weight / static_cast<double>(position.size())); }

Vector ForceData::residuals(const ForceField& field, ConstVectorRef theta) const {
  const Block f = field.force(theta, Block(position.transpose()));
  return scale() * (f.transpose() - force);
}

namespace {

/// Calls part(first, count) for all points: some at a time where their derivatives take long, so
/// that a stoppable force is asked in between.
template <class Part>
void in_parts(Index points, Index parameters, const Part& part) {
  constexpr Index most_at_once = 200000000;  // derivatives
  const Index fitting = most_at_once / std::max<Index>(1, parameters);
  const Index at_once =
      fitting >= points ? points : std::max(block_padding, fitting / block_padding * block_padding);
  for (Index first = 0; first < points; first += at_once) {
    part(first, std::min(at_once, points - first));
  }
}

}  // namespace

Eigen::MatrixXd ForceData::jacobian(const ForceField& field, ConstVectorRef theta) const {
  field.require_parameters(theta);
  Eigen::MatrixXd rows(position.size(), field.parameters());
  in_parts(position.size(), field.parameters(), [&](Index first, Index points) {
    const auto at = field.linearisation(points);
    Block f(1, points);
    Block by_parameters(field.parameters(), points);
    at->linearise(theta, Block(position.segment(first, points).transpose()), f);
    at->parameter_jacobians(by_parameters);
    rows.middleRows(first, points) = scale() * by_parameters.transpose();
  });
  return rows;
}

double ForceData::add_penalty(const ForceField& field, ConstVectorRef theta,
                              VectorRef gradient) const {
  field.require_parameters(theta);
  double penalty = 0;
  in_parts(position.size(), field.parameters(), [&](Index first, Index points) {
    const auto at = field.linearisation(points);
    Block residual(1, points);
    at->linearise(theta, Block(position.segment(first, points).transpose()), residual);
    residual = scale() * (residual - force.segment(first, points).transpose());
    at->add_parameter_product(Block(2 * scale() * residual), gradient);
    penalty += residual.squaredNorm();
  });
  return penalty;
}

double ForceData::misfit(const ForceField& field, ConstVectorRef theta) const {
  return residuals(field, theta).cwiseAbs().maxCoeff() / scale();
}

}  // namespace isochron
