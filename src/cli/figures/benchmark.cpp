#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

void add_if_new(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// A method has the same place, hence the same colour, in all panels; its curve may be empty.
Panel chart_panel(const BenchmarkChart& chart, const std::string& task,
                  const std::vector<std::string>& labels) {
  Panel panel;
  panel.title = task == "jacobian" ? "Jacobian" : task;
  panel.x_label = chart.x_label;
  panel.y_label = "time per evaluation (s)";
  panel.log_x = true;
  panel.log_y = true;
  for (const std::string& label : labels) {
    Curve& curve = panel.curves.emplace_back();
    const auto measured = std::find_if(
        chart.curves.begin(), chart.curves.end(),
        [&](const BenchmarkCurve& other) { return other.label == label && other.task == task; });
    if (measured == chart.curves.end()) continue;
    curve = make_curve(label, measured->x, measured->y, Curve::Style::marked);
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      curve.error.push_back(std::max(curve.y[i] - measured->low[i], 0.0));
      curve.error_above.push_back(std::max(measured->high[i] - curve.y[i], 0.0));
    }
  }
  return panel;
}

/// From the shortest to the longest time of all panels, so that they can be compared.
void share_scale(std::vector<Panel>& panels) {
  std::vector<double> times;
  for (const Panel& panel : panels) {
    for (const Curve& curve : panel.curves) {
      for (std::size_t i = 0; i < curve.y.size(); ++i) {
        if (!(curve.y[i] - curve.error[i] > 0)) continue;
        times.push_back(curve.y[i] - curve.error[i]);
        times.push_back(curve.y[i] + curve.error_above[i]);
      }
    }
  }
  const auto [low, high] = bounds(times);
  if (!(low < high)) return;
  const double margin = std::pow(high / low, 0.05);
  for (Panel& panel : panels) panel.y_range = {low / margin, high * margin};
}

/// What is the same in all measurements of an axis, and the tolerance of each method.
std::string what_was_measured(const std::vector<BenchmarkPoint>& points, const std::string& axis) {
  std::vector<std::string> words;
  const auto add = [&](const char* pattern, const auto& value_of) {
    std::vector<std::string> found;
    for (const BenchmarkPoint& point : points) {
      if (point.axis == axis) add_if_new(found, value_of(point));
    }
    if (found.size() == 1 && !found.front().empty()) words.push_back(pattern + found.front());
  };
  const auto number = [](long value) { return value > 0 ? std::to_string(value) : ""; };
  add("P = ", [&](const BenchmarkPoint& p) { return number(p.parameters); });
  add("N = ", [&](const BenchmarkPoint& p) { return number(p.trajectories); });
  add("T = ", [](const BenchmarkPoint& p) { return fmt::format("{:.4g}", p.end_time); });
  add("threads: ", [&](const BenchmarkPoint& p) { return number(p.threads); });
  add("parameters ", [](const BenchmarkPoint& p) { return p.start; });
  std::vector<std::string> tolerances;
  for (const BenchmarkPoint& point : points) {
    if (point.axis != axis || axis == "tolerance" || !(point.rtol > 0)) continue;
    add_if_new(tolerances,
               fmt::format("{} {} {}", point.method, point.integrator, in_words(point.rtol)));
  }
  if (!tolerances.empty()) words.push_back(fmt::format("rtol {}", fmt::join(tolerances, ", ")));
  return fmt::format("{}.", fmt::join(words, ", "));
}

/// One panel per task.
Figure chart_figure(const BenchmarkChart& chart, const std::vector<BenchmarkPoint>& points,
                    const std::vector<std::string>& labels) {
  std::vector<std::string> tasks;
  for (const BenchmarkCurve& curve : chart.curves) add_if_new(tasks, curve.task);
  Figure figure;
  for (const std::string& task : tasks) figure.panels.push_back(chart_panel(chart, task, labels));
  if (chart.x_name == "threads") {
    for (Panel& panel : figure.panels) tick_whole_numbers(panel);
  }
  share_scale(figure.panels);
  say_below(figure, what_was_measured(points, chart.axis));
  say_below(figure, "Medians of the repeats; bars from the shortest to the longest time.");
  return figure;
}

}  // namespace

Figures benchmark_figures(const BenchmarkResults& benchmark) {
  const std::vector<BenchmarkChart> charts = benchmark_charts(benchmark.points);
  std::vector<std::string> labels;
  for (const BenchmarkChart& chart : charts) {
    for (const BenchmarkCurve& curve : chart.curves) add_if_new(labels, curve.label);
  }
  Figures figures;
  for (const BenchmarkChart& chart : charts) {
    figures.emplace_back(chart.name, chart_figure(chart, benchmark.points, labels));
  }
  return figures;
}

}  // namespace isochron::cli
