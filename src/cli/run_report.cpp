#include "cli/run_report.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <set>

#include "cli/analysis_report.hpp"
#include "cli/codec.hpp"
#include "cli/force_option.hpp"
#include "cli/json.hpp"
#include "cli/print.hpp"
#include "cli/remarks.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/observed_data.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// A number of the run, as rows show it; empty where it is absent.
std::string in_words(double value) { return std::isnan(value) ? "" : fmt::format("{:.4e}", value); }
std::string in_words(long value) { return value == 0 ? "" : fmt::format("{}", value); }
template <class T>
std::string in_words(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "";
}

template <class Number>
bool is_absent(const Number& value) {
  if constexpr (std::is_same_v<Number, double>) return std::isnan(value);
  return false;
}

/// The rows about a run. What a row has shown is not shown again among the others.
class RunRows {
 public:
  RunRows(const Run& run, const std::string& file) : run_(run), file_(file) {}

  [[nodiscard]] Rows all() && {
    state();
    losses();
    simulation();
    fit();
    parameters();
    prediction();
    for (const std::string& remark : remarks(run_, file_)) add("note", remark);
    verdict();
    others();
    left_out_parts();
    cost();
    restarts();
    setting();
    return std::move(rows_);
  }

 private:
  template <class... Values>
  void row(const std::string& name, fmt::format_string<const Values&...> words,
           const Values&... values) {
    add(name, fmt::format(words, values...));
  }

  void add(const std::string& name, const std::string& value) { rows_.emplace_back(name, value); }

  /// A value that a row of its own shows, by its name in the file.
  template <class T>
  const T& take(const char* name, const T& value) {
    shown_.insert(name);
    return value;
  }

  void state() {
    const std::string& reason = take("stop_reason", run_.stop_reason);
    if (reason == "running") {
      const Writer writer = writer_of(file_);
      if (writer.is == Writer::Is::somebody) {
        add("state", still_running(writer));
        return;
      }
      row("state", "a checkpoint: the run {}was cut off; it is not verified",
          writer.is == Writer::Is::nobody ? "" : "goes on or ");
    } else if (reason == "interrupted") {
      row("state", "interrupted: the run is unfinished and not verified");
    } else {
      if (!reason.empty()) row("state", "stopped: {}", reason);
      return;
    }
    add("", how_to_go_on(run_, file_));
  }

  void losses() {
    const Verification& found = run_.verification;
    take("loss_verified_error", found.error);
    if (!std::isnan(take("loss_verified", found.loss))) {
      row("loss verified", "{:.4e}{}  by another method at a tighter tolerance", found.loss,
          std::isnan(found.error) ? "" : fmt::format(" +- {:.2g}", found.error));
    }
    if (run_.force_data && !std::isnan(found.of_trajectories)) {
      take("loss_periodicity", found.of_trajectories);
      row("force data",
          "max |f - f*| = {:.2g}, weight {:.2g}; the trajectories' part of the loss {:.4e}",
          take("hold_misfit", found.force_misfit), take("hold_weight", run_.force_data->weight),
          found.of_trajectories);
    }
    others_of_sum();
    const ValidationLoss& validation = run_.validation;
    if (!std::isnan(take("loss_validation", validation.mean))) {
      row("validation",
          "on 10^4 unseen states: median {:.2g}, mean {:.2g}; mean inside the training radius "
          "{:.2g}",
          take("loss_validation_median", validation.median), validation.mean,
          take("loss_validation_inside", validation.inside));
    }
    if (run_.state.history.size() > 0) {
      take("gradient_norm", 0);
      const bool has_ridge = run_.loss == Loss::observations && run_.fit.ridge > 0;
      row("loss", "{:.4e}{}, |gradient| {:.2g}", take("loss", run_.state.loss),
          has_ridge ? " with the ridge" : "", kept_gradient_norm(run_.state));
    }
    const Character& like = run_.character;
    if (take("harmonic_n", like.harmonic_n)) {
      row("harmonic", "n = {}, max |f + (2 pi n/T)^2 x| on [-2, 2] = {:.2g}", *like.harmonic_n,
          take("harmonic_deviation", like.harmonic_deviation));
    }
    if (!std::isnan(take("nonlinear_size", like.nonlinear_size))) {
      row("beside linear", "max |f - (A x + b)| on [-2, 2]: {:.2g} before, {:.2g} after",
          take("nonlinear_size_before", like.nonlinear_size_before), like.nonlinear_size);
    }
  }

