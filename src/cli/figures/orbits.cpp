#include <fmt/core.h>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// Released at rest from rising amplitudes: x'' = f(x) in one dimension.
Figure fan_figure(const OrbitFan& fan) {
  constexpr Index orbits = 4;
  Panel panel;
  panel.x_label = "time t";
  panel.y_label = "position x";
  const Index count = fan.x.rows();
  for (Index i = 1; i <= std::min(orbits, count); ++i) {
    const Index m = i * count / std::min(orbits, count) - 1;
    panel.curves.push_back(make_curve(fmt::format("from x = {:.3g}", fan.x(m, 0)), column(fan.time),
                                      column(fan.x.row(m).transpose())));
  }
  return {{panel}, "Orbits that are released at rest."};
}

/// Some of the orbits of portraits, whose samples are even in time: a panel per coordinate.
Figure sampled_figure(const ShownRun& shown) {
  constexpr Index orbits = 3;
  constexpr std::size_t most_panels = 4;
  const std::vector<PhasePortrait>& portraits = shown.run.phase_portrait;
  const bool newtonian = shown.run.motion == Motion::newtonian;
  const auto samples = static_cast<std::size_t>(portraits.front().samples);
  const std::vector<double> time = column(Vector::LinSpaced(static_cast<Index>(samples), 0, 1));
  Figure figure;
  const auto add_panel = [&](const std::vector<double>& values, const std::string& label) {
    Panel panel;
    panel.x_label = "time t/T";
    panel.y_label = label;
    for (const Index i : spread(portraits.front().orbits(), orbits)) {
      const auto first =
          values.begin() + static_cast<std::ptrdiff_t>(i) * static_cast<std::ptrdiff_t>(samples);
      panel.curves.push_back(make_curve(fmt::format("orbit {}", i), time,
                                        {first, first + static_cast<std::ptrdiff_t>(samples)}));
    }
    figure.panels.push_back(std::move(panel));
  };
  if (!newtonian) {
    add_panel(portraits.front().x, "component y₁");
    add_panel(portraits.front().v, "component y₂");
  }
  for (std::size_t d = 0; newtonian && d < std::min(portraits.size(), most_panels); ++d) {
    const std::string index = portraits.size() == 1 ? "" : subscript(static_cast<long>(d) + 1);
    add_panel(portraits[d].x, "position x" + index);
  }
  say_below(figure, "Some of the orbits of the phase portrait, up to their end times T.");
  return figure;
}

}  // namespace

Figures orbit_figures(const ShownRun& shown) {
  if (shown.run.orbits && shown.run.orbits->x.rows() > 0) {
    return {{"orbits", fan_figure(*shown.run.orbits)}};
  }
  const auto& portraits = shown.run.phase_portrait;
  const bool possible =
      !portraits.empty() && portraits.front().samples > 1 && portraits.front().orbits() > 0;
  return possible ? Figures{{"orbits", sampled_figure(shown)}} : Figures{};
}

}  // namespace isochron::cli
