#include "sweep_results.hpp"

#include <fmt/core.h>
#include <algorithm>

#include "hdf5/file.hpp"
#include "hdf5/record_table.hpp"
#include "hdf5/rewriting.hpp"
#include "hdf5/schema.hpp"
#include "hdf5/size_check.hpp"
#include "isochron/error.hpp"
#include "upright.hpp"

// The schema of /sweep: the only place where it is spelled.

namespace isochron {
namespace {

using namespace hdf5;

// ----------------------------------------------------------------------------- all configurations

/// Nothing of a whole sweep.
void write_part(const OutputGroup& entry, const SweepPart& part) {
  if (part == SweepPart()) return;
  describe(entry.numbers("part", &part.number, {}), "part of the sweep, counted from 1", "1");
  describe(entry.numbers("parts", &part.of, {}), "number of parts of the sweep", "1");
}

SweepPart read_part(const InputGroup& entry) {
  constexpr Domain counted{1, most_parts};
  if (!entry.contains("part") && !entry.contains("parts")) return {};
  return {read_number<long>(entry, "part", counted), read_number<long>(entry, "parts", counted)};
}

void write_counts(const OutputGroup& entry, const SweepResults& sweep) {
  const std::vector<SweepCount> counts = count_verdicts(sweep.runs);
  if (counts.empty()) return;
  std::vector<std::string> configurations;
  std::vector<std::string> verdicts;
  std::vector<long> multiples;
  std::vector<long> runs;
  for (const SweepCount& count : counts) {
    configurations.push_back(
        sweep.configurations[static_cast<std::size_t>(count.configuration)].name);
    verdicts.push_back(count.verdict);
    multiples.push_back(count.n);
    runs.push_back(count.runs);
  }
  entry
      .table("counts",
             {{"configuration", configurations},
              {"verdict", verdicts},
              {"n", multiples},
              {"runs", runs}},
             "outcome")
      .attribute("long_name", "how many runs ended with which verdict and how many periods in T");
}

/// Each run that has a file of its own, as if it stood here.
void write_links(const OutputGroup& entry, const std::vector<SweepRun>& runs) {
  const auto kept = [](const SweepRun& run) { return !run.file.empty(); };
  if (std::none_of(runs.begin(), runs.end(), kept)) return;
  const OutputGroup group = write_group(entry, "runs", "NXcollection");
  for (const SweepRun& run : runs) {
    if (kept(run)) group.external_link(std::to_string(run.run), run.file, "/run");
  }
}

// ----------------------------------------------------------------------------- one configuration

std::string group_name(std::size_t index) { return fmt::format("configuration_{}", index); }

/// Share of the isochronous runs up to each value.
void write_distribution(const OutputGroup& parent, const std::string& name,
                        const std::string& label, const std::vector<double>& values) {
  if (values.size() < 2) return;  // no curve
  std::vector<double> share;
  for (std::size_t i = 0; i < values.size(); ++i) {
    share.push_back(static_cast<double>(i + 1) / static_cast<double>(values.size()));
  }
  const OutputGroup group =
      write_plot(parent, name + "_distribution", {"Distribution of " + label, "share", {name}, {}});
  describe(write_axis(group, name, values), label, "1");
  describe(write_column(group, "share", share, name), "share of the isochronous runs", "1");
}

void write_forces(const OutputGroup& group, const SweepConfiguration& configuration) {
  if (configuration.runs.empty()) return;
  describe(write_axis(group, "run", configuration.runs), "run", "1");
  describe(write_columns_as_rows(group, "theta", configuration.theta, "run", "parameter"),
           "parameters theta, one row per run", "1");
}

/// Where the isochronous wells lie, coloured by configuration, or by run where all have one and the
/// same. False when there is none.
bool write_wells(const OutputGroup& entry, const std::vector<SweepRun>& runs) {
  std::vector<SweepRun> wells;
  std::vector<Stroke> points;
  for (const SweepRun& run : runs) {
    if (!run.isochronous() || !std::isfinite(run.shear_at_2)) continue;
    wells.push_back(run);
    points.push_back({run.x0, run.shear_at_2, run.x0, run.shear_at_2});
  }
  if (wells.empty()) return false;
  std::vector<double> centre;
  std::vector<double> shear;
  std::vector<long> configuration;
  std::vector<long> number;
  for (const std::size_t i : upright_order(points)) {
    centre.push_back(wells[i].x0);
    shear.push_back(wells[i].shear_at_2);
    configuration.push_back(wells[i].configuration);
    number.push_back(wells[i].run);
  }
  const auto [least, most] = std::minmax_element(configuration.begin(), configuration.end());
  const std::string colour = *least < *most ? "configuration" : "run";
  const OutputGroup group = write_plot(
      entry, "wells", {"Isochronous wells by centre and shear", colour, {"x0", "shear"}, {}});
  describe(write_column(group, "x0", centre, "well"), "centre x0", "1");
  describe(write_column(group, "shear", shear, "well"), "shear S at amplitude A = 2", "1");
  describe(write_column(group, "configuration", configuration, "well"), "configuration", "1");
  describe(write_column(group, "run", number, "well"), "run", "1");
  return true;
}

/// What a sweep shows that has found no such well.
void write_losses(const OutputGroup& entry, const std::vector<SweepRun>& runs) {
  std::vector<long> number;
  std::vector<double> loss;
  for (const SweepRun& run : runs) {
    if (!std::isfinite(run.loss)) continue;
    number.push_back(run.run);
    loss.push_back(run.loss);
  }
  if (loss.size() < 2) return;  // no curve
  const OutputGroup group =
      write_plot(entry, "losses", {"Loss of the runs", "loss", {"run"}, {}, Scales::log_signal});
  describe(write_axis(group, "run", number), "run", "1");
  describe(write_column(group, "loss", loss, "run"), "loss at the end of training", "1");
  entry.attribute("default", "losses");
}

void write_configuration(const OutputGroup& entry, const SweepResults& sweep, std::size_t index) {
  const SweepConfiguration& configuration = sweep.configurations[index];
  const OutputGroup group = write_group(entry, group_name(index), "NXcollection");
  group.text("name", configuration.name);
  group.text("activation", name(configuration.network.activation));
  group.text("symmetry", name(configuration.network.symmetry));
  group.text("skip", name(configuration.network.skip));
  describe(write_column(group, "layers", configuration.network.layers, "layer"), "layer widths",
           "1");
  write_forces(group, configuration);
  const auto isochronous = [&](const SweepRun& run) {
    return run.configuration == static_cast<long>(index) && run.isochronous();
  };
  write_distribution(group, "x0", "centre x0",
                     sorted_values(sweep.runs, &SweepRun::x0, isochronous));
  write_distribution(group, "shear_max", "max |S|/A",
                     sorted_values(sweep.runs, &SweepRun::shear_max, isochronous));
  write_distribution(group, "shear_at_2", "shear S at amplitude A = 2",
                     sorted_values(sweep.runs, &SweepRun::shear_at_2, isochronous));
}

SweepConfiguration read_configuration(const InputGroup& group) {
  SweepConfiguration configuration;
  configuration.name = read_text(group, "name");
  configuration.network.layers = read_column<std::vector<Index>>(group, "layers", domain::count);
  if (group.contains("activation")) {
    configuration.network.activation = read_choice<Activation>(group, "activation");
  }
  configuration.network.symmetry = read_choice<Symmetry>(group, "symmetry");
  configuration.network.skip = read_choice<Skip>(group, "skip");
  if (!group.contains("run")) return configuration;
  configuration.runs = read_column<std::vector<long>>(group, "run", domain::increasing_count);
  configuration.theta = read_rows_as_columns(group, "theta", domain::finite);
  return configuration;
}

/// That the forces of a configuration are of its network, one for each of its runs that has one.
void check_forces(const SweepResults& sweep, std::size_t index, const SizeCheck& check) {
  const std::string name = group_name(index);
  const SweepConfiguration& configuration = sweep.configurations[index];
  check.equal(name + "/theta", configuration.theta.cols(), configuration.runs.size());
  if (!configuration.runs.empty()) {
    check.network(name, configuration.network, configuration.theta.rows());
  }
  for (const long number : configuration.runs) {
    const auto row = std::lower_bound(sweep.runs.begin(), sweep.runs.end(), number,
                                      [](const SweepRun& run, long n) { return run.run < n; });
    const bool is_its_own = row != sweep.runs.end() && row->run == number &&
                            row->configuration == static_cast<long>(index);
    check.require(is_its_own,
                  "{}/run has {}, which the table does not have with this configuration", name,
                  number);
  }
}

void check_sweep(const SweepResults& sweep, const std::filesystem::path& path) {
  const SizeCheck check(path);
  const auto count = static_cast<long>(sweep.configurations.size());
  const SweepPart& part = sweep.part;
  check.require(part.number <= part.of, "part {} is none of {}", part.number, part.of);
  for (std::size_t i = 0; i < sweep.runs.size(); ++i) {
    const SweepRun& run = sweep.runs[i];
    check.require(i == 0 || run.run > sweep.runs[i - 1].run, "run {} is not in order in the table",
                  run.run);
    check.require(run.configuration >= 0 && run.configuration < count,
                  "run {} has configuration {} of {}", run.run, run.configuration, count);
    check.require(part.holds(run.run, count), "run {} is none of part {}/{}", run.run, part.number,
                  part.of);
  }
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) check_forces(sweep, i, check);
}

void write_entry(const OutputGroup& root, const SweepResults& sweep) {
  const OutputGroup entry = write_group(root, sweep_entry, "NXentry");
  write_text(entry, "title", sweep.title);
  write_config(entry, sweep.config);
  write_part(entry, sweep.part);
  write_environment(entry, sweep.environment);
  write_records(entry, sweep.runs, sweep_fields,
                "runs, one per row; a number is nan where status or verdict say why", "run");
  write_counts(entry, sweep);
  write_links(entry, sweep.runs);
  if (write_wells(entry, sweep.runs)) {
    entry.attribute("default", "wells");
  } else {
    write_losses(entry, sweep.runs);
  }
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    write_configuration(entry, sweep, i);
  }
}

