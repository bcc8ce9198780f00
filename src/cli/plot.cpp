#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/run.hpp"
#include "isochron/error.hpp"
#include "isochron/figure.hpp"

namespace isochron::cli {
namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

std::vector<double> column(const Vector& v) { return {v.begin(), v.end()}; }

/// All orbits as one curve, broken between them.
Curve orbit_curve(const PhasePortrait& portrait) {
  Curve curve;
  for (std::size_t i = 0; i < portrait.x.size(); ++i) {
    const bool starts = portrait.samples > 0 && i != 0 &&
                        i % static_cast<std::size_t>(portrait.samples) == 0;
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

Panel portrait_panel(const PhasePortrait& portrait, const std::string& title) {
  Panel panel;
  panel.title = title;
  panel.x_label = "position x (1)";
  panel.y_label = "velocity v (1)";
  panel.color_label = portrait.color_label;
  panel.equal_axes = true;
  panel.curves.push_back(orbit_curve(portrait));
  return panel;
}

Figure portrait_figure(const Results& results) {
  Figure figure;
  if (!results.phase_portrait_before.empty()) {
    figure.panels.push_back(portrait_panel(results.phase_portrait_before.front(), "before training"));
  }
  const bool trained = !figure.panels.empty();
  for (const PhasePortrait& portrait : results.phase_portrait) {
    figure.panels.push_back(portrait_panel(portrait, trained ? "after training" : ""));
    if (trained) break;
  }
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
  panel.curves.push_back({label, column(curve.position), column(curve.value), {}, Curve::Style::line});
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
             : "harmonic, n = " + std::to_string(static_cast<int>(n->second.value));
}

std::vector<std::pair<std::string, Figure>> figures(const Results& results) {
  std::vector<std::pair<std::string, Figure>> all;
  if (!results.phase_portrait.empty()) {
    all.emplace_back("phase_portrait", portrait_figure(results));
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
  if (results.history.size() > 0) all.emplace_back("loss", loss_figure(results.history));
  return all;
}

std::vector<FigureFormat> formats(const Options& options) {
  const std::string text = options.text("format");
  std::vector<FigureFormat> result;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    const std::string name = text.substr(start, comma - start);
    if (name == "svg") {
      result.push_back(FigureFormat::svg);
    } else if (name == "png") {
      result.push_back(FigureFormat::png);
    } else if (name == "pdf") {
      result.push_back(FigureFormat::pdf);
    } else {
      throw InputError("--format " + text + " is not admissible; give any of svg, png, pdf");
    }
    start = comma + 1;
  }
  return result;
}

const char* extension(FigureFormat format) {
  switch (format) {
    case FigureFormat::svg: return ".svg";
    case FigureFormat::png: return ".png";
    case FigureFormat::pdf: return ".pdf";
  }
  return "";
}

}  // namespace

int plot(const Options& options) {
  const std::string file = options.positional().front();
  const std::vector<FigureFormat> wanted = formats(options);
  const Results results = read_results(file);
  const auto all = figures(results);
  if (all.empty()) throw InputError(file + " holds nothing to draw yet");
  const std::filesystem::path folder = options.text("output");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder)) {
    throw InputError("the folder " + folder.string() + " cannot be made: " + error.message());
  }
  for (const auto& [name, figure] : all) {
    for (const FigureFormat format : wanted) {
      const std::filesystem::path path = folder / (name + extension(format));
      draw(figure, path, format);
      std::printf("%s\n", path.c_str());
    }
  }
  return 0;
}

}  // namespace isochron::cli
