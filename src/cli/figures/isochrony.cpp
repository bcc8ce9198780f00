#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/figures/kinds.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

/// One number per orbit over another.
template <class X, class Y>
Curve curve_of(const std::vector<WellOrbit>& orbits, const std::string& label, Curve::Style style,
               const X& x, const Y& y) {
  Curve result = make_curve(label, {}, {}, style);
  for (const WellOrbit& orbit : orbits) {
    result.x.push_back(x(orbit));
    result.y.push_back(y(orbit));
  }
  return result;
}

/// Some of the orbits of the initial states that the well holds, by quadrature.
std::vector<WellOrbit> sampled_orbits(const ShownRun& shown) {
  constexpr Index most = 200;
  const std::optional<Vector> energy = shown.energies(shown.run.ensemble.initial_states);
  const auto well = energy ? shown.well(energy->maxCoeff() * (1 + 1e-9)) : std::nullopt;
  std::vector<WellOrbit> orbits;
  if (!well) return orbits;
  for (const Index i : spread(energy->size(), most)) {
    try {
      orbits.push_back(well->orbit((*energy)[i]));
    } catch (const Error&) {  // not in this well
    }
  }
  return orbits;
}

/// The numbers that say how isochronous an orbit is.
struct Deviations {
  double omega;

  [[nodiscard]] double amplitude(const WellOrbit& o) const {
    return std::sqrt(2 * o.energy) / omega;
  }
  [[nodiscard]] double period(const WellOrbit& o) const {
    return std::abs(omega * o.period / (2 * std::numbers::pi) - 1);
  }
  [[nodiscard]] double width(const WellOrbit& o) const {
    return std::abs(o.width() / (2 * amplitude(o)) - 1);
  }
  [[nodiscard]] double shear(const WellOrbit& o) const {
    return std::abs(o.shear()) / amplitude(o);
  }
};

/// A deviation of all orbits and of those that trained, beside the tolerance of the verdict.
template <class Y>
Panel deviation_panel(const Certificate& certificate, const std::vector<WellOrbit>& samples,
                      const char* y_label, const Y& y) {
  const auto energy = [](const WellOrbit& orbit) { return orbit.energy; };
  Panel panel;
  panel.x_label = "energy E";
  panel.y_label = y_label;
  panel.log_y = true;
  panel.curves = {curve_of(certificate.curve, "all energies", Curve::Style::line, energy, y)};
  if (!samples.empty()) {
    panel.curves.push_back(curve_of(samples, "initial states", Curve::Style::points, energy, y));
  }
  Curve tolerance = level("tolerance", certificate.tolerance, panel);
  tolerance.hue = 6;
  panel.curves.push_back(std::move(tolerance));
  return panel;
}

Figure isochrony_figure(const ShownRun& shown) {
  const Certificate& certificate = *shown.run.certificate;
  const Deviations of{certificate.omega()};
  const std::vector<WellOrbit> samples = sampled_orbits(shown);
  const auto panel = [&](const char* label, const auto& y) {
    return deviation_panel(certificate, samples, label, y);
  };
  Panel shear;
  shear.x_label = "amplitude A";
  shear.y_label = "shear S";
  shear.curves = {curve_of(
      certificate.curve, "", Curve::Style::line,
      [&](const WellOrbit& o) { return of.amplitude(o); },
      [](const WellOrbit& o) { return o.shear(); })};
  Figure figure{{panel("|T(E)/T₀ − 1|", [&](const WellOrbit& o) { return of.period(o); }),
                 panel("|R − 1|", [&](const WellOrbit& o) { return of.width(o); })}};
  const bool is_sheared = std::any_of(certificate.curve.begin(), certificate.curve.end(),
                                      [](const WellOrbit& o) { return o.shear() != 0; });
  if (is_sheared) {
    figure.panels.push_back(panel("|S|/A", [&](const WellOrbit& o) { return of.shear(o); }));
    figure.panels.push_back(shear);
  }
  figure.panel_width = 300;
  figure.panel_height = 220;
  const std::string period = certificate.n > 0 ? fmt::format("T₀ = T/n, n = {}", certificate.n)
                                               : std::string("T₀ is T(E) at the median energy");
  const std::string middle = is_sheared
                                 ? "S is the middle between the turning points, from"
                                 : "at all energies the middle between the turning points is";
  say_below(figure,
            fmt::format("Verdict: {}. {}; ω = 2π/T₀; A = √(2E)/ω; R is the width of the well at "
                        "the energy E over 2A, that of an isochronous well; {} x₀ = {:.4g}.",
                        name(certificate.verdict), period, middle, certificate.center.value_or(0)));
  return figure;
}

