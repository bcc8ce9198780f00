#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "isochron/training.hpp"

namespace isochron {

/// How a force is fitted to observed states.
struct FitOptions {
  TrainingOptions training;      ///< of its least squares; `kind` and the ridge are chosen here
  std::vector<double> horizons;  ///< increasing times to which the fit goes one after the other,
                                 ///< the whole time last; empty: chosen by the data's times
  std::optional<double> ridge;   ///< rho; absent: where the evidence is largest
  bool estimate_noise = false;   ///< standard errors of each component from the fit's own residuals
};

/// What data and ridge say of the parameters: a normal distribution around the fit with the inverse
/// covariance H = sum (dr/dtheta)^T (dr/dtheta) + rho, r the residuals in standard errors, the
/// unknown initial states marginalised (Gauss-Newton).
struct Posterior {
  Eigen::MatrixXd factor;       ///< R, upper triangular: H = R^T R
  States initial_state_errors;  ///< standard errors, of fitted initial states

  /// The standard error of a function of theta by its gradient [P].
  [[nodiscard]] double standard_error(ConstVectorRef gradient) const;
};

/// A force that was fitted to observed states.
struct ObservationFit {
  TrainingResult training;  ///< its loss: chi^2 + rho |theta|^2, per datum
  Objective objective;      ///< with the weights that the noise estimated gives
  Vector noise = {};  ///< [state_dimension] standard errors, where they were estimated; infinite of
                      ///< what is not observed
  double ridge = 0;   ///< rho, in the units of the fit
  double chi_squared = 0;           ///< sum over all data of (residual/standard error)^2
  double effective_parameters = 0;  ///< gamma: of the penalised ones, as many as data determine
  double degrees_of_freedom = 0;    ///< data less gamma and all parameters that are not penalised
  /// Of the data, at this ridge and noise (Laplace); parameters without a ridge have flat priors of
  /// density 1 in the units of the fit.
  double log_evidence = std::numeric_limits<double>::quiet_NaN();
  std::optional<Posterior> posterior = {};  ///< absent where data do not determine all parameters
};

/// Minimises chi^2 + rho |theta|^2 over theta, and over the initial states where the objective fits
/// them, by least squares over growing horizons. Which rho: with J the Jacobian of the residuals in
/// standard errors, gamma = P - rho tr (J^T J + rho)^-1 and rho = gamma/|theta|^2 at each converged
/// fit (MacKay 1992, doi 10.1162/neco.1992.4.3.415). A network is fitted in units of the data's
/// spread and rate, which are folded into its first and last layers: data may have any size, and
/// rho is that of these units. Its linear skip, and the parameters of other fields, are not
/// penalised. Goes on from an earlier state (over the whole time) or from theta_0. Throws like
/// `train`, and InputError for another loss than Loss::observations.
[[nodiscard]] ObservationFit fit_observations(const Objective& objective, ConstVectorRef theta_0,
                                              const FitOptions& options = {});
[[nodiscard]] ObservationFit fit_observations(const Objective& objective, TrainingState from,
                                              const FitOptions& options = {});

/// chi^2 per datum of other data by a fitted force: initial states are fitted where the objective
/// does so, the force is not. Noise that the fit has estimated is that of these data, too. Throws
/// like fit_observations.
[[nodiscard]] double chi_squared_of(const Objective& other, const ObservationFit& fit,
                                    const TrainingOptions& training);

/// Random parameters of the objective's network for its data's size and rate: those of
/// Mlp::initial_parameters in the units of the fit. Throws InputError for another field.
[[nodiscard]] Vector initial_parameters(const Objective& objective, std::uint64_t seed,
                                        double output_scale = 1);

}  // namespace isochron
