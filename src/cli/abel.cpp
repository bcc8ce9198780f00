#include "isochron/abel.hpp"

#include <fmt/core.h>

#include "cli/objective.hpp"
#include "cli/print.hpp"
#include "cli/stored_run.hpp"
#include "cli/theory_results.hpp"
#include "cli/verbs.hpp"
#include "cli/well_subject.hpp"
#include "isochron/force_table.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

PeriodLaw given_periods(const Configuration& configuration) {
  require(
      !configuration.period_law.empty(),
      "abel needs periods: give a text file with an energy and its period in each row, isochron "
      "abel periods.txt, or --period-law NAME --law-range LOW,HIGH");
  Configuration asked = configuration;
  asked.period_by = PeriodBy::energy;
  asked.trajectories = configuration.law_samples;
  return period_law_asked_for(asked);
}

/// The symmetric well, at positions from its one edge to the other and at 0.
FoundWell symmetric_well(const AbelInversion& inversion, Index points) {
  const auto [left, right] = inversion.extent();
  const Index half = points / 2;
  FoundWell well;
  well.period = inversion.period(0);
  well.position.resize(2 * half + 1);
  well.position << Vector::LinSpaced(half + 1, left, 0),
      Vector::LinSpaced(half, right / static_cast<double>(half), right);
  well.force = well.position.unaryExpr([&](double x) { return inversion.force(x); });
  well.potential = well.position.unaryExpr([&](double x) { return inversion.potential(x); });
  well.force_error =
      well.position.unaryExpr([&](double x) { return inversion.force_uncertainty(x); });
  return well;
}

/// T(E) as it was fitted.
PeriodCurve fitted_periods(const AbelInversion& inversion) {
  constexpr Index count = 200;
  PeriodCurve curve;
  curve.energy =
      Vector::LinSpaced(count, inversion.highest_energy() / count, inversion.highest_energy());
  curve.period = curve.energy.unaryExpr([&](double e) { return inversion.period(e); });
  curve.error = curve.energy.unaryExpr([&](double e) { return inversion.period_uncertainty(e); });
  return curve;
}

void print_table(const AbelInversion& inversion, const std::vector<WellOrbit>& orbits) {
  put("\n  {:<13} {:<18} {:<11} {:<14} {:<14} {:<11} {}\n", "energy E", "period T(E)", "+-",
      "position x(E)", "force f(x)", "+-", "T by quadrature");
  for (const WellOrbit& orbit : orbits) {
    const double x = inversion.width(orbit.energy) / 2;
    put("  {:<13.6g} {:<18.13g} {:<11.1e} {:<14.9g} {:<14.9g} {:<11.1e} {:.13g}\n", orbit.energy,
        inversion.period(orbit.energy), inversion.period_uncertainty(orbit.energy), x,
        inversion.force(x), inversion.force_uncertainty(x), orbit.period);
  }
}

}  // namespace

int abel(const Configuration& given) {
  const PeriodLaw law = given_periods(given);
  const AbelInversion inversion(law.argument, law.period);
  const FoundWell found = symmetric_well(inversion, given.points);
  Output output = output_of(given);
  echo(given);

  Run run = theory_run(given, fmt::format("the symmetric well with the periods of {}, {} samples",
                                          given.period_law, law.argument.size()));
  run.inversion.degree = inversion.degree();
  run.inversion.noise = inversion.noise();
  add_curves(run, found);
  run.periods = fitted_periods(inversion);

  const ForceFieldPtr field = tabulated_force(found.position, found.force);
  const double top = 0.999 * inversion.highest_energy();
  const std::vector<double> energies = even_energies(0, top);
  const PotentialWell well(*field, Vector(), 0, inversion.extent(), top);
  std::vector<WellOrbit> orbits;
  std::vector<double> periods;
  for (const double energy : energies) {
    orbits.push_back(well.orbit(energy));
    periods.push_back(inversion.period(energy));
  }
  run.inversion.period_error = largest_period_error(orbits, periods);
  run.certificate =
      certify(*field, Vector(), 0,
              Eigen::Map<const Vector>(energies.data(), static_cast<Index>(energies.size())), {});
  write_theory(output, run);
  print_table(inversion, orbits);
  return 0;
}

}  // namespace isochron::cli
