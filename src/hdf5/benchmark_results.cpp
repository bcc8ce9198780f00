#include "benchmark_results.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>

#include "floating_point.hpp"
#include "hdf5/file.hpp"
#include "hdf5/record_table.hpp"
#include "hdf5/rewriting.hpp"
#include "hdf5/schema.hpp"
#include "isochron/error.hpp"

// The schema of /benchmark: the only place where it is spelled.

namespace isochron {
namespace {

using namespace hdf5;

// ----------------------------------------------------------------------------------- the charts

/// More would not be told apart; and each is as long as the axis.
constexpr std::size_t most_curves = 64;

/// Curves of a chart over one axis: NaN where a curve has no point.
struct Grid {
  std::vector<double> x;
  std::vector<std::vector<double>> columns;
};

/// Every x once.
Grid shared_grid(const BenchmarkChart& chart) {
  std::set<double> all;
  for (const BenchmarkCurve& curve : chart.curves) all.insert(curve.x.begin(), curve.x.end());
  Grid grid{{all.begin(), all.end()}, {}};
  for (const BenchmarkCurve& curve : chart.curves) {
    std::vector<double> column(grid.x.size(), not_a_number);
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      const auto at = std::lower_bound(grid.x.begin(), grid.x.end(), curve.x[i]);
      column[static_cast<std::size_t>(at - grid.x.begin())] = curve.y[i];
    }
    grid.columns.push_back(std::move(column));
  }
  return grid;
}

/// The points of one curve behind those of another: where no two share an x, a viewer would find no
/// two points of a curve side by side, and draw no line.
Grid stacked_grid(const BenchmarkChart& chart) {
  Grid grid;
  for (const BenchmarkCurve& curve : chart.curves) {
    grid.x.insert(grid.x.end(), curve.x.begin(), curve.x.end());
  }
  std::size_t begin = 0;
  for (const BenchmarkCurve& curve : chart.curves) {
    std::vector<double> column(grid.x.size(), not_a_number);
    std::copy(curve.y.begin(), curve.y.end(), column.begin() + static_cast<std::ptrdiff_t>(begin));
    begin += curve.y.size();
    grid.columns.push_back(std::move(column));
  }
  return grid;
}

bool can_share(const BenchmarkChart& chart) {
  const auto has_every_x_once = [](const BenchmarkCurve& curve) {
    return std::adjacent_find(curve.x.begin(), curve.x.end()) == curve.x.end();
  };
  return chart.x_name != "error" &&
         std::all_of(chart.curves.begin(), chart.curves.end(), has_every_x_once);
}

/// Names the first curves in their order, since viewers show no legend.
std::string title_of(const BenchmarkChart& chart) {
  constexpr std::size_t most_named = 4;
  std::string title = chart.title;
  for (std::size_t i = 0; i < std::min(most_named, chart.curves.size()); ++i) {
    title += (i == 0 ? ": " : ", ") + chart.curves[i].label;
  }
  return chart.curves.size() > most_named ? title + ", .." : title;
}

/// Viewers draw lines: one point alone is not seen.
bool has_line(const BenchmarkChart& chart) {
  return std::any_of(chart.curves.begin(), chart.curves.end(), [](const BenchmarkCurve& curve) {
    return std::count_if(curve.y.begin(), curve.y.end(),
                         [](double y) { return std::isfinite(y); }) > 1;
  });
}

void write_chart(const OutputGroup& entry, BenchmarkChart chart) {
  if (chart.curves.size() > most_curves) chart.curves.resize(most_curves);
  Plot plot{title_of(chart), chart.curves.front().name, {chart.x_name}, {}, Scales::log_log};
  for (std::size_t i = 1; i < chart.curves.size(); ++i) {
    plot.auxiliary_signals.push_back(chart.curves[i].name);
  }
  const OutputGroup group = write_plot(entry, chart.name, plot);
  const Grid grid = can_share(chart) ? shared_grid(chart) : stacked_grid(chart);
  describe(write_axis(group, chart.x_name, grid.x), chart.x_label, chart.x_units);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const BenchmarkCurve& curve = chart.curves[i];
    // Viewers label the whole axis with the first of the curves: what it measures comes first.
    describe(write_column(group, curve.name, grid.columns[i], chart.x_name),
             fmt::format("wall time, {}, {}", curve.label, curve.task), "s");
  }
}

