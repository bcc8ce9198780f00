#include "cli/figures/drawings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "cli/figures/kinds.hpp"
#include "figure/points.hpp"
#include "isochron/error.hpp"
#include "isochron/results.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace fs = std::filesystem;

std::string source_of(const ShownRun& shown) {
  const std::string name = fs::path(shown.file).filename().string();
  return fmt::format("{}: {}, started {}", name, shown.run.title, shown.run.start_time);
}

/// Before anything is written.
Drawings checked(Drawings drawings, const std::vector<std::string>& files) {
  try {
    for (const auto& named : drawings.figures) drawing::check(named.second);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{} cannot be drawn: {}",
                                 shown(fmt::format("{}", fmt::join(files, ", "))), error.what()));
  }
  return drawings;
}

}  // namespace

Drawings drawings_of(const std::string& file) {
  const Entries entries = read_entries(file);
  const std::string name = fs::path(file).filename().string();
  if (entries.sweep) {
    const SweepResults sweep = read_sweep(file);
    return checked({fmt::format("{}: {}", name, sweep.title), sweep_figures(sweep)}, {file});
  }
  Drawings drawings;
  if (entries.run || !entries.benchmark) {
    const ShownRun run = read_shown_run(file);
    drawings = {source_of(run), figures_of(run)};
  }
  if (entries.benchmark) {
    const BenchmarkResults benchmark = read_benchmark(file);
    if (drawings.source.empty()) drawings.source = fmt::format("{}: {}", name, benchmark.title);
    Figures charts = benchmark_figures(benchmark);
    std::move(charts.begin(), charts.end(), std::back_inserter(drawings.figures));
  }
  return checked(std::move(drawings), {file});
}

Drawings drawings_of(const std::vector<std::string>& files) {
  std::vector<ShownRun> runs;
  std::vector<std::string> sources;
  for (const std::string& file : files) {
    require(read_entries(file).run,
            "{} holds no run: plot lays runs over each other; draw it alone: isochron plot {}",
            shown(file), shown(file));
    runs.push_back(read_shown_run(file));
    sources.push_back(source_of(runs.back()));
  }
  return checked({fmt::format("{}", fmt::join(sources, "; ")), compared_figures(runs)}, files);
}

void require_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path program = fs::path(folder) / "gnuplot";
    if (access(program.c_str(), X_OK) == 0) return;
  }
  throw InputError("gnuplot is not installed: figures need it (Debian package gnuplot-nox)");
}

}  // namespace isochron::cli
