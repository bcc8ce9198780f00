#pragma once

#include <functional>
#include <string>
#include <vector>

#include "isochron/results.hpp"

namespace isochron::cli {

/// A number into the summary; what is not finite is absent, with the reason.
void set_summary(Results& results, const std::string& name, double value, const std::string& what,
                 const std::string& units = "1");

/// Runs `compute`. Where it fails, or is ended because its time is over, the text `name` of the
/// summary says so: "absent: ..". Throws Interrupted after a signal.
void compute_or_explain(Results& results, const std::string& name,
                        const std::function<void()>& compute);
/// What is absent because the time for it was over.
[[nodiscard]] std::vector<std::string> left_out(const Results& results);

/// Counts of the `direction` forward or backward.
void set_counts(Results& results, const std::string& direction, const IntegrationCounts& counts);
[[nodiscard]] IntegrationCounts stored_counts(const Results& results, const std::string& direction);

}  // namespace isochron::cli