  /// What else counts beside the first loss, and how well it is fulfilled.
  void others_of_sum() {
    const std::vector<double>& verified = run_.verification.of_others;
    std::string title = "beside";
    for (std::size_t j = 0; j < run_.others.size(); ++j) {
      const OtherObjective& other = run_.others[j];
      const bool is_closed = asks_for_closed_orbits(other.loss);
      row(title, "{:g} times the {} loss, T = {:.4g}, N = {}{}", other.weight, name(other.loss),
          other.period, other.ensemble.size(),
          verified.size() != run_.others.size()
              ? ""
              : fmt::format(": {:.4e}{}", verified[j],
                            is_closed ? fmt::format(", orbits miss their end by {:.2g} (rms)",
                                                    std::sqrt(verified[j]))
                                      : ""));
      title = "";
    }
  }

  /// By how much simulated orbits miss what the loss asks for.
  void simulation() {
    const double found = take("mean_square_residual", run_.simulation.mean_square_residual);
    if (!std::isnan(found)) {
      const bool half = run_.loss && mirrors(*run_.loss);
      row("loss", "{:.4e} = mean {}, by {}", found, half ? "|X(T/2) + X(0)|^2" : "|X(T) - X(0)|^2",
          take("integrated_by", run_.integrated_by));
    }
  }

  /// To observations.
  void fit() {
    const FitQuality& found = run_.fit;
    if (std::isnan(take("chi_squared", found.chi_squared))) return;
    const double held_out = take("chi_squared_holdout", found.chi_squared_holdout);
    row("fit", "chi^2 {:.4f} per datum, of {} data; {:.1f} degrees of freedom{}", found.chi_squared,
        number_of_data(run_), take("degrees_of_freedom", found.degrees_of_freedom),
        std::isnan(held_out) ? "" : fmt::format("; of data held out {:.4f}", held_out));
    row("",
        "ridge {:.3g}, {:.2f} effective parameters, log evidence {:.2f}; residuals correlate "
        "by {:.3f}",
        take("ridge", found.ridge), take("effective_parameters", found.effective_parameters),
        take("log_evidence", found.log_evidence), take("autocorrelation", found.autocorrelation));
    noise();
    errors();
    period();
  }

  /// T(E) in the middle of the energies.
  void period() {
    if (!run_.periods) return;
    const auto& [energy, period, error] = *run_.periods;
    const Index middle = energy.size() / 2;
    const Index last = energy.size() - 1;
    row("period", "T(E) = {:.5g} +- {:.2g} at E = {:.4g}{}", period[middle], error[middle],
        energy[middle],
        last > 0 ? fmt::format(" in the middle of {:.3g} .. {:.3g}", energy[0], energy[last]) : "");
  }

  /// Of trajectories that a fit predicts.
  void prediction() {
    if (!run_.trajectories || run_.trajectories->errors.size() == 0) return;
    const Vector largest = run_.trajectories->errors.rowwise().maxCoeff();
    const Index dimension = largest.size() / (run_.motion == Motion::newtonian ? 2 : 1);
    std::vector<std::string> words;
    for (Index d = 0; d < largest.size(); ++d) {
      words.push_back(
          fmt::format("{} {:.2g}", component_name(run_.motion, dimension, d), largest[d]));
    }
    row("prediction", "standard errors up to {}", fmt::format("{}", fmt::join(words, ", ")));
  }

  /// The parameters of the known term, a row each.
  void parameters() {
    if (!run_.known || run_.state.theta.size() == 0) return;
    std::size_t longest = 0;
    for (const AnalyticParameter& parameter : run_.known->parameters) {
      longest = std::max(longest, parameter.name.size());
    }
    const Vector values = run_.known_values();
    std::string title = "parameters";
    for (Index p = 0; p < values.size(); ++p) {
      const AnalyticParameter& parameter = run_.known->parameters[static_cast<std::size_t>(p)];
      const double error =
          run_.parameter_errors.size() > 0 ? run_.parameter_errors[p] : std::nan("");
      row(title, "{:<{}}  {:.6g}{}{}", parameter.name, longest, values[p],
          std::isnan(error) ? "" : fmt::format(" +- {:.2g}", error), on_scale(parameter));
      title = "";
    }
  }

