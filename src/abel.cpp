#include "isochron/abel.hpp"

#include <fmt/core.h>
#include <Eigen/QR>
#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

using std::numbers::pi;

/// Gauss-Legendre in c, exact for T(U (1 - c^2)) of a degree up to highest_degree in U.
using Rule = boost::math::quadrature::gauss<double, 30>;
constexpr Index highest_degree = 29;

/// More samples than coefficients, so that the noise is not found small by chance.
constexpr Index spare_samples = 3;
constexpr Index fewest_samples = spare_samples + 1;

/// T_0 .. T_degree at t, and their first and second derivatives: (degree + 1) x 3.
Eigen::MatrixX3d chebyshev(Index degree, double t) {
  Eigen::MatrixX3d p(degree + 1, 3);
  p.row(0) << 1, 0, 0;
  if (degree > 0) p.row(1) << t, 1, 0;
  for (Index k = 2; k <= degree; ++k) {
    p.row(k) = 2 * t * p.row(k - 1) - p.row(k - 2);
    p(k, 1) += 2 * p(k - 1, 0);
    p(k, 2) += 4 * p(k - 1, 1);
  }
  return p;
}

void check_samples(ConstVectorRef energies, ConstVectorRef periods) {
  const Index samples = energies.size();
  require(periods.size() == samples,
          "{} periods do not fit {} energies: one period for each energy", periods.size(), samples);
  require(samples >= fewest_samples, "{} samples of the period are too few: at least {}", samples,
          fewest_samples);
  for (Index i = 0; i < samples; ++i) {
    const auto require_positive = [&](const char* what, double value) {
      require(std::isfinite(value) && value > 0,
              "{} {:g} of sample {} is not admissible: finite and > 0", what, value, i + 1);
    };
    require_positive("energy", energies[i]);
    require_positive("period", periods[i]);
  }
  std::vector<double> sorted(energies.begin(), energies.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw InputError(fmt::format(
        "energy {:g} occurs twice: admissible is one period (or the mean of several) for each "
        "energy",
        *twice));
  }
}

/// Polynomials up to a degree by least squares, every smaller degree among them: the first columns
/// of the QR decomposition B = Q R belong to the smaller degree.
class NestedFits {
 public:
  /// `basis`: M x (degree + 1).
  NestedFits(const Eigen::MatrixXd& basis, ConstVectorRef values) : values_(values) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(basis);
    q_ = qr.householderQ() * Eigen::MatrixXd::Identity(basis.rows(), basis.cols());
    r_ = qr.matrixQR().topRows(basis.cols()).triangularView<Eigen::Upper>();
  }

  /// The smallest degree whose leave-one-out error sum (r_i/(1 - h_i))^2, h the diagonal of Q Q^T,
  /// is the least up to chance: a coefficient of twice its standard deviation lowers it by 2/M.
  [[nodiscard]] Index best_degree() const {
    const auto samples = static_cast<double>(values_.size());
    const double rounding = 4 * epsilon * values_.lpNorm<Eigen::Infinity>();
    Vector residuals = values_;
    Vector leverages = Vector::Zero(values_.size());
    std::vector<double> errors;
    for (Index k = 0; k < q_.cols() && is_independent(k); ++k) {
      residuals -= q_.col(k) * q_.col(k).dot(residuals);
      leverages += q_.col(k).cwiseAbs2();
      errors.push_back((residuals.array() / (1 - leverages.array())).square().sum());
    }
    const double least = *std::min_element(errors.begin(), errors.end());
    const double enough = std::max((1 + 2 / samples) * least, samples * rounding * rounding);
    return std::find_if(errors.begin(), errors.end(), [&](double e) { return e <= enough; }) -
           errors.begin();
  }

  [[nodiscard]] Vector coefficients(Index degree) const {
    return solved(degree, q_.leftCols(degree + 1).transpose() * values_);
  }

  /// R^-1: the coefficients' covariance is R^-1 R^-T times the variance of a sample.
  [[nodiscard]] Eigen::MatrixXd spread(Index degree) const {
    return solved(degree, Eigen::MatrixXd::Identity(degree + 1, degree + 1));
  }

 private:
  [[nodiscard]] bool is_independent(Index k) const {
    return std::abs(r_(k, k)) > std::sqrt(epsilon) * std::abs(r_(0, 0));
  }
  [[nodiscard]] Eigen::MatrixXd solved(Index degree, const Eigen::MatrixXd& right) const {
    return r_.topLeftCorner(degree + 1, degree + 1).triangularView<Eigen::Upper>().solve(right);
  }

  Vector values_;
  Eigen::MatrixXd q_;
  Eigen::MatrixXd r_;
};

}  // namespace

AbelInversion::AbelInversion(ConstVectorRef energies, ConstVectorRef periods) {
  check_samples(energies, periods);
  highest_energy_ = energies.maxCoeff();
  fit(energies, periods);
  require_well();
}

void AbelInversion::fit(ConstVectorRef energies, ConstVectorRef periods) {
  const Index samples = energies.size();
  const Index highest = std::min(highest_degree, samples - spare_samples - 1);
  Eigen::MatrixXd values(samples, highest + 1);
  for (Index i = 0; i < samples; ++i) {
    values.row(i) = chebyshev(highest, 2 * energies[i] / highest_energy_ - 1).col(0).transpose();
  }
  const NestedFits fits(values, periods);
  const Index degree = fits.best_degree();
  coefficients_ = fits.coefficients(degree);
  const Vector residuals = periods - values.leftCols(degree + 1) * coefficients_;
  noise_ = residuals.norm() / std::sqrt(static_cast<double>(samples - degree - 1));
  spread_ = noise_ * fits.spread(degree);
}

