#pragma once

#include <functional>
#include <memory>

#include "isochron/least_squares.hpp"

namespace isochron {

/// A residual vector v + J w; w empty: v alone.
struct AffineResiduals {
  Vector constant;  // v [M]
  Vector along;     // w, of all parameters
};

/// b of min ||b + J delta|| over the shared parameters, the own ones of groups eliminated.
struct RightSide {
  Vector rows;      // beside those that LinearResiduals::eliminate returns; or, when empty,
  Vector gradient;  // J^T b, of what is left of both
};

/// The residuals at one point and their linear model r + J delta, whether J is held or gone through
/// again and again. Parameters are those of GroupedJacobian. All may throw Interrupted.
class LinearResiduals {
 public:
  virtual ~LinearResiduals() = default;

  /// r(theta) elsewhere; false where it cannot be had.
  virtual bool evaluate(ConstVectorRef theta, Vector& r) = 0;
  /// Takes r and J at theta; false where they cannot be had, and nothing has changed.
  virtual bool move(ConstVectorRef theta) = 0;

  /// r.
  [[nodiscard]] virtual const Vector& values() const = 0;
  /// J^T r.
  [[nodiscard]] virtual Vector gradient() const = 0;
  /// How many parameters are shared, and whether there are others.
  [[nodiscard]] virtual Index parameters() const = 0;
  [[nodiscard]] virtual bool is_grouped() const = 0;
  /// Of the shared columns.
  [[nodiscard]] virtual Vector column_norms() const = 0;
  /// The largest squared one in units 1/scale; where none is shared, of groups.
  [[nodiscard]] virtual double largest_column(const Vector& scale) const = 0;

  /// Eliminates own parameters with this damping (Elimination), and returns what is left of the
  /// shared columns: rows whose products with each other are those of J. Without own parameters
  /// `damping` is that of the step, which says what may be left out.
  virtual Eigen::MatrixXd eliminate(double damping) = 0;
  /// Whether these rows have all directions in which J acts.
  [[nodiscard]] virtual bool is_complete() const { return true; }

  // As own parameters were eliminated last:
  /// What is left of r.
  [[nodiscard]] virtual Vector rest() const = 0;
  /// What is left of b.
  [[nodiscard]] virtual RightSide rest(const AffineResiduals& b) = 0;
  /// The best own parameters of all groups for b + J_shared delta.
  [[nodiscard]] virtual Vector own(const AffineResiduals& b, const Vector& shared) = 0;
  /// ||r||^2 - ||r + J delta||^2, where the own parameters in delta are the best ones.
  [[nodiscard]] virtual double predicted(const Vector& delta) const = 0;
};

[[nodiscard]] std::unique_ptr<LinearResiduals> with_held_jacobian(
    const GroupedResiduals& residuals);

/// J is seen leaf by leaf. These are gone through for r, J^T r and, where there are groups, for
/// each elimination; and once for each b, and for own parameters. Where they are held, they are
/// gone through for the directions in which J acts, too. `stop_requested` must outlive it.
[[nodiscard]] std::unique_ptr<LinearResiduals> with_jacobian_in_leaves(
    const ResidualsInLeaves& residuals, const std::function<bool()>& stop_requested);

}  // namespace isochron
