#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/run.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

nlohmann::ordered_json as_json(const Results& results) {
  nlohmann::ordered_json json;
  json["title"] = results.title;
  json["start_time"] = results.start_time;
  json["config"] = nlohmann::ordered_json::parse(results.config, nullptr, false);
  json["environment"] = results.environment;
  if (results.model) {
    json["model"] = {{"layers", results.model->layers},
                     {"activation", results.model->activation},
                     {"symmetry", results.model->symmetry == Symmetry::odd ? "odd" : "none"},
                     {"parameters", results.model->theta.size()}};
  }
  json["trajectories"] = results.initial_states.cols();
  for (const auto& [name, entry] : results.summary) {
    json["summary"][name] =
        std::isfinite(entry.value) ? nlohmann::ordered_json(entry.value) : nullptr;
  }
  for (const auto& [name, text] : results.summary_text) json["summary"][name] = text;
  return json;
}

void print_row(const std::string& name, const std::string& value) {
  std::printf("  %-28s %s\n", name.c_str(), value.c_str());
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, value == std::floor(value) && std::abs(value) < 1e9 ? "%.0f" : "%.4e",
                value);
  return text;
}

/// What the numbers say about the note's question, in words; for D = 1.
std::string reading(const Results& results) {
  const auto find = [&](const char* name) -> std::optional<double> {
    const auto found = results.summary.find(name);
    return found == results.summary.end() ? std::nullopt
                                          : std::optional<double>(found->second.value);
  };
  const auto verified = find("loss_verified");
  const auto deviation = find("harmonic_deviation");
  const auto n = find("harmonic_n");
  if (!verified || !deviation || !n) return "";
  constexpr double converged = 1e-8;
  constexpr double harmonic = 1e-3;
  if (*verified > converged) {
    return "not converged: the orbits do not close yet";
  }
  if (*deviation < harmonic) {
    return "converged: the force is harmonic, n = " + number(*n) + " oscillations in T";
  }
  return "converged: the orbits close in T though the force is not harmonic: a sheared or shifted "
         "isochronous well, as theory allows without symmetry";
}

void print_screen(const std::string& file, const Results& results) {
  std::printf("%s: %s\n", file.c_str(), results.title.c_str());
  print_row("started", results.start_time);
  if (results.model) {
    std::string widths;
    for (const Index w : results.model->layers) {
      widths += (widths.empty() ? "" : "-") + std::to_string(w);
    }
    print_row("network", widths + ", tanh, symmetry " +
                             (results.model->symmetry == Symmetry::odd ? "odd" : "none") + ", " +
                             std::to_string(results.model->theta.size()) + " parameters");
  }
  print_row("trajectories", std::to_string(results.initial_states.cols()));
  for (const auto& [name, text] : results.summary_text) print_row(name, text);
  for (const auto& [name, entry] : results.summary) {
    print_row(name, number(entry.value) + "   " + entry.long_name);
  }
  if (results.model && results.summary.count("loss_verified") == 0 && results.history.size() > 0) {
    print_row("not verified", "the run is unfinished; go on with: isochron train --resume " + file);
  }
  const std::string verdict = reading(results);
  if (!verdict.empty()) print_row("in words", verdict);
}

}  // namespace

int show(const Options& options) {
  const std::string file = options.positional().front();
  const Results results = read_results(file);
  if (options.flag("json")) {
    std::cout << as_json(results).dump(2) << '\n';
  } else {
    print_screen(file, results);
  }
  return 0;
}

}  // namespace isochron::cli
