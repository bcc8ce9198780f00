#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/analysis_report.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "cli/well_subject.hpp"
#include "floating_point.hpp"
#include "isochron/return_time.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

WellSubject read_subject(const Configuration& configuration) {
  WellSubject subject = well_subject(configuration);
  if (configuration.analyzed_period) subject.certificate.period = *configuration.analyzed_period;
  const bool of_the_run = subject.run && !configuration.given("verdict-tolerance");
  if (!of_the_run) subject.certificate.tolerance = configuration.verdict_tolerance;
  return subject;
}

struct Analysis {
  Certificate certificate;
  std::vector<WellOrbit> orbits;
};

/// Of a stored force: at energies that its training visited.
Analysis analyze_run(const WellSubject& subject, std::vector<double> energies) {
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
Analysis analyze_given(const WellSubject& subject, std::vector<double> energies) {
  constexpr double default_top = 2;
  const double wanted =
      energies.empty() ? default_top : *std::max_element(energies.begin(), energies.end());
  const double center = bottom_of(subject);
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

void print_table(const WellSubject& subject, const Analysis& analysis) {
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

void print_json(const WellSubject& subject, const Analysis& analysis) {
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
bool verify(const WellSubject& subject, const Analysis& analysis) {
  constexpr double allowed = 1e-8;
  constexpr double least_atol = 1e-15;
  constexpr double least_width = 10 * least_atol / allowed;  // smaller orbits are lost in atol
  IntegratorOptions integrator;
  integrator.rtol = 1e-13;
  const Dynamics dynamics(subject.field, Motion::newtonian);
  double worst = 0;
  std::size_t too_small = 0;
  std::size_t verified = 0;
  Meter meter(false);
  meter.begin("return times by CVODES");
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
    meter.report(static_cast<double>(++verified) / static_cast<double>(analysis.orbits.size()));
  }
  meter.end();
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
  WellSubject subject = read_subject(given);
  std::optional<Output> output;
  if (given.store) {
    require(
        subject.run.has_value(),
        "--store needs a results file to put the verdict into: isochron analyze run.h5 --store");
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
