#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "isochron/potential_well.hpp"
#include "isochron/well.hpp"
#include "references.hpp"

namespace test_references {

// Two independent ways to an orbit, the closed forms of the wells and quadrature of the force
// alone, against references in fifty digits.

using namespace isochron;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Closed forms: to the last digits. Well conditioned: at 0.99 of the escape energy (E/T) dT/dE is
/// 50 at most, but E comes in only by differences to the barrier without rounding.
void check(const Well& well, double energy, const reference::Reference& expected) {
  const auto [left, right] = well.turning_points(energy);
  CHECK(std::abs(left - expected.x1) < 2 * eps * expected.width);
  CHECK(std::abs(right - expected.x2) < 2 * eps * expected.width);
  CHECK(std::abs((right - left) / expected.width - 1) < 4 * eps);
  CHECK(std::abs(well.period(energy) / expected.period - 1) < 16 * eps);
}

/// Quadrature.
void check(const PotentialWell& well, double energy, const reference::Reference& expected) {
  constexpr double precision = 1e-13;
  const WellOrbit orbit = well.orbit(energy);
  CHECK(std::abs(orbit.left - expected.x1) <= precision * expected.width);
  CHECK(std::abs(orbit.right - expected.x2) <= precision * expected.width);
  CHECK(std::abs(orbit.width() / expected.width - 1) <= precision);
  CHECK(std::abs(orbit.shear() - expected.shear) <= precision * expected.width);
  CHECK(std::abs(orbit.period / expected.period - 1) <= 20 * precision);
  CHECK(std::abs(orbit.period - expected.period) <= orbit.period_error + 4 * eps * expected.period);
}

}  // namespace

TEST_CASE("turning points, widths, shears and periods of fifteen wells at twelve energies") {
  std::set<std::string> known;
  for (const reference::Case& sample : reference::reference_cases()) {
    known.insert(sample.well);
    CAPTURE(sample.well);
    const Well well = make_well(sample.well, sample.parameters);
    const double top = *std::max_element(sample.energies.begin(), sample.energies.end());
    const PotentialWell explored(*well.force_field(), Vector(0), 0, {-infinity, infinity}, top);
    for (const double energy : sample.energies) {
      CAPTURE(energy);
      const auto expected = reference::reference(sample.well, sample.parameters, energy);
      CHECK(std::abs(expected.width - (expected.x2 - expected.x1)) <= 2 * eps * expected.width);
      CHECK(std::abs(expected.shear - (expected.x1 + expected.x2) / 2) <= 2 * eps * expected.width);
      check(well, energy, expected);
      check(explored, energy, expected);
    }
  }
  const std::vector<std::string> names = well_names();
  CHECK(known == std::set<std::string>(names.begin(), names.end()));
}

}  // namespace test_references
