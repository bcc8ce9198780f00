#include "isochron/portrait.hpp"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <limits>

namespace isochron {
namespace {

/// f at one position after the other, without allocating. D = 1.
class PointForce {
 public:
  PointForce(const ForceField& field, ConstVectorRef theta)
      : at_(field.linearisation(1)), theta_(theta), q_(1, 1), f_(1, 1) {}

  double operator()(double x) {
    q_(0, 0) = x;
    at_->force(theta_, q_, f_);
    return f_(0, 0);
  }

 private:
  std::unique_ptr<Linearisation> at_;
  Eigen::Ref<const Vector> theta_;
  Block q_;
  Block f_;
};

/// U(to) - U(from) by Gauss-Legendre on panels of at most 1/4: to roundoff for networks of moderate
/// weights, at a cost that is known beforehand.
double potential_step(PointForce& force, double from, double to) {
  // Wells may have a kink at the minimum.
  if (from * to < 0) return potential_step(force, from, 0) + potential_step(force, 0, to);
  constexpr double widest_panel = 0.25;
  const double panels = std::max(1.0, std::ceil(std::abs(to - from) / widest_panel));
  const double width = (to - from) / panels;
  double sum = 0;
  for (double k = 0; k < panels; ++k) {
    const double left = from + k * width;
    sum -= boost::math::quadrature::gauss<double, 15>::integrate([&](double x) { return force(x); },
                                                                 left, left + width);
  }
  return sum;
}

double potential_zero(const ForceField& field, ConstVectorRef theta, double low, double high) {
  return equilibrium(field, theta, low, high).value_or(0.0);
}

Vector curve_positions(double visited_min, double visited_max) {
  constexpr Index points = 801;
  return Vector::LinSpaced(points, std::min(-2.0, visited_min), std::max(2.0, visited_max));
}

}  // namespace

double potential_difference(const ForceField& field, ConstVectorRef theta, double from, double to) {
  PointForce force(field, theta);
  return potential_step(force, from, to);
}

std::optional<double> equilibrium(const ForceField& field, ConstVectorRef theta, double low,
                                  double high) {
  constexpr Index cells = 400;
  PointForce force(field, theta);
  std::optional<double> nearest;
  const auto keep = [&](double x) {
    if (!nearest || std::abs(x) < std::abs(*nearest)) nearest = x;
  };
  double left = low;
  double f_left = force(left);
  for (Index i = 1; i <= cells; ++i) {
    const double right = low + (high - low) * static_cast<double>(i) / cells;
    const double f_right = force(right);
    if (f_left > 0 && f_right < 0) {
      std::uintmax_t iterations = 100;
      const auto bracket = boost::math::tools::toms748_solve(
          [&](double x) { return force(x); }, left, right, f_left, f_right,
          boost::math::tools::eps_tolerance<double>(52), iterations);
      keep((bracket.first + bracket.second) / 2);
    } else if (f_left > 0 && f_right == 0) {
      keep(right);
    } else if (f_left == 0 && f_right < 0) {
      keep(left);
    }
    left = right;
    f_left = f_right;
  }
  return nearest;
}

HarmonicFit fit_harmonic(const ForceField& field, ConstVectorRef theta, double period) {
  constexpr int largest_n = 20;
  constexpr Index points = 801;
  const Block x = Vector::LinSpaced(points, -2, 2).transpose();
  const Block f = field.force(theta, x);
  const double omega = boost::math::constants::two_pi<double>() / period;
  HarmonicFit best;
  best.deviation = std::numeric_limits<double>::infinity();
  for (int n = 1; n <= largest_n; ++n) {
    const double stiffness = omega * omega * n * n;
    const double deviation = (f + stiffness * x).cwiseAbs().maxCoeff();
    if (deviation < best.deviation) best = {n, stiffness, deviation};
  }
  return best;
}

std::vector<PhasePortrait> phase_portraits(const Dynamics& dynamics, ConstVectorRef theta,
                                           const Ensemble& ensemble,
                                           const IntegratorOptions& integrator, Index orbits,
                                           Index samples) {
  const Index d = dynamics.dimension();
  const bool newtonian = dynamics.motion() == Motion::newtonian;
  if (!newtonian && d < 2) return {};
  const Index count = std::min(orbits, ensemble.size());
  const Ensemble drawn(States(ensemble.initial_states.leftCols(count)),
                       Vector(ensemble.end_times.head(count)));
  const Trajectories trajectories = Integrator(dynamics, integrator)
                                        .sample(theta, drawn, Vector::LinSpaced(samples, 0, 1))
                                        .trajectories;

  const bool has_energy = newtonian && d == 1;
  Vector color = drawn.initial_states.colwise().norm();
  if (has_energy) {
    const double reach = 1 + drawn.initial_states.row(0).cwiseAbs().maxCoeff();
    const double zero = potential_zero(dynamics.field(), theta, -reach, reach);
    for (Index i = 0; i < count; ++i) {
      const double v = drawn.initial_states(1, i);
      color[i] = v * v / 2 +
                 potential_difference(dynamics.field(), theta, zero, drawn.initial_states(0, i));
    }
  }

  std::vector<PhasePortrait> portraits(static_cast<std::size_t>(newtonian ? d : 1));
  for (std::size_t k = 0; k < portraits.size(); ++k) {
    PhasePortrait& portrait = portraits[k];
    if (!has_energy) {
      portrait.color_label = "initial distance from 0 (1)";
      portrait.color_name = "initial_distance";
    }
    portrait.samples = samples;
    const Index x_row = static_cast<Index>(k);
    const Index v_row = newtonian ? d + x_row : 1;
    for (Index i = 0; i < count; ++i) {
      for (const States& states : trajectories.states) {
        portrait.x.push_back(states(x_row, i));
        portrait.v.push_back(states(v_row, i));
        portrait.color.push_back(color[i]);
      }
    }
  }
  return portraits;
}

OrbitFan orbit_fan(const Dynamics& dynamics, ConstVectorRef theta, double end_time,
                   double largest_position, const IntegratorOptions& integrator, Index orbits,
                   Index samples) {
  const double reach = std::max(2.0, std::abs(largest_position));
  const double centre = potential_zero(dynamics.field(), theta, -reach, reach);
  States initial = States::Zero(2, orbits);
  for (Index m = 0; m < orbits; ++m) {
    initial(0, m) = centre + (largest_position - centre) * static_cast<double>(m + 1) /
                                 static_cast<double>(orbits);
  }
  const Trajectories trajectories =
      Integrator(dynamics, integrator)
          .sample(theta, Ensemble(initial, end_time), Vector::LinSpaced(samples, 0, 1))
          .trajectories;
  OrbitFan fan{Eigen::MatrixXd(orbits, samples), Eigen::MatrixXd(orbits, samples),
               trajectories.tau * end_time};
  for (Index k = 0; k < samples; ++k) {
    fan.x.col(k) = trajectories.states[static_cast<std::size_t>(k)].row(0);
    fan.v.col(k) = trajectories.states[static_cast<std::size_t>(k)].row(1);
  }
  return fan;
}

PositionCurve force_curve(const ForceField& field, ConstVectorRef theta, double period,
                          double visited_min, double visited_max) {
  PositionCurve curve;
  curve.visited_min = visited_min;
  curve.visited_max = visited_max;
  curve.position = curve_positions(visited_min, visited_max);
  curve.value = field.force(theta, Block(curve.position.transpose())).transpose();
  curve.harmonic = -fit_harmonic(field, theta, period).stiffness * curve.position;
  return curve;
}

PositionCurve potential_curve(const ForceField& field, ConstVectorRef theta, double period,
                              double visited_min, double visited_max) {
  PositionCurve curve;
  curve.visited_min = visited_min;
  curve.visited_max = visited_max;
  curve.position = curve_positions(visited_min, visited_max);
  const Index points = curve.position.size();
  const double zero = potential_zero(field, theta, curve.position[0], curve.position[points - 1]);
  PointForce force(field, theta);
  curve.value.resize(points);
  curve.value[0] = potential_step(force, zero, curve.position[0]);
  for (Index i = 1; i < points; ++i) {
    curve.value[i] =
        curve.value[i - 1] + potential_step(force, curve.position[i - 1], curve.position[i]);
  }
  curve.harmonic = fit_harmonic(field, theta, period).stiffness / 2 * curve.position.cwiseAbs2();
  return curve;
}

EnergyRecord energy_record(const ForceField& field, ConstVectorRef theta,
                           const Trajectories& trajectories, double end_time) {
  PointForce force(field, theta);
  const States& initial = trajectories.states.front();
  const Index orbits = initial.cols();
  const Index times = trajectories.tau.size();
  EnergyRecord record{trajectories.tau * end_time, Eigen::MatrixXd(orbits, times),
                      Vector::Zero(times)};
  for (Index i = 0; i < orbits; ++i) {
    double potential = potential_step(force, 0, initial(0, i));
    for (Index k = 0; k < times; ++k) {
      const States& now = trajectories.states[static_cast<std::size_t>(k)];
      if (k > 0) {
        const States& before = trajectories.states[static_cast<std::size_t>(k - 1)];
        potential += potential_step(force, before(0, i), now(0, i));
      }
      record.energy(i, k) = now(1, i) * now(1, i) / 2 + potential;
    }
  }
  record.drift = (record.energy.colwise() - record.energy.col(0)).cwiseAbs().colwise().maxCoeff();
  return record;
}

}  // namespace isochron
