#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "benchmark_results.hpp"

namespace isochron::cli {

/// Title, configuration, environment, points and conclusions of what `file` holds. Throws
/// InputError when its configuration is none.
[[nodiscard]] nlohmann::ordered_json benchmark_json(const BenchmarkResults& benchmark,
                                                    const std::string& file);

/// A table per sweep and the conclusions, for the screen.
[[nodiscard]] std::string benchmark_text(const BenchmarkResults& benchmark,
                                         const std::string& file);

}  // namespace isochron::cli
