#pragma once

#include "isochron/states.hpp"

namespace isochron {

/// The well that has given periods, by Abel's inversion (Landau and Lifshitz, Mechanics, section
/// 12). The periods T(E) of a well fix its width, whatever its shear (x1 + x2)/2:
///
///   x2(U) - x1(U) = (sqrt(2 U)/pi) int_0^1 T(U (1 - c^2)) dc,
///
/// and with it the symmetric well, x(U) = -+ width(U)/2. Of a well whose left branch x1(U) is known
/// the right one is x1(U) + width(U).
///
/// T is a polynomial in E, fitted to samples by least squares. Its degree is the smallest one whose
/// error at samples left out of the fit is near the least. Thus T must be smooth in E down to E = 0
/// (a well that is analytic at its bottom with U'' > 0); energies below the lowest sample are
/// extrapolated to. The samples' errors are taken as independent and equally large, and the
/// uncertainties are one standard deviation of what these errors do, for the degree found. They do
/// not cover a T that no polynomial fits: then the noise is larger than the samples' errors.
///
/// Energies and potentials are above the bottom, 0 <= E, U <= highest_energy(); positions x are
/// those of the symmetric well, its bottom at 0, inside extent(). Functions throw InputError
/// outside. Unit mass, everything dimensionless.
class AbelInversion {
 public:
  /// The samples T_i at E_i [M], M >= 4, in any order. Throws InputError when they are not finite
  /// and positive, an energy occurs twice, or no well has such periods: the width must increase
  /// with the energy.
  AbelInversion(ConstVectorRef energies, ConstVectorRef periods);

  [[nodiscard]] double highest_energy() const { return highest_energy_; }
  [[nodiscard]] Index degree() const { return coefficients_.size() - 1; }

  /// Standard deviation of the samples from the fit, sqrt(sum r_i^2/(M - degree - 1)).
  [[nodiscard]] double noise() const { return noise_; }

  [[nodiscard]] double period(double energy) const;
  [[nodiscard]] double period_uncertainty(double energy) const;
  [[nodiscard]] double period_slope(double energy) const;  ///< dT/dE

  [[nodiscard]] double width(double potential) const;
  [[nodiscard]] double width_uncertainty(double potential) const;

  [[nodiscard]] Interval extent() const;
  [[nodiscard]] double potential(double x) const;
  [[nodiscard]] double force(double x) const;  ///< f(x) = -U'(x)
  [[nodiscard]] double force_uncertainty(double x) const;

 private:
  void fit(ConstVectorRef energies, ConstVectorRef periods);
  void require_well() const;
  void require_energy(double energy) const;

  // The symmetric well is the curve (x, U) = (y m(y^2/2), y^2/2), y = sqrt(2 U) for x > 0, with
  // m(U) = (1/(2 pi)) int_0^1 T(U (1 - c^2)) dc, smooth at the bottom.
  struct Point {
    double y;
    double stretch;         // dx/dy
    Eigen::MatrixX3d mean;  // of the basis: m, m' and m'' are coefficients^T mean
  };
  [[nodiscard]] Point point(double y) const;
  [[nodiscard]] Point point_at(double x) const;
  [[nodiscard]] Eigen::MatrixX3d basis(double energy) const;
  [[nodiscard]] Eigen::MatrixX3d mean_basis(double potential) const;

  double highest_energy_ = 0;
  double noise_ = 0;
  Vector coefficients_;     // of the Chebyshev polynomials T_k(2 E/highest_energy - 1)
  Eigen::MatrixXd spread_;  // their covariance is spread spread^T
};

}  // namespace isochron