  static std::string on_scale(const AnalyticParameter& parameter) {
    if (!parameter.is_fitted) return ", held";
    const auto& [logarithmic, bounds] = parameter.scale;
    return fmt::format("{}{}", logarithmic ? ", its logarithm fitted" : "",
                       bounds ? ", " + within(*bounds) : "");
  }

  static std::string within(const Interval& bounds) {
    const auto [low, high] = bounds;
    if (std::isinf(high)) return fmt::format("above {:g}", low);
    if (std::isinf(low)) return fmt::format("below {:g}", high);
    return fmt::format("between {:g} and {:g}", low, high);
  }

  /// Of which kind errors are, where not normal ones of the values.
  void errors() {
    const Observations& data = run_.observations;
    std::vector<std::string> words;
    if (data.error_model == ErrorModel::lognormal) words.emplace_back("lognormal, of logarithms");
    if (data.robust == Robust::huber) words.emplace_back("robust, by Huber's loss");
    if (!words.empty()) row("errors", "{}", fmt::format("{}", fmt::join(words, "; ")));
  }

  void noise() {
    if (!run_.estimates_noise) return;
    const States& weight = run_.observations.weight;
    const Index dimension = weight.rows() / (run_.motion == Motion::newtonian ? 2 : 1);
    std::vector<std::string> words;
    for (Index d = 0; d < weight.rows(); ++d) {
      const double largest = weight.row(d).maxCoeff();
      if (largest == 0) continue;
      words.push_back(fmt::format("{} {:.4g}", component_name(run_.motion, dimension, d),
                                  1 / std::sqrt(largest)));
    }
    row("noise", "estimated: {}", fmt::format("{}", fmt::join(words, ", ")));
  }

  void verdict() {
    if (const auto words = prescribed_periods_in_words(run_)) add("verdict", *words);
    if (!run_.certificate) return;
    for (const auto& [name, value] :
         certificate_rows(*run_.certificate, run_.prescribes_periods())) {
      add(name, value);
    }
  }

  /// What has no row of its own.
  void others() {
    take("iterations", 0), take("evaluations", 0), take("wall_time", 0), take("weight_seed", 0);
    take("all_seeds_wall_time", 0);
    if (run_.options) take("integrated_by", 0);
    const auto show = [&](const char* name, const char* label, const char* units,
                          const auto& value) {
      const std::string_view key = name;
      const bool counts = key.starts_with("forward_") || key.starts_with("backward_");
      if (counts || shown_.count(name) != 0 || in_words(value).empty()) return;
      const std::string unit = units == std::string("1") ? "" : std::string(" ") + units;
      row(spaced(name), "{}{}  {}", in_words(value), unit, label);
    };
    for_each_number(run_, show);
    for_each_derived_number(run_, show);
    for_each_text(run_, [&](const char* name, const std::string& text) {
      if (shown_.count(name) == 0) add(spaced(name), text);
    });
  }

  void left_out_parts() {
    const std::vector<std::string> names = left_out(run_);
    for (const auto& [name, reason] : run_.absent) {
      const bool by_time = std::find(names.begin(), names.end(), name) != names.end();
      if (!by_time) row(name == "analysis" ? "verdict" : spaced(name), "absent: {}", reason);
    }
    if (names.empty()) return;
    row("left out",
        "{}: the time for it was over; to make up for it: isochron train --resume {} --iterations "
        "0 --max-time S",
        fmt::format("{}", fmt::join(names, ", ")), shown(file_));
  }

  void cost() {
    const History& history = run_.state.history;
    if (history.size() > 0) {
      row("cost", "{:.1f} s, {} iterations, {} evaluations of loss and gradient",
          history.wall_time.back(), history.iteration.back(), history.evaluations.back());
    }
    if (!std::isnan(run_.restarts_time)) {
      row("", "{:.1f} s for all weight seeds together", run_.restarts_time);
    }
    counts("solver", "forward", run_.state.forward);
    counts("", "backward", run_.state.backward);
  }

  /// Solver statistics in one line.
  void counts(const char* name, const char* direction, const IntegrationCounts& counts) {
    if (counts.right_hand_sides == 0) return;
    row(name, "{} {} steps, {} right-hand sides, {} Jacobians, failures {} + {}", direction,
        counts.steps, counts.right_hand_sides, counts.jacobians, counts.error_test_failures,
        counts.convergence_failures);
  }

