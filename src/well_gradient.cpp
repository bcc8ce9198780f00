#include "isochron/well_gradient.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// Gauss and Legendre's nodes and weights on [-1, 1].
template <int points>
struct Gauss {
  Eigen::Matrix<double, points, 1> nodes;
  Eigen::Matrix<double, points, 1> weights;

  Gauss() {
    using Half = boost::math::quadrature::gauss<double, points>;
    static_assert(points % 2 == 0);
    for (int i = 0; i < points / 2; ++i) {
      const auto k = static_cast<std::size_t>(i);
      nodes[points / 2 + i] = Half::abscissa()[k];
      nodes[points / 2 - 1 - i] = -Half::abscissa()[k];
      weights[points / 2 + i] = weights[points / 2 - 1 - i] = Half::weights()[k];
    }
  }
};

/// Integrals of df/dtheta over intervals, as many points as their accuracy needs.
class ParameterIntegral {
 public:
  ParameterIntegral(const ForceField& field, ConstVectorRef theta)
      : theta_(theta),
        at_(field.linearisation(points)),
        q_(1, points),
        f_(1, points),
        slopes_(field.parameters(), points) {
    field.require_parameters(theta);
  }

  /// The integral of df/dtheta from `a` to `b`.
  Vector operator()(double a, double b) { return refined(a, b, of_interval(a, b), most_halvings); }

 private:
  static constexpr int points = 10;
  static constexpr int most_halvings = 40;
  static constexpr double accuracy = 1e-11;

  Vector of_interval(double a, double b) {
    static const Gauss<points> gauss;
    q_ = (((a + b) / 2 + (b - a) / 2 * gauss.nodes.array())).matrix().transpose();
    at_->linearise(theta_, q_, f_);
    at_->parameter_jacobians(slopes_);
    Vector sum = (b - a) / 2 * (slopes_ * gauss.weights);
    if (sum.allFinite()) return sum;
    throw NumericalError(fmt::format(
        "the derivative of the force by its parameters is not finite from x = {:.6g} to {:.6g}", a,
        b));
  }

  Vector refined(double a, double b, const Vector& whole, int halvings) {
    const double middle = (a + b) / 2;
    const Vector left = of_interval(a, middle);
    const Vector right = of_interval(middle, b);
    Vector both = left + right;
    const double error = (both - whole).cwiseAbs().maxCoeff();
    const double size = left.cwiseAbs().maxCoeff() + right.cwiseAbs().maxCoeff();
    if (halvings == 0 || error <= accuracy * size) return both;
    return refined(a, middle, left, halvings - 1) + refined(middle, b, right, halvings - 1);
  }

  Eigen::Ref<const Vector> theta_;
  std::unique_ptr<Linearisation> at_;
  Block q_;
  Block f_;
  Block slopes_;
};

/// f, f' and df/dtheta at positions.
struct ForceSlopes {
  Vector force;
  Vector slope;
  Eigen::MatrixXd by_theta;  // P x M

  ForceSlopes(const ForceField& field, ConstVectorRef theta, const Vector& positions) {
    field.require_parameters(theta);
    const Index count = positions.size();
    const auto at = field.linearisation(count);
    Block f(1, count), jacobian(1, count), slopes(field.parameters(), count);
    at->linearise(theta, Block(positions.transpose()), f);
    at->jacobians(jacobian);
    at->parameter_jacobians(slopes);
    force = f.transpose();
    slope = jacobian.transpose();
    by_theta = slopes;
  }
};

/// The integral over phi of one orbit, by `panels` equal parts of either side's quarter turn.
Vector period_gradient(const PotentialWell& well, const ForceField& field, ConstVectorRef theta,
                       double energy, int panels) {
  constexpr int points = 20;
  static const Gauss<points> gauss;
  const Index count = points * panels;
  const double half_panel = std::numbers::pi / 4 / panels;
  Vector sine(2 * count), weight(2 * count), positions(2 * count);
  for (Index k = 0; k < count; ++k) {
    const Index panel = k / points;
    const double phi = half_panel * (static_cast<double>(2 * panel + 1) + gauss.nodes[k % points]);
    sine[k] = sine[count + k] = std::sin(phi);
    weight[k] = weight[count + k] = half_panel * gauss.weights[k % points];
    const Interval turns = well.turning_points(energy * sine[k] * sine[k]);
    positions[k] = turns.left;
    positions[count + k] = turns.right;
  }
  const ForceSlopes at(field, theta, positions);
  const Eigen::MatrixXd potential = potential_gradients(field, theta, well.bottom(), positions);
  const Eigen::ArrayXd u = energy * sine.array().square();
  const Eigen::ArrayXd f = at.force.array();
  // The time that passes with phi, there and back.
  const Eigen::ArrayXd time = 2 * std::sqrt(2 * energy) * (weight.array() * sine.array() / f.abs());
  const Vector of_force = time * u / f;
  const Vector of_potential = time * (0.5 + u * at.slope.array() / f.square());
  return -(at.by_theta * of_force + potential * of_potential) / energy;
}

}  // namespace

Eigen::MatrixXd potential_gradients(const ForceField& field, ConstVectorRef theta, double zero,
                                    ConstVectorRef positions) {
  require(field.dimension() == 1, "a potential well needs a force of dimension 1");
  Eigen::MatrixXd gradients(field.parameters(), positions.size());
  std::vector<Index> order(static_cast<std::size_t>(positions.size()));
  std::iota(order.begin(), order.end(), Index{0});
  // Outwards from `zero`, on either side.
  std::sort(order.begin(), order.end(), [&](Index a, Index b) {
    return std::abs(positions[a] - zero) < std::abs(positions[b] - zero);
  });
  ParameterIntegral integral(field, theta);
  for (const bool is_left : {true, false}) {
    double reached = zero;
    Vector sum = Vector::Zero(field.parameters());
    for (const Index i : order) {
      if ((positions[i] < zero) != is_left) continue;
      if (positions[i] != reached) sum -= integral(reached, positions[i]);
      gradients.col(i) = sum;
      reached = positions[i];
    }
  }
  return gradients;
}

Vector period_gradient(const PotentialWell& well, const ForceField& field, ConstVectorRef theta,
                       double energy) {
  constexpr double accuracy = 1e-9;
  constexpr int most_panels = 64;
  Vector coarse = period_gradient(well, field, theta, energy, 1);
  for (int panels = 2; panels <= most_panels; panels *= 2) {
    Vector fine = period_gradient(well, field, theta, energy, panels);
    if ((fine - coarse).norm() <= accuracy * fine.norm()) return fine;
    coarse = std::move(fine);
  }
  throw NumericalError(
      fmt::format("the derivative of the period by the parameters at the energy {:.6g} in the well "
                  "at x = {:.6g} has not converged",
                  energy, well.bottom()));
}

}  // namespace isochron
