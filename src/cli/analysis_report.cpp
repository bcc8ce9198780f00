#include "cli/analysis_report.hpp"

#include <fmt/core.h>
#include <cmath>
#include <numbers>

#include "certificate_fields.hpp"
#include "cli/json.hpp"

namespace isochron::cli {
namespace {

Panel over_energy(const char* title, const char* y_label) {
  Panel panel;
  panel.title = title;
  panel.x_label = "energy E (1)";
  panel.y_label = y_label;
  return panel;
}

/// One number per orbit over another.
template <class X, class Y>
Curve curve(const Certificate& certificate, const char* label, Curve::Style style, const X& x,
            const Y& y) {
  Curve result;
  result.label = label;
  result.style = style;
  for (const WellOrbit& orbit : certificate.curve) {
    result.x.push_back(x(orbit));
    result.y.push_back(y(orbit));
  }
  return result;
}

double energy(const WellOrbit& orbit) { return orbit.energy; }

/// Deviations of any size in numbers that an axis can be read by: y over its power of ten, which
/// the label takes on.
void scale_to_label(Panel& panel) {
  Curve& only = panel.curves.front();
  double largest = 0;
  for (const double y : only.y) largest = std::max(largest, std::abs(y));
  const double power = largest > 0 ? std::floor(std::log10(largest)) : 0;
  if (power >= 0) return;
  for (double& y : only.y) y *= std::pow(10, -power);
  panel.y_label += fmt::format(" (10^{:.0f})", power);
}

Figure isochrony_figure(const Certificate& certificate) {
  const double omega = certificate.omega();
  const auto amplitude = [=](const WellOrbit& o) { return std::sqrt(2 * o.energy) / omega; };
  Panel period = over_energy("period", "T(E)/T_0 - 1");
  period.curves = {curve(certificate, "", Curve::Style::line, energy, [=](const WellOrbit& o) {
    return omega * o.period / (2 * std::numbers::pi) - 1;
  })};
  Panel width = over_energy("width over the isochronous width", "R - 1");
  width.curves = {curve(certificate, "", Curve::Style::line, energy,
                        [&](const WellOrbit& o) { return o.width() / (2 * amplitude(o)) - 1; })};
  for (Panel* deviation : {&period, &width}) scale_to_label(*deviation);
  Panel shear = over_energy("shear", "shear S (1)");
  shear.x_label = "amplitude A (1)";
  shear.curves = {curve(certificate, "", Curve::Style::line, amplitude,
                        [](const WellOrbit& o) { return o.shear(); })};
  return {{period, width, shear}};
}

/// A function of E on either side of the bottom, from left to right.
template <class Left, class Right>
Curve both_sides(const Certificate& certificate, const char* label, Curve::Style style,
                 const Left& left, const Right& right) {
  Curve inward = curve(certificate, label, style, left, energy);
  Curve result = inward;
  std::reverse_copy(inward.x.begin(), inward.x.end(), result.x.begin());
  std::reverse_copy(inward.y.begin(), inward.y.end(), result.y.begin());
  const Curve outward = curve(certificate, "", style, right, energy);
  result.x.insert(result.x.end(), outward.x.begin(), outward.x.end());
  result.y.insert(result.y.end(), outward.y.begin(), outward.y.end());
  return result;
}

Figure rearrangement_figure(const Certificate& certificate) {
  const double omega = certificate.omega();
  Panel panel;
  panel.title = "potential and its symmetric rearrangement";
  panel.x_label = "position x - x0 (1)";
  panel.y_label = "potential U (1)";
  const auto half_width = [](const WellOrbit& o) { return o.width() / 2; };
  Curve harmonic = both_sides(
      certificate, "harmonic", Curve::Style::dashed,
      [=](const WellOrbit& o) { return -std::sqrt(2 * o.energy) / omega; },
      [=](const WellOrbit& o) { return std::sqrt(2 * o.energy) / omega; });
  panel.curves = {
      both_sides(
          certificate, "potential", Curve::Style::line, [](const WellOrbit& o) { return o.left; },
          [](const WellOrbit& o) { return o.right; }),
      both_sides(
          certificate, "rearranged", Curve::Style::line,
          [=](const WellOrbit& o) { return -half_width(o); }, half_width),
      harmonic};
  return {{panel}};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> certificate_rows(const Certificate& certificate,
                                                                  bool periods_are_prescribed) {
  std::vector<std::pair<std::string, std::string>> rows = {
      {periods_are_prescribed ? "isochrony" : "verdict", name(certificate.verdict)},
      {"because", certificate.reason}};
  if (!certificate.center) return rows;
  rows.emplace_back("centre",
                    fmt::format("x0 = {:.6g}; energies {:.3g} .. {:.4g} above it, of {} orbits",
                                *certificate.center, certificate.lowest_energy,
                                certificate.highest_energy, certificate.trajectories));
  if (certificate.curve.empty()) return rows;
  const std::string periods =
      certificate.n > 0
          ? fmt::format("n = {} times in T = {:.6g}", certificate.n, certificate.period)
          : fmt::format("n undecided, T/T(E) = {:.4g}", certificate.median_multiple);
  rows.emplace_back(
      "periods", fmt::format("{}; |n T(E)/T - 1| max {:.1e}, mean {:.1e}, between {:.1e}", periods,
                             certificate.period_deviation_max, certificate.period_deviation_mean,
                             certificate.period_deviation_between));
  rows.emplace_back("width", fmt::format("|R - 1| max {:.1e}, mean {:.1e}; shear max |S|/A {:.2e}",
                                         certificate.width_deviation_max,
                                         certificate.width_deviation_mean, certificate.shear_max));
  return rows;
}

nlohmann::ordered_json certificate_json(const Certificate& certificate) {
  nlohmann::ordered_json json;
  json["verdict"] = name(certificate.verdict);
  json["reason"] = certificate.reason;
  const auto add = [&](const char* name, const char*, const char*, const auto& value) {
    add_number(json, name, value);
  };
  for_each_certificate_number(certificate, add);
  if (certificate.small_amplitude) for_each_coefficient(*certificate.small_amplitude, add);
  for (const auto& [x, stable] : certificate.equilibria) {
    json["equilibria"].push_back({{"position", x}, {"stable", stable}});
  }
  return json;
}

std::vector<std::pair<std::string, Figure>> certificate_figures(const Certificate& certificate) {
  if (certificate.curve.empty()) return {};
  return {{"isochrony", isochrony_figure(certificate)},
          {"rearrangement", rearrangement_figure(certificate)}};
}

}  // namespace isochron::cli