  void restarts() {
    std::string name = "restarts";
    for (const Restart& restart : run_.restarts) {
      const std::uint64_t seed = restart.weight_seed;
      if (std::isnan(restart.loss)) {
        row(name, "loss of weight seed {} could not be evaluated", seed);
      } else {
        row(name, "{:.4e}  loss of weight seed {} when it was set aside", restart.loss, seed);
      }
      name = "";
    }
    if (run_.weight_seed) row("", "weight seed kept {}", *run_.weight_seed);
  }

  /// T, or where periods are prescribed their range.
  [[nodiscard]] std::string periods() const {
    if (!run_.prescribes_periods()) return "T = " + Codec<double>(time()).write(run_.period);
    const double parts = mirrors(*run_.loss) ? 2 : 1;
    const Vector& times = run_.ensemble.end_times;
    const Json config = parsed_configuration(run_.config, file_);
    const std::string law = stored_text(stored_object(config, "options"), "period-law");
    return fmt::format("T = {:.2g} .. {:.2g} by {}{}", parts * times.minCoeff(),
                       parts * times.maxCoeff(), run_.by_energy() ? "energy" : "amplitude",
                       law.empty() ? "" : " as " + law);
  }

  void setting() {
    const States& states = run_.ensemble.initial_states;
    if (run_.loss) {
      const Index dimension = states.rows() / (run_.motion == Motion::newtonian ? 2 : 1);
      row("problem", "{}, D = {}, {}, {}, N = {}{}", name(run_.motion), dimension, periods(),
          losses_of(*run_.loss, {}), states.cols(),
          run_.data_seed ? fmt::format(", data seed {}", *run_.data_seed) : "");
    } else if (states.cols() > 0) {
      row("trajectories", "{}", states.cols());
    }
    if (run_.options) way();
    if (run_.known && run_.state.theta.size() > 0) {
      add("force", described(ForceStructure{run_.known, run_.network}));
    }
    if (run_.network) {
      row("network", "{}, {}, symmetry {}, skip {}, {} parameters", widths(run_.network->layers),
          name(run_.network->activation), name(run_.network->symmetry), name(run_.network->skip),
          Mlp(*run_.network).parameters());
    } else if (!run_.known && run_.state.theta.size() > 0) {
      row("force", "of the user's own, {} parameters", run_.state.theta.size());
    }
    const auto of = [&](const char* key) {
      const auto found = run_.environment.find(key);
      return found == run_.environment.end() ? std::string("?") : found->second;
    };
    row("started", "{} by isochron {} ({}), {} threads", run_.start_time, of("isochron"),
        of("git_revision"), of("threads"));
  }

  void way() {
    const TrainingOptions& options = *run_.options;
    const IntegratorOptions& integrator = options.sensitivity.integrator;
    if (options.tolerance_follows()) {
      row("integration", "{}, rtol auto", name(integrator.method));
    } else {
      row("integration", "{}, rtol {}, atol {}", name(integrator.method), shortest(integrator.rtol),
          shortest(integrator.atol));
    }
    row("training", "{}, gradient {}{}", name(options.kind), name(options.sensitivity.gradient),
        run_.integrated_by.empty() ? "" : ", at the end integrated by " + run_.integrated_by);
  }

  static std::string spaced(std::string name) {
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
  }

  const Run& run_;
  const std::string file_;
  std::set<std::string> shown_;
  Rows rows_;
};

/// Breaks long values at blanks; a word that is too long, a path say, stays whole.
void print_row(std::string name, std::string value) {
  constexpr std::size_t width = 84;
  constexpr std::size_t longest = 2000;
  name = shown(name);
  value = shown(value, longest);
  while (!value.empty()) {
    std::size_t cut = std::string::npos;
    if (value.size() > width) cut = value.rfind(' ', width);
    if (value.size() > width && cut == std::string::npos) cut = value.find(' ');
    put("  {:<22} {}\n", name, value.substr(0, cut));
    value.erase(0, cut == std::string::npos ? cut : cut + 1);
    name.clear();
  }
}

/// An option as programs take it: enumerators by their names.
class OptionJson {
 public:
  explicit OptionJson(Json& json) : json_(json) {}

