#include "isochron/held_force.hpp"

#include <cmath>
#include <string>

#include "isochron/error.hpp"

namespace isochron {

void HeldForce::validate(const Dynamics& dynamics) const {
  if (dynamics.dimension() != 1 || dynamics.motion() != Motion::newtonian) {
    throw InputError("a force can be held for newtonian dynamics of one dimension only");
  }
  if (position.size() == 0 || force.size() != position.size()) {
    throw InputError("a held force needs at least one position and as many forces, not " +
                     std::to_string(position.size()) + " and " + std::to_string(force.size()));
  }
  if (!position.allFinite() || !force.allFinite()) {
    throw InputError("the positions and forces of a held force must be finite");
  }
  if (!(weight > 0) || !std::isfinite(weight)) {
    throw InputError("the weight of a held force is " + std::to_string(weight) +
                     ", it must be positive and finite");
  }
}

double HeldForce::scale() const { return std::sqrt(weight / static_cast<double>(position.size())); }

Vector HeldForce::residuals(const ForceField& field, ConstVectorRef theta) const {
  const Block f = field.force(theta, Block(position.transpose()));
  return scale() * (f.transpose() - force);
}

Eigen::MatrixXd HeldForce::jacobian(const ForceField& field, ConstVectorRef theta) const {
  const Index points = position.size();
  const auto at = field.linearisation(points);
  Block f(1, points);
  Block by_parameters(field.parameters(), points);
  at->linearise(theta, Block(position.transpose()), f);
  at->parameter_jacobians(by_parameters);
  return scale() * by_parameters.transpose();
}

double HeldForce::add_penalty(const ForceField& field, ConstVectorRef theta,
                              VectorRef gradient) const {
  const Index points = position.size();
  const auto at = field.linearisation(points);
  Block residual(1, points);
  at->linearise(theta, Block(position.transpose()), residual);
  residual = scale() * (residual - force.transpose());
  at->add_parameter_product(Block(2 * scale() * residual), gradient);
  return residual.squaredNorm();
}

double HeldForce::misfit(const ForceField& field, ConstVectorRef theta) const {
  return residuals(field, theta).cwiseAbs().maxCoeff() / scale();
}

}  // namespace isochron