/// The width increases where dx/dy > 0.
void AbelInversion::require_well() const {
  // Even steps in the angle of the Chebyshev nodes, many to each oscillation of the polynomial.
  constexpr Index steps = 500;
  const auto energy = [&](Index i) {
    const double angle = pi * static_cast<double>(i) / steps;
    return highest_energy_ * (1 - std::cos(angle)) / 2;
  };
  const auto shrinks = [&](Index i) { return point(std::sqrt(2 * energy(i))).stretch <= 0; };
  Index first = 0;
  while (first <= steps && !shrinks(first)) ++first;
  if (first > steps) return;
  Index last = first;
  while (last < steps && shrinks(last + 1)) ++last;
  throw InputError(fmt::format(
      "the periods fall so fast between E = {:.3g} and {:.3g} that the width of a well would "
      "shrink with the energy there: no well has them (a polynomial of degree {}, noise {:.1e}: "
      "periods must be smooth in E down to E = 0)",
      energy(first), energy(last), degree(), noise_));
}

void AbelInversion::require_energy(double energy) const {
  require(energy >= 0 && energy <= highest_energy_,
          "the periods say nothing of the energy {:g}: admissible is 0 <= E <= {:g}, the highest "
          "sample",
          energy, highest_energy_);
}

// ------------------------------------------------------------------------------------- the basis

/// Columns: T_k(2 E/highest_energy - 1) and its derivatives by E.
Eigen::MatrixX3d AbelInversion::basis(double energy) const {
  const double scale = 2 / highest_energy_;
  const Eigen::RowVector3d units(1, scale, scale * scale);
  return chebyshev(degree(), scale * energy - 1) * units.asDiagonal();
}

/// (1/(2 pi)) int_0^1 .. dc of the basis at U (1 - c^2), and its derivatives by U.
Eigen::MatrixX3d AbelInversion::mean_basis(double potential) const {
  Eigen::MatrixX3d mean = Eigen::MatrixX3d::Zero(degree() + 1, 3);
  for (std::size_t i = 0; i < Rule::abscissa().size(); ++i) {  // c > 0: the integrand is even
    const double part = 1 - std::pow(Rule::abscissa()[i], 2);
    const Eigen::RowVector3d chain(1, part, part * part);
    mean += Rule::weights()[i] / (2 * pi) * basis(potential * part) * chain.asDiagonal();
  }
  return mean;
}

// -------------------------------------------------------------------------- periods and widths

double AbelInversion::period(double energy) const {
  require_energy(energy);
  return basis(energy).col(0).dot(coefficients_);
}

double AbelInversion::period_uncertainty(double energy) const {
  require_energy(energy);
  return (spread_.transpose() * basis(energy).col(0)).norm();
}

double AbelInversion::period_slope(double energy) const {
  require_energy(energy);
  return basis(energy).col(1).dot(coefficients_);
}

double AbelInversion::width(double potential) const {
  require_energy(potential);
  return 2 * std::sqrt(2 * potential) * mean_basis(potential).col(0).dot(coefficients_);
}

double AbelInversion::width_uncertainty(double potential) const {
  require_energy(potential);
  return 2 * std::sqrt(2 * potential) * (spread_.transpose() * mean_basis(potential).col(0)).norm();
}

// -------------------------------------------------------------------------- the symmetric well

AbelInversion::Point AbelInversion::point(double y) const {
  Point point{y, 0, mean_basis(y * y / 2)};
  const Eigen::RowVector3d m = coefficients_.transpose() * point.mean;
  point.stretch = m[0] + y * y * m[1];
  return point;
}

Interval AbelInversion::extent() const {
  const double reach = width(highest_energy_) / 2;
  return {-reach, reach};
}

/// By symmetry y(-x) = -y(x).
AbelInversion::Point AbelInversion::point_at(double x) const {
  const double reach = extent().right;
  const double distance = std::abs(x);
  require(distance <= reach,
          "the periods say nothing of x = {:g}: admissible is |x| <= {:g}, where the potential is "
          "the highest sample's energy",
          x, reach);
  const auto excess = [&](double y) {
    return y * mean_basis(y * y / 2).col(0).dot(coefficients_) - distance;
  };
  std::uintmax_t iterations = 100;
  const auto [low, high] = boost::math::tools::toms748_solve(
      excess, 0.0, std::sqrt(2 * highest_energy_), -distance, reach - distance,
      boost::math::tools::eps_tolerance<double>(52), iterations);
  return point(std::copysign(low + (high - low) / 2, x));
}

double AbelInversion::potential(double x) const {
  const double y = point_at(x).y;
  return y * y / 2;
}

double AbelInversion::force(double x) const {
  const Point at = point_at(x);
  return -at.y / at.stretch;  // U' = (dU/dy)/(dx/dy)
}

/// With s = dx/dy a change of m moves f = -y/s at a fixed x: dy = -y dm/s, and
///
///   df = (y/s^2) [(2 - y s'(y)/s) dm + y^2 dm'],  s' = 3 y m' + y^3 m''.
double AbelInversion::force_uncertainty(double x) const {
  const auto [y, stretch, mean] = point_at(x);
  const Eigen::RowVector3d m = coefficients_.transpose() * mean;
  const double bend = y * y * (3 * m[1] + y * y * m[2]) / stretch;  // y s'/s
  const Vector change = (2 - bend) * mean.col(0) + y * y * mean.col(1);
  return std::abs(y) / (stretch * stretch) * (spread_.transpose() * change).norm();
}

}  // namespace isochron
