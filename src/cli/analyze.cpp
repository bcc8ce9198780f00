#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/analysis_report.hpp"
#include "cli/input_tables.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "cli/stored_run.hpp"
#include "cli/verbs.hpp"
#include "cli/well_option.hpp"
#include "isochron/force_table.hpp"
#include "isochron/return_time.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// A force with one well to look at, and what is known of it.
struct Subject {
  ForceFieldPtr field;
  Vector theta;
  std::string title;
  std::optional<Run> run;
  Interval range{-1, 1};  ///< where its stable equilibrium is looked for
  CertificateOptions certificate;
};

Subject stored_subject(const Configuration& configuration) {
  const std::string& file = configuration.files.front();
  require(!configuration.given("force"), "{} and --force {} name two forces; give one of them",
          file, configuration.analyzed_force);
  require(configuration.parameters.empty(),
          "--params is for an analytic --force; a network has none");
  Subject subject;
  subject.run = read_model(file);
  const Run& run = *subject.run;
  subject.field = run.field();
  const Index dimension = subject.field->dimension();
  require(run.motion == Motion::newtonian && dimension == 1,
          "analyze needs x'' = f(x) in one dimension; {} has {} dynamics with --dimension {}: use "
          "show or plot",
          shown(file), name(run.motion), dimension);
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

Subject given_subject(const Configuration& configuration) {
  const std::string& name = configuration.analyzed_force;
  if (const auto well = well_or_file("force", name, configuration.parameters)) {
    const auto [left, right] = well->domain();
    return {well->force_field(),
            Vector(0),
            well->name(),
            std::nullopt,
            {std::max(-1.0, left / 2), std::min(1.0, right / 2)},
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
          {}};
}

Subject read_subject(const Configuration& configuration) {
  const bool in_file = !configuration.files.empty();
  require(in_file || configuration.given("force"),
          "analyze needs a force: give a results file or --force NAME");
  Subject subject = in_file ? stored_subject(configuration) : given_subject(configuration);
  if (configuration.analyzed_period) subject.certificate.period = *configuration.analyzed_period;
  const bool of_the_run = subject.run && !configuration.given("verdict-tolerance");
  if (!of_the_run) subject.certificate.tolerance = configuration.verdict_tolerance;
  return subject;
}

constexpr Index default_energies = 12;

/// Even steps in the amplitude sqrt(E), from `low` (left out when 0) to `high`.
std::vector<double> even_energies(double low, double high) {
  std::vector<double> energies;
  for (Index k = 1; k <= default_energies; ++k) {
    const double part = low > 0 ? static_cast<double>(k - 1) / (default_energies - 1)
                                : static_cast<double>(k) / default_energies;
    const double root = std::sqrt(low) + part * (std::sqrt(high) - std::sqrt(low));
    energies.push_back(std::min(root * root, high));  // rounding must not leave the range
  }
  return energies;
}

struct Analysis {
  Certificate certificate;
  std::vector<WellOrbit> orbits;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

double center_of(const Subject& subject) {
  const auto [low, high] = subject.range;
  const auto center = nearest_bottom(*subject.field, subject.theta, low, high);
  require(center.has_value(),
          "{} has no well: the force has no stable equilibrium from x = {:.4g} to {:.4g}",
          subject.title, low, high);
  return *center;
}

/// Of a stored force: at energies that its training visited.
Analysis analyze_run(const Subject& subject, std::vector<double> energies) {
  Analysis analysis;
  analysis.certificate = certify(*subject.field, subject.theta,
                                 subject.run->ensemble.initial_states, subject.certificate);
  const Certificate& found = analysis.certificate;
  if (!found.center || found.highest_energy <= 0) return analysis;  // no orbit moves in the well
  const PotentialWell well(*subject.field, subject.theta, *found.center, {-infinity, infinity},
                           found.highest_energy * (1 + 1e-9));
  const double top = std::min(found.highest_energy, 0.999 * well.energy_limit());
  if (energies.empty()) {
    energies = even_energies(std::clamp(found.lowest_energy, 0.0, top / 2), top);
  }
  for (const double energy : energies) {
    require(energy <= found.highest_energy,
            "--energies {:.6g} is not admissible; give energies up to {:.6g}, the highest that the "
            "training visited: beyond, the force is an extrapolation",
            energy, found.highest_energy);
    analysis.orbits.push_back(well.orbit(energy));
  }
  return analysis;
}

/// Of a given force.
Analysis analyze_given(const Subject& subject, std::vector<double> energies) {
  constexpr double default_top = 2;
  const double wanted =
      energies.empty() ? default_top : *std::max_element(energies.begin(), energies.end());
  const double center = center_of(subject);
  const PotentialWell well(*subject.field, subject.theta, center, {-infinity, infinity},
                           wanted * (1 + 1e-9));
  if (energies.empty()) {
    energies = even_energies(0, std::min(wanted, 0.9 * well.energy_limit()));
  }
  Analysis analysis;
  for (const double energy : energies) analysis.orbits.push_back(well.orbit(energy));
  analysis.certificate =
      certify(*subject.field, subject.theta, center,
              Eigen::Map<const Vector>(energies.data(), static_cast<Index>(energies.size())),
              subject.certificate);
  return analysis;
}

// ----------------------------------------------------------------------------------------- output

void print_csv(const std::vector<WellOrbit>& orbits) {
  put("energy,x1,x2,period,width,shear\n");
  for (const WellOrbit& orbit : orbits) {
    put("{:.17g},{:.17g},{:.17g},{:.17g},{:.17g},{:.17g}\n", orbit.energy, orbit.left, orbit.right,
        orbit.period, orbit.width(), orbit.shear());
  }
}

void print_table(const Subject& subject, const Analysis& analysis) {
  put("{}\n", subject.title);
  const bool by_law = subject.run && subject.run->prescribes_periods();
  for (const auto& [name, value] : certificate_rows(analysis.certificate, by_law)) {
    put("  {:<10} {}\n", name, value);
  }
  if (const auto& bottom = analysis.certificate.small_amplitude) {
    put("  {:<10} U'' = {:.8g}, U''' = {:.6g}, U'''' = {:.6g}, T(E)/T(0) = 1 {:+.4g} E + ..\n",
        "bottom", bottom->u2, bottom->u3, bottom->u4, bottom->period_slope());
  }
  if (analysis.orbits.empty()) return;
  put("\n  {:<13} {:<14} {:<14} {:<18} {:<14} {:<13} {}\n", "energy E", "x1 - x0", "x2 - x0",
      "period T(E)", "width", "shear", "error of T");
  for (const WellOrbit& orbit : analysis.orbits) {
    put("  {:<13.6g} {:<14.9g} {:<14.9g} {:<18.13g} {:<14.9g} {:<13.5e} {:.0e}\n", orbit.energy,
        orbit.left, orbit.right, orbit.period, orbit.width(), orbit.shear(), orbit.period_error);
  }
}

void print_json(const Subject& subject, const Analysis& analysis) {
  nlohmann::ordered_json json;
  json["force"] = subject.title;
  json["analysis"] = certificate_json(analysis.certificate);
  json["orbits"] = nlohmann::ordered_json::array();
  for (const WellOrbit& orbit : analysis.orbits) {
    json["orbits"].push_back({{"energy", orbit.energy},
                              {"x1", orbit.left},
                              {"x2", orbit.right},
                              {"period", orbit.period},
                              {"period_error", orbit.period_error},
                              {"width", orbit.width()},
                              {"shear", orbit.shear()}});
  }
  std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

/// The return time by CVODES against T(E). False when they disagree.
bool verify(const Subject& subject, const Analysis& analysis) {
  constexpr double allowed = 1e-8;
  constexpr double least_atol = 1e-15;
  constexpr double least_width = 10 * least_atol / allowed;  // smaller orbits are lost in atol
  IntegratorOptions integrator;
  integrator.rtol = 1e-13;
  const Dynamics dynamics(subject.field, Motion::newtonian);
  double worst = 0;
  std::size_t too_small = 0;
  for (const WellOrbit& orbit : analysis.orbits) {
    if (orbit.width() < least_width) {
      ++too_small;
      continue;
    }
    integrator.atol = std::clamp(integrator.rtol * orbit.width(), least_atol, integrator.rtol);
    const double back =
        return_time(dynamics, subject.theta, *analysis.certificate.center + orbit.right,
                    3 * orbit.period, integrator);
    worst = std::max(worst, std::abs(back / orbit.period - 1));
  }
  if (too_small > 0) {
    say("isochron: {} of {} orbits are narrower than {:.0e}, too small for CVODES, and not "
        "verified\n",
        too_small, analysis.orbits.size(), least_width);
  }
  if (too_small == analysis.orbits.size()) return true;
  say("isochron: return times by CVODES (adams at rtol 1e-13, event v = 0) {}: they differ from "
      "T(E) by {:.1e}, allowed is {:.0e}\n",
      worst <= allowed ? "agree" : "DISAGREE", worst, allowed);
  return worst <= allowed;
}

}  // namespace

int analyze(const Configuration& given) {
  Subject subject = read_subject(given);
  std::optional<Output> output;
  if (given.store) {
    require(subject.run.has_value(), "--store needs a results file to put the verdict into");
    output = Output::into(given.files.front());
    subject = read_subject(given);  // again, now that nobody else writes it
  }
  const std::vector<double> energies = given.energies.value_or(std::vector<double>());
  const Analysis analysis =
      subject.run ? analyze_run(subject, energies) : analyze_given(subject, energies);
  switch (given.analysis_format) {
    case AnalysisFormat::table: print_table(subject, analysis); break;
    case AnalysisFormat::csv: print_csv(analysis.orbits); break;
    case AnalysisFormat::json: print_json(subject, analysis); break;
  }
  if (output) {
    subject.run->absent.erase("analysis");
    subject.run->certificate = analysis.certificate;
    output->save(results_image(output->path(), *subject.run, output->former()));
  }
  return given.verify && !verify(subject, analysis) ? 1 : 0;
}

}  // namespace isochron::cli
