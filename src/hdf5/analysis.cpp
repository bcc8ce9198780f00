#include "hdf5/analysis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "hdf5/schema.hpp"
#include "isochron/error.hpp"

namespace isochron::hdf5 {
namespace {

constexpr std::array<const char*, 3> coefficients = {"u2", "u3", "u4"};

struct OrbitColumn {
  const char* name;
  const char* label;
  double WellOrbit::*value;
};

/// What a reader needs of `curve`.
constexpr std::array<OrbitColumn, 6> orbit_columns = {
    {{"energy", "energy E", &WellOrbit::energy},
     {"left", "left turning point x1 - x0", &WellOrbit::left},
     {"right", "right turning point x2 - x0", &WellOrbit::right},
     {"period", "period T(E)", &WellOrbit::period},
     {"period_errors", "error of T(E)", &WellOrbit::period_error},
     {"mean_g", "g(U) = x'(U) sqrt(U), mean of both branches", &WellOrbit::mean_g}}};

constexpr std::array<Isochrony, 7> verdicts = {Isochrony::harmonic,        Isochrony::sheared,
                                               Isochrony::at_samples_only, Isochrony::several_wells,
                                               Isochrony::not_isochronous, Isochrony::not_converged,
                                               Isochrony::undecided};

void write_number(const OutputGroup& group, const char* name, const char* label, double value) {
  describe(group.numbers(name, &value, {}), label, "1");
}

void write_count(const OutputGroup& group, const char* name, const char* label, long value) {
  describe(group.numbers(name, &value, {}), label, "1");
}

/// One number of each orbit.
template <class F>
void write_over_orbits(const OutputGroup& group, const Certificate& certificate, const char* name,
                       const char* label, const F& value) {
  std::vector<double> values;
  for (const WellOrbit& orbit : certificate.curve) values.push_back(value(orbit));
  describe(write_column(group, name, values), label, "1");
}

void write_orbits(const OutputGroup& analysis, const Certificate& certificate) {
  const double omega = certificate.omega();
  const auto write = [&](const OutputGroup& group, const char* name, const char* label,
                         const auto& value) {
    write_over_orbits(group, certificate, name, label, value);
  };
  const auto amplitude = [&](const WellOrbit& o) { return std::sqrt(2 * o.energy) / omega; };
  const auto energy = [](const WellOrbit& o) { return o.energy; };

  const OutputGroup period =
      write_plot(analysis, "period", {"Period", "period", {"energy"}, {"isochronous"}});
  for (const auto& [name, label, value] : orbit_columns) {
    write(period, name, label, [v = value](const WellOrbit& o) { return o.*v; });
  }
  write(period, "isochronous", "isochronous: T/n",
        [&](const WellOrbit&) { return 2 * std::numbers::pi / omega; });

  const OutputGroup width =
      write_plot(analysis, "width", {"Width of the well", "width", {"energy"}, {"isochronous"}});
  write(width, "energy", "energy E", energy);
  write(width, "width", "width x2 - x1", [](const WellOrbit& o) { return o.width(); });
  write(width, "isochronous", "isochronous: 2 sqrt(2 E)/omega",
        [&](const WellOrbit& o) { return 2 * amplitude(o); });

  const OutputGroup ratio = write_plot(
      analysis, "width_ratio", {"Width over the isochronous width", "width_ratio", {"energy"}, {}});
  write(ratio, "energy", "energy E", energy);
  write(ratio, "width_ratio", "R = omega (x2 - x1)/(2 sqrt(2 E))",
        [&](const WellOrbit& o) { return o.width() / (2 * amplitude(o)); });

  const OutputGroup shear =
      write_plot(analysis, "shear", {"Shear of the well", "shear", {"amplitude"}, {}});
  write(shear, "amplitude", "amplitude A = sqrt(2 E)/omega", amplitude);
  write(shear, "shear", "shear S = (x1 + x2)/2 - x0", [](const WellOrbit& o) { return o.shear(); });

  const OutputGroup rearranged =
      write_plot(analysis, "rearrangement",
                 {"Potential, symmetrically rearranged", "potential", {"position"}, {"harmonic"}});
  write(rearranged, "position", "half the width (x2 - x1)/2",
        [](const WellOrbit& o) { return o.width() / 2; });
  write(rearranged, "potential", "potential U", energy);
  write(rearranged, "harmonic", "harmonic potential omega^2 x^2/2",
        [&](const WellOrbit& o) { return std::pow(omega * o.width() / 2, 2) / 2; });
}

void write_equilibria(const OutputGroup& analysis, const std::vector<Equilibrium>& equilibria) {
  if (equilibria.empty()) return;
  const OutputGroup group = write_group(analysis, "equilibria", "NXcollection");
  std::vector<double> positions;
  std::vector<long> stable;
  for (const Equilibrium& equilibrium : equilibria) {
    positions.push_back(equilibrium.position);
    stable.push_back(equilibrium.stable ? 1 : 0);
  }
  describe(write_column(group, "position", positions), "equilibrium position x", "1");
  describe(write_column(group, "stable", stable), "whether it is stable", "1");
}

void read_equilibria(const InputGroup& analysis, std::vector<Equilibrium>& equilibria) {
  if (!analysis.contains("equilibria")) return;
  const InputGroup group = analysis.group("equilibria");
  const auto positions = read_column<std::vector<double>>(group, "position", domain::finite);
  const auto stable = read_column<std::vector<long>>(group, "stable", domain::flag);
  if (stable.size() != positions.size()) {
    throw InputError(group.location().text() + " has columns of different lengths");
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    equilibria.push_back({positions[i], stable[i] != 0});
  }
}

void read_curve(const InputGroup& group, std::vector<WellOrbit>& curve) {
  for (const auto& [name, label, value] : orbit_columns) {
    const auto column = read_column<std::vector<double>>(group, name, domain::anything);
    if (curve.empty()) curve.resize(column.size());
    if (column.size() != curve.size()) {
      throw InputError(group.location().text() + " has columns of different lengths");
    }
    for (std::size_t i = 0; i < column.size(); ++i) curve[i].*value = column[i];
  }
}

Isochrony read_verdict(const InputGroup& group) {
  const std::string text = read_text(group, "verdict");
  const auto found = std::find_if(verdicts.begin(), verdicts.end(),
                                  [&](Isochrony verdict) { return name(verdict) == text; });
  if (found == verdicts.end()) {
    throw InputError(group.location().child("verdict").text() + " is '" + text +
                     "', which this version of isochron does not know");
  }
  return *found;
}

}  // namespace

void write_analysis(const OutputGroup& entry, const Certificate& certificate) {
  const OutputGroup group = write_group(entry, "analysis", "NXcollection");
  if (!certificate.curve.empty()) group.attribute("default", "period");
  group.text("verdict", name(certificate.verdict));
  group.text("reason", certificate.reason);
  write_count(group, "n", "periods in T (0: undecided)", certificate.n);
  write_count(group, "trajectories", "trajectories", certificate.trajectories);
  write_count(group, "escaping", "trajectories that the well does not hold", certificate.escaping);
  if (certificate.center) {
    write_number(group, "x0", "centre x0, the bottom of the well", *certificate.center);
  }
  for (const auto& [name, label, value] : certificate_numbers) {
    if (std::isfinite(certificate.*value)) {
      write_number(group, name, label, certificate.*value);
    }
  }
  if (const auto& bottom = certificate.small_amplitude) {
    write_number(group, coefficients[0], "U''(x0)", bottom->u2);
    write_number(group, coefficients[1], "U'''(x0)", bottom->u3);
    write_number(group, coefficients[2], "U''''(x0)", bottom->u4);
  }
  write_equilibria(group, certificate.equilibria);
  if (!certificate.curve.empty()) write_orbits(group, certificate);
}

std::optional<Certificate> read_analysis(const InputGroup& entry) {
  if (!entry.contains("analysis")) return std::nullopt;
  const InputGroup group = entry.group("analysis");
  Certificate certificate;
  certificate.verdict = read_verdict(group);
  certificate.reason = read_text(group, "reason");
  certificate.n = static_cast<int>(read_number<long>(group, "n", domain::small_count));
  certificate.trajectories = read_number<long>(group, "trajectories", domain::count);
  certificate.escaping = read_number<long>(group, "escaping", domain::count);
  if (group.contains("x0")) certificate.center = read_number<double>(group, "x0", domain::finite);
  for (const auto& [name, label, value] : certificate_numbers) {
    certificate.*value = group.contains(name) ? read_number<double>(group, name, domain::anything)
                                              : std::numeric_limits<double>::quiet_NaN();
  }
  if (group.contains(coefficients[0])) {
    certificate.small_amplitude = {read_number<double>(group, coefficients[0], domain::anything),
                                   read_number<double>(group, coefficients[1], domain::anything),
                                   read_number<double>(group, coefficients[2], domain::anything)};
  }
  read_equilibria(group, certificate.equilibria);
  if (group.contains("period")) read_curve(group.group("period"), certificate.curve);
  return certificate;
}

}  // namespace isochron::hdf5
