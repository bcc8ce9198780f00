#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/analysis_report.hpp"
#include "cli/benchmark_report.hpp"
#include "cli/network.hpp"
#include "cli/remarks.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/sweep_report.hpp"
#include "cli/verbs.hpp"
#include "file_lock.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Json = nlohmann::ordered_json;

// ------------------------------------------------------------------------------------ for programs

Json as_json(const Results& results, const std::string& file) {
  Json json;
  json["title"] = results.title;
  json["start_time"] = results.start_time;
  json["config"] = parsed_configuration(results.config, file);
  json["environment"] = results.environment;
  if (results.model) {
    json["model"] = {{"layers", results.model->layers},
                     {"activation", results.model->activation},
                     {"symmetry", name(results.model->symmetry)},
                     {"skip", name(results.model->skip)},
                     {"parameters", results.model->theta.size()}};
  }
  json["trajectories"] = results.initial_states.cols();
  for (const auto& [name, entry] : results.summary)
    json["summary"][name] = entry.whole ? Json(*entry.whole) : json_number(entry.value);
  for (const auto& [name, text] : results.summary_text) json["summary"][name] = text;
  if (results.analysis) json["analysis"] = certificate_json(*results.analysis);
  return json;
}

// -------------------------------------------------------------------------------------- for people

std::string format(const char* pattern, double value) {
  char text[40];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}
std::string real(double value) { return format("%.4e", value); }
std::string rough(double value) { return format("%.2g", value); }
std::string whole(double value) { return format("%.0f", value); }

std::string still_running(const Writer& writer) {
  return "still running (" + shown(writer.process) + "): wait, or stop it before --resume";
}

/// The rows of the screen. A summary's entry that was asked for counts as shown.
class Screen {
 public:
  Screen(const Results& results, const std::string& file)
      : results_(results), config_(parsed_configuration(results.config, file)), file_(file) {}

  void print() {
    std::printf("%s: %s\n", shown(file_).c_str(), shown(results_.title).c_str());
    state();
    losses();
    for (const std::string& remark : remarks(results_, file_)) row("note", remark);
    verdict();
    simulation();
    cost();
    restarts();
    setting();
    others();
  }

 private:
  /// Breaks long values at blanks; a word that is too long, a path say, stays whole.
  static void row(std::string name, std::string value) {
    constexpr std::size_t width = 92;
    constexpr std::size_t longest = 2000;
    name = shown(name);
    value = shown(value, longest);
    while (!value.empty()) {
      std::size_t cut = std::string::npos;
      if (value.size() > width) cut = value.rfind(' ', width);
      if (value.size() > width && cut == std::string::npos) cut = value.find(' ');
      std::printf("  %-14s %s\n", name.c_str(), value.substr(0, cut).c_str());
      value.erase(0, cut == std::string::npos ? cut : cut + 1);
      name.clear();
    }
  }

  std::optional<double> number(const std::string& name) {
    const auto found = results_.summary.find(name);
    if (found == results_.summary.end()) return std::nullopt;
    shown_.insert(name);
    return found->second.value;
  }

  std::string words(const std::string& name) {
    const auto found = results_.summary_text.find(name);
    if (found == results_.summary_text.end()) return "";
    shown_.insert(name);
    return found->second;
  }

  /// The value of an option in the stored configuration.
  [[nodiscard]] std::string option(const std::string& name) const {
    const auto options = config_.find("options");
    if (options == config_.end() || !options->is_object()) return "-";
    const auto value = options->find(name);
    if (value == options->end() || value->is_null()) return "-";
    return value->is_string() ? value->get<std::string>() : value->dump();
  }

  void state() {
    const std::string reason = words("stop_reason");
    if (reason.empty()) return;
    if (reason == "running") {
      const Writer writer = writer_of(file_);
      if (writer.is == Writer::Is::somebody) {
        row("state", still_running(writer));
        return;
      }
      row("state", std::string("a checkpoint: the run ") +
                       (writer.is == Writer::Is::nobody ? "" : "goes on or ") +
                       "was cut off; it is not verified");
    } else if (reason == "interrupted") {
      row("state", "interrupted: the run is unfinished and not verified");
    } else {
      row("state", "stopped: " + reason);
      row("not verified", words("loss_verified"));
      return;
    }
    row("", "go on with: isochron train --resume " + shown(file_));
  }

