#include "isochron/force_table.hpp"

#include <array>
#include <boost/math/interpolators/barycentric_rational.hpp>
#include <limits>

#include "sentence.hpp"

namespace isochron {

ForceFieldPtr tabulated_force(const Vector& positions, const Vector& forces) {
  constexpr std::size_t order = 3;
  const Index count = positions.size();
  require(count == forces.size(), "a force needs a value at every position");
  require(count > static_cast<Index>(order),
          "a force by values needs at least {} positions, not {}", order + 1, count);
  require(positions.allFinite() && forces.allFinite(),
          "the positions and values of a force must be finite");
  for (Index k = 1; k < count; ++k) {
    require(positions[k] > positions[k - 1],
            "the positions of a force must increase: x = {} follows {}", positions[k],
            positions[k - 1]);
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
