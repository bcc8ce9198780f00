#pragma once

#include "isochron/observation_fit.hpp"

// Standard errors of what follows from a fitted force, to first order in those of theta: that of a
// function with the gradient g is |R^-T g|, H = R^T R being the inverse covariance of theta.

namespace isochron {

/// Of f(q; theta) at the columns of q: D x M.
[[nodiscard]] Block force_errors(const ForceField& field, ConstVectorRef theta,
                                 const Posterior& posterior, ConstBlockRef q);

/// Of U(x) - U(zero) at the positions [M]; it is 0 at `zero`, an equilibrium or any fixed position.
/// Throws like potential_gradients.
[[nodiscard]] Vector potential_errors(const ForceField& field, ConstVectorRef theta,
                                      const Posterior& posterior, double zero,
                                      ConstVectorRef positions);

/// Periods T(E) of the orbits in one well, by the energy above its bottom.
struct PeriodCurve {
  Vector energy;
  Vector period;
  Vector error;  ///< standard error of the period at this energy
};

/// In the well with its bottom at `bottom` (stable), at those of the energies (> 0) where it has
/// closed orbits whose periods have a derivative: not at its brim and above. Throws like
/// PotentialWell.
[[nodiscard]] PeriodCurve period_curve(const ForceField& field, ConstVectorRef theta,
                                       const Posterior& posterior, double bottom,
                                       ConstVectorRef energies);

/// States at the observation times of an ensemble, state_dimension x (N K), and their errors.
struct PredictedStates {
  States states;
  States errors;  ///< standard errors
};

/// What is known of where predicted trajectories start.
enum class Starts {
  exact,   ///< everything: only the error of theta counts
  fitted,  ///< they are the first of the fitted initial states, and correlate with theta
};

/// By the discrete method of order eight, or with the method bdf by its forward sensitivities.
/// Throws like Sensitivity::jacobian, and InputError when there are fewer fitted initial states
/// than trajectories.
[[nodiscard]] PredictedStates predicted_states(const Dynamics& dynamics, ConstVectorRef theta,
                                               const Posterior& posterior, const Ensemble& ensemble,
                                               Starts starts, const IntegratorOptions& integrator);

}  // namespace isochron
