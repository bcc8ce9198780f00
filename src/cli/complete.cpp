#include <fmt/core.h>
#include <array>
#include <cmath>
#include <numbers>

#include "cli/print.hpp"
#include "cli/stored_run.hpp"
#include "cli/theory_results.hpp"
#include "cli/verbs.hpp"
#include "cli/well_subject.hpp"
#include "isochron/completion.hpp"
#include "isochron/force_table.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// What the orbits of a run visit; nothing of other forces.
std::optional<Certificate> visited_by_run(const WellSubject& subject) {
  if (!subject.run) return std::nullopt;
  return certify(*subject.field, subject.theta, subject.run->ensemble.initial_states,
                 subject.certificate);
}

/// The bottom of the well: of a table that holds the left half alone its last position, where the
/// force vanishes.
double bottom_of_half(const WellSubject& subject, const std::optional<Certificate>& visited) {
  if (visited && visited->center) return *visited->center;
  const double last = subject.range.right;
  const bool ends_there = subject.is_table && subject.field->force(subject.theta, last) == 0;
  return ends_there ? last : bottom_of(subject);
}

double period_of(const Configuration& configuration, const WellSubject& subject) {
  if (configuration.analyzed_period) return *configuration.analyzed_period;
  const bool of_the_run = subject.run && subject.certificate.period > 0;
  return of_the_run ? subject.certificate.period : 2 * std::numbers::pi;
}

/// Where the left half begins unless that is asked for.
double usual_leftmost(const WellSubject& subject, const std::optional<Certificate>& visited) {
  if (!visited) return subject.range.left;
  require(visited->center && !visited->curve.empty(),
          "no orbit of {} moves in its well; say where the left half begins by --leftmost",
          subject.title);
  return *visited->center + visited->curve.back().left;
}

/// Even positions of the left half, increasing, without the bottom.
Vector left_half(double leftmost, double bottom, Index points) {
  require(leftmost < bottom,
          "--leftmost {:g} is not admissible; give a position left of the bottom of the well, {:g}",
          leftmost, bottom);
  return Vector::LinSpaced(points + 1, leftmost, bottom).head(points);
}

/// df/dx at one position.
double slope(const ForceField& field, ConstVectorRef theta, double x) {
  const auto at = field.linearisation(1);
  const Block position = Block::Constant(1, 1, x);
  Block value(1, 1);
  at->linearise(theta, position, value);
  at->jacobians(value);
  return value(0, 0);
}

/// The force as given left of the bottom, and as found right of it, where it need not be smooth.
ForceFieldPtr whole_force(const WellSubject& subject, double bottom, const RightHalf& right) {
  const Index count = right.position.size();
  Vector position(count + 1);
  Vector force(count + 1);
  position << bottom, right.position.reverse();
  force << 0, right.force.reverse();
  const ForceFieldPtr found = tabulated_force(position, force);
  const auto is_left = [=](double x) { return x < bottom; };
  return make_force(
      0,
      [=, given = subject.field, theta = subject.theta](double x, const auto&) {
        return is_left(x) ? given->force(theta, x) : found->force(Vector(), x);
      },
      [=, given = subject.field, theta = subject.theta](double x, const auto&) {
        return is_left(x) ? slope(*given, theta, x) : slope(*found, Vector(), x);
      },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

FoundWell whole_well(const Vector& left, const Vector& left_force, const RightHalf& right,
                     double bottom, double period) {
  FoundWell well;
  well.bottom = bottom;
  well.period = period;
  const Index count = 2 * left.size() + 1;
  for (Vector* values : {&well.position, &well.force, &well.potential}) values->resize(count);
  well.position << left, bottom, right.position.reverse();
  well.force << left_force, 0, right.force.reverse();
  well.potential << right.potential, 0, right.potential.reverse();
  return well;
}

void print_table(const std::vector<WellOrbit>& orbits, const ForceField& force, double bottom) {
  put("\n  {:<13} {:<14} {:<14} {:<14} {:<14} {}\n", "potential U", "x1", "x2", "f(x1)", "f(x2)",
      "T by quadrature");
  for (const WellOrbit& orbit : orbits) {
    const double x1 = bottom + orbit.left;
    const double x2 = bottom + orbit.right;
    put("  {:<13.6g} {:<14.9g} {:<14.9g} {:<14.9g} {:<14.9g} {:.13g}\n", orbit.energy, x1, x2,
        force.force(Vector(), x1), force.force(Vector(), x2), orbit.period);
  }
}

}  // namespace

int complete(const Configuration& given) {
  const WellSubject subject = well_subject(given);
  const std::optional<Certificate> visited = visited_by_run(subject);
  const double bottom = bottom_of_half(subject, visited);
  const double period = period_of(given, subject);
  const double leftmost = given.leftmost ? *given.leftmost : usual_leftmost(subject, visited);
  const Vector left = left_half(leftmost, bottom, given.points / 2);
  const RightHalf right =
      isochronous_completion(*subject.field, subject.theta, bottom, left, period);
  Output output = output_of(given);
  echo(given);

  Run run = theory_run(
      given, fmt::format("the left half of {} and the right half that makes it isochronous",
                         subject.title));
  run.period = period;
  const Vector left_force =
      subject.field->force(subject.theta, Block(left.transpose())).row(0).transpose();
  add_curves(run, whole_well(left, left_force, right, bottom, period));

  const ForceFieldPtr field = whole_force(subject, bottom, right);
  const double top = 0.999 * right.potential[0];
  const std::vector<double> energies = even_energies(0, top);
  const PotentialWell well(*field, Vector(), bottom, {left[0], right.position[0]}, top);
  std::vector<WellOrbit> orbits;
  for (const double energy : energies) orbits.push_back(well.orbit(energy));
  run.inversion.period_error =
      largest_period_error(orbits, std::vector<double>(orbits.size(), period));
  run.certificate =
      certify(*field, Vector(), bottom,
              Eigen::Map<const Vector>(energies.data(), static_cast<Index>(energies.size())),
              {.period = period, .loss = {}});
  write_theory(output, run);
  print_table(orbits, *field, bottom);
  return 0;
}

}  // namespace isochron::cli
