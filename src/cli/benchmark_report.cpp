#include "cli/benchmark_report.hpp"

#include "cli/json.hpp"
#include "cli/stored_configuration.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <variant>

namespace isochron::cli {
namespace {

// -------------------------------------------------------------------------------------- for people

/// A column on the screen: what it says of a point that was measured.
struct Column {
  std::string title;
  std::string (*text)(const BenchmarkPoint&);
  bool is_number = true;
};

std::string positive(fmt::format_string<double&> pattern, double value) {
  return value > 0 ? fmt::format(pattern, value) : "";
}

/// Of a problem. What is the same in a whole axis stands in its heading.
const std::vector<Column> conditions = {
    {"P", [](const BenchmarkPoint& p) { return fmt::format("{}", p.parameters); }},
    {"width",
     [](const BenchmarkPoint& p) {
       return p.width == 0 ? "" : fmt::format("{} x {}", p.depth, p.width);
     }},
    {"N", [](const BenchmarkPoint& p) { return fmt::format("{}", p.trajectories); }},
    {"T", [](const BenchmarkPoint& p) { return fmt::format("{:.4g}", p.end_time); }},
    {"rtol", [](const BenchmarkPoint& p) { return positive("{:.0e}", p.rtol); }},
    {"threads", [](const BenchmarkPoint& p) { return fmt::format("{}", p.threads); }},
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
  return backward == 0 ? fmt::format("{}", forward) : fmt::format("{}+{}", forward, backward);
}

const std::vector<Column> measures = {
    {"ms",
     [](const BenchmarkPoint& p) {
       return p.seconds < 1 ? positive("{:.3g}", 1e3 * p.seconds)
                            : positive("{:.0f}", 1e3 * p.seconds);
     }},
    {"error", [](const BenchmarkPoint& p) { return positive("{:.1e}", p.error); }},
    {"of terms", [](const BenchmarkPoint& p) { return positive("{:.1e}", p.error_of_terms); }},
    {"steps", [](const BenchmarkPoint& p) { return both_ways(p.steps_forward, p.steps_backward); }},
    {"forces", [](const BenchmarkPoint& p) { return both_ways(p.rhs_forward, p.rhs_backward); }},
    {"peak MB", [](const BenchmarkPoint& p) { return positive("{:.3g}", 1e-6 * p.peak_memory); }},
    {"kept MB",
     [](const BenchmarkPoint& p) { return positive("{:.3g}", 1e-6 * p.checkpoint_memory); }},
};

using Points = std::vector<const BenchmarkPoint*>;

bool is_constant(const Column& column, const Points& points) {
  const std::string first = column.text(*points.front());
  return std::all_of(points.begin(), points.end(),
                     [&](const BenchmarkPoint* point) { return column.text(*point) == first; });
}

/// "N = 100, T = 6.283, start random"
std::string values_of(const std::vector<Column>& columns, const BenchmarkPoint& point) {
  std::vector<std::string> words;
  for (const Column& column : columns) {
    const std::string value = column.text(point);
    if (value.empty()) continue;
    const bool symbol = column.title.size() == 1;
    words.push_back(column.title + (symbol ? " = " : " ") + value);
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

using CellsOfRows = std::vector<std::vector<std::string>>;  // the titles first

void add_rows(std::string& text, const std::vector<Column>& columns, const CellsOfRows& rows,
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
    text += fmt::format("  {}\n", line);
  }
}

void add_axis(std::string& text, const std::string& name, const Points& points) {
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
  CellsOfRows rows(1);
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
  text += fmt::format("\n  {}: {}\n", name, values_of(same, *points.front()));
  add_rows(text, columns, rows, remarks);
}

}  // namespace

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

std::string benchmark_text(const BenchmarkResults& benchmark, const std::string& file) {
  std::string text;
  text += fmt::format("{}: {}\n", file, benchmark.title.empty() ? "benchmark" : benchmark.title);
  if (const auto cpu = benchmark.environment.find("cpu"); cpu != benchmark.environment.end()) {
    text += fmt::format("  measured on {}\n", cpu->second);
  }
  std::vector<std::pair<std::string, Points>> axes;
  for (const BenchmarkPoint& point : benchmark.points) {
    const auto found = std::find_if(axes.begin(), axes.end(),
                                    [&](const auto& axis) { return axis.first == point.axis; });
    if (found == axes.end()) {
      axes.push_back({point.axis, {&point}});
    } else {
      found->second.push_back(&point);
    }
  }
  for (const auto& [name, points] : axes) add_axis(text, name, points);
  if (!benchmark.conclusions.empty()) text += '\n';
  for (const std::string& conclusion : benchmark.conclusions)
    text += fmt::format("  {}\n", conclusion);
  return text;
}

}  // namespace isochron::cli
