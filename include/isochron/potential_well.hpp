#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "isochron/force_field.hpp"

// The motion in a potential well of one dimension, x'' = f(x) = -U'(x), by quadrature and root
// finding alone: independent of every ODE solver. Unit mass, everything dimensionless.

namespace isochron {

/// A zero of the force. Stable: the bottom of a well, the force changes from + to - there.
struct Equilibrium {
  double position;
  bool stable;
};

/// The zeros of f in [low, high] where it changes sign, in increasing order; two that are closer
/// than a thousandth of the range may be missed. D = 1.
[[nodiscard]] std::vector<Equilibrium> equilibria(const ForceField& field, ConstVectorRef theta,
                                                  double low, double high);

/// The stable one nearest to 0 in [low, high], if there is one. D = 1.
[[nodiscard]] std::optional<double> nearest_bottom(const ForceField& field, ConstVectorRef theta,
                                                   double low, double high);

/// U(x) - U(zero) = -int f dx at each position, from Chebyshev series of the force on panels that
/// are as short as its variations ask for, and grow with the distance from 0 and from `zero`. D
/// = 1. Throws NumericalError where it varies too often for that, or is not finite on the way.
[[nodiscard]] Vector potentials(const ForceField& field, ConstVectorRef theta, double zero,
                                ConstVectorRef positions);

/// The orbit of one energy. Positions are relative to the bottom of the well.
struct WellOrbit {
  double energy = 0;        ///< above the bottom
  double left = 0;          ///< turning point x1(E) < 0
  double right = 0;         ///< turning point x2(E) > 0
  double period = 0;        ///< the minimal period T(E)
  double period_error = 0;  ///< its estimated error

  double mean_g = 0;  ///< of both branches, g(U) = x'(U) sqrt(U), which is 1/(omega sqrt 2)
                      ///< at every U where the well is isochronous

  [[nodiscard]] double width() const { return right - left; }
  [[nodiscard]] double shear() const { return (left + right) / 2; }
};

/// The first coefficients at the bottom, U_k the k-th derivative of U there:
///
///   T(E) = (2 pi/omega) [1 + E (5 U_3^2 - 3 U_2 U_4)/(24 U_2^3) + O(E^2)],  omega = sqrt(U_2).
struct SmallAmplitude {
  double u2 = 0;
  double u3 = 0;
  double u4 = 0;

  [[nodiscard]] double omega() const;
  /// d(T/T_0)/dE at E = 0.
  [[nodiscard]] double period_slope() const;
};

/// One well of a force: U from its bottom up, and its orbits.
///
/// The force is expanded in Chebyshev series on panels, from the bottom outwards, as far as the
/// well goes, and U is their integral. Nothing is assumed of the well but that U is piecewise
/// analytic on either side of its bottom (a kink there is allowed, as in |x|^1.5).
class PotentialWell {
 public:
  /// The well with its bottom at `equilibrium` (stable), followed to `highest_energy` (> 0, finite)
  /// on both sides, within `range` (either end may be infinite). `field` and `theta` are not used
  /// after the construction. Throws InputError when D is not 1 or there is no well.
  PotentialWell(const ForceField& field, ConstVectorRef theta, double equilibrium, Interval range,
                double highest_energy);
  ~PotentialWell();
  PotentialWell(PotentialWell&&) noexcept;
  PotentialWell& operator=(PotentialWell&&) noexcept;

  [[nodiscard]] double bottom() const { return bottom_; }

  /// Orbits of this energy and more leave the well: its lower brim, or the potential where the
  /// range or the domain of the force ends. Infinity when the well is higher than was asked for.
  [[nodiscard]] double energy_limit() const;

  /// Positions (absolute) between which the well is known.
  [[nodiscard]] Interval extent() const;

  /// U(x) - U(bottom) at an absolute position inside the extent. Throws InputError outside.
  [[nodiscard]] double potential(double x) const;

  /// The absolute positions on either side of the bottom where U - U(bottom) is the energy. Throws
  /// InputError like `orbit`.
  [[nodiscard]] Interval turning_points(double energy) const;

  /// Turning points, and the period by Gauss-Legendre quadrature after substitutions that take
  /// the square roots out: with h the distance from a turning point x2,
  ///
  ///   int_{x2-h}^{x2} dx/sqrt(2 (E - U)) = sqrt(2 h) int_0^1 ds/sqrt(A(s)),
  ///   A(s) the mean of |f| over [x2 - h s^2, x2].
  ///
  /// Throws InputError unless 0 < E < energy_limit() and E <= the highest energy, and
  /// NumericalError where the numbers of the orbit are not finite.
  [[nodiscard]] WellOrbit orbit(double energy) const;

  /// Absent where U is not analytic at its bottom, or has no curvature there.
  [[nodiscard]] const std::optional<SmallAmplitude>& small_amplitude() const {
    return small_amplitude_;
  }

 private:
  class Side;
  void require_inside(double energy) const;

  double bottom_;
  double highest_energy_;
  std::unique_ptr<Side> left_;
  std::unique_ptr<Side> right_;
  std::optional<SmallAmplitude> small_amplitude_;
};

}  // namespace isochron
