#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <sstream>

#include "cli/analysis_report.hpp"
#include "cli/benchmark_report.hpp"
#include "cli/fit_figures.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "cli/sweep_report.hpp"
#include "cli/verbs.hpp"
#include "isochron/error.hpp"
#include "isochron/figure.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

std::vector<double> column(const Vector& v) { return {v.begin(), v.end()}; }

/// All orbits as one curve, broken between them.
Curve orbit_curve(const PhasePortrait& portrait) {
  Curve curve;
  for (std::size_t i = 0; i < portrait.x.size(); ++i) {
    const bool starts =
        portrait.samples > 0 && i != 0 && i % static_cast<std::size_t>(portrait.samples) == 0;
    if (starts) {
      curve.x.push_back(gap);
      curve.y.push_back(gap);
      curve.color.push_back(portrait.color[i]);
    }
    curve.x.push_back(portrait.x[i]);
    curve.y.push_back(portrait.v[i]);
    curve.color.push_back(portrait.color[i]);
  }
  return curve;
}

/// `degree`: which of several degrees of freedom, counted from 1; 0 when there is one.
Panel portrait_panel(const PhasePortrait& portrait, Motion motion, std::size_t degree,
                     const std::string& when) {
  const std::string index = degree == 0 ? "" : fmt::format("_{}", degree);
  const bool newtonian = motion == Motion::newtonian;
  Panel panel;
  panel.title = when;
  panel.x_label = newtonian ? fmt::format("position x{} (1)", index) : "component y_1 (1)";
  panel.y_label = newtonian ? fmt::format("velocity v{} (1)", index) : "component y_2 (1)";
  panel.color_label = portrait.color_label;
  panel.equal_axes = true;
  panel.curves.push_back(orbit_curve(portrait));
  return panel;
}

/// A range that holds the colours of all panels. Nothing when they are as good as constant: then
/// each panel finds a range around its own.
std::optional<std::pair<double, double>> common_colors(const std::vector<Panel>& panels) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Panel& panel : panels) {
    for (const double color : panel.curves.front().color) {
      if (!std::isfinite(color)) continue;
      low = std::min(low, color);
      high = std::max(high, color);
    }
  }
  if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) return std::nullopt;
  return std::pair(low, high);
}

/// Before and after training, side by side, of one degree of freedom, on one scale of colours.
Figure portrait_figure(const Run& run, std::size_t i) {
  const std::size_t degree = run.phase_portrait.size() == 1 ? 0 : i + 1;
  const bool trained = i < run.phase_portrait_before.size();
  Figure figure;
  if (trained) {
    figure.panels.push_back(
        portrait_panel(run.phase_portrait_before[i], run.motion, degree, "before training"));
  }
  figure.panels.push_back(
      portrait_panel(run.phase_portrait[i], run.motion, degree, trained ? "after training" : ""));
  const auto colors = common_colors(figure.panels);
  for (Panel& panel : figure.panels) panel.color_range = colors;
  return figure;
}

Figure position_figure(const PositionCurve& curve, const std::string& title,
                       const std::string& y_label, const std::string& label,
                       const std::string& harmonic_label) {
  Panel panel;
  panel.title = title;
  panel.x_label = "position x (1)";
  panel.y_label = y_label;
  panel.shaded_x = {curve.visited_min, curve.visited_max};
  panel.shaded_label = "visited by the orbits";
  if (curve.error.size() > 0) {
    panel.curves =
        curve_with_band(label, column(curve.position), column(curve.value), column(curve.error));
    return {{panel}};
  }
  panel.curves.push_back(
      {label, column(curve.position), column(curve.value), {}, Curve::Style::line});
  panel.curves.push_back(
      {harmonic_label, column(curve.position), column(curve.harmonic), {}, Curve::Style::dashed});
  return {{panel}};
}

Figure loss_figure(const History& history) {
  Panel panel;
  panel.title = "training";
  panel.x_label = "iteration (1)";
  panel.y_label = "loss, gradient norm (1)";
  panel.log_y = true;
  Curve loss{"loss", {}, history.loss, {}, Curve::Style::line};
  Curve gradient{"gradient norm", {}, history.gradient_norm, {}, Curve::Style::line};
  for (const long i : history.iteration) loss.x.push_back(static_cast<double>(i));
  gradient.x = loss.x;
  panel.curves = {gradient, loss};
  return {{panel}};
}

std::string harmonic_name(const Run& run) {
  const long n = run.character.harmonic_n.value_or(1);
  return n == 1 ? "harmonic" : fmt::format("harmonic, n = {}", n);
}

std::vector<std::pair<std::string, Figure>> figures(const Run& run) {
  std::vector<std::pair<std::string, Figure>> all;
  const std::size_t degrees = run.phase_portrait.size();
  for (std::size_t i = 0; i < degrees; ++i) {
    all.emplace_back(degrees == 1 ? "phase_portrait" : fmt::format("phase_portrait_{}", i + 1),
                     portrait_figure(run, i));
  }
  const std::string name = run.state.theta.size() > 0 ? "learned" : "analytic";
  if (run.force) {
    all.emplace_back("force",
                     position_figure(*run.force, "force", "force f (1)", name, harmonic_name(run)));
  }
  if (run.potential) {
    all.emplace_back("potential", position_figure(*run.potential, "potential", "potential U (1)",
                                                  name, harmonic_name(run)));
  }
  auto of_fit = fit_figures(run);
  std::move(of_fit.begin(), of_fit.end(), std::back_inserter(all));
  if (run.certificate) {
    auto more = certificate_figures(*run.certificate);
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  if (run.state.history.size() > 0) all.emplace_back("loss", loss_figure(run.state.history));
  return all;
}

/// Before anything is made: drawing would only find out later.
void require_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path program = std::filesystem::path(folder) / "gnuplot";
    if (access(program.c_str(), X_OK) == 0) return;
  }
  throw InputError("gnuplot is not installed: figures need it (Debian package gnuplot-nox)");
}

}  // namespace

int plot(const Configuration& given) {
  const std::string& file = given.files.front();
  const Entries entries = read_entries(file);
  std::vector<std::pair<std::string, Figure>> all;
  if (entries.sweep) {
    const SweepResults sweep = read_sweep(file);
    all = sweep_figures(sweep);
    require(!all.empty(), "{} holds no isochronous run among {}: nothing to draw", shown(file),
            sweep.runs.size());
  } else if (entries.run || !entries.benchmark) {
    all = figures(read_results(file));
  }
  if (entries.benchmark) {
    auto charts = benchmark_figures(read_benchmark(file));
    std::move(charts.begin(), charts.end(), std::back_inserter(all));
  }
  require(!all.empty(), "{} holds nothing to draw yet", shown(file));
  require_gnuplot();
  const std::filesystem::path folder = given.figures;
  require(!folder.empty(), "--output '' is not admissible; give the name of a folder");
  make_output_folder(folder);
  const auto path_of = [&](const std::string& name, FigureFormat format) {
    return folder / (name + '.' + extension(format));
  };
  for (const auto& [name, figure] : all) {
    for (const FigureFormat format : given.figure_formats) {
      require_replaceable(path_of(name, format));
    }
  }
  for (const auto& [name, figure] : all) {
    for (const FigureFormat format : given.figure_formats) {
      draw(figure, path_of(name, format), format);
      put("{}\n", path_of(name, format).string());
    }
  }
  return 0;
}

}  // namespace isochron::cli
