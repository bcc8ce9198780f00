#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <sstream>

#include "cli/analysis_report.hpp"
#include "cli/benchmark_report.hpp"
#include "cli/output.hpp"
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
  const std::string index = degree == 0 ? "" : "_" + std::to_string(degree);
  Panel panel;
  panel.title = when;
  panel.x_label = motion == Motion::newtonian ? "position x" + index + " (1)" : "component y_1 (1)";
  panel.y_label = motion == Motion::newtonian ? "velocity v" + index + " (1)" : "component y_2 (1)";
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
Figure portrait_figure(const Results& results, std::size_t i) {
  const std::size_t degree = results.phase_portrait.size() == 1 ? 0 : i + 1;
  const bool trained = i < results.phase_portrait_before.size();
  Figure figure;
  if (trained) {
    figure.panels.push_back(portrait_panel(results.phase_portrait_before[i], results.motion, degree,
                                           "before training"));
  }
  figure.panels.push_back(portrait_panel(results.phase_portrait[i], results.motion, degree,
                                         trained ? "after training" : ""));
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

std::string harmonic_name(const Results& results) {
  const auto n = results.summary.find("harmonic_n");
  return n == results.summary.end() || n->second.value == 1
             ? "harmonic"
             : "harmonic, n = " + std::to_string(static_cast<long>(n->second.value));
}

std::vector<std::pair<std::string, Figure>> figures(const Results& results) {
  std::vector<std::pair<std::string, Figure>> all;
  const std::size_t degrees = results.phase_portrait.size();
  for (std::size_t i = 0; i < degrees; ++i) {
    const std::string index = degrees == 1 ? "" : "_" + std::to_string(i + 1);
    all.emplace_back("phase_portrait" + index, portrait_figure(results, i));
  }
  const std::string name = results.model ? "learned" : "analytic";
  if (results.force) {
    all.emplace_back("force", position_figure(*results.force, "force", "force f (1)", name,
                                              harmonic_name(results)));
  }
  if (results.potential) {
    all.emplace_back("potential", position_figure(*results.potential, "potential",
                                                  "potential U (1)", name, harmonic_name(results)));
  }
  if (results.analysis) {
    auto more = certificate_figures(*results.analysis);
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  if (results.history.size() > 0) all.emplace_back("loss", loss_figure(results.history));
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
    if (all.empty()) {
      throw InputError(shown(file) + " holds no isochronous run among " +
                       std::to_string(sweep.runs.size()) + ": nothing to draw");
    }
  } else if (entries.run || !entries.benchmark) {
    all = figures(read_results(file));
  }
  if (entries.benchmark) {
    auto charts = benchmark_figures(read_benchmark(file));
    std::move(charts.begin(), charts.end(), std::back_inserter(all));
  }
  if (all.empty()) throw InputError(shown(file) + " holds nothing to draw yet");
  require_gnuplot();
  const std::filesystem::path folder = given.figures;
  if (folder.empty()) throw InputError("--output '' is not admissible; give the name of a folder");
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
      std::printf("%s\n", path_of(name, format).c_str());
    }
  }
  return 0;
}

}  // namespace isochron::cli
