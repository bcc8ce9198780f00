#include <iostream>
#include <optional>

#include "cli/benchmark_report.hpp"
#include "cli/json.hpp"
#include "cli/print.hpp"
#include "cli/run_report.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_report.hpp"
#include "cli/verbs.hpp"
#include "file_lock.hpp"

namespace isochron::cli {
namespace {

/// Sweeps and benchmarks do not say in their files whether they are complete.
void print_if_running(const std::string& file) {
  const Writer writer = writer_of(file);
  if (writer.is == Writer::Is::somebody) put("{}\n", still_running(writer));
}

int show_sweep(const SweepResults& sweep, const std::string& file, bool as_json) {
  if (!as_json) {
    print_if_running(file);
    put("{}", sweep_text(sweep, file));
    return 0;
  }
  std::cout << sweep_json(sweep, file).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  return 0;
}

}  // namespace

int show(const Configuration& given) {
  const std::string& file = given.files.front();
  const Entries entries = read_entries(file);
  if (entries.sweep) return show_sweep(read_sweep(file), file, given.json);
  std::optional<Run> run;
  std::optional<BenchmarkResults> benchmark;
  if (entries.benchmark) benchmark = read_benchmark(file);
  if (entries.run || !benchmark) run = read_run(file);
  if (given.json) {
    Json json = run ? run_json(*run, file) : Json::object();
    if (benchmark) json["benchmark"] = benchmark_json(*benchmark, file);
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    return 0;
  }
  if (run) print_run(*run, file);
  if (benchmark) {
    print_if_running(file);
    put("{}", benchmark_text(*benchmark, file));
  }
  return 0;
}

}  // namespace isochron::cli
