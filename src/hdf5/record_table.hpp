#pragma once

#include <fmt/core.h>
#include <type_traits>
#include <utility>

#include "hdf5/schema.hpp"
#include "record_field.hpp"

namespace isochron::hdf5 {

/// Of a list: a label, and of numbers the unit.
template <class Record>
std::string label_of(const RecordField<Record>& field) {
  const bool is_text = std::holds_alternative<std::string Record::*>(field.value);
  return is_text ? field.label : fmt::format("{} ({})", field.label, field.units);
}

/// Calls visit(field, values) with what the field is in each record.
template <class Record, class Fields, class Visit>
void for_each_field(const std::vector<Record>& records, const Fields& fields, const Visit& visit) {
  for (const RecordField<Record>& field : fields) {
    std::visit(
        [&](auto value) {
          std::vector<std::decay_t<decltype(records.front().*value)>> values;
          for (const Record& record : records) values.push_back(record.*value);
          visit(field, std::move(values));
        },
        field.value);
  }
}

/// The records as the dataset `table`, one per row, which people look at: without long texts.
template <class Record, class Fields>
void write_table(const OutputGroup& entry, const std::vector<Record>& records, const Fields& fields,
                 const std::string& label) {
  std::vector<TableColumn> columns;
  for_each_field(records, fields, [&](const auto& field, auto values) {
    if (!field.is_long) columns.push_back({field.name, std::move(values)});
  });
  const OutputObject table = entry.table("table", columns, "row");
  table.attribute("long_name", label);
  for (const RecordField<Record>& field : fields) {
    if (field.is_long) continue;
    const std::string name = field.name;
    table.attribute(name + "_long_name", label_of(field));
    const bool is_text = std::holds_alternative<std::string Record::*>(field.value);
    if (!is_text) table.attribute(name + "_units", field.units);
  }
}

/// The same as a group with a dataset for each field, which programs read, netCDF among them.
template <class Record, class Fields>
void write_columns(const OutputGroup& entry, const std::vector<Record>& records,
                   const Fields& fields, const std::string& axis) {
  const OutputGroup group = write_group(entry, "columns", "NXcollection");
  for_each_field(records, fields, [&](const auto& field, const auto& values) {
    if constexpr (std::is_same_v<std::decay_t<decltype(values.front())>, std::string>) {
      group.letters(field.name, values, axis).attribute("long_name", field.label);
    } else {
      describe(write_column(group, field.name, values, axis), field.label, field.units);
    }
  });
}

/// Both; nothing when there are no records.
template <class Record, class Fields>
void write_records(const OutputGroup& entry, const std::vector<Record>& records,
                   const Fields& fields, const std::string& label, const std::string& axis) {
  if (records.empty()) return;
  write_table(entry, records, fields, label);
  write_columns(entry, records, fields, axis);
}

template <class Record, class Fields>
[[nodiscard]] std::vector<Record> read_records(const InputGroup& entry, const Fields& fields) {
  std::vector<Record> records;
  if (!entry.contains("table")) return records;
  const InputDataset table = open_array(entry, "table", 1);
  table.check_rows(sizeof(Record));
  for (const RecordField<Record>& field : fields) {
    std::visit(
        [&](auto value) {
          using Value = std::decay_t<decltype(std::declval<Record&>().*value)>;
          const auto values_of_field = [&] {
            // Version 0.1.0 had long texts in the table.
            if constexpr (std::is_same_v<Value, std::string>) {
              if (field.is_long && !table.has_column(field.name)) {
                return entry.group("columns").dataset(field.name).texts();
              }
            }
            return table.read_column<Value>(field.name);
          };
          auto values = values_of_field();
          require(records.empty() || values.size() == records.size(),
                  "the column '{}' of {} has {} rows instead of {}", field.name,
                  table.location().text(), values.size(), records.size());
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