/// `sweep` must live as long.
Compose compose(const SweepResults& sweep) {
  return [&sweep](const OutputGroup& root) {
    write_root_attributes(root, sweep_entry);
    write_entry(root, sweep);
  };
}

SweepResults read_sweep_entry(const InputGroup& root, const std::filesystem::path& path) {
  if (!root.contains(sweep_entry)) throw InputError("'" + path.string() + "' holds no sweep");
  const InputGroup entry = root.group(sweep_entry);
  SweepResults sweep;
  sweep.title = read_text(entry, "title");
  sweep.config = read_config(entry);
  sweep.part = read_part(entry);
  sweep.environment = read_environment(entry);
  sweep.runs = read_records<SweepRun>(entry, sweep_fields);
  for (std::size_t i = 0; entry.contains(group_name(i)); ++i) {
    sweep.configurations.push_back(read_configuration(entry.group(group_name(i))));
  }
  check_sweep(sweep, path);
  return sweep;
}

}  // namespace

std::string sweep_image(const std::filesystem::path& path, const SweepResults& sweep,
                        const std::optional<FormerFile>& former) {
  check_sweep(sweep, path);
  if (!former) return file_with(path, compose(sweep));
  const InputFile old(former->path().string(), former->bytes());
  const SweepResults before = read_sweep_entry(old.root(), former->path());
  return rewritten_file(path, *former, compose(before), compose(sweep));
}

void write_sweep(const std::filesystem::path& path, const SweepResults& sweep) {
  save(path, sweep_image(path, sweep));
}

SweepResults read_sweep(const std::filesystem::path& path) {
  const InputFile file(path);
  const InputGroup root = file.root();
  check_origin(root);
  return read_sweep_entry(root, path);
}

}  // namespace isochron
