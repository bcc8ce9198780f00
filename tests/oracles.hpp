#pragma once

// Problems with exact solutions, each a few lines of mathematics, and the yardsticks that turn a
// tolerance into the error it permits. Everything is dimensionless.

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <numbers>
#include <unsupported/Eigen/MatrixFunctions>
#include <utility>
#include <vector>

#include "isochron/objective.hpp"
#include "isochron/random.hpp"

namespace isochron::oracle {

inline constexpr double two_pi = 2 * std::numbers::pi;

/// The trajectories' part of an objective, for the derivatives of any ensemble.
inline StateLoss state_loss(const Objective& objective) {
  return [objective](Index first, ConstStatesRef states, StatesRef cotangents) {
    return objective.trajectory_loss(first, states, cotangents);
  };
}

// --- harmonic oscillator x'' = -k x, theta = (k) ------------------------------------------------

inline ForceFieldPtr harmonic() {
  return make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [](double, const auto& k) { return -k[0]; },
      [](double x, const auto&) { return std::array{-x}; });
}

/// y(t) = Phi y(0).
inline Eigen::MatrixXd harmonic_flow(double k, double t) {
  const double w = std::sqrt(k), c = std::cos(w * t), s = std::sin(w * t);
  return Eigen::MatrixXd{{c, s / w}, {-w * s, c}};
}

/// dPhi/dk = (dPhi/dw)/(2 w).
inline Eigen::MatrixXd harmonic_flow_slope(double k, double t) {
  const double w = std::sqrt(k), c = std::cos(w * t), s = std::sin(w * t);
  return Eigen::MatrixXd{{-t * s, t * c / w - s / k}, {-s - w * t * c, -t * s}} / (2 * w);
}

/// mean_i ||(Phi - I) y_i||^2.
inline double harmonic_periodic_loss(double k, double t, const States& y) {
  return ((harmonic_flow(k, t) - Eigen::MatrixXd::Identity(2, 2)) * y)
      .colwise()
      .squaredNorm()
      .mean();
}

inline double harmonic_periodic_slope(double k, double t, const States& y) {
  const States residual = (harmonic_flow(k, t) - Eigen::MatrixXd::Identity(2, 2)) * y;
  return 2 * residual.cwiseProduct(harmonic_flow_slope(k, t) * y).colwise().sum().mean();
}

// --- linear systems f(q) = A q, theta = A row by row --------------------------------------------

inline ForceFieldPtr linear(Index d) {
  const auto matrix = [d](const auto& theta) {
    return Eigen::MatrixXd(Eigen::Map<const Block>(theta.data(), d, d));
  };
  return make_force(
      d, d * d, [=](const Vector& q, const auto& theta) { return Vector(matrix(theta) * q); },
      [=](const Vector&, const auto& theta) { return matrix(theta); },
      [d](const Vector& q, const auto&) {
        Eigen::MatrixXd slope = Eigen::MatrixXd::Zero(d, d * d);
        for (Index i = 0; i < d; ++i) slope.row(i).segment(i * d, d) = q.transpose();
        return slope;
      });
}

/// G of y' = G y.
inline Eigen::MatrixXd generator(const Eigen::MatrixXd& a, Motion motion) {
  if (motion == Motion::first_order) return a;
  const Index d = a.rows();
  Eigen::MatrixXd g = Eigen::MatrixXd::Zero(2 * d, 2 * d);
  g.topRightCorner(d, d).setIdentity();
  g.bottomLeftCorner(d, d) = a;
  return g;
}

inline Eigen::MatrixXd linear_flow(const Eigen::MatrixXd& a, Motion motion, double t) {
  return (t * generator(a, motion)).exp();
}

/// d/de exp(t G(A + e B)) at e = 0: the upper right block of exp(t [G H; 0 G]), H = dG/de.
inline Eigen::MatrixXd linear_flow_slope(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b,
                                         Motion motion, double t) {
  const Eigen::MatrixXd g = generator(a, motion);
  const Eigen::MatrixXd h = generator(a + b, motion) - g;
  const Index n = g.rows();
  Eigen::MatrixXd both = Eigen::MatrixXd::Zero(2 * n, 2 * n);
  both.topLeftCorner(n, n) = both.bottomRightCorner(n, n) = t * g;
  both.topRightCorner(n, n) = t * h;
  return Eigen::MatrixXd(both.exp()).topRightCorner(n, n);
}

inline Vector row_by_row(const Eigen::MatrixXd& a) { return a.transpose().reshaped(); }

// --- nonlinear oscillators ----------------------------------------------------------------------

/// x'' = -x - beta x^3, theta = (beta). Periods: make_well("duffing").
inline ForceFieldPtr duffing() {
  return make_force(
      1, [](double x, const auto& beta) { return -x - beta[0] * x * x * x; },
      [](double x, const auto& beta) { return -1 - 3 * beta[0] * x * x; },
      [](double x, const auto&) { return std::array{-x * x * x}; });
}

