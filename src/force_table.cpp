#include "isochron/force_table.hpp"

#include <array>
#include <boost/math/interpolators/barycentric_rational.hpp>
#include <limits>
#include <string>

#include "isochron/error.hpp"

namespace isochron {

ForceFieldPtr tabulated_force(const Vector& positions, const Vector& forces) {
  constexpr std::size_t order = 3;
  const Index count = positions.size();
  if (count != forces.size()) throw InputError("a force needs a value at every position");
  if (count < static_cast<Index>(order) + 1) {
    throw InputError("a force by values needs at least 4 positions, not " + std::to_string(count));
  }
  if (!positions.allFinite() || !forces.allFinite()) {
    throw InputError("the positions and values of a force must be finite");
  }
  for (Index k = 1; k < count; ++k) {
    if (positions[k] > positions[k - 1]) continue;
    throw InputError("the positions of a force must increase: x = " + std::to_string(positions[k]) +
                     " follows " + std::to_string(positions[k - 1]));
  }
  using Interpolant = boost::math::barycentric_rational<double>;
  const auto interpolant = std::make_shared<const Interpolant>(
      positions.data(), forces.data(), static_cast<std::size_t>(count), order);
  const Interval range{positions[0], positions[count - 1]};
  const auto inside = [=](double x) { return x >= range.left && x <= range.right; };
  constexpr double outside = std::numeric_limits<double>::quiet_NaN();
  return make_force(
      0, [=](double x, const auto&) { return inside(x) ? (*interpolant)(x) : outside; },
      [=](double x, const auto&) { return inside(x) ? interpolant->prime(x) : outside; },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

}  // namespace isochron
