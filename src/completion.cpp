#include "isochron/completion.hpp"

#include <cmath>
#include <numbers>

#include "floating_point.hpp"
#include "isochron/potential_well.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

void require_left(double bottom, ConstVectorRef positions, double period) {
  require(period > 0 && std::isfinite(period), "the period {:g} is not admissible: finite and > 0",
          period);
  for (Index k = 0; k < positions.size(); ++k) {
    const double low = k == 0 ? -infinity : positions[k - 1];
    require(positions[k] > low && positions[k] < bottom,
            "x = {:g} is not admissible in the left half of a well: finite, above the position "
            "before it, and < {:g}, the bottom",
            positions[k], bottom);
  }
}

}  // namespace

RightHalf isochronous_completion(const ForceField& field, ConstVectorRef theta, double bottom,
                                 ConstVectorRef positions, double period) {
  require_left(bottom, positions, period);
  const double omega = 2 * std::numbers::pi / period;
  const Vector left_force = field.force(theta, Block(positions.transpose())).row(0).transpose();
  RightHalf right;
  right.potential = potentials(field, theta, bottom, positions.reverse()).reverse();
  const Vector speed = (2 * right.potential.cwiseMax(0)).cwiseSqrt();

  for (Index k = positions.size() - 1; k >= 0; --k) {
    require(
        right.potential[k] > 0 && left_force[k] > omega * speed[k] / 2,
        "the left half has no isochronous completion of period {:.6g}: at x = {:.4g}, where U = "
        "{:.4g}, its force is {:.4g}; it must be above omega sqrt(2 U)/2 = {:.4g}, or the right "
        "half would turn back",
        period, positions[k], right.potential[k], left_force[k], omega * speed[k] / 2);
  }
  right.position = positions + 2 / omega * speed;
  right.force = (left_force.cwiseInverse() - 2 / omega * speed.cwiseInverse()).cwiseInverse();
  return right;
}

}  // namespace isochron
