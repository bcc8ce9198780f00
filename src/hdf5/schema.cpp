#include "hdf5/schema.hpp"

#include <fmt/format.h>

#include "clock.hpp"
#include "isochron/version.hpp"
#include "sentence.hpp"

namespace isochron::hdf5 {
namespace {

constexpr int schema_version = 1;
constexpr const char* creator = "isochron";

/// Scales of signal and axes, in JSON. H5Web reads axes_scale_type, silx axes_scale_types; silx
/// keeps the scales of the chart before where none are given, so linear ones are given too.
std::string silx_style(const Plot& plot) {
  const char* axis = plot.scales == Scales::log_log ? "\"log\"" : "\"linear\"";
  const char* signal = plot.scales == Scales::linear ? "\"linear\"" : "\"log\"";
  const std::vector<const char*> axes(plot.axes.size(), axis);
  return fmt::format(
      R"({{"signal_scale_type":{0},"axes_scale_type":[{1}],"axes_scale_types":[{1}]}})", signal,
      fmt::join(axes, ","));
}

}  // namespace

// ------------------------------------------------------------------------------------------ root

void write_root_attributes(const OutputGroup& root, const std::string& entry) {
  root.attribute("NX_class", "NXroot")
      .attribute("default", entry)
      .attribute("creator", creator)
      .attribute("creator_version", version)
      .attribute("file_time", time_of_day())
      .attribute("schema_version", schema_version);
}

void check_origin(const InputGroup& root) {
  const std::string file = '\'' + root.location().file + '\'';
  require(root.has_attribute("creator") && root.text_attribute("creator") == creator,
          "{} is an HDF5 file, but was not written by isochron", file);
  const int found = root.integer_attribute("schema_version");
  require(found <= schema_version,
          "{} has schema version {}, but isochron {} reads only up to version {}", file, found,
          version, schema_version);
}

std::string run_entry(const InputGroup& root) {
  const std::string entry = root.text_attribute("default");
  return entry == benchmark_entry || entry == sweep_entry ? "" : entry;
}

std::optional<FormerFile> former_file(const std::filesystem::path& path, Existing existing) {
  std::error_code ignored;  // writing meets it again
  if (existing == Existing::replaced || !std::filesystem::exists(path, ignored)) {
    return std::nullopt;
  }
  return FormerFile(path);
}

// ------------------------------------------------------------------------------- small writers

void describe(const OutputObject& numbers, const std::string& label, const std::string& units) {
  numbers.attribute("long_name", fmt::format("{} ({})", label, units)).attribute("units", units);
}

void write_text(const OutputGroup& group, const std::string& name, const std::string& text) {
  if (!text.empty()) group.text(name, text);
}

OutputObject write_columns_as_rows(const OutputGroup& group, const std::string& name,
                                   const Eigen::MatrixXd& matrix, const std::string& row_axis,
                                   const std::string& column_axis) {
  return group.numbers(name, matrix.data(),
                       {{row_axis, static_cast<hsize_t>(matrix.cols())},
                        {column_axis, static_cast<hsize_t>(matrix.rows())}});
}

OutputGroup write_group(const OutputGroup& parent, const std::string& name,
                        const std::string& nexus_class) {
  OutputGroup group = parent.group(name);
  group.attribute("NX_class", nexus_class);
  return group;
}

OutputGroup write_plot(const OutputGroup& entry, const std::string& name, const Plot& plot) {
  OutputGroup group = write_group(entry, name, "NXdata");
  group.attribute("signal", plot.signal).attribute("axes", plot.axes);
  if (!plot.auxiliary_signals.empty()) {
    group.attribute("auxiliary_signals", plot.auxiliary_signals);
  }
  if (!plot.default_slice.empty()) group.attribute("default_slice", plot.default_slice);
  group.attribute("SILX_style", silx_style(plot));
  group.text("title", plot.title);
  return group;
}

// ------------------------------------------------------------------------ what datasets may hold

void refuse_choice(const InputDataset& dataset) {
  throw InputError(fmt::format("{} is {}, which this version of isochron does not know",
                               dataset.location().text(), quoted(dataset.text())));
}

void Domain::refuse(const std::string& where, double value, std::size_t index) const {
  const char* ends = "";
  if (high == domain::infinity && low < 0) {
    ends = "numbers";
  } else if (high >= domain::largest) {
    ends = low < 0 ? "finite numbers" : low > 0 ? "positive numbers" : "numbers >= 0";
  }
  std::string admissible =
      *ends != '\0' ? ends : fmt::format("numbers from {:g} to {:.17g}", low, high);
  if (order == Order::increasing) admissible += ", each larger than the one before";
  if (order == Order::not_decreasing) admissible += ", none smaller than the one before";
  throw InputError(fmt::format("{} holds {:.17g} in place {}; it takes {}", where, value, index + 1,
                               admissible));
}

// ------------------------------------------------------------------------------- small readers

std::string read_text(const InputGroup& group, const std::string& name) {
  return group.contains(name) ? group.dataset(name).text() : std::string();
}

InputDataset open_array(const InputGroup& group, const std::string& name, std::size_t rank) {
  InputDataset dataset = group.dataset(name);
  require(dataset.shape().size() == rank, "{} has {} dimensions instead of {}",
          dataset.location().text(), dataset.shape().size(), rank);
  return dataset;
}

Eigen::MatrixXd read_rows_as_columns(const InputGroup& group, const std::string& name,
                                     const Domain& domain) {
  const InputDataset dataset = open_array(group, name, 2);
  Eigen::MatrixXd matrix(static_cast<Index>(dataset.shape()[1]),
                         static_cast<Index>(dataset.shape()[0]));
  dataset.read(matrix.data());
  domain.check(dataset.location().text(), matrix.data(), static_cast<std::size_t>(matrix.size()));
  return matrix;
}

// --------------------------------------------------------------------- configuration, environment

void write_config(const OutputGroup& entry, const std::string& config) {
  if (config.empty()) return;
  const OutputGroup note = write_group(entry, "config", "NXnote");
  note.text("type", "application/json");
  note.text("data", config);
}

std::string read_config(const InputGroup& entry) {
  return entry.contains("config") ? entry.group("config").dataset("data").text() : std::string();
}

void write_environment(const OutputGroup& entry,
                       const std::map<std::string, std::string>& environment) {
  if (environment.empty()) return;
  const OutputGroup group = write_group(entry, "environment", "NXcollection");
  for (const auto& [name, text] : environment) group.text(name, text);
}

std::map<std::string, std::string> read_environment(const InputGroup& entry) {
  std::map<std::string, std::string> environment;
  if (!entry.contains("environment")) return environment;
  const InputGroup group = entry.group("environment");
  for (const std::string& name : group.datasets()) {
    const InputDataset dataset = group.dataset(name);
    if (dataset.is_text() && dataset.shape().empty()) environment[name] = dataset.text();
  }
  return environment;
}

}  // namespace isochron::hdf5
