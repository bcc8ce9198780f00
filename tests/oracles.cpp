#include "oracles.hpp"

#include <array>
#include <cmath>
#include <unsupported/Eigen/MatrixFunctions>

#include "isochron/random.hpp"

namespace isochron::oracle {

StateLoss state_loss(const Objective& objective) {
  return [objective](Index first, ConstStatesRef states, StatesRef cotangents) {
    return objective.trajectory_loss(first, states, cotangents);
  };
}

TrajectoryResiduals many_residuals(Index count) {
  return {count, [](Index, ConstStatesRef y, VectorRef r, Eigen::Ref<Eigen::MatrixXd> by_state) {
            for (Index k = 0; k < r.size(); ++k) {
              by_state.row(k) << std::cos(double(k)), std::sin(double(k));
            }
            r = by_state * y.col(0);
          }};
}

// --- harmonic oscillator x'' = -k x, theta = (k) ------------------------------------------------

ForceFieldPtr harmonic() {
  return make_force(
      1, [](double x, const auto& k) { return -k[0] * x; },
      [](double, const auto& k) { return -k[0]; },
      [](double x, const auto&) { return std::array{-x}; });
}

Eigen::MatrixXd harmonic_flow(double k, double t) {
  const double w = std::sqrt(k), c = std::cos(w * t), s = std::sin(w * t);
  return Eigen::MatrixXd{{c, s / w}, {-w * s, c}};
}

Eigen::MatrixXd harmonic_flow_slope(double k, double t) {
  const double w = std::sqrt(k), c = std::cos(w * t), s = std::sin(w * t);
  return Eigen::MatrixXd{{-t * s, t * c / w - s / k}, {-s - w * t * c, -t * s}} / (2 * w);
}

double harmonic_periodic_loss(double k, double t, const States& y) {
  return ((harmonic_flow(k, t) - Eigen::MatrixXd::Identity(2, 2)) * y)
      .colwise()
      .squaredNorm()
      .mean();
}

double harmonic_periodic_slope(double k, double t, const States& y) {
  const States residual = (harmonic_flow(k, t) - Eigen::MatrixXd::Identity(2, 2)) * y;
  return 2 * residual.cwiseProduct(harmonic_flow_slope(k, t) * y).colwise().sum().mean();
}

// --- linear systems f(q) = A q, theta = A row by row --------------------------------------------

ForceFieldPtr linear(Index d) {
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

Eigen::MatrixXd generator(const Eigen::MatrixXd& a, Motion motion) {
  if (motion == Motion::first_order) return a;
  const Index d = a.rows();
  Eigen::MatrixXd g = Eigen::MatrixXd::Zero(2 * d, 2 * d);
  g.topRightCorner(d, d).setIdentity();
  g.bottomLeftCorner(d, d) = a;
  return g;
}

Eigen::MatrixXd linear_flow(const Eigen::MatrixXd& a, Motion motion, double t) {
  return (t * generator(a, motion)).exp();
}

Eigen::MatrixXd linear_flow_slope(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, Motion motion,
                                  double t) {
  const Eigen::MatrixXd g = generator(a, motion);
  const Eigen::MatrixXd h = generator(a + b, motion) - g;
  const Index n = g.rows();
  Eigen::MatrixXd both = Eigen::MatrixXd::Zero(2 * n, 2 * n);
  both.topLeftCorner(n, n) = both.bottomRightCorner(n, n) = t * g;
  both.topRightCorner(n, n) = t * h;
  return Eigen::MatrixXd(both.exp()).topRightCorner(n, n);
}

Vector row_by_row(const Eigen::MatrixXd& a) { return a.transpose().reshaped(); }

// --- nonlinear oscillators ----------------------------------------------------------------------

ForceFieldPtr duffing() {
  return make_force(
      1, [](double x, const auto& beta) { return -x - beta[0] * x * x * x; },
      [](double x, const auto& beta) { return -1 - 3 * beta[0] * x * x; },
      [](double x, const auto&) { return std::array{-x * x * x}; });
}

ForceFieldPtr coupled() {
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

double coupled_energy(const Vector& k, const Vector& y) {
  const double x2 = y[0] * y[0], y2 = y[1] * y[1];
  return (y.tail(2).squaredNorm() + k[0] * x2 + k[1] * y2 + k[2] * x2 * y2) / 2;
}

ForceFieldPtr explosion() {
  return make_force(
      1, [](double x, const auto& a) { return a[0] * x * x * x; },
      [](double x, const auto& a) { return 3 * a[0] * x * x; },
      [](double x, const auto&) { return std::array{x * x * x}; });
}

States explosion_start(double blow_up_time) {
  const double c = blow_up_time;
  return std::numbers::sqrt2 * States{{1 / c}, {1 / (c * c)}};
}

// --- a stiff first-order system: y1' = -K (y1 - y2), y2' = -mu y2, theta = (K, mu) ---------------

ForceFieldPtr stiff() {
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

Vector stiff_solution(double k, double mu, double t, double y2) {
  const double slow = y2 * std::exp(-mu * t);
  return Vector{{slow * k / (k - mu), slow}};
}

Eigen::MatrixXd stiff_slope(double k, double mu, double t, double y2) {
  const double slow = y2 * std::exp(-mu * t);
  const double gap = (k - mu) * (k - mu);
  return Eigen::MatrixXd{{-slow * mu / gap, slow * (k / gap - t * k / (k - mu))}, {0, -t * slow}};
}

// --- yardsticks ---------------------------------------------------------------------------------

double permitted_error(const IntegratorOptions& options, long steps, const States& states,
                       double growth) {
  const double weight = options.rtol * states.cwiseAbs().maxCoeff() + options.atol;
  return 3 * growth * static_cast<double>(steps) * std::sqrt(double(states.rows())) * weight;
}

Vector column_distances(const States& a, const States& b) {
  return (a - b).colwise().norm().transpose();
}

double relative_error(const Vector& value, const Vector& exact) {
  return (value - exact).norm() / exact.norm();
}

double log_log_slope(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<Index>(x.size());
  const Eigen::ArrayXd u = Eigen::Map<const Eigen::ArrayXd>(x.data(), n).log();
  const Eigen::ArrayXd v = Eigen::Map<const Eigen::ArrayXd>(y.data(), n).log();
  const Eigen::ArrayXd du = u - u.mean();
  return (du * (v - v.mean())).sum() / du.square().sum();
}

Vector unequal_times(Index trajectories) {
  Vector times(trajectories);
  for (Index i = 0; i < trajectories; ++i) {
    times[i] = (i % 3 == 2 ? -1 : 1) * (0.5 + 0.37 * static_cast<double>(i % 7));
  }
  return times;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// --- dense algebra ------------------------------------------------------------------------------

Eigen::MatrixXd orthonormal(Index rows, Index columns, std::uint64_t seed) {
  const Eigen::MatrixXd random = normal_states(rows, columns, seed);
  return Eigen::HouseholderQR<Eigen::MatrixXd>(random).householderQ() *
         Eigen::MatrixXd::Identity(rows, columns);
}

Eigen::MatrixXd least_squares_solution(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.colPivHouseholderQr().solve(b);
}

}  // namespace isochron::oracle
