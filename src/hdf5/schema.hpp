#pragma once

// What all entries of an isochron file share: attributes of the root, configuration, environment,
// plots, and short ways to write and read a dataset.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hdf5/file.hpp"
#include "isochron/error.hpp"
#include "isochron/results.hpp"

namespace isochron::hdf5 {

/// Name of the entry that holds measurements instead of a run.
inline constexpr const char* benchmark_entry = "benchmark";
/// Of many runs.
inline constexpr const char* sweep_entry = "sweep";

// ------------------------------------------------------------------------------------------ root

/// `entry` is what viewers open first.
void write_root_attributes(const OutputGroup& root, const std::string& entry);

/// Throws InputError unless isochron wrote the file, in a schema that this version reads.
void check_origin(const InputGroup& root);

/// Name of the entry with the run; empty when the file has none.
[[nodiscard]] std::string run_entry(const InputGroup& root);

/// What is at `path` where that is to be kept. Throws InputError when it is not isochron's.
std::optional<FormerFile> former_file(const std::filesystem::path& path, Existing existing);

// ------------------------------------------------------------------------------- small writers

/// Every number has a label that carries its unit, and the unit by itself.
void describe(const OutputObject& numbers, const std::string& label, const std::string& units);

/// Nothing when the text is empty.
void write_text(const OutputGroup& group, const std::string& name, const std::string& text);

template <class Values>
OutputObject write_column(const OutputGroup& group, const std::string& name, const Values& values) {
  return group.numbers(name, values.data(), {static_cast<hsize_t>(values.size())});
}

OutputGroup write_group(const OutputGroup& parent, const std::string& name,
                        const std::string& nexus_class);

/// Of a chart: all linear, the signal logarithmic, signal and axes logarithmic.
enum class Scales { linear, log_signal, log_log };

/// What a viewer needs to draw a group: names of the datasets that are signal and axes.
struct Plot {
  std::string title;
  std::string signal;
  std::vector<std::string> axes;
  std::vector<std::string> auxiliary_signals;
  Scales scales = Scales::linear;
};

OutputGroup write_plot(const OutputGroup& entry, const std::string& name, const Plot& plot);

// ------------------------------------------------------------------------------- small readers

/// Empty when it is absent.
std::string read_text(const InputGroup& group, const std::string& name);

InputDataset open_array(const InputGroup& group, const std::string& name, std::size_t rank);

template <class T>
T read_number(const InputGroup& group, const std::string& name) {
  T value{};
  open_array(group, name, 0).read(&value);
  return value;
}

/// A 1-D dataset as any container that resizes.
template <class Values>
Values read_column(const InputGroup& group, const std::string& name) {
  const InputDataset dataset = open_array(group, name, 1);
  Values values;
  values.resize(static_cast<decltype(values.size())>(dataset.shape().front()));
  dataset.read(values.data());
  return values;
}

// --------------------------------------------------------------------- configuration, environment

void write_config(const OutputGroup& entry, const std::string& config);
std::string read_config(const InputGroup& entry);

void write_environment(const OutputGroup& entry,
                       const std::map<std::string, std::string>& environment);
std::map<std::string, std::string> read_environment(const InputGroup& entry);

}  // namespace isochron::hdf5