/// Energies from the bottom up, even in the amplitude, and 0 where the curve is known down to it.
struct TurningPoints {
  std::vector<double> energy;
  std::vector<double> left;
  std::vector<double> right;

  void add(double e, double x1, double x2) {
    energy.push_back(e);
    left.push_back(x1);
    right.push_back(x2);
  }
};

TurningPoints turning_points(const ShownRun& shown) {
  constexpr int steps = 200;
  const Certificate& certificate = *shown.run.certificate;
  const double highest = certificate.curve.back().energy;
  TurningPoints points;
  if (const auto well = shown.well(highest * (1 + 1e-9))) {
    try {
      points.add(0, 0, 0);
      for (int k = 1; k <= steps; ++k) {
        const double part = static_cast<double>(k) / steps;
        const double energy = highest * part * part;
        const Interval x = well->turning_points(energy);
        points.add(energy, x.left - well->bottom(), x.right - well->bottom());
      }
      return points;
    } catch (const Error&) {
      points = {};
    }
  }
  points.add(gap, gap, gap);  // below the lowest orbit nothing is known
  for (const WellOrbit& o : certificate.curve) points.add(o.energy, o.left, o.right);
  return points;
}

/// A function of E on either side of the bottom, from left to right.
Curve both_sides(const std::string& label, const std::vector<double>& left,
                 const std::vector<double>& right, const std::vector<double>& energy) {
  Curve curve = make_curve(label, {left.rbegin(), left.rend()}, {energy.rbegin(), energy.rend()});
  curve.x.insert(curve.x.end(), right.begin(), right.end());
  curve.y.insert(curve.y.end(), energy.begin(), energy.end());
  return curve;
}

Figure rearrangement_figure(const ShownRun& shown) {
  const Certificate& certificate = *shown.run.certificate;
  const double omega = certificate.omega();
  const TurningPoints points = turning_points(shown);
  const std::vector<double>& energy = points.energy;
  std::vector<double> half_left, half_right;
  for (std::size_t i = 0; i < energy.size(); ++i) {
    half_right.push_back((points.right[i] - points.left[i]) / 2);
    half_left.push_back(-half_right.back());
  }
  Panel panel;
  panel.x_label = "position x − x₀";
  panel.y_label = "potential U";
  panel.curves = {both_sides("potential", points.left, points.right, energy),
                  both_sides("rearranged", half_left, half_right, energy)};
  constexpr Index samples = 201;
  const double reach = std::sqrt(2 * certificate.curve.back().energy) / omega;
  const Vector x = Vector::LinSpaced(samples, -reach, reach);
  panel.curves.push_back(make_curve(
      "isochronous", column(x), column(omega * omega * x.cwiseAbs2() / 2), Curve::Style::dashed));
  return {
      {panel},
      "Rearranged: symmetric about x₀, of the same width at every energy. A well is isochronous "
      "where that is the parabola."};
}

}  // namespace

Figures certificate_figures(const ShownRun& shown) {
  if (!shown.run.certificate || shown.run.certificate->curve.empty()) return {};
  return {{"isochrony", isochrony_figure(shown)}, {"rearrangement", rearrangement_figure(shown)}};
}

}  // namespace isochron::cli