  template <class T>
  void operator()(const char* key, const char*, const char*, const T& value) const {
    if constexpr (std::is_enum_v<T>) {
      json_[key] = name(value);
    } else {
      add_number(json_, key, value);
    }
  }

 private:
  Json& json_;
};

Json options_json(const TrainingOptions& options) {
  Json json;
  for_each_option(options, OptionJson(json));
  for_each_option(options.sensitivity, OptionJson(json["sensitivity"]));
  if (options.jacobian) for_each_option(*options.jacobian, OptionJson(json["jacobian"]));
  return json;
}

void add_known(Json& model, const Run& run) {
  model["known"] = run.known->name;
  model["parameters"] = run.state.theta.size();
  const Vector values = run.known_values();
  for (Index p = 0; p < values.size(); ++p) {
    const AnalyticParameter& parameter = run.known->parameters[static_cast<std::size_t>(p)];
    Json& row = model["known_parameters"][parameter.name];
    row["value"] = json_number(values[p]);
    if (run.parameter_errors.size() > 0) row["error"] = json_number(run.parameter_errors[p]);
    row["fitted"] = parameter.is_fitted;
  }
}

Json other_json(const Run& run, std::size_t j) {
  const OtherObjective& other = run.others[j];
  Json json = {{"loss", name(other.loss)},
               {"weight", other.weight},
               {"period", other.period},
               {"trajectories", other.ensemble.size()}};
  if (run.verification.of_others.size() == run.others.size()) {
    json["loss_verified"] = json_number(run.verification.of_others[j]);
  }
  return json;
}

/// T(E) of a fit with its standard errors.
Json periods_json(const PeriodCurve& periods) {
  Json json;
  const auto add = [&](const char* name, const Vector& values) {
    for (const double value : values) json[name].push_back(json_number(value));
  };
  add("energy", periods.energy);
  add("period", periods.period);
  add("period_errors", periods.error);
  return json;
}

}  // namespace

std::string still_running(const Writer& writer) {
  return "still running (" + shown(writer.process) + "): wait, or stop it before --resume";
}

Rows run_rows(const Run& run, const std::filesystem::path& file) {
  return RunRows(run, file.string()).all();
}

void print_run(const Run& run, const std::filesystem::path& file) {
  put("{}: {}\n", shown(file.string(), longest_path), shown(run.title));
  for (const auto& [name, value] : run_rows(run, file)) print_row(name, value);
}

Json run_json(const Run& run, const std::filesystem::path& file) {
  Json json;
  json["title"] = run.title;
  json["start_time"] = run.start_time;
  json["config"] = parsed_configuration(run.config, file.string());
  json["environment"] = run.environment;
  if (run.network) {
    json["model"] = {{"layers", run.network->layers},
                     {"activation", name(run.network->activation)},
                     {"symmetry", name(run.network->symmetry)},
                     {"skip", name(run.network->skip)},
                     {"parameters", run.state.theta.size()}};
  }
  if (run.known && run.state.theta.size() > 0) add_known(json["model"], run);
  if (run.loss) {
    json["objective"] = {
        {"loss", name(*run.loss)}, {"dynamics", name(run.motion)}, {"period", run.period}};
    add_number(json["objective"], "data_seed", run.data_seed);
  }
  for (std::size_t j = 0; j < run.others.size(); ++j) {
    json["objective"]["others"].push_back(other_json(run, j));
  }
  if (run.options) json["options"] = options_json(*run.options);
  json["trajectories"] = run.ensemble.size();
  Json& summary = json["summary"];
  const auto add = [&](const char* name, const char*, const char*, const auto& value) {
    if (!is_absent(value)) add_number(summary, name, value);
  };
  for_each_number(run, add);
  for_each_derived_number(run, add);
  for_each_text(run, [&](const char* name, const std::string& text) {
    if (!text.empty()) summary[name] = text;
  });
  for (const auto& [name, reason] : run.absent) summary[name] = "absent: " + reason;
  for (const Restart& restart : run.restarts) {
    json["restarts"].push_back(
        {{"weight_seed", restart.weight_seed}, {"loss", json_number(restart.loss)}});
  }
  if (run.periods) json["periods"] = periods_json(*run.periods);
  if (run.certificate) json["analysis"] = certificate_json(*run.certificate);
  return json;
}

}  // namespace isochron::cli
