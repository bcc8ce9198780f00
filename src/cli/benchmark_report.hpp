#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "benchmark_results.hpp"
#include "isochron/figure.hpp"

namespace isochron::cli {

/// Whole numbers without a point, what is not finite as null.
[[nodiscard]] nlohmann::ordered_json json_number(double value);
/// The fields of a record by their names.
template <class Record, class Fields>
[[nodiscard]] nlohmann::ordered_json record_json(const Record& record, const Fields& fields) {
  nlohmann::ordered_json row = nlohmann::ordered_json::object();
  for (const RecordField<Record>& field : fields) {
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), double Record::*>) {
            row[field.name] = json_number(record.*value);
          } else {
            row[field.name] = record.*value;
          }
        },
        field.value);
  }
  return row;
}

/// Title, configuration, environment, points and conclusions of what `file` holds. Throws
/// InputError when its configuration is none.
[[nodiscard]] nlohmann::ordered_json benchmark_json(const BenchmarkResults& benchmark,
                                                    const std::string& file);

/// A table per sweep and the conclusions, to standard output.
void print_benchmark(const BenchmarkResults& benchmark, const std::string& file);

/// A figure per chart, with its name. Gradients and Jacobians side by side.
[[nodiscard]] std::vector<std::pair<std::string, Figure>> benchmark_figures(
    const BenchmarkResults& benchmark);

}  // namespace isochron::cli
