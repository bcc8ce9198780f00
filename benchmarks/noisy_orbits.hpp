#pragma once

// The noisy orbits of Greydanus et al. 2019, "Hamiltonian Neural Networks", arXiv 1906.01563.
//
// 25 orbits over t in [0, 3], 10 (spring) or 15 (pendulum) points per unit of time, noise 0.1 on q
// and p. Spring: H = q^2 + p^2, radii from U(0.1, 1); pendulum: H = 3 (1 - cos q) + p^2, radii from
// U(1.3, 2.3); so v = 2 p, and x'' = -4 x or -6 sin x. Fitted are positions and velocities, unknown
// initial states.

#include <cmath>
#include <numbers>
#include <vector>

#include "isochron/observation_fit.hpp"
#include "isochron/random.hpp"

namespace noisy_orbits {

using namespace isochron;

constexpr double noise = 0.1, end = 3;
constexpr Index orbits = 25;

struct System {
  const char* name;
  bool is_spring;
  double least_radius;
  Index times;
};
constexpr System systems[] = {{"spring", true, 0.1, 30}, {"pendulum", false, 1.3, 45}};

struct Shape {
  const char* name;
  Symmetry symmetry;
  Skip skip;
};
constexpr Shape shapes[] = {{"plain", Symmetry::none, Skip::none},
                            {"skip", Symmetry::none, Skip::linear},
                            {"odd", Symmetry::odd, Skip::none},
                            {"odd, skip", Symmetry::odd, Skip::linear}};

inline ForceFieldPtr truth(const System& system) {
  const auto none = [](double, const auto&) { return Vector(0); };
  if (system.is_spring) {
    return make_force(
        0, [](double q, const auto&) { return -4 * q; }, [](double, const auto&) { return -4.0; },
        none);
  }
  return make_force(
      0, [](double q, const auto&) { return -6 * std::sin(q); },
      [](double q, const auto&) { return -6 * std::cos(q); }, none);
}

inline IntegratorOptions tight() {
  IntegratorOptions options;
  options.method = Method::rkn12;
  options.rtol = options.atol = 1e-12;
  return options;
}

/// Where the orbits of a seed start.
inline States starts(const System& system, std::uint64_t seed) {
  Random random(1000 + seed);
  States start(2, orbits);
  for (Index i = 0; i < orbits; ++i) {
    const double radius = system.least_radius + (system.is_spring ? 0.9 : 1.0) * random.uniform();
    const double angle = 2 * std::numbers::pi * random.uniform();
    start.col(i) << radius * std::cos(angle), 2 * radius * std::sin(angle);
  }
  return start;
}

inline Eigen::MatrixXd observation_times(const System& system) {
  return Vector::LinSpaced(system.times, 0, end).replicate(1, orbits);
}

/// The orbits of a seed at the times of observation, without noise.
inline States exact_states(const System& system, std::uint64_t seed) {
  const Ensemble ensemble = Ensemble::observed_at(starts(system, seed), observation_times(system));
  return Integrator(Dynamics(truth(system)), tight()).integrate(Vector(0), ensemble).states;
}

/// The truth with two parameters: -a x + b, or -a sin(b x).
inline ForceFieldPtr true_form(const System& system) {
  if (system.is_spring) {
    return make_force(
        2, [](double q, const auto& p) { return -p[0] * q + p[1]; },
        [](double, const auto& p) { return -p[0]; },
        [](double q, const auto&) { return Eigen::Vector2d(-q, 1); });
  }
  return make_force(
      2, [](double q, const auto& p) { return -p[0] * std::sin(p[1] * q); },
      [](double q, const auto& p) { return -p[0] * p[1] * std::cos(p[1] * q); },
      [](double q, const auto& p) {
        return Eigen::Vector2d(-std::sin(p[1] * q), -p[0] * q * std::cos(p[1] * q));
      });
}

/// Its parameters, of the truth.
inline Vector true_parameters(const System& system) {
  return system.is_spring ? Eigen::Vector2d(4, 0) : Eigen::Vector2d(6, 1);
}

/// Of one dimension, with these hidden layers.
inline ForceFieldPtr network(const Shape& shape, const std::vector<Index>& hidden,
                             Activation activation = Activation::tanh) {
  Architecture network;
  network.layers = hidden;
  network.layers.insert(network.layers.begin(), 1);
  network.layers.push_back(1);
  network.symmetry = shape.symmetry;
  network.skip = shape.skip;
  network.activation = activation;
  return std::make_shared<Mlp>(network);
}

/// The fit of a force to them, with the noise of the seed.
inline Objective noisy(const System& system, ForceFieldPtr force, std::uint64_t seed) {
  const Eigen::MatrixXd times = observation_times(system);
  States value = exact_states(system, seed);
  const Vector sigma = Eigen::Vector2d(noise, 2 * noise);
  value += sigma.asDiagonal() * normal_states(2, value.cols(), seed);
  const States weight = sigma.cwiseAbs2().cwiseInverse().replicate(1, value.cols());
  const States first = value(Eigen::all, Eigen::seqN(0, orbits, system.times));
  return Objective(Dynamics(std::move(force)), Ensemble::observed_at(first, times), {value, weight})
      .fitting_initial_states();
}

}  // namespace noisy_orbits
