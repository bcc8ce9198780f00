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
                                 ///< the whole time last; empty: chosen by the data's times, and
                                 ///< after windows the whole time
  /// Windows of each trajectory, with initial states of their own, that the fit joins before it
  /// shoots over the whole time (multiple shooting); 1: none; absent: of ten observations from
  /// fifty times on, unless there are horizons or no theta.
  std::optional<Index> windows;
  std::optional<double> ridge;  ///< rho; absent: where the evidence is largest
  bool estimate_noise = false;  ///< standard errors of each component from the fit's own residuals
};

/// What data and ridge say of the parameters: a normal distribution around the fit with the inverse
/// covariance H = sum (dr/dtheta)^T (dr/dtheta) + rho, r the residuals in standard errors, the
/// unknown initial states marginalised (Gauss-Newton). Other objectives and force data beside the
/// observations, whose loss is w L, are in r, too: as M w L, where there are M data.
struct Posterior {
  Eigen::MatrixXd factor;       ///< R, upper triangular: H = R^T R
  States initial_state_errors;  ///< standard errors, of fitted initial states

  /// A fitted initial state y(0) for given theta: normal around a mean that is linear in theta.
  struct Start {
    Eigen::MatrixXd factor;    ///< R, upper triangular: the inverse covariance is R^T R
    Eigen::MatrixXd by_theta;  ///< the derivative of the mean, state_dimension x P
  };
  std::vector<Start> starts;  ///< [N] of fitted initial states; empty: these are known

  /// The standard error of a function of theta by its gradient [P].
  [[nodiscard]] double standard_error(ConstVectorRef gradient) const;
  /// Of M such functions, by their gradients P x M.
  [[nodiscard]] Vector standard_errors(Eigen::MatrixXd gradients) const;
};

/// A force that was fitted to observed states.
struct ObservationFit {
  /// Its loss: chi^2 + rho |theta|^2, per datum, with that of other objectives and force data.
  TrainingResult training;
  Objective objective;  ///< with the weights that the noise estimated gives
  Vector noise = {};  ///< [state_dimension] standard errors, where they were estimated; infinite of
                      ///< what is not observed
  double ridge = 0;   ///< rho, in the units of the fit
  /// Sum over all data of (residual/standard error)^2, robust ones over their expected_square.
  double chi_squared = 0;
  /// gamma: of the penalised parameters, as many as the residuals determine.
  double effective_parameters = 0;
  /// Data less gamma and all parameters that are not penalised, but for those that the residuals of
  /// other objectives and force data determine, tr(C H^-1 C^T), C their Jacobian.
  double degrees_of_freedom = 0;
  /// Of the data, at this ridge and noise (Laplace); parameters without a ridge have flat priors of
  /// density 1 in the units of the fit. Other objectives and force data, with a loss of w L, are a
  /// factor exp(-M w L/2) of the prior, which has no norm: compare fits that share them.
  double log_evidence = std::numeric_limits<double>::quiet_NaN();
  std::optional<Posterior> posterior = {};  ///< absent where data do not determine all parameters
};

/// Minimises chi^2 + rho |theta|^2, and per datum what the objective asks for beside observations
/// (Objective::others, force data), over theta, and over the initial states where the objective
/// fits them, by least squares: in windows of the trajectories, where these have many observations,
/// or over growing horizons, and at last over the whole time. Which rho: with J the Jacobian of the
/// residuals in standard errors, gamma = P - rho tr (J^T J + rho)^-1 and rho = gamma/|theta|^2 at
/// each converged fit (MacKay 1992, doi 10.1162/neco.1992.4.3.415). A network is fitted in units of
/// the data's spread and rate, which are folded into its first and last layers: data may have any
/// size, and rho is that of these units. Its linear skip, and the parameters of other fields and of
/// other parts of a sum (sum_of), are not penalised. Goes on from an earlier state (over the whole
/// time) or from theta_0. Throws like `train`, and InputError for another loss than
/// Loss::observations.
[[nodiscard]] ObservationFit fit_observations(const Objective& objective, ConstVectorRef theta_0,
                                              const FitOptions& options = {});
[[nodiscard]] ObservationFit fit_observations(const Objective& objective, TrainingState from,
                                              const FitOptions& options = {});

/// How a fitted force predicts other data.
struct OtherData {
  Objective objective;     ///< theirs, with the noise of the fit, from fitted initial states
  States predictions;      ///< at their times
  double chi_squared = 0;  ///< per datum
};

/// Initial states are fitted to the other data where their objective does so, the force is not.
/// Noise that the fit has estimated is that of these data, too. Throws like fit_observations.
[[nodiscard]] OtherData predict(const Objective& other, const ObservationFit& fit,
                                const TrainingOptions& training);

/// Parameters to start from, for the data's size and rate: starting_parameters of the objective's
/// field, of networks in the units of the fit. Throws InputError as that does.
[[nodiscard]] Vector initial_parameters(const Objective& objective, std::uint64_t seed,
                                        double output_scale = 1);

}  // namespace isochron