// ------------------------------------------------------------------------------------- the entry

/// One line each.
void write_conclusions(const OutputGroup& entry, const std::vector<std::string>& conclusions) {
  if (!conclusions.empty()) {
    entry.text("conclusions", fmt::format("{}\n", fmt::join(conclusions, "\n")));
  }
}

/// Version 0.1.0 wrote a list of strings.
std::vector<std::string> read_conclusions(const InputGroup& entry) {
  if (!entry.contains("conclusions")) return {};
  const InputDataset dataset = entry.dataset("conclusions");
  if (!dataset.shape().empty()) return dataset.texts();
  std::vector<std::string> conclusions;
  std::istringstream lines(dataset.text());
  for (std::string line; std::getline(lines, line);) conclusions.push_back(line);
  return conclusions;
}

void write_entry(const OutputGroup& root, const BenchmarkResults& benchmark) {
  const OutputGroup entry = write_group(root, benchmark_entry, "NXentry");
  auto charts = benchmark_charts(benchmark.points);
  std::erase_if(charts, [](const BenchmarkChart& chart) { return !has_line(chart); });
  if (!charts.empty()) entry.attribute("default", charts.front().name);
  write_text(entry, "title", benchmark.title);
  write_config(entry, benchmark.config);
  write_environment(entry, benchmark.environment);
  write_records(entry, benchmark.points, benchmark_fields, "measurements, one per row",
                "measurement");
  for (const BenchmarkChart& chart : charts) write_chart(entry, chart);
  write_conclusions(entry, benchmark.conclusions);
}

BenchmarkResults read_benchmark_entry(const InputGroup& root) {
  const InputGroup entry = root.group(benchmark_entry);
  BenchmarkResults benchmark;
  benchmark.title = read_text(entry, "title");
  benchmark.config = read_config(entry);
  benchmark.environment = read_environment(entry);
  benchmark.points = read_records<BenchmarkPoint>(entry, benchmark_fields);
  benchmark.conclusions = read_conclusions(entry);
  return benchmark;
}

/// `first`: the entry that viewers open. Both must live as long.
Compose compose(const BenchmarkResults& benchmark, const std::string& first) {
  return [&](const OutputGroup& root) {
    write_root_attributes(root, first);
    write_entry(root, benchmark);
  };
}

}  // namespace

std::string benchmark_image(const std::filesystem::path& path, const BenchmarkResults& benchmark,
                            const std::optional<FormerFile>& former) {
  std::string first = benchmark_entry;
  if (!former) return file_with(path, compose(benchmark, first));
  const InputFile old(former->path().string(), former->bytes());
  const InputGroup root = old.root();
  if (const std::string run = run_entry(root); !run.empty()) first = run;
  std::optional<BenchmarkResults> before;
  if (root.contains(benchmark_entry)) before = read_benchmark_entry(root);
  const auto compose_former = [&](const OutputGroup& top) {
    write_root_attributes(top, first);
    if (before) write_entry(top, *before);
  };
  return rewritten_file(path, *former, compose_former, compose(benchmark, first));
}

void write_benchmark(const std::filesystem::path& path, const BenchmarkResults& benchmark,
                     Existing existing) {
  save(path, benchmark_image(path, benchmark, former_file(path, existing)));
}

BenchmarkResults read_benchmark(const std::filesystem::path& path) {
  const InputFile file(path);
  const InputGroup root = file.root();
  check_origin(root);
  if (!root.contains(benchmark_entry)) {
    throw InputError('\'' + path.string() + "' holds no benchmark");
  }
  return read_benchmark_entry(root);
}

}  // namespace isochron