  void losses() {
    const auto verified = number("loss_verified");
    const auto periodicity = number("loss_periodicity");
    const auto error = number("loss_verified_error");
    if (verified) {
      row("loss verified", real(*verified) + (error ? " +- " + rough(*error) : "") +
                               "  by another method at a tighter tolerance");
    }
    if (const auto floor = number("integration_floor")) {
      row("floor", real(*floor) + "  " + results_.summary.at("integration_floor").long_name);
    }
    const auto misfit = number("hold_misfit");
    const auto weight = number("hold_weight");
    if (periodicity && misfit && weight) {
      row("force data", "max |f - f*| = " + rough(*misfit) + ", weight " + rough(*weight) +
                            "; the trajectories' part of the loss " + real(*periodicity));
    }
    const auto mean = number("loss_validation");
    const auto median = number("loss_validation_median");
    const auto inside = number("loss_validation_inside");
    if (mean && median && inside) {
      row("validation", "on 10^4 unseen states: median " + rough(*median) + ", mean " +
                            rough(*mean) + "; mean inside the training radius " + rough(*inside));
    }
    row("validation", words("loss_validation"));
    const auto loss = number("loss");
    const auto gradient = number("gradient_norm");
    if (loss) row("loss", real(*loss) + (gradient ? ", |gradient| " + rough(*gradient) : ""));
    const auto n = number("harmonic_n");
    const auto deviation = number("harmonic_deviation");
    if (!n || !deviation) return;
    row("harmonic",
        "n = " + whole(*n) + ", max |f + (2 pi n/T)^2 x| on [-2, 2] = " + rough(*deviation));
    const auto before = number("nonlinear_size_before");
    const auto after = number("nonlinear_size");
    if (before && after) {
      row("beside linear", "max |f - (A x + b)| on [-2, 2]: " + rough(*before) + " before, " +
                               rough(*after) + " after");
    }
  }

  void verdict() {
    if (const auto words = prescribed_periods_in_words(results_)) {
      row("verdict", *words);
      shown_.insert({"oscillations_min", "oscillations_max"});
    }
    if (!results_.analysis) {
      row("verdict", words("analysis"));
      return;
    }
    for (const auto& [name, value] :
         certificate_rows(*results_.analysis, results_.has_period_law()))
      row(name, value);
  }

  void simulation() {
    for (const char* name : {"mean_square_residual", "energy_drift"}) {
      if (const auto value = number(name)) {
        row(name[0] == 'm' ? "residual" : "energy drift",
            real(*value) + "  " + results_.summary.at(name).long_name);
      }
    }
  }

  void cost() {
    const auto time = number("wall_time");
    const auto iterations = number("iterations");
    const auto evaluations = number("evaluations");
    if (time && iterations && evaluations) {
      row("cost", format("%.1f", *time) + " s, " + whole(*iterations) + " iterations, " +
                      whole(*evaluations) + " evaluations of loss and gradient");
    }
    if (const auto all = number("all_seeds_wall_time")) {
      row("", format("%.1f", *all) + " s for all weight seeds together");
    }
    row("solver", counts("forward"));
    row("", counts("backward"));
  }

  /// Solver statistics in one line.
  std::string counts(const std::string& direction) {
    const auto steps = number(direction + "_steps");
    const auto right_hand_sides = number(direction + "_right_hand_sides");
    const auto jacobians = number(direction + "_jacobians");
    const auto error_tests = number(direction + "_error_test_failures");
    const auto convergence = number(direction + "_convergence_failures");
    if (!steps || !right_hand_sides || !jacobians || !error_tests || !convergence) return "";
    return direction + " " + whole(*steps) + " steps, " + whole(*right_hand_sides) +
           " right-hand sides, " + whole(*jacobians) + " Jacobians, failures " +
           whole(*error_tests) + " + " + whole(*convergence);
  }

