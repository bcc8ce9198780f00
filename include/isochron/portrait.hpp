#pragma once

#include <optional>
#include <string>
#include <vector>

#include "isochron/integrator.hpp"

namespace isochron {

/// Samples of many orbits of one degree of freedom, one after the other in flat arrays.
struct PhasePortrait {
  std::vector<double> x;
  std::vector<double> v;
  std::vector<double> color;                 ///< one value per sample, constant along an orbit
  std::string color_label = "energy E (1)";  ///< where there is no potential, another quantity
  std::string color_name = "energy";         ///< the same as a name in a file
  Index samples = 0;                         ///< per orbit

  [[nodiscard]] Index orbits() const {
    return samples == 0 ? 0 : static_cast<Index>(x.size()) / samples;
  }
};

/// A fan of orbits: row m is orbit m, column k its state at time[k] (one degree of freedom).
struct OrbitFan {
  Eigen::MatrixXd x;
  Eigen::MatrixXd v;
  Vector time;
};

/// A function of position beside the harmonic one that it is compared with. D = 1.
struct PositionCurve {
  Vector position;
  Vector value;
  Vector harmonic;
  double visited_min = 0;  ///< the range of positions that the orbits visit
  double visited_max = 0;
  Vector error = {};  ///< standard error of the value, of a force fitted to data; or empty
};

/// Energies E = v^2/2 + U(x) of N orbits at K times, and how far they drift: a solver's error,
/// since the force conserves energy. D = 1.
struct EnergyRecord {
  Vector time;             ///< [K]
  Eigen::MatrixXd energy;  ///< N x K
  Vector drift;            ///< [K] max over orbits of |E(t) - E(0)|
};

/// How the force compares with -(2 pi n/T)^2 x on [-2, 2], for the integer n >= 1 that fits best.
struct HarmonicFit {
  int n = 1;
  double stiffness = 1;  ///< (2 pi n/T)^2
  double deviation = 0;  ///< max |f + stiffness x| on [-2, 2]
};
[[nodiscard]] HarmonicFit fit_harmonic(const ForceField& field, ConstVectorRef theta,
                                       double period);

/// Draws up to `orbits` trajectories of the ensemble, evenly chosen, sampled `samples` times from 0
/// to their end. Newtonian dynamics give one portrait per degree of freedom (q_i, v_i), first-order
/// dynamics one of (y_1, y_2) when there are two components or more. The colour is the energy where
/// potentials() can tell it, or else the distance from which an orbit starts. Throws like
/// Integrator::sample.
[[nodiscard]] std::vector<PhasePortrait> phase_portraits(const Dynamics& dynamics,
                                                         ConstVectorRef theta,
                                                         const Ensemble& ensemble,
                                                         const IntegratorOptions& integrator,
                                                         Index orbits = 100, Index samples = 201);

/// How often each orbit of a portrait winds round (centre, 0): 0 for rest, a whole number where it
/// is closed. [orbits]
[[nodiscard]] Vector winding_numbers(const PhasePortrait& portrait, double centre);

/// Orbits released at rest from `orbits` amplitudes right of the equilibrium, evenly up to
/// `largest_position`, over `end_time`. D = 1, Newtonian.
[[nodiscard]] OrbitFan orbit_fan(const Dynamics& dynamics, ConstVectorRef theta, double end_time,
                                 double largest_position, const IntegratorOptions& integrator,
                                 Index orbits = 12, Index samples = 401);

/// f and -(2 pi n/T)^2 x at 801 points of a range; absent: the union of [-2, 2] and the visited
/// range. D = 1.
[[nodiscard]] PositionCurve force_curve(const ForceField& field, ConstVectorRef theta,
                                        double period, double visited_min, double visited_max,
                                        std::optional<Interval> range = {});

/// U, zero at the equilibrium (at 0 where there is none), and the harmonic potential, at the same
/// points. D = 1. Throws like potentials().
[[nodiscard]] PositionCurve potential_curve(const ForceField& field, ConstVectorRef theta,
                                            double period, double visited_min, double visited_max,
                                            std::optional<Interval> range = {});

/// Energies along sampled trajectories, counted from the bottom of their well (from U(0) where
/// there is none), as in the phase portraits. D = 1, Newtonian. Throws NumericalError like
/// potentials(), or when an energy is not finite.
[[nodiscard]] EnergyRecord energy_record(const ForceField& field, ConstVectorRef theta,
                                         const Trajectories& trajectories, double end_time);

/// The drift of the energy that errors of a few tolerances at each of `steps` steps explain: the
/// largest 10 steps (|v| dv + |f| dx) with dv = rtol |v| + atol and dx = rtol |x| + atol. D = 1,
/// Newtonian.
[[nodiscard]] double explained_drift(const ForceField& field, ConstVectorRef theta,
                                     const Trajectories& trajectories,
                                     const IntegratorOptions& integrator, long steps);

}  // namespace isochron
