#include "cli/analysis_report.hpp"

#include <fmt/core.h>

#include "certificate_fields.hpp"
#include "cli/json.hpp"

namespace isochron::cli {

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

}  // namespace isochron::cli
