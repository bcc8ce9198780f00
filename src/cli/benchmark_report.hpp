#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "benchmark_results.hpp"
#include "isochron/figure.hpp"

namespace isochron::cli {

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
