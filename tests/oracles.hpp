#pragma once

// Problems with exact solutions, each a few lines of mathematics, and the yardsticks that turn a
// tolerance into the error it permits. Everything is dimensionless.

#include <Eigen/Core>
#include <numbers>
#include <string>
#include <vector>

#include "isochron/objective.hpp"

namespace isochron::oracle {

inline constexpr double two_pi = 2 * std::numbers::pi;

/// The trajectories' part of an objective, for the derivatives of any ensemble.
StateLoss state_loss(const Objective& objective);

/// x cos k + v sin k at the end of each orbit, for k = 0 .. count - 1: many residuals from little
/// integration.
TrajectoryResiduals many_residuals(Index count);

// --- harmonic oscillator x'' = -k x, theta = (k) ------------------------------------------------

ForceFieldPtr harmonic();

/// y(t) = Phi y(0).
Eigen::MatrixXd harmonic_flow(double k, double t);

/// dPhi/dk = (dPhi/dw)/(2 w).
Eigen::MatrixXd harmonic_flow_slope(double k, double t);

/// mean_i ||(Phi - I) y_i||^2.
double harmonic_periodic_loss(double k, double t, const States& y);

double harmonic_periodic_slope(double k, double t, const States& y);

// --- linear systems f(q) = A q, theta = A row by row --------------------------------------------

ForceFieldPtr linear(Index d);

/// G of y' = G y.
Eigen::MatrixXd generator(const Eigen::MatrixXd& a, Motion motion);

Eigen::MatrixXd linear_flow(const Eigen::MatrixXd& a, Motion motion, double t);

/// d/de exp(t G(A + e B)) at e = 0: the upper right block of exp(t [G H; 0 G]), H = dG/de.
Eigen::MatrixXd linear_flow_slope(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, Motion motion,
                                  double t);

Vector row_by_row(const Eigen::MatrixXd& a);

// --- nonlinear oscillators ----------------------------------------------------------------------

/// x'' = -x - beta x^3, theta = (beta). Periods: make_well("duffing").
ForceFieldPtr duffing();

/// Two coupled oscillators, U = (a x^2 + b y^2 + c x^2 y^2)/2, theta = (a, b, c).
ForceFieldPtr coupled();

double coupled_energy(const Vector& k, const Vector& y);

/// x'' = a x^3, theta = (a). With a = 1, x(0) = sqrt(2)/c, v(0) = sqrt(2)/c^2: x = sqrt(2)/(c - t).
ForceFieldPtr explosion();

States explosion_start(double blow_up_time);

// --- a stiff first-order system: y1' = -K (y1 - y2), y2' = -mu y2, theta = (K, mu) ---------------

ForceFieldPtr stiff();

/// After the transient, K t >> 1: y1 = y2 K/(K - mu), y2 = y2(0) exp(-mu t).
Vector stiff_solution(double k, double mu, double t, double y2);

/// d(y1, y2)/d(K, mu).
Eigen::MatrixXd stiff_slope(double k, double mu, double t, double y2);

// --- yardsticks ---------------------------------------------------------------------------------

/// What the error test lets through: in each of `steps` steps a trajectory errs by at most
/// ||e||_2 <= sqrt(rows) (rtol |y| + atol) as the solver estimates it (trusted to a factor of 3),
/// and the flow passes it on with at most `growth`.
double permitted_error(const IntegratorOptions& options, long steps, const States& states,
                       double growth = 1);

Vector column_distances(const States& a, const States& b);

double relative_error(const Vector& value, const Vector& exact);

/// d/ds g(s) at 0, fourth-order central differences: error O(h^4) + noise(g)/h.
template <class G>
double slope_at_zero(G g, double h) {
  return (8 * (g(h) - g(-h)) - (g(2 * h) - g(-2 * h))) / (12 * h);
}

/// The slope of the least-squares line through (log x, log y).
double log_log_slope(const std::vector<double>& x, const std::vector<double>& y);

/// End times that differ from trajectory to trajectory, some of them negative.
Vector unequal_times(Index trajectories);

/// The message of the E that `call` throws; empty when it throws nothing or something else.
template <class E, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (...) {
  }
  return {};
}

bool mentions(const std::string& text, const std::string& part);

// --- dense algebra, which takes long to compile -------------------------------------------------

/// Columns that are orthonormal, from random ones.
Eigen::MatrixXd orthonormal(Index rows, Index columns, std::uint64_t seed);

/// The X that minimise ||A X - B||, column by column.
Eigen::MatrixXd least_squares_solution(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

}  // namespace isochron::oracle
