#pragma once

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "isochron/force_field.hpp"
#include "isochron/named_parameter.hpp"

namespace isochron {

/// A potential well of a unit mass, x'' = f(x) = -U'(x), whose turning points and periods are known
/// (in closed form but for toda): an oracle for everything that is computed. The minimum is
/// U(0) = 0, and the only one but for double-well; everything is dimensionless.
///
///   harmonic          U = omega^2 x^2/2
///   isotonic          U = (omega^2/8) x^2 (x + 2a)^2/(x + a)^2, x > -a
///   parabolic-shear   U = omega^2 y^2/2, x = y + beta y^2/2, 1 + 2 beta x > 0,
///                     E < omega^2/(2 beta^2)
///   hyperbolic-shear  U = omega^2 y^2/2, x = y + kappa (sqrt(y^2 + c^2) - c)
///   log-shear         U = omega^2 y^2/2, x = y + log(cosh(lambda y))/lambda, x > -log(2)/lambda
///   split-harmonic    U = omega_left^2 x^2/2 left of 0, omega_right^2 x^2/2 right of it
///   duffing           U = omega^2 x^2/2 + beta x^4/4 (beta < 0: E < -omega^4/(4 beta))
///   pendulum          U = omega^2 (1 - cos x), librations E < 2 omega^2
///   morse             U = D (1 - exp(-a x))^2, E < D
///   poschl-teller     U = U0 tanh^2(a x), E < U0
///   tan2              U = U0 tan^2(a x), |x| < pi/(2a)
///   power             U = A |x|^n (n < 2: f' is infinite at 0)
///   double-well       U = x^2 (x + 2)^2/4, orbits of the right well: x > -1, E < 1/4
///   cubic             U = x^2/2 - x^3/3, E < 1/6
///   toda              U = exp(x) - x - 1
///
/// Isochronous (T does not depend on E) are harmonic, isotonic, the three shears and
/// split-harmonic.
class Well {
 public:
  /// The mathematics of a well, called only with x inside `domain` and 0 < E < `energy_limit`.
  struct Formulas {
    std::function<double(double)> potential;         ///< U(x)
    std::function<double(double)> force;             ///< f(x) = -U'(x)
    std::function<double(double)> force_slope;       ///< f'(x)
    std::function<Interval(double)> turning_points;  ///< x1(E) < 0 < x2(E)
    std::function<double(double)> period;            ///< the minimal period T(E)
    /// df/da at x, for each parameter in their order.
    std::vector<std::function<double(double)>> parameter_slopes = {};
    double energy_limit = std::numeric_limits<double>::infinity();
    Interval domain = {-std::numeric_limits<double>::infinity(),
                       std::numeric_limits<double>::infinity()};
  };

  Well(std::string name, std::vector<NamedParameter> parameters, Formulas formulas);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<NamedParameter>& parameters() const { return parameters_; }

  /// The open interval on which U is defined and finite.
  [[nodiscard]] Interval domain() const { return formulas_.domain; }

  /// Orbits with this energy or more are unbounded, or leave the well; infinity if there are none.
  [[nodiscard]] double energy_limit() const { return formulas_.energy_limit; }

  /// U(x); infinity outside the domain.
  [[nodiscard]] double potential(double x) const;

  /// f(x) = -U'(x); NaN outside the domain, so that a solver sees the failure.
  [[nodiscard]] double force(double x) const;

  /// f'(x); NaN outside the domain.
  [[nodiscard]] double force_slope(double x) const;

  /// df/da at x for the parameter with this index in parameters(); NaN outside the domain. Throws
  /// std::out_of_range where the formulas have no such derivative.
  [[nodiscard]] double parameter_slope(Index parameter, double x) const;

  /// x1(E) < 0 < x2(E) with U(x1) = U(x2) = E. Throws InputError unless 0 < E < energy_limit().
  [[nodiscard]] Interval turning_points(double energy) const;

  /// The minimal period T(E). Throws InputError unless 0 < E < energy_limit().
  [[nodiscard]] double period(double energy) const;

  /// f as a force field: D = 1, no parameters. Independent of the life of the well.
  [[nodiscard]] ForceFieldPtr force_field() const;

 private:
  [[nodiscard]] bool contains(double x) const;
  void require_bounded(double energy) const;

  std::string name_;
  std::vector<NamedParameter> parameters_;
  Formulas formulas_;
};

/// The names above, in that order.
[[nodiscard]] std::vector<std::string> well_names();

/// The parameters of the well `name` with their defaults. With these T = 2 pi at small energies
/// (double-well: sqrt(2) pi; power: U = x^4/4), and but for double-well and cubic, which have none,
/// an edge or a brim is far enough away for random states of order one.
/// Throws InputError when the name is unknown.
[[nodiscard]] std::vector<NamedParameter> well_parameters(const std::string& name);

/// The well `name`; parameters that `values` leaves out keep their defaults. Throws InputError
/// when the name or a parameter is unknown, or a value out of range.
[[nodiscard]] Well make_well(const std::string& name,
                             const std::map<std::string, double>& values = {});

/// The force of the well `name` with all its parameters, in the order of well_parameters, as theta:
/// D = 1. NaN outside the domain, and where a parameter is out of its range. Throws InputError when
/// the name is unknown.
[[nodiscard]] ForceFieldPtr parametrised_well(const std::string& name);

}  // namespace isochron
