#include "isochron/portrait.hpp"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <cmath>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/potential_well.hpp"
#include "upright.hpp"

namespace isochron {

namespace {

/// A curve without values, with the positions of the range.
PositionCurve empty_curve(double visited_min, double visited_max, std::optional<Interval> range) {
  constexpr Index points = 801;
  if (!range) range = {std::min(-2.0, visited_min), std::max(2.0, visited_max)};
  PositionCurve curve;
  curve.visited_min = visited_min;
  curve.visited_max = visited_max;
  curve.position = Vector::LinSpaced(points, range->left, range->right);
  return curve;
}

/// The position from which energies of orbits through these states are counted: the bottom of their
/// well, or 0 where there is none.
double energy_zero(const ForceField& field, ConstVectorRef theta, ConstStatesRef states) {
  const double reach = 1 + states.row(0).cwiseAbs().maxCoeff();
  return nearest_bottom(field, theta, -reach, reach).value_or(0);
}

/// Of orbits through these states; nothing where the potential cannot be followed to them.
std::optional<Vector> energies(const ForceField& field, ConstVectorRef theta,
                               ConstStatesRef states) {
  try {
    const double zero = energy_zero(field, theta, states);
    const Vector energy = states.row(1).transpose().cwiseAbs2() / 2 +
                          potentials(field, theta, zero, states.row(0).transpose());
    if (energy.allFinite()) return energy;
  } catch (const NumericalError&) {
  }
  return std::nullopt;
}

}  // namespace

HarmonicFit fit_harmonic(const ForceField& field, ConstVectorRef theta, double period) {
  constexpr int largest_n = 20;
  constexpr Index points = 801;
  const Block x = Vector::LinSpaced(points, -2, 2).transpose();
  const Block f = field.force(theta, x);
  const double omega = boost::math::constants::two_pi<double>() / period;
  HarmonicFit best;
  best.deviation = infinity;
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
  Ensemble drawn(States(ensemble.initial_states.rows(), count), Vector(count));
  for (Index i = 0; i < count; ++i) {
    const Index from = i * ensemble.size() / count;  // evenly: an ensemble may be in order
    drawn.initial_states.col(i) = ensemble.initial_states.col(from);
    drawn.end_times[i] = ensemble.end_times[from];
  }
  const Trajectories trajectories = Integrator(dynamics, integrator)
                                        .sample(theta, drawn, Vector::LinSpaced(samples, 0, 1))
                                        .trajectories;

  const std::optional<Vector> energy =
      newtonian && d == 1 ? energies(dynamics.field(), theta, drawn.initial_states) : std::nullopt;
  const Vector color = energy.value_or(drawn.initial_states.colwise().norm());

  std::vector<PhasePortrait> portraits(static_cast<std::size_t>(newtonian ? d : 1));
  for (std::size_t k = 0; k < portraits.size(); ++k) {
    PhasePortrait& portrait = portraits[k];
    if (!energy) {
      portrait.color_label = "initial distance from 0 (1)";
      portrait.color_name = "initial_distance";
    }
    portrait.samples = samples;
    const Index x_row = static_cast<Index>(k);
    const Index v_row = newtonian ? d + x_row : 1;
    const States& first = trajectories.states.front();
    const States& last = trajectories.states.back();
    std::vector<Stroke> strokes;
    for (Index i = 0; i < count; ++i) {
      strokes.push_back({first(x_row, i), first(v_row, i), last(x_row, i), last(v_row, i)});
    }
    // Orbits of a portrait are in no order; this one shows well.
    for (const std::size_t orbit : upright_order(strokes)) {
      const auto i = static_cast<Index>(orbit);
      for (const States& states : trajectories.states) {
        portrait.x.push_back(states(x_row, i));
        portrait.v.push_back(states(v_row, i));
        portrait.color.push_back(color[i]);
      }
    }
  }
  return portraits;
}

Vector winding_numbers(const PhasePortrait& portrait, double centre) {
  Vector turns = Vector::Zero(portrait.orbits());
  for (Index i = 0; i < turns.size(); ++i) {
    for (Index k = 1; k < portrait.samples; ++k) {
      const auto at = static_cast<std::size_t>(i * portrait.samples + k);
      const double x = portrait.x[at] - centre, before_x = portrait.x[at - 1] - centre;
      const double v = portrait.v[at], before_v = portrait.v[at - 1];
      // The angle between neighbours; orbits turn clockwise.
      turns[i] += std::atan2(before_v * x - before_x * v, before_x * x + before_v * v);
    }
  }
  return turns / boost::math::constants::two_pi<double>();
}

OrbitFan orbit_fan(const Dynamics& dynamics, ConstVectorRef theta, double end_time,
                   double largest_position, const IntegratorOptions& integrator, Index orbits,
                   Index samples) {
  const double reach = std::max(2.0, std::abs(largest_position));
  const double centre = nearest_bottom(dynamics.field(), theta, -reach, reach).value_or(0);
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
                          double visited_min, double visited_max, std::optional<Interval> range) {
  PositionCurve curve = empty_curve(visited_min, visited_max, range);
  curve.value = field.force(theta, Block(curve.position.transpose())).transpose();
  curve.harmonic = -fit_harmonic(field, theta, period).stiffness * curve.position;
  return curve;
}

PositionCurve potential_curve(const ForceField& field, ConstVectorRef theta, double period,
                              double visited_min, double visited_max,
                              std::optional<Interval> range) {
  PositionCurve curve = empty_curve(visited_min, visited_max, range);
  const Index points = curve.position.size();
  const double zero =
      nearest_bottom(field, theta, curve.position[0], curve.position[points - 1]).value_or(0);
  curve.value = potentials(field, theta, zero, curve.position);
  curve.harmonic = fit_harmonic(field, theta, period).stiffness / 2 * curve.position.cwiseAbs2();
  return curve;
}

EnergyRecord energy_record(const ForceField& field, ConstVectorRef theta,
                           const Trajectories& trajectories, double end_time) {
  const Index orbits = trajectories.states.front().cols();
  const Index times = trajectories.tau.size();
  EnergyRecord record{trajectories.tau * end_time, Eigen::MatrixXd(orbits, times),
                      Vector::Zero(times)};
  const double zero = energy_zero(field, theta, trajectories.states.front());
  Eigen::MatrixXd position(orbits, times);
  for (Index k = 0; k < times; ++k) {
    const States& states = trajectories.states[static_cast<std::size_t>(k)];
    position.col(k) = states.row(0).transpose();
    record.energy.col(k) = states.row(1).transpose().cwiseAbs2() / 2;
  }
  record.energy.reshaped() += potentials(field, theta, zero, position.reshaped());
  if (!record.energy.allFinite()) throw NumericalError("the energy of an orbit is not finite");
  record.drift = (record.energy.colwise() - record.energy.col(0)).cwiseAbs().colwise().maxCoeff();
  return record;
}

double explained_drift(const ForceField& field, ConstVectorRef theta,
                       const Trajectories& trajectories, const IntegratorOptions& integrator,
                       long steps) {
  constexpr double tolerances_per_step = 10;
  const auto error = [&](const auto& size) { return integrator.rtol * size + integrator.atol; };
  double largest = 0;
  for (const States& states : trajectories.states) {
    const Eigen::ArrayXXd force = field.force(theta, states.topRows(1)).array().abs();
    const Eigen::ArrayXXd x = states.row(0).array().abs();
    const Eigen::ArrayXXd v = states.row(1).array().abs();
    largest = std::max(largest, (v * error(v) + force * error(x)).maxCoeff());
  }
  return tolerances_per_step * static_cast<double>(steps) * largest;
}

}  // namespace isochron
