#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>

#include "record_field.hpp"

namespace isochron::cli {

using Json = nlohmann::ordered_json;

/// Whole numbers without a point, what is not finite as null.
[[nodiscard]] inline Json json_number(double value) {
  constexpr double largest_whole = 9007199254740992.0;
  if (!std::isfinite(value)) return nullptr;
  if (value == std::floor(value) && std::abs(value) < largest_whole) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

/// Under its name, where it is not absent.
template <class Number>
void add_number(Json& json, const std::string& name, const Number& value) {
  if constexpr (std::is_same_v<Number, double>) {
    json[name] = json_number(value);
  } else {
    json[name] = value;
  }
}
template <class Number>
void add_number(Json& json, const std::string& name, const std::optional<Number>& value) {
  if (value) add_number(json, name, *value);
}

/// The fields of a record by their names.
template <class Record, class Fields>
[[nodiscard]] Json record_json(const Record& record, const Fields& fields) {
  Json row = Json::object();
  for (const RecordField<Record>& field : fields) {
    std::visit([&](auto value) { add_number(row, field.name, record.*value); }, field.value);
  }
  return row;
}

}  // namespace isochron::cli