  void restarts() {
    std::string name = "restarts";
    for (const auto& [key, entry] : results_.summary) {
      if (key.rfind("restart_", 0) != 0) continue;
      shown_.insert(key);
      row(name, real(entry.value) + "  " + entry.long_name);
      name = "";
    }
    if (const auto kept = number("weight_seed")) {
      const auto exact = results_.summary.at("weight_seed").whole;
      row("", "weight seed " + (exact ? std::to_string(*exact) : whole(*kept)) + " was kept");
    }
  }

  /// T, or where periods are prescribed their range.
  [[nodiscard]] std::string periods() const {
    if (!results_.has_period_law()) return "T = " + option("period");
    const double whole = option("loss") == "prescribed-half-period" ? 2 : 1;
    return "T = " + rough(whole * results_.end_times.minCoeff()) + " .. " +
           rough(whole * results_.end_times.maxCoeff()) + " by " + option("period-by") + " as " +
           option("period-law");
  }

  void setting() {
    const std::string trajectories = std::to_string(results_.initial_states.cols());
    if (config_.is_object()) {
      row("problem", option("dynamics") + ", D = " + option("dimension") + ", " + periods() + ", " +
                         option("loss") + " loss, N = " + trajectories + ", data seed " +
                         option("data-seed"));
      row("integration",
          option("method") + ", rtol " + option("rtol") + ", atol " + option("atol"));
      const std::string last = words("integrated_by");
      row("training", option("optimizer") == "-"
                          ? ""
                          : option("optimizer") + ", gradient " + option("gradient") +
                                (last.empty() ? "" : ", at the end integrated by " + last));
    } else {
      row("trajectories", trajectories);
    }
    if (results_.model) {
      row("network", widths(results_.model->layers) + ", " + results_.model->activation +
                         ", symmetry " + name(results_.model->symmetry) + ", skip " +
                         name(results_.model->skip) + ", " +
                         std::to_string(results_.model->theta.size()) + " parameters");
    }
    const auto of = [&](const char* key) {
      const auto found = results_.environment.find(key);
      return found == results_.environment.end() ? std::string("?") : found->second;
    };
    row("started", results_.start_time + " by isochron " + of("isochron") + " (" +
                       of("git_revision") + "), " + of("threads") + " threads");
  }

  /// What other versions of the program have put into the summary.
  void others() {
    for (const auto& [name, text] : results_.summary_text) {
      if (shown_.count(name) == 0) row(name, text);
    }
    for (const auto& [name, entry] : results_.summary) {
      if (shown_.count(name) == 0) row(name, real(entry.value) + "  " + entry.long_name);
    }
  }

  const Results& results_;
  Json config_;
  const std::string& file_;
  std::set<std::string> shown_;
};

/// Sweeps and benchmarks do not say in their files whether they are complete.
void print_if_running(const std::string& file) {
  const Writer writer = writer_of(file);
  if (writer.is == Writer::Is::somebody) std::printf("%s\n", still_running(writer).c_str());
}

int show_sweep(const SweepResults& sweep, const std::string& file, bool as_json) {
  if (!as_json) {
    print_if_running(file);
    print_sweep(sweep, file);
    return 0;
  }
  std::cout << sweep_json(sweep, file).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  return 0;
}

}  // namespace

int show(const Configuration& given) {
  const std::string& file = given.files.front();
  const Entries entries = read_entries(file);
  if (entries.sweep) return show_sweep(read_sweep(file), file, given.json);
  std::optional<Results> results;
  std::optional<BenchmarkResults> benchmark;
  if (entries.benchmark) benchmark = read_benchmark(file);
  if (entries.run || !benchmark) results = read_results(file);
  if (given.json) {
    Json json = results ? as_json(*results, file) : Json::object();
    if (benchmark) json["benchmark"] = benchmark_json(*benchmark, file);
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    return 0;
  }
  if (results) Screen(*results, file).print();
  if (benchmark) {
    print_if_running(file);
    print_benchmark(*benchmark, file);
  }
  return 0;
}

}  // namespace isochron::cli