/// Two coupled oscillators, U = (a x^2 + b y^2 + c x^2 y^2)/2, theta = (a, b, c).
inline ForceFieldPtr coupled() {
  return make_force(
      2, 3,
      [](const Vector& q, const auto& k) {
        return Vector{
            {-k[0] * q[0] - k[2] * q[0] * q[1] * q[1], -k[1] * q[1] - k[2] * q[0] * q[0] * q[1]}};
      },
      [](const Vector& q, const auto& k) {
        const double mixed = -2 * k[2] * q[0] * q[1];
        return Eigen::MatrixXd{{-k[0] - k[2] * q[1] * q[1], mixed},
                               {mixed, -k[1] - k[2] * q[0] * q[0]}};
      },
      [](const Vector& q, const auto&) {
        return Eigen::MatrixXd{{-q[0], 0, -q[0] * q[1] * q[1]}, {0, -q[1], -q[0] * q[0] * q[1]}};
      });
}

inline double coupled_energy(const Vector& k, const Vector& y) {
  const double x2 = y[0] * y[0], y2 = y[1] * y[1];
  return (y.tail(2).squaredNorm() + k[0] * x2 + k[1] * y2 + k[2] * x2 * y2) / 2;
}

/// x'' = a x^3, theta = (a). With a = 1, x(0) = sqrt(2)/c, v(0) = sqrt(2)/c^2: x = sqrt(2)/(c - t).
inline ForceFieldPtr explosion() {
  return make_force(
      1, [](double x, const auto& a) { return a[0] * x * x * x; },
      [](double x, const auto& a) { return 3 * a[0] * x * x; },
      [](double x, const auto&) { return std::array{x * x * x}; });
}

inline States explosion_start(double blow_up_time) {
  const double c = blow_up_time;
  return std::numbers::sqrt2 * States{{1 / c}, {1 / (c * c)}};
}

// --- a stiff first-order system: y1' = -K (y1 - y2), y2' = -mu y2, theta = (K, mu) ---------------

inline ForceFieldPtr stiff() {
  return make_force(
      2, 2,
      [](const Vector& y, const auto& k) {
        return Vector{{-k[0] * (y[0] - y[1]), -k[1] * y[1]}};
      },
      [](const Vector&, const auto& k) {
        return Eigen::MatrixXd{{-k[0], k[0]}, {0, -k[1]}};
      },
      [](const Vector& y, const auto&) {
        return Eigen::MatrixXd{{y[1] - y[0], 0}, {0, -y[1]}};
      });
}

/// After the transient, K t >> 1: y1 = y2 K/(K - mu), y2 = y2(0) exp(-mu t).
inline Vector stiff_solution(double k, double mu, double t, double y2) {
  const double slow = y2 * std::exp(-mu * t);
  return Vector{{slow * k / (k - mu), slow}};
}

/// d(y1, y2)/d(K, mu).
inline Eigen::MatrixXd stiff_slope(double k, double mu, double t, double y2) {
  const double slow = y2 * std::exp(-mu * t);
  const double gap = (k - mu) * (k - mu);
  return Eigen::MatrixXd{{-slow * mu / gap, slow * (k / gap - t * k / (k - mu))}, {0, -t * slow}};
}

// --- yardsticks ---------------------------------------------------------------------------------

/// What the error test lets through: in each of `steps` steps a trajectory errs by at most
/// ||e||_2 <= sqrt(rows) (rtol |y| + atol) as the solver estimates it (trusted to a factor of 3),
/// and the flow passes it on with at most `growth`.
inline double permitted_error(const IntegratorOptions& options, long steps, const States& states,
                              double growth = 1) {
  const double weight = options.rtol * states.cwiseAbs().maxCoeff() + options.atol;
  return 3 * growth * static_cast<double>(steps) * std::sqrt(double(states.rows())) * weight;
}

inline Vector column_distances(const States& a, const States& b) {
  return (a - b).colwise().norm().transpose();
}

inline double relative_error(const Vector& value, const Vector& exact) {
  return (value - exact).norm() / exact.norm();
}

/// d/ds g(s) at 0, fourth-order central differences: error O(h^4) + noise(g)/h.
template <class G>
double slope_at_zero(G g, double h) {
  return (8 * (g(h) - g(-h)) - (g(2 * h) - g(-2 * h))) / (12 * h);
}

/// The slope of the least-squares line through (log x, log y).
inline double log_log_slope(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<Index>(x.size());
  const Eigen::ArrayXd u = Eigen::Map<const Eigen::ArrayXd>(x.data(), n).log();
  const Eigen::ArrayXd v = Eigen::Map<const Eigen::ArrayXd>(y.data(), n).log();
  const Eigen::ArrayXd du = u - u.mean();
  return (du * (v - v.mean())).sum() / du.square().sum();
}

/// End times that differ from trajectory to trajectory, some of them negative.
inline Vector unequal_times(Index trajectories) {
  Vector times(trajectories);
  for (Index i = 0; i < trajectories; ++i) {
    times[i] = (i % 3 == 2 ? -1 : 1) * (0.5 + 0.37 * static_cast<double>(i % 7));
  }
  return times;
}

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

inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace isochron::oracle
