#include "hdf5/analysis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "certificate_fields.hpp"
#include "hdf5/schema.hpp"
#include "sentence.hpp"

namespace isochron::hdf5 {
namespace {

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

/// One number of each orbit.
template <class F>
void write_over_orbits(const OutputGroup& group, const Certificate& certificate, const char* axis,
                       const char* name, const char* label, const F& value) {
  std::vector<double> values;
  for (const WellOrbit& orbit : certificate.curve) values.push_back(value(orbit));
  describe(write_column(group, name, values, axis), label, "1");
}

void write_orbits(const OutputGroup& analysis, const Certificate& certificate) {
  const double omega = certificate.omega();
  const auto write = [&](const OutputGroup& group, const char* axis, const char* name,
                         const char* label, const auto& value) {
    write_over_orbits(group, certificate, axis, name, label, value);
  };
  const auto amplitude = [&](const WellOrbit& o) { return std::sqrt(2 * o.energy) / omega; };
  const auto energy = [](const WellOrbit& o) { return o.energy; };

  // Deviations are what is drawn: periods of isochronous orbits differ in digits that no axis
  // shows.
  const OutputGroup period =
      write_plot(analysis, "period",
                 {"Period less that of the isochronous well", "deviation", {"energy"}, {}});
  for (const auto& [name, label, value] : orbit_columns) {
    write(period, "energy", name, label, [v = value](const WellOrbit& o) { return o.*v; });
  }
  const double isochronous = 2 * std::numbers::pi / omega;
  write(period, "energy", "deviation", "T(E) - T/n",
        [&](const WellOrbit& o) { return o.period - isochronous; });
  write(period, "energy", "deviation_errors", "error of T(E)",
        [](const WellOrbit& o) { return o.period_error; });

  const OutputGroup width =
      write_plot(analysis, "width", {"Width of the well", "width", {"energy"}, {"isochronous"}});
  write(width, "energy", "energy", "energy E", energy);
  write(width, "energy", "width", "width x2 - x1", [](const WellOrbit& o) { return o.width(); });
  write(width, "energy", "isochronous", "isochronous: 2 sqrt(2 E)/omega",
        [&](const WellOrbit& o) { return 2 * amplitude(o); });

  const OutputGroup ratio =
      write_plot(analysis, "width_ratio",
                 {"Width over the isochronous width, less 1", "deviation", {"energy"}, {}});
  write(ratio, "energy", "energy", "energy E", energy);
  write(ratio, "energy", "width_ratio", "R = omega (x2 - x1)/(2 sqrt(2 E))",
        [&](const WellOrbit& o) { return o.width() / (2 * amplitude(o)); });
  write(ratio, "energy", "deviation", "R - 1",
        [&](const WellOrbit& o) { return o.width() / (2 * amplitude(o)) - 1; });

  const OutputGroup shear =
      write_plot(analysis, "shear", {"Shear of the well", "shear", {"amplitude"}, {}});
  write(shear, "amplitude", "amplitude", "amplitude A = sqrt(2 E)/omega", amplitude);
  write(shear, "amplitude", "shear", "shear S = (x1 + x2)/2 - x0",
        [](const WellOrbit& o) { return o.shear(); });

  const OutputGroup rearranged =
      write_plot(analysis, "rearrangement",
                 {"Potential, symmetrically rearranged", "potential", {"position"}, {"harmonic"}});
  write(rearranged, "position", "position", "half the width (x2 - x1)/2",
        [](const WellOrbit& o) { return o.width() / 2; });
  write(rearranged, "position", "potential", "potential U", energy);
  write(rearranged, "position", "harmonic", "harmonic potential omega^2 x^2/2",
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
  describe(write_axis(group, "position", positions), "equilibrium position x", "1");
  describe(write_column(group, "stable", stable, "position"), "whether it is stable", "1");
}

void read_equilibria(const InputGroup& analysis, std::vector<Equilibrium>& equilibria) {
  if (!analysis.contains("equilibria")) return;
  const InputGroup group = analysis.group("equilibria");
  const auto positions = read_column<std::vector<double>>(group, "position", domain::finite);
  const auto stable = read_column<std::vector<long>>(group, "stable", domain::flag);
  require(stable.size() == positions.size(), "{} has columns of different lengths",
          group.location().text());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    equilibria.push_back({positions[i], stable[i] != 0});
  }
}

void read_curve(const InputGroup& group, std::vector<WellOrbit>& curve) {
  for (const auto& [name, label, value] : orbit_columns) {
    const auto column = read_column<std::vector<double>>(group, name, domain::anything);
    if (curve.empty()) curve.resize(column.size());
    require(column.size() == curve.size(), "{} has columns of different lengths",
            group.location().text());
    for (std::size_t i = 0; i < column.size(); ++i) curve[i].*value = column[i];
  }
}

}  // namespace

void write_analysis(const OutputGroup& entry, const Certificate& certificate) {
  const OutputGroup group = write_group(entry, "analysis", "NXcollection");
  if (!certificate.curve.empty()) group.attribute("default", "period");
  group.text("verdict", name(certificate.verdict));
  group.text("reason", certificate.reason);
  for_each_certificate_number(certificate, NumberWriter(group));
  if (const auto& bottom = certificate.small_amplitude) {
    for_each_coefficient(*bottom, NumberWriter(group));
  }
  write_equilibria(group, certificate.equilibria);
  if (!certificate.curve.empty()) write_orbits(group, certificate);
}

std::optional<Certificate> read_analysis(const InputGroup& entry) {
  if (!entry.contains("analysis")) return std::nullopt;
  const InputGroup group = entry.group("analysis");
  Certificate certificate;
  certificate.verdict = read_choice<Isochrony>(group, "verdict");
  certificate.reason = read_text(group, "reason");
  for_each_certificate_number(certificate, NumberReader(group));
  if (group.contains("u2")) {
    for_each_coefficient(certificate.small_amplitude.emplace(), NumberReader(group));
  }
  read_equilibria(group, certificate.equilibria);
  if (group.contains("period")) read_curve(group.group("period"), certificate.curve);
  return certificate;
}

}  // namespace isochron::hdf5
