#pragma once

#include <cstdint>

#include "isochron/integrator.hpp"
#include "isochron/well.hpp"

namespace isochron {

/// What periods are prescribed for.
enum class PeriodBy {
  amplitude,  ///< A > 0: orbits released at rest at x = A
  energy,     ///< E > 0: orbits through x = 0 with v = +-sqrt(2 E), where U(0) = 0 is the minimum
};

/// "amplitude", "energy".
[[nodiscard]] const char* name(PeriodBy by);

/// Periods of orbits of one degree of freedom, by amplitude or by energy. They determine the force
/// of a symmetric well, otherwise the width of the well at every energy (Landau and Lifshitz,
/// Mechanics, section 12). Dimensionless.
struct PeriodLaw {
  PeriodBy by = PeriodBy::amplitude;
  Vector argument;  ///< A or E [M]
  Vector period;    ///< T(A) or T(E) [M]

  /// Throws InputError unless M >= 1, shapes fit and all numbers are positive and finite.
  void validate() const;

  /// Throws InputError when no well has these periods, as they are by energy where they fall so
  /// fast that the width of the well (abel.hpp) would shrink; T is taken as linear in E from sample
  /// to sample and as constant below the lowest one, and a loss of 10% is put down to noise. By
  /// amplitude there is a well for any periods: U may rise from one amplitude to the next by so
  /// little that the period is as long as one likes, and by so much that it is as short.
  void require_well() const;

  /// The orbits over one period: M from (A, 0), or M from (0, sqrt(2E)) and then M from
  /// (0, -sqrt(2E)).
  [[nodiscard]] Ensemble orbits() const;
};

/// `count` amplitudes or energies above `low` >= 0 and below `high`, increasing. The period is a
/// smooth even function of the amplitude A, or of the speed s = sqrt(E), so these stand at
///
///   low + (high - low) cos((2k - 1) pi/(4 count)),  k = 1..count,
///
/// which for low = 0 are the positive Chebyshev points of [-high, high]: closest to each other at
/// `high`, beyond which nothing is known. Throws InputError unless 0 <= low < high < infinity.
[[nodiscard]] Vector law_arguments(PeriodBy by, double low, double high, Index count);

/// The periods of a well. Throws InputError for an argument that no orbit in it has.
[[nodiscard]] PeriodLaw period_law(const Well& well, PeriodBy by, Vector argument);

/// The law with each period multiplied by 1 + noise z, z from N(0, 1). Throws InputError when one
/// is no longer positive.
[[nodiscard]] PeriodLaw with_noise(PeriodLaw law, double noise, std::uint64_t seed);

}  // namespace isochron
