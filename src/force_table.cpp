#include "isochron/force_table.hpp"

#include <algorithm>
#include <array>
#include <boost/math/interpolators/barycentric_rational.hpp>
#include <memory>
#include <vector>

#include "floating_point.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

using Interpolant = boost::math::barycentric_rational<double>;

/// The interpolant where it is a quotient of finite numbers: not so close to a position that the
/// reciprocal of the distance overflows.
class Table {
 public:
  Table(const Vector& positions, const Vector& forces, std::size_t order)
      : positions_(positions.begin(), positions.end()),
        interpolant_(positions.data(), forces.data(), positions_.size(), order) {}

  [[nodiscard]] double value(double x) const { return interpolant_(snapped(x)); }
  [[nodiscard]] double slope(double x) const { return interpolant_.prime(snapped(x)); }

 private:
  [[nodiscard]] double snapped(double x) const {
    constexpr double closest = 1e-200;
    const auto next = std::lower_bound(positions_.begin(), positions_.end(), x);
    if (next != positions_.end() && *next - x < closest) return *next;
    return next != positions_.begin() && x - *(next - 1) < closest ? *(next - 1) : x;
  }

  std::vector<double> positions_;
  Interpolant interpolant_;
};

}  // namespace

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
  const auto table = std::make_shared<const Table>(positions, forces, order);
  const Interval range{positions[0], positions[count - 1]};
  const auto inside = [=](double x) { return x >= range.left && x <= range.right; };
  constexpr double outside = not_a_number;
  return make_force(
      0, [=](double x, const auto&) { return inside(x) ? table->value(x) : outside; },
      [=](double x, const auto&) { return inside(x) ? table->slope(x) : outside; },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

}  // namespace isochron
