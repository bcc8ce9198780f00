#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "isochron/benchmark_results.hpp"
#include "isochron/figure.hpp"

namespace isochron::cli {

/// Whole numbers without a point, what is not finite as null.
[[nodiscard]] nlohmann::ordered_json json_number(double value);
/// A stored configuration; null when it is not JSON.
[[nodiscard]] nlohmann::ordered_json parsed(const std::string& config);

/// Title, configuration, environment, points and conclusions.
[[nodiscard]] nlohmann::ordered_json benchmark_json(const BenchmarkResults& benchmark);

/// A table per sweep and the conclusions, to standard output.
void print_benchmark(const BenchmarkResults& benchmark, const std::string& file);

/// A figure per chart, with its name. Gradients and Jacobians side by side.
[[nodiscard]] std::vector<std::pair<std::string, Figure>> benchmark_figures(
    const BenchmarkResults& benchmark);

}  // namespace isochron::cli
