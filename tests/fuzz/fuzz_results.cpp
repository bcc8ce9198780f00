// Results files, by everything that reads them. The last byte of the input, which is none of the
// file's, says which reader looks at it.

#include "benchmark_results.hpp"
#include "cli/data_file.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_plan.hpp"
#include "cli/verbs.hpp"
#include "hdf5_bytes.hpp"
#include "isochron/results.hpp"

using namespace isochron;
using namespace isochron::cli;

namespace {

void show_it(const std::string& file, bool as_json) {
  Configuration configuration;
  configuration.verb = verb_show;
  configuration.files.push_back(file);
  configuration.json = as_json;
  show(configuration);
}

/// As by train --resume: what a run says of itself, and the file that is written in its place.
void go_on(const std::string& file) {
  const Run run = read_run(file);
  static_cast<void>(resumable(run));
  const std::string image = results_image(file, run, FormerFile(file));
  fuzz::folder().file("again.h5", image);
  fuzz::expect(fuzz::taken([] { static_cast<void>(read_run(fuzz::folder() / "again.h5")); }),
               "what was read can be written and read again");
  static_cast<void>(configuration_of(run, file));
}

/// As by sweep --resume.
void go_on_with_sweep(const std::string& file) {
  const SweepResults sweep = read_sweep(file);
  const Configuration configuration = stored_configuration(verb_sweep, sweep.config, file);
  SweepPlan(configuration).check(sweep, file, sweep.configurations);
  static_cast<void>(sweep_image(file, sweep, FormerFile(file)));
}

void add_benchmark(const std::string& file) {
  BenchmarkResults benchmark;
  if (read_entries(file).benchmark) benchmark = read_benchmark(file);
  static_cast<void>(benchmark_image(file, benchmark, FormerFile(file)));
}

void read_arrays(const std::string& file) {
  for (const char* path : {"/run/data/initial_states", "/run/model/theta", "/sweep/table"}) {
    fuzz::taken([&] { fuzz::expect(read_matrix(file, path).size() > 0, "a matrix has numbers"); });
  }
  const DataColumns columns(Motion::newtonian, 1, {});
  static_cast<void>(read_observed_data(file + ":/run/trajectories", columns));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string file = fuzz::folder().file("x.h5", fuzz::text_of(data, size - 1));
  fuzz::taken([&] {
    switch (data[size - 1] % 6) {
      case 0: return show_it(file, false);
      case 1: return show_it(file, true);
      case 2: return go_on(file);
      case 3: return go_on_with_sweep(file);
      case 4: return add_benchmark(file);
      default: return read_arrays(file);
    }
  });
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed) {
  std::mt19937 random(seed);
  if (size == 0) return LLVMFuzzerMutate(data, size, most);
  const std::uint8_t reader = data[size - 1];
  size = fuzz::changed_file(data, size - 1, most - 1, random);
  data[size] = random() % 4 == 0 ? static_cast<std::uint8_t>(random()) : reader;
  return size + 1;
}
