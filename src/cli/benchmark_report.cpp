#include "cli/benchmark_report.hpp"

#include "cli/stored_configuration.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <variant>

namespace isochron::cli {
namespace {

using Json = nlohmann::ordered_json;

// -------------------------------------------------------------------------------------- for people

std::string format(const char* pattern, double value) {
  char text[40];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

/// A column on the screen: what it says of a point that was measured.
struct Column {
  std::string title;
  std::string (*text)(const BenchmarkPoint&);
  bool is_number = true;
};

std::string positive(const char* pattern, double value) {
  return value > 0 ? format(pattern, value) : "";
}

/// Of a problem. What is the same in a whole sweep stands in its heading.
const std::vector<Column> conditions = {
    {"P", [](const BenchmarkPoint& p) { return std::to_string(p.parameters); }},
    {"width",
     [](const BenchmarkPoint& p) {
       return p.width == 0 ? "" : std::to_string(p.depth) + " x " + std::to_string(p.width);
     }},
    {"N", [](const BenchmarkPoint& p) { return std::to_string(p.trajectories); }},
    {"T", [](const BenchmarkPoint& p) { return format("%.4g", p.end_time); }},
    {"rtol", [](const BenchmarkPoint& p) { return positive("%.0e", p.rtol); }},
    {"threads", [](const BenchmarkPoint& p) { return std::to_string(p.threads); }},
    {"start", [](const BenchmarkPoint& p) { return p.start; }, false},
    {"precision", [](const BenchmarkPoint& p) { return p.precision; }, false},
    {"package", [](const BenchmarkPoint& p) { return p.package; }, false},
};

const std::vector<Column> methods = {
    {"method", [](const BenchmarkPoint& p) { return p.method; }, false},
    {"integrator", [](const BenchmarkPoint& p) { return p.integrator; }, false},
    {"task", [](const BenchmarkPoint& p) { return p.task; }, false},
};

std::string both_ways(long forward, long backward) {
  if (forward == 0 && backward == 0) return "";
  return std::to_string(forward) + (backward == 0 ? "" : "+" + std::to_string(backward));
}

const std::vector<Column> measures = {
    {"ms",
     [](const BenchmarkPoint& p) {
       return positive(p.seconds < 1 ? "%.3g" : "%.0f", 1e3 * p.seconds);
     }},
    {"error", [](const BenchmarkPoint& p) { return positive("%.1e", p.error); }},
    {"of terms", [](const BenchmarkPoint& p) { return positive("%.1e", p.error_of_terms); }},
    {"steps", [](const BenchmarkPoint& p) { return both_ways(p.steps_forward, p.steps_backward); }},
    {"forces", [](const BenchmarkPoint& p) { return both_ways(p.rhs_forward, p.rhs_backward); }},
    {"peak MB", [](const BenchmarkPoint& p) { return positive("%.3g", 1e-6 * p.peak_memory); }},
    {"kept MB",
     [](const BenchmarkPoint& p) { return positive("%.3g", 1e-6 * p.checkpoint_memory); }},
};

using Points = std::vector<const BenchmarkPoint*>;

bool is_constant(const Column& column, const Points& points) {
  const std::string first = column.text(*points.front());
  return std::all_of(points.begin(), points.end(),
                     [&](const BenchmarkPoint* point) { return column.text(*point) == first; });
}

/// "N = 100, T = 6.283, start random"
std::string in_words(const std::vector<Column>& columns, const BenchmarkPoint& point) {
  std::string words;
  for (const Column& column : columns) {
    const std::string value = column.text(point);
    if (value.empty()) continue;
    const bool symbol = column.title.size() == 1;
    words += (words.empty() ? "" : ", ") + column.title + (symbol ? " = " : " ") + value;
  }
  return words;
}

using Rows = std::vector<std::vector<std::string>>;  // the titles first

void print_rows(const std::vector<Column>& columns, const Rows& rows,
                const std::vector<std::string>& remarks) {
  std::vector<std::size_t> widths(columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string space(widths[i] - rows[r][i].size(), ' ');
      line += "  " + (columns[i].is_number ? space + rows[r][i] : rows[r][i] + space);
    }
    if (!remarks[r].empty()) line += "  " + remarks[r];
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("  %s\n", line.c_str());
  }
}

void print_sweep(const std::string& name, const Points& points) {
  std::vector<Column> columns = methods;
  std::vector<Column> same;
  for (const Column& column : conditions) {
    (is_constant(column, points) ? same : columns).push_back(column);
  }
  for (const Column& column : measures) {
    const bool said = std::any_of(points.begin(), points.end(), [&](const BenchmarkPoint* p) {
      return p->ok() && !column.text(*p).empty();
    });
    if (said) columns.push_back(column);
  }
  Rows rows(1);
  std::vector<std::string> remarks(1);
  for (const Column& column : columns) rows.front().push_back(column.title);
  for (const BenchmarkPoint* point : points) {
    rows.emplace_back();
    remarks.push_back(point->ok() ? "" : point->status);
    for (const Column& column : columns) {
      const bool measured = std::any_of(measures.begin(), measures.end(), [&](const Column& other) {
        return other.title == column.title;
      });
      rows.back().push_back(measured && !point->ok() ? "-" : column.text(*point));
    }
  }
  std::printf("\n  %s: %s\n", name.c_str(), in_words(same, *points.front()).c_str());
  print_rows(columns, rows, remarks);
}

// ------------------------------------------------------------------------------------- the figures

void add_if_new(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// A method has the same place, hence the same colour, in all panels; its curve may be empty.
Panel chart_panel(const BenchmarkChart& chart, const std::string& task,
                  const std::vector<std::string>& labels) {
  Panel panel;
  panel.title = task;
  panel.x_label = chart.x_label + " (" + chart.x_units + ")";
  panel.y_label = "time per evaluation (s)";
  panel.log_x = true;
  panel.log_y = true;
  for (const std::string& label : labels) {
    Curve& curve = panel.curves.emplace_back();
    const auto measured = std::find_if(
        chart.curves.begin(), chart.curves.end(),
        [&](const BenchmarkCurve& other) { return other.label == label && other.task == task; });
    if (measured == chart.curves.end()) continue;
    curve = {label, measured->x, measured->y, {}, Curve::Style::marked};
  }
  return panel;
}

/// One panel per task.
Figure chart_figure(const BenchmarkChart& chart, const std::vector<std::string>& labels) {
  std::vector<std::string> tasks;
  for (const BenchmarkCurve& curve : chart.curves) add_if_new(tasks, curve.task);
  Figure figure;
  for (const std::string& task : tasks) figure.panels.push_back(chart_panel(chart, task, labels));
  return figure;
}

}  // namespace

Json json_number(double value) {
  constexpr double largest_whole = 9007199254740992.0;
  if (!std::isfinite(value)) return nullptr;
  if (value == std::floor(value) && std::abs(value) < largest_whole) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json benchmark_json(const BenchmarkResults& benchmark, const std::string& file) {
  Json json;
  json["title"] = benchmark.title;
  json["config"] = parsed_configuration(benchmark.config, file);
  json["environment"] = benchmark.environment;
  json["points"] = Json::array();
  for (const BenchmarkPoint& point : benchmark.points) {
    json["points"].push_back(record_json(point, benchmark_fields));
  }
  json["conclusions"] = benchmark.conclusions;
  return json;
}

void print_benchmark(const BenchmarkResults& benchmark, const std::string& file) {
  const std::string title = benchmark.title.empty() ? "benchmark" : benchmark.title;
  std::printf("%s: %s\n", file.c_str(), title.c_str());
  if (const auto cpu = benchmark.environment.find("cpu"); cpu != benchmark.environment.end()) {
    std::printf("  measured on %s\n", cpu->second.c_str());
  }
  std::vector<std::pair<std::string, Points>> sweeps;
  for (const BenchmarkPoint& point : benchmark.points) {
    const auto found = std::find_if(sweeps.begin(), sweeps.end(),
                                    [&](const auto& sweep) { return sweep.first == point.sweep; });
    if (found == sweeps.end()) {
      sweeps.push_back({point.sweep, {&point}});
    } else {
      found->second.push_back(&point);
    }
  }
  for (const auto& [name, points] : sweeps) print_sweep(name, points);
  if (!benchmark.conclusions.empty()) std::printf("\n");
  for (const std::string& sentence : benchmark.conclusions) std::printf("  %s\n", sentence.c_str());
}

std::vector<std::pair<std::string, Figure>> benchmark_figures(const BenchmarkResults& benchmark) {
  const std::vector<BenchmarkChart> charts = benchmark_charts(benchmark.points);
  std::vector<std::string> labels;
  for (const BenchmarkChart& chart : charts) {
    for (const BenchmarkCurve& curve : chart.curves) add_if_new(labels, curve.label);
  }
  std::vector<std::pair<std::string, Figure>> figures;
  for (const BenchmarkChart& chart : charts) {
    figures.emplace_back(chart.name, chart_figure(chart, labels));
  }
  return figures;
}

}  // namespace isochron::cli
