#include "cli/sweep_report.hpp"

#include <fmt/core.h>
#include <cmath>

#include "cli/json.hpp"
#include "cli/stored_configuration.hpp"

namespace isochron::cli {
namespace {

/// Whether a run of this configuration ended in an isochronous well.
auto isochronous(std::size_t configuration) {
  return [=](const SweepRun& run) {
    return run.configuration == static_cast<long>(configuration) && run.isochronous();
  };
}

void add_spread(std::string& text, const char* what, const std::vector<double>& values) {
  if (values.empty()) return;
  text += fmt::format("  {:<34} {:.3g} .. {:.3g}, median {:.3g}\n", what, values.front(),
                      values.back(), values[values.size() / 2]);
}

void add_configuration(std::string& text, const SweepResults& sweep, std::size_t index) {
  const auto of_this = [&](const SweepRun& run) {
    return run.configuration == static_cast<long>(index);
  };
  const long runs = std::count_if(sweep.runs.begin(), sweep.runs.end(), of_this);
  text += fmt::format("\n{}: {} runs\n", sweep.configurations[index].name, runs);
  for (const SweepCount& count : count_verdicts(sweep.runs)) {
    if (count.configuration != static_cast<long>(index)) continue;
    const std::string n = count.n > 0 ? fmt::format(", n = {}", count.n) : "";
    text += fmt::format("  {:<34} {:6}  {:5.1f} %\n", count.verdict + n, count.runs,
                        100 * static_cast<double>(count.runs) / static_cast<double>(runs));
  }
  const auto values = [&](double SweepRun::*field) {
    return sorted_values(sweep.runs, field, isochronous(index));
  };
  add_spread(text, "isochronous: centre x0", values(&SweepRun::x0));
  add_spread(text, "  max |S|/A", values(&SweepRun::shear_max));
  add_spread(text, "  shear S at A = 2", values(&SweepRun::shear_at_2));
  add_spread(text, "  max |R - 1|", values(&SweepRun::width_deviation));
  add_spread(text, "  max |f + (2 pi n/T)^2 x|", values(&SweepRun::deviation));
  add_spread(text, "all: loss verified",
             sorted_values(sweep.runs, &SweepRun::loss_verified, of_this));
  add_spread(text, "  wall time (s)", sorted_values(sweep.runs, &SweepRun::wall_time, of_this));
}

}  // namespace

std::string sweep_text(const SweepResults& sweep, const std::filesystem::path& file) {
  std::string text;
  text += fmt::format("{}: {}\n", file.string(), sweep.title);
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) add_configuration(text, sweep, i);
  return text;
}

nlohmann::ordered_json sweep_json(const SweepResults& sweep, const std::string& file) {
  nlohmann::ordered_json json;
  json["title"] = sweep.title;
  json["config"] = parsed_configuration(sweep.config, file);
  json["environment"] = sweep.environment;
  for (const SweepConfiguration& configuration : sweep.configurations) {
    json["configurations"].push_back(configuration.name);
  }
  for (const SweepCount& count : count_verdicts(sweep.runs)) {
    json["counts"].push_back({{"configuration", count.configuration},
                              {"verdict", count.verdict},
                              {"n", count.n},
                              {"runs", count.runs}});
  }
  for (const SweepRun& run : sweep.runs) {
    json["runs"].push_back(record_json(run, sweep_fields));
  }
  return json;
}

}  // namespace isochron::cli
