#include "cli/summary.hpp"

#include <cmath>
#include <cstdio>

#include "cli/signals.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

constexpr const char* out_of_time = "absent: the time for it was over";

struct Count {
  long IntegrationCounts::*value;
  const char* name;
  const char* what;
};
constexpr Count counted[] = {
    {&IntegrationCounts::steps, "_steps", " steps"},
    {&IntegrationCounts::right_hand_sides, "_right_hand_sides", " right-hand sides"},
    {&IntegrationCounts::jacobians, "_jacobians", " Jacobians"},
    {&IntegrationCounts::error_test_failures, "_error_test_failures", " error test failures"},
    {&IntegrationCounts::convergence_failures, "_convergence_failures", " convergence failures"},
};

}  // namespace

void set_summary(Results& results, const std::string& name, double value, const std::string& what,
                 const std::string& units) {
  if (std::isfinite(value)) {
    results.summary_text.erase(name);
    results.summary[name] = {value, what + " (" + units + ")", units};
  } else {
    results.summary.erase(name);
    results.summary_text[name] = "absent: not a finite number";
  }
}

void compute_or_explain(Results& results, const std::string& name,
                        const std::function<void()>& compute) {
  try {
    compute();
  } catch (const NumericalError& error) {
    results.summary_text[name] = std::string("absent: ") + error.what();
    std::fprintf(stderr, "isochron: warning: %s is absent: %s\n", name.c_str(), error.what());
  } catch (const Interrupted&) {
    if (signalled()) throw;
    results.summary_text[name] = out_of_time;
  }
}

std::vector<std::string> left_out(const Results& results) {
  std::vector<std::string> names;
  for (const auto& [name, text] : results.summary_text) {
    if (text == out_of_time) names.push_back(name);
  }
  return names;
}

void set_counts(Results& results, const std::string& direction, const IntegrationCounts& counts) {
  for (const Count& count : counted) {
    set_summary(results, direction + count.name, static_cast<double>(counts.*count.value),
                direction + count.what);
  }
}

IntegrationCounts stored_counts(const Results& results, const std::string& direction) {
  IntegrationCounts counts;
  for (const Count& count : counted) {
    const auto found = results.summary.find(direction + count.name);
    if (found != results.summary.end())
      counts.*count.value = static_cast<long>(found->second.value);
  }
  return counts;
}

}  // namespace isochron::cli
