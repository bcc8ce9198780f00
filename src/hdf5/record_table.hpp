#pragma once

#include <fmt/core.h>
#include <type_traits>
#include <utility>

#include "hdf5/schema.hpp"
#include "record_field.hpp"

namespace isochron::hdf5 {

/// The records as the dataset `table`, one per row, a label and a unit for each column. Nothing
/// when there are none.
template <class Record, class Fields>
void write_records(const OutputGroup& entry, const std::vector<Record>& records,
                   const Fields& fields, const std::string& label) {
  if (records.empty()) return;
  std::vector<TableColumn> columns;
  for (const RecordField<Record>& field : fields) {
    std::visit(
        [&](auto value) {
          std::vector<std::decay_t<decltype(records.front().*value)>> values;
          for (const Record& record : records) values.push_back(record.*value);
          columns.push_back({field.name, std::move(values)});
        },
        field.value);
  }
  const OutputObject table = entry.table("table", columns);
  table.attribute("long_name", label);
  for (const RecordField<Record>& field : fields) {
    const std::string name = field.name;
    const bool is_text = std::holds_alternative<std::string Record::*>(field.value);
    const std::string unit = is_text ? "" : fmt::format(" ({})", field.units);
    table.attribute(name + "_long_name", field.label + unit);
    if (!is_text) table.attribute(name + "_units", field.units);
  }
}

template <class Record, class Fields>
[[nodiscard]] std::vector<Record> read_records(const InputGroup& entry, const Fields& fields) {
  std::vector<Record> records;
  if (!entry.contains("table")) return records;
  const InputDataset table = open_array(entry, "table", 1);
  for (const RecordField<Record>& field : fields) {
    std::visit(
        [&](auto value) {
          using Value = std::decay_t<decltype(std::declval<Record&>().*value)>;
          auto values = table.read_column<Value>(field.name);
          if constexpr (std::is_same_v<Value, long>) {
            domain::count.check(
                fmt::format("the column '{}' of {}", field.name, table.location().text()),
                values.data(), values.size());
          }
          records.resize(values.size());
          for (std::size_t i = 0; i < values.size(); ++i) records[i].*value = std::move(values[i]);
        },
        field.value);
  }
  return records;
}

}  // namespace isochron::hdf5
