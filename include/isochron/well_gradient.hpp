#pragma once

#include "isochron/potential_well.hpp"

// How a well changes with the parameters of its force, by quadrature. D = 1.

namespace isochron {

/// The derivatives of U(x) - U(zero) by theta at each position, -int_zero^x df/dtheta dx: P x M.
/// `zero` may be an equilibrium, which moves with theta: where the force is 0 that changes nothing
/// to first order. Throws InputError when D is not 1, NumericalError where a derivative is not
/// finite on the way.
[[nodiscard]] Eigen::MatrixXd potential_gradients(const ForceField& field, ConstVectorRef theta,
                                                  double zero, ConstVectorRef positions);

/// The derivative of the period T(E) by theta [P], at a fixed energy E above the bottom x0 of
/// `well`, which is that of `field` at `theta`. With W the gradient of U(x) - U(x0),
///
///   dT/dtheta = -(d/dE) oint W dt = -(1/E) oint [U f_theta/f + W (1/2 + U f'/f^2)] dt,
///
/// where the second form, by parts, has no singularity at the turning points. It is integrated over
/// the angle U = E sin^2(phi), on either side of the bottom. Throws like PotentialWell::orbit, and
/// NumericalError where the integral does not converge.
[[nodiscard]] Vector period_gradient(const PotentialWell& well, const ForceField& field,
                                     ConstVectorRef theta, double energy);

}  // namespace isochron
