#include "benchmark_results.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "floating_point.hpp"

namespace isochron {
namespace {

constexpr double nothing = not_a_number;

using PointsOfAxis = std::vector<const BenchmarkPoint*>;

struct ChartKind {
  const char* name;
  const char* title;
  const char* axis;
  const char* x_name;
  const char* x_label;
  const char* x_units;
  double (*x)(const BenchmarkPoint&);
};

constexpr ChartKind kinds[] = {
    {"cost_over_parameters", "Cost over the number of parameters", "parameters", "parameters",
     "parameters P", "1", [](const BenchmarkPoint& p) { return real(p.parameters); }},
    {"cost_over_trajectories", "Cost over the number of trajectories", "trajectories",
     "trajectories", "trajectories N", "1",
     [](const BenchmarkPoint& p) { return real(p.trajectories); }},
    {"work_precision", "Cost over the error of the gradient", "tolerance", "error",
     "relative error", "1", [](const BenchmarkPoint& p) { return p.ok() ? p.error : nothing; }},
    {"cost_over_end_time", "Cost over the end time", "end_time", "end_time", "end time T", "1",
     [](const BenchmarkPoint& p) { return p.end_time; }},
    {"cost_over_threads", "Cost over the number of threads", "threads", "threads", "threads", "1",
     [](const BenchmarkPoint& p) { return real(p.threads); }},
};

/// A condition that a chart does not show on its axis.
struct Condition {
  const char* axis;  ///< that varies it on purpose
  std::string (*words)(const BenchmarkPoint&);
  bool always_said = true;  ///< or only where it is not that of the first point
};

constexpr Condition conditions[] = {
    {"", [](const BenchmarkPoint& p) { return p.start; }, false},
    {"", [](const BenchmarkPoint& p) { return p.precision; }, false},
    {"", [](const BenchmarkPoint& p) { return p.package; }, false},
    {"parameters", [](const BenchmarkPoint& p) { return fmt::format("P = {}", p.parameters); }},
    {"trajectories", [](const BenchmarkPoint& p) { return fmt::format("N = {}", p.trajectories); }},
    {"end_time", [](const BenchmarkPoint& p) { return fmt::format("T = {:.4g}", p.end_time); }},
    {"threads",
     [](const BenchmarkPoint& p) {
       return fmt::format("{} {}", p.threads, p.threads == 1 ? "thread" : "threads");
     }},
};

/// The conditions that tell curves of one method apart: those that differ within the axis.
std::vector<const Condition*> distinctions(const PointsOfAxis& axis) {
  std::vector<const Condition*> result;
  for (const Condition& condition : conditions) {
    if (condition.axis == axis.front()->axis) continue;
    const std::string first = condition.words(*axis.front());
    const bool differs = std::any_of(axis.begin(), axis.end(), [&](const BenchmarkPoint* point) {
      return condition.words(*point) != first;
    });
    if (differs) result.push_back(&condition);
  }
  return result;
}

/// Letters, digits and '_', as names in a file and of variables are.
std::string identifier(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) {
      result += c;
    } else if (!result.empty() && result.back() != '_') {
      result += '_';
    }
  }
  while (!result.empty() && result.back() == '_') result.pop_back();
  return result.empty() ? "curve" : result;
}

std::string unique(const std::string& name, std::set<std::string>& taken) {
  std::string result = name;
  for (int i = 2; !taken.insert(result).second; ++i) result = fmt::format("{}_{}", name, i);
  return result;
}

void sort_by_x(BenchmarkCurve& curve) {
  std::vector<std::size_t> order(curve.x.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return curve.x[a] < curve.x[b]; });
  for (auto* column : {&curve.x, &curve.y, &curve.low, &curve.high}) {
    const std::vector<double> before = *column;
    for (std::size_t i = 0; i < order.size(); ++i) (*column)[i] = before[order[i]];
  }
}

bool has_measurement(const BenchmarkCurve& curve) {
  return std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return std::isfinite(y); });
}

/// One curve per method, in the order of their first points.
std::vector<BenchmarkCurve> make_curves(const ChartKind& kind, const PointsOfAxis& axis) {
  const auto differing = distinctions(axis);
  std::map<std::string, std::size_t> index;
  std::set<std::string> taken = {kind.x_name, "title"};
  std::vector<BenchmarkCurve> curves;
  for (const BenchmarkPoint* point : axis) {
    const double x = kind.x(*point);
    if (!(x > 0 && std::isfinite(x))) continue;  // has no place on a logarithmic axis
    std::string label = point->method + ' ' + point->integrator;
    std::string key = label + ' ' + point->task;
    for (const Condition* condition : differing) {
      const std::string words = condition->words(*point);
      if (condition->always_said || words != condition->words(*axis.front())) {
        label += ", " + words;
      }
      key += ' ' + words;
    }
    const auto [found, is_new] = index.try_emplace(key, curves.size());
    if (is_new) {
      const std::string name = unique(identifier(label + ' ' + point->task), taken);
      curves.push_back({name, label, point->task, {}, {}, {}, {}});
    }
    BenchmarkCurve& curve = curves[found->second];
    curve.x.push_back(x);
    const bool measured = point->ok() && point->seconds > 0;
    const auto or_median = [&](double seconds) { return seconds > 0 ? seconds : point->seconds; };
    curve.y.push_back(measured ? point->seconds : nothing);
    curve.low.push_back(measured ? or_median(point->seconds_low) : nothing);
    curve.high.push_back(measured ? or_median(point->seconds_high) : nothing);
  }
  for (BenchmarkCurve& curve : curves) sort_by_x(curve);
  std::stable_partition(curves.begin(), curves.end(), has_measurement);
  return curves;
}

}  // namespace

std::vector<BenchmarkChart> benchmark_charts(const std::vector<BenchmarkPoint>& points) {
  std::vector<BenchmarkChart> charts;
  for (const ChartKind& kind : kinds) {
    PointsOfAxis axis;
    for (const BenchmarkPoint& point : points) {
      if (point.axis == kind.axis) axis.push_back(&point);
    }
    if (axis.empty()) continue;
    auto curves = make_curves(kind, axis);
    if (curves.empty() || !has_measurement(curves.front())) continue;
    charts.push_back({kind.name, kind.title, kind.axis, kind.x_name, kind.x_label, kind.x_units,
                      std::move(curves)});
  }
  return charts;
}

}  // namespace isochron
