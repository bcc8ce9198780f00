#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "isochron/potential_well.hpp"

namespace isochron {

/// What a force turns out to be on the energies that were looked at. An isochronous well of period
/// T/n has width(U) = 2 sqrt(2 U)/omega, omega = 2 pi n/T; its shear S = (x1 + x2)/2 is free, and
/// vanishes for the harmonic well alone.
enum class Isochrony {
  harmonic,         ///< isochronous, and |S|/A within the tolerance, A = sqrt(2 E)/omega
  sheared,          ///< isochronous otherwise
  at_samples_only,  ///< isochronous at the sampled energies, but not at those between them
  several_wells,    ///< more than one stable equilibrium is visited
  not_isochronous,
  not_converged,  ///< the loss says so: training has not ended at a periodic force
  undecided,      ///< a number that decides is none: too large, too small or not defined
};

/// "harmonic", "isochronous, sheared", "isochronous at the samples only", "several wells", "not
/// isochronous", "not converged", "undecided".
[[nodiscard]] const char* name(Isochrony isochrony);

/// A force's isochrony with the numbers that decide it. Dimensionless; positions of orbits are
/// relative to the centre. Where it is undecided, there is a reason, and the numbers are NaN.
struct Certificate {
  Isochrony verdict = Isochrony::not_isochronous;
  std::string reason;  ///< one sentence with the deciding numbers, and advice where there is any

  double period = 0;     ///< T that was asked for
  double tolerance = 0;  ///< of the verdict

  std::vector<Equilibrium> equilibria;  ///< in the visited range of positions, increasing
  std::optional<double> center;         ///< x0, the deepest stable one; absent without a well
  double energy_limit = 0;  ///< height of its well, as far as it was followed: to the highest
                            ///< energy of any trajectory
  std::optional<SmallAmplitude> small_amplitude;

  /// The energies visited in the well, above its bottom: the range that everything here is about
  /// (of all trajectories when it holds none).
  double lowest_energy = 0;
  double highest_energy = 0;
  Index trajectories = 0;  ///< that were looked at
  Index escaping = 0;      ///< of them, those that the well does not hold

  int n = 0;  ///< periods in T, the integer nearest to T/T(E) at the median energy;
              ///< 0 unless |T/T(E) - n| < 0.1 at every visited energy
  double median_multiple = 0;  ///< T/T(E) at the median energy

  // Over the visited energies; with n = 0 relative to T(E) at the median energy.
  double period_deviation_max = 0;      ///< |n T(E)/T - 1|
  double period_deviation_mean = 0;     ///< the same
  double width_deviation_max = 0;       ///< |R - 1|, R(U) = omega width(U)/(2 sqrt(2 U))
  double width_deviation_mean = 0;      ///< the same
  double shear_max = 0;                 ///< |S|/A
  double period_deviation_between = 0;  ///< max |n T(E)/T - 1| at the energies of `curve`

  /// 200 orbits of the well at energies over the visited range, even steps in sqrt(E).
  std::vector<WellOrbit> curve;

  /// 2 pi n/T, or that of the median energy.
  [[nodiscard]] double omega() const;
};

/// How isochronism is judged.
struct CertificateOptions {
  double period = 0;           ///< T > 0; 0: that of the median energy
  double tolerance = 1e-4;     ///< of the verdict, > 0
  std::optional<double> loss;  ///< mean ||r_i||^2 of the training that led here
  /// Trajectories ran over T/2 (antiperiodic loss): each visited that turning point alone to which
  /// it moved first, so an energy counts as visited up to the highest on either side.
  bool half_orbits = false;
  /// Positions that trajectories are known to visit beside their initial ones: wells are looked for
  /// there, too.
  std::optional<Interval> visited = {};
  std::function<bool()> stop_requested = nullptr;  ///< polled at every orbit; true: Interrupted
};

/// The certificate of a force on the orbits through `states` (2 x N: x, v). D = 1, Newtonian.
/// Throws InputError when shapes do not fit or there are no states.
[[nodiscard]] Certificate certify(const ForceField& field, ConstVectorRef theta,
                                  ConstStatesRef states, const CertificateOptions& options);

/// The same on the orbits of `energies` (> 0) in the well whose bottom is the stable equilibrium
/// `center`. Throws InputError when there are no energies.
[[nodiscard]] Certificate certify(const ForceField& field, ConstVectorRef theta, double center,
                                  ConstVectorRef energies, const CertificateOptions& options);

}  // namespace isochron
