#include "cli/well_subject.hpp"

#include <algorithm>
#include <cmath>

#include "cli/input_tables.hpp"
#include "cli/stored_run.hpp"
#include "cli/well_option.hpp"
#include "isochron/force_table.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

WellSubject stored_subject(const Configuration& configuration) {
  const std::string& file = configuration.files.front();
  require(!configuration.given("force"), "{} and --force {} name two forces; give one of them",
          file, configuration.analyzed_force);
  require(configuration.parameters.empty(),
          "--params is for an analytic --force; a network has none");
  require(!is_text_file(file),
          "{0} is not an HDF5 file; for a table of x, f: isochron {1} --force {0}", shown(file),
          name_of(configuration.verb));
  WellSubject subject;
  subject.run = read_model(file);
  const Run& run = *subject.run;
  subject.field = run.field();
  const Index dimension = subject.field->dimension();
  require(
      run.motion == Motion::newtonian && dimension == 1,
      "{} needs x'' = f(x) in one dimension; {} has {} dynamics with --dimension {}: use show or "
      "plot",
      name_of(configuration.verb), shown(file), name(run.motion), dimension);
  subject.theta = run.state.theta;
  subject.title = "the force of " + file;
  if (!run.config.empty()) static_cast<void>(configuration_of(run, file));  // must be of this run
  const double loss = run.force_data ? run.verification.of_trajectories : run.verification.loss;
  if (run.loss) {
    subject.certificate = certificate_options(
        *run.loss, run.period, std::isnan(loss) ? std::nullopt : std::optional(loss));
  }
  subject.certificate.visited = observed_positions(run.observations);
  subject.certificate.tolerance = run.verdict_tolerance;
  return subject;
}

WellSubject given_subject(const Configuration& configuration) {
  const std::string& name = configuration.analyzed_force;
  if (const auto well = well_or_file("force", name, configuration.parameters)) {
    const auto [left, right] = well->domain();
    return {well->force_field(),
            Vector(0),
            well->name(),
            std::nullopt,
            {std::max(-1.0, left / 2), std::min(1.0, right / 2)},
            false,
            {}};
  }
  require(configuration.parameters.empty(), "--params is for an analytic --force; {} is a file",
          name);
  const Eigen::MatrixXd pairs = read_forces(name, "the force");
  const Vector positions = pairs.row(0);
  return {tabulated_force(positions, pairs.row(1)),
          Vector(0),
          "the force of " + name,
          std::nullopt,
          {positions[0], positions[positions.size() - 1]},
          true,
          {}};
}

}  // namespace

WellSubject well_subject(const Configuration& configuration) {
  const bool in_file = !configuration.files.empty();
  require(in_file || configuration.given("force"),
          "{0} needs a force: give a results file, isochron {0} run.h5, or --force NAME",
          name_of(configuration.verb));
  return in_file ? stored_subject(configuration) : given_subject(configuration);
}

double bottom_of(const WellSubject& subject) {
  const auto [low, high] = subject.range;
  const auto center = nearest_bottom(*subject.field, subject.theta, low, high);
  require(center.has_value(),
          "{} has no well: the force has no stable equilibrium from x = {:.4g} to {:.4g}",
          subject.title, low, high);
  return *center;
}

std::vector<double> even_energies(double low, double high) {
  constexpr Index count = 12;
  std::vector<double> energies;
  for (Index k = 1; k <= count; ++k) {
    const double part =
        low > 0 ? static_cast<double>(k - 1) / (count - 1) : static_cast<double>(k) / count;
    const double root = std::sqrt(low) + part * (std::sqrt(high) - std::sqrt(low));
    energies.push_back(std::min(root * root, high));  // rounding must not leave the range
  }
  return energies;
}

}  // namespace isochron::cli
