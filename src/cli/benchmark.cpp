#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "cli/force_option.hpp"
#include "cli/measurement.hpp"
#include "cli/objective.hpp"
#include "cli/option_table.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "cli/resolved.hpp"
#include "cli/signals.hpp"
#include "cli/solver_options.hpp"
#include "cli/stored_run.hpp"
#include "cli/verbs.hpp"
#include "clock.hpp"
#include "environment.hpp"
#include "isochron/random.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

// ---------------------------------------------------------------------------------------- the plan

/// What the axes run over.
struct Ranges {
  std::vector<std::vector<Index>> hidden;
  std::vector<Index> trajectories;
  std::vector<double> tolerances;
  std::vector<double> periods;  // factors of the period
  Index threads_trajectories = 1000;
  MeasurementLimits limits;
};

Ranges ranges(const Configuration& configuration) {
  Ranges r;
  if (configuration.quick) {
    r = {{{8}, {16, 16}, {32, 32}}, {1, 100, 1000}, {1e-5, 1e-8, 1e-11}, {1, 5}, 200, {1, 0.1, 5}};
  } else {
    r.hidden = {{8}, {16}, {64}, {16, 16}, {16, 16, 16}, {32, 32}, {64, 64}, {96, 96}};
    r.trajectories = {1, 10, 100, 1000, 10000};
    for (int digits = 4; digits <= 12; ++digits) r.tolerances.push_back(std::pow(10, -digits));
    r.periods = {1, 2, 5, 10, 20, 50};
    r.limits = configuration.full ? MeasurementLimits{1000, 10, 41} : MeasurementLimits{5, 0.5, 15};
  }
  if (configuration.budget) r.limits.budget = *configuration.budget;
  return r;
}

/// A problem, the ways to measure it, and the network that starts it.
struct Station {
  std::string axis;
  std::string start = "random";
  std::vector<Index> layers;
  Index trajectories = 100;
  double period = 0;
  std::vector<MeasuredMethod> methods;
};

class Plan {
 public:
  Plan(const Configuration& configuration, const Mlp& network, const IntegratorOptions& integrator,
       bool trained)
      : ranges_(ranges(configuration)),
        motion_(configuration.motion),
        period_(configuration.period),
        layers_(network.layers()),
        trajectories_(configuration.trajectories),
        integrator_(integrator),
        rtol_(integrator.rtol) {
    add_parameters();
    for (const char* start : {"random", "trained"}) {
      if (start == std::string("trained") && !trained) continue;
      add_tolerances(start);
      add_trajectories(start);
      add_periods(start);
      add_threads(start);
    }
  }

  [[nodiscard]] const std::vector<Station>& stations() const { return stations_; }
  [[nodiscard]] const MeasurementLimits& limits() const { return ranges_.limits; }

 private:
  [[nodiscard]] bool newtonian() const { return motion_ == Motion::newtonian; }
  [[nodiscard]] Method one_step() const {
    return is_multistep(integrator_.method) ? eighth_order(motion_) : integrator_.method;
  }
  [[nodiscard]] Method multistep() const {
    return integrator_.method == Method::bdf ? Method::bdf : Method::adams;
  }

  /// rkn8 at rtol errs about as much as the methods of CVODES at 1e-3 rtol.
  [[nodiscard]] double one_step_rtol() const { return std::min(1e-2, 1e3 * rtol_); }

  [[nodiscard]] MeasuredMethod method(GradientMethod gradient, Method integrator, double rtol,
                                      bool jacobian = false, int threads = 1) const {
    MeasuredMethod m;
    m.options.gradient = gradient;
    m.options.integrator = integrator_;
    m.options.integrator.method = integrator;
    m.options.integrator.rtol = rtol;
    m.options.integrator.atol = rtol / integrator_.rtol * integrator_.atol;
    m.options.integrator.threads = threads;
    m.options.freeze_steps = true;
    m.jacobian = jacobian;
    return m;
  }

  [[nodiscard]] std::vector<MeasuredMethod> all_methods() const {
    return {method(GradientMethod::adjoint, multistep(), rtol_),
            method(GradientMethod::forward, multistep(), rtol_, true),
            method(GradientMethod::discrete, one_step(), one_step_rtol()),
            method(GradientMethod::discrete, one_step(), one_step_rtol(), true)};
  }

  Station& add(const std::string& axis, const std::string& start) {
    Station station;
    station.axis = axis;
    station.start = start;
    station.layers = layers_;
    station.trajectories = trajectories_;
    station.period = period_;
    stations_.push_back(station);
    return stations_.back();
  }

  void add_parameters() {
    for (std::vector<Index> hidden : ranges_.hidden) {
      Station& station = add("parameters", "random");
      hidden.insert(hidden.begin(), layers_.front());
      hidden.push_back(layers_.back());
      station.layers = hidden;
      station.methods = all_methods();
    }
  }

  void add_tolerances(const std::string& start) {
    for (const double rtol : ranges_.tolerances) {
      Station& station = add("tolerance", start);
      station.methods = {method(GradientMethod::adjoint, multistep(), rtol),
                         method(GradientMethod::forward, multistep(), rtol),
                         method(GradientMethod::discrete, Method::rk8, rtol)};
      if (newtonian()) {
        station.methods.push_back(method(GradientMethod::discrete, Method::rkn8, rtol));
        station.methods.push_back(method(GradientMethod::discrete, Method::rkn12, rtol));
        station.methods.push_back(method(GradientMethod::discrete, Method::rkn8, rtol, true));
      }
    }
  }

  void add_trajectories(const std::string& start) {
    for (const Index n : ranges_.trajectories) {
      Station& station = add("trajectories", start);
      station.trajectories = n;
      station.methods = all_methods();
    }
  }

  void add_periods(const std::string& start) {
    for (const double factor : ranges_.periods) {
      Station& station = add("end_time", start);
      station.period = factor * period_;
      station.methods = all_methods();
    }
  }

  void add_threads(const std::string& start) {
    Station& station = add("threads", start);
    station.trajectories = ranges_.threads_trajectories;
    const int cores = integrator_.thread_count();
    for (int k = 1; k <= cores; k = k == cores ? k + 1 : std::min(2 * k, cores)) {
      station.methods.push_back(method(GradientMethod::adjoint, multistep(), rtol_, false, k));
      station.methods.push_back(
          method(GradientMethod::discrete, one_step(), one_step_rtol(), false, k));
    }
  }

  Ranges ranges_;
  Motion motion_;
  double period_;
  std::vector<Index> layers_;
  Index trajectories_;
  IntegratorOptions integrator_;
  double rtol_;
  std::vector<Station> stations_;
};

// ------------------------------------------------------------------------------ what was measured

std::string key(const BenchmarkPoint& p) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {:.17g} {:.17g}", p.axis, p.start, p.method,
                     p.integrator, p.task, p.parameters, p.width, p.depth, p.trajectories,
                     p.threads, p.rtol, p.end_time);
}

std::string curve(const BenchmarkPoint& p) {
  return fmt::format("{} ({}, {})", p.method, p.integrator, p.task);
}

/// log seconds over log x of one curve of an axis at the random start, sorted by x; what was
/// measured last, where a resumed benchmark has an x twice.
using LogCurve = std::vector<std::pair<double, double>>;

template <class X>
LogCurve log_curve(const std::vector<BenchmarkPoint>& points, const std::string& axis,
                   const std::string& name, const X& x) {
  std::map<double, double> result;
  for (const BenchmarkPoint& p : points) {
    if (p.axis != axis || curve(p) != name || p.start != "random" || p.status != "ok") continue;
    result[std::log(static_cast<double>(x(p)))] = std::log(p.seconds);
  }
  return {result.begin(), result.end()};
}

/// The exponent of x in the least-squares power law.
double exponent(const LogCurve& curve) {
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(curve.size());
  for (const auto& [x, y] : curve) {
    mean_x += x / n;
    mean_y += y / n;
  }
  for (const auto& [x, y] : curve) {
    xx += (x - mean_x) * (x - mean_x);
    xy += (x - mean_x) * (y - mean_y);
  }
  return xy / xx;
}

double at(const LogCurve& curve, double x) {
  auto right = std::lower_bound(curve.begin(), curve.end(), std::make_pair(x, -1e300));
  if (right == curve.begin()) ++right;
  if (right == curve.end()) --right;
  const auto left = right - 1;
  return left->second +
         (x - left->first) * (right->second - left->second) / (right->first - left->first);
}

/// Which of two methods is cheaper where, in words; nothing when they were not measured in one
/// range.
std::optional<std::string> comparison(const LogCurve& a, const std::string& name_a,
                                      const LogCurve& b, const std::string& name_b,
                                      const std::string& quantity) {
  const double low = std::max(a.front().first, b.front().first);
  const double high = std::min(a.back().first, b.back().first);
  if (!(low < high)) return std::nullopt;
  std::set<double> xs;
  for (const LogCurve* curve : {&a, &b}) {
    for (const auto& [x, y] : *curve) {
      if (x >= low && x <= high) xs.insert(x);
    }
  }
  // Of b over a; both are linear between neighbouring x.
  std::vector<std::pair<double, double>> ratios;
  for (const double x : xs) ratios.emplace_back(x, at(b, x) - at(a, x));
  const auto winner = [&](double ratio) { return (ratio < 0 ? name_b : name_a); };
  const auto loser = [&](double ratio) { return (ratio < 0 ? name_a : name_b); };
  std::vector<std::string> overtaking;
  double least = std::abs(ratios.front().second);
  double most = least;
  for (std::size_t i = 1; i < ratios.size(); ++i) {
    const auto& [x, ratio] = ratios[i];
    const auto& [x_before, before] = ratios[i - 1];
    least = std::min(least, std::abs(ratio));
    most = std::max(most, std::abs(ratio));
    if ((ratio < 0) == (before < 0)) continue;
    const double crossing = x_before + (x - x_before) * before / (before - ratio);
    overtaking.push_back(fmt::format("{} overtakes {} at {} = {:.3g}", winner(ratio), loser(ratio),
                                     quantity, std::exp(crossing)));
  }
  if (!overtaking.empty()) return fmt::format("{}", fmt::join(overtaking, ", and "));
  const double sign = ratios.front().second;
  return fmt::format(
      "{} is faster than {} at every {} measured ({:.0f} to {:.0f}), by {:.3g} to {:.3g} times",
      winner(sign), loser(sign), quantity, std::exp(low), std::exp(high), std::exp(least),
      std::exp(most));
}

/// The adjoint against the others, and the two ways to a Jacobian against each other.
bool worth_comparing(const std::string& a, const std::string& b) {
  const auto starts = [](const std::string& text, const char* with) {
    return text.rfind(with, 0) == 0;
  };
  return (starts(a, "forward") && !starts(b, "forward")) ||
         (starts(a, "adjoint") && starts(b, "discrete"));
}

std::vector<std::string> conclusions(const std::vector<BenchmarkPoint>& points) {
  std::vector<std::string> result;
  std::set<std::string> names;
  for (const BenchmarkPoint& p : points) names.insert(curve(p));
  const auto describe_axis = [&](const std::string& axis, const std::string& quantity,
                                 const auto& x) {
    std::vector<std::pair<std::string, LogCurve>> curves;
    for (const std::string& name : names) {
      LogCurve c = log_curve(points, axis, name, x);
      if (c.size() < 2) continue;
      result.push_back(fmt::format("{}: cost grows as {}^{:.2f} from {:.0f} to {:.0f}", name,
                                   quantity, exponent(c), std::exp(c.front().first),
                                   std::exp(c.back().first)));
      curves.emplace_back(name, std::move(c));
    }
    for (const auto& [name_a, a] : curves) {
      for (const auto& [name_b, b] : curves) {
        if (!worth_comparing(name_a, name_b)) continue;
        if (auto words = comparison(a, name_a, b, name_b, quantity)) {
          result.push_back(std::move(*words));
        }
      }
    }
  };
  describe_axis("parameters", "P", [](const BenchmarkPoint& p) { return p.parameters; });
  describe_axis("trajectories", "N", [](const BenchmarkPoint& p) { return p.trajectories; });
  return result;
}

/// The cheapest way to a gradient, and to a Jacobian, that errs by less than 1e-9: at random
/// parameters, for the shortest end time that was measured. Empty when nothing is that accurate.
std::string recommendation(const std::vector<BenchmarkPoint>& points) {
  std::string text;
  for (const std::string task : {"gradient", "jacobian"}) {
    const BenchmarkPoint* best = nullptr;
    for (const BenchmarkPoint& p : points) {
      const bool candidate = p.axis == "tolerance" || p.axis == "end_time";
      if (!candidate || p.start != "random" || p.status != "ok" || p.task != task ||
          !(p.error <= 1e-9))
        continue;
      if (best != nullptr && best->end_time < p.end_time) continue;
      if (best == nullptr || p.end_time < best->end_time || p.seconds < best->seconds) best = &p;
    }
    if (best == nullptr) continue;
    text += fmt::format("{}for a {} with an error below 1e-9: {} by {} at rtol {:.0e}, {:.3g} ms",
                        text.empty() ? "recommended " : "; ", task, best->method, best->integrator,
                        best->rtol, 1e3 * best->seconds);
  }
  return text;
}

void print_point(const BenchmarkPoint& p) {
  put("{:<12} {:<7} {:<10} {:<6} {:<8} {:6} {:6} {:8.3g} {:3} {:7.0e} ", p.axis, p.start, p.method,
      p.integrator, p.task, p.parameters, p.trajectories, p.end_time, p.threads, p.rtol);
  if (p.status != "ok") {
    put("{}\n", p.status);
    return;
  }
  put("{:10.4g} {:8.1e} {:6} {:6} {:9.3g}\n", 1e3 * p.seconds, p.error, p.steps_forward,
      p.steps_backward, p.checkpoint_memory / 1e6);
}

void print_header() {
  put("{:<12} {:<7} {:<10} {:<6} {:<8} {:>6} {:>6} {:>8} {:>3} {:>7} {:>10} {:>8} {:>6} {:>6} "
      "{:>9}\n",
      "axis", "start", "method", "by", "task", "P", "N", "T", "thr", "rtol", "time/ms", "error",
      "steps", "back", "kept/MB");
}

// ---------------------------------------------------------------------------------------- the work

class Bench {
 public:
  Bench(const Configuration& configuration, const std::optional<Run>& trained,
        std::optional<States> given_states, Output output, BenchmarkResults results)
      : configuration_(configuration),
        trained_(trained),
        given_states_(std::move(given_states)),
        output_(std::move(output)),
        results_(std::move(results)) {
    for (const BenchmarkPoint& p : results_.points) known_.insert(key(p));
  }

  int run(const Plan& plan) {
    catch_signals();
    print_header();
    for (const BenchmarkPoint& p : results_.points) print_point(p);
    const auto start = Clock::now();
    const std::size_t count = plan.stations().size();
    try {
      for (std::size_t i = 0; i < count; ++i) {
        report(i, count, seconds_since(start), plan.stations()[i]);
        visit(plan.stations()[i], plan.limits());
      }
    } catch (const Interrupted&) {
      save();
      say("isochron: interrupted; {0} holds what was measured, go on with: isochron benchmark "
          "--resume {0}\n",
          shown(output_.path()));
      return signal_status();
    }
    results_.conclusions = conclusions(results_.points);
    add_kernel_ratios(plan);
    if (std::string words = recommendation(results_.points); !words.empty()) {
      results_.conclusions.push_back(std::move(words));
    }
    save();
    put("\n");
    for (const std::string& conclusion : results_.conclusions) put("{}\n", conclusion);
    put("results {}\n", output_.path().string());
    return 0;
  }

 private:
  void report(std::size_t done, std::size_t count, double seconds, const Station& next) const {
    if (configuration_.quiet) return;
    const double left = seconds / static_cast<double>(done) * static_cast<double>(count - done);
    say("[{}/{}] {}, {} start, P of {}, N = {}, T = {:.4g}{}\n", done + 1, count, next.axis,
        next.start, widths(next.layers), next.trajectories, next.period,
        done > 0 ? fmt::format("; about {:.0f} s left", left) : "");
  }

  [[nodiscard]] MeasuredProblem problem_of(const Station& station) const {
    const bool trained = station.start == "trained";
    const auto network = std::make_shared<Mlp>(station.layers, configuration_.symmetry,
                                               configuration_.skip, configuration_.activation);
    const Dynamics dynamics(network, configuration_.motion);
    States states =
        normal_states(dynamics.state_dimension(), station.trajectories, configuration_.data_seed);
    const bool given = given_states_ && given_states_->cols() == station.trajectories;
    const bool own = trained && trained_->ensemble.initial_states.cols() == station.trajectories;
    if (given) {
      states = *given_states_;
    } else if (own) {
      states = trained_->ensemble.initial_states;
    }
    return {station.axis, station.start, station.layers,
            Objective(dynamics, configuration_.loss, std::move(states), station.period),
            trained ? trained_->state.theta : initial_parameters(configuration_, *network)};
  }

  void visit(const Station& station, const MeasurementLimits& limits) {
    const MeasuredProblem problem = problem_of(station);
    std::vector<MeasuredMethod> missing;
    for (const MeasuredMethod& method : station.methods) {
      if (known_.insert(key(describe(problem, method))).second) missing.push_back(method);
    }
    if (missing.empty()) return;
    for (BenchmarkPoint& point : measure(problem, missing, limits)) {
      print_point(point);
      results_.points.push_back(std::move(point));
    }
    std::fflush(stdout);
    save();
  }

  /// What a step of the adjoint costs beyond the network itself, from the smallest to the largest.
  void add_kernel_ratios(const Plan& plan) {
    std::vector<std::string> ratios;
    for (const Station& station : plan.stations()) {
      if (station.axis != "parameters") continue;
      const MeasuredProblem problem = problem_of(station);
      const std::string wanted = key(describe(problem, station.methods.front()));
      for (const BenchmarkPoint& p : results_.points) {
        if (key(p) != wanted || !p.ok()) continue;
        const double per_step = p.seconds / static_cast<double>(p.steps_forward + p.steps_backward);
        ratios.push_back(
            fmt::format("{:.2f} at P = {}", per_step / kernel_seconds(problem), p.parameters));
      }
    }
    if (ratios.empty()) return;
    results_.conclusions.push_back(fmt::format(
        "adjoint: time per step over that of one linearisation, one product with J^T and one "
        "parameter sum on the block: {}",
        fmt::join(ratios, ", ")));
  }

  void save() { output_.save(benchmark_image(output_.path(), results_, output_.former())); }

  const Configuration& configuration_;
  const std::optional<Run>& trained_;
  std::optional<States> given_states_;  // by --initial-states
  Output output_;
  BenchmarkResults results_;
  std::set<std::string> known_;
};

/// Refuses a file that a training run may still replace.
void require_finished(const Run& stored, const std::string& file) {
  require(stored.stop_reason != "running",
          "{} belongs to a run that is not finished (stop_reason 'running'); --append needs a "
          "finished one: wait, or end it with train --resume",
          file);
}

/// The rows of a benchmark are of one problem, by one way of integration.
void keep_problem(const Configuration& configuration, const Configuration& original,
                  const std::string& file) {
  for (const std::string& key : given_keys(configuration)) {
    const std::string group = option_named(key, verb_benchmark).group;
    const bool matters = group == "Problem" || group == "Force field" || group == "Integration";
    require(!matters || text_of(configuration, key) == text_of(original, key),
            "{0} changes the problem that {1} holds measurements of; measure it anew: isochron "
            "benchmark {0} --output other.h5",
            as_typed(configuration, key), file);
  }
}

void require_measurable(Loss loss) {
  require(loss == Loss::periodic || loss == Loss::antiperiodic,
          "--loss {} is not measured, for end times and trajectories vary; give --loss periodic",
          name(loss));
}

/// The states that --initial-states asks for; those of the run that --at names are in its file.
std::optional<States> states_asked_for(const Configuration& configuration,
                                       const std::optional<Configuration>& resumed,
                                       const Dynamics& dynamics) {
  const bool asked_for =
      configuration.given("initial-states") || (resumed && !resumed->is_default("initial-states"));
  if (!asked_for || states_are_drawn(configuration)) return std::nullopt;
  return initial_states(configuration, dynamics.state_dimension(), std::nullopt);
}

/// That the measurements may be put into the file of a run, `file`.
void check_append(const Configuration& configuration, const std::optional<Run>& trained,
                  const std::string& file) {
  require(trained.has_value(),
          "--append adds to a results file; name it: isochron benchmark run.h5 --append");
  require(!configuration.given("output"),
          "--append adds to {}, so --output {} has no meaning; give one of them", file,
          configuration.output);
}

/// What that file holds, now that nobody else writes it.
void check_append_locked(const std::string& file) {
  require_finished(read_results(file), file);
  if (!read_entries(file).benchmark) return;
  static_cast<void>(read_benchmark(file));  // one that cannot be read could not be replaced
  say("isochron: the benchmark that {} holds is replaced\n", shown(file));
}

}  // namespace

int benchmark(const Configuration& given) {
  Configuration configuration = given;
  BenchmarkResults results;
  const std::string& resumed = given.resume;
  std::optional<Configuration> stored;
  if (!resumed.empty()) {
    results = read_benchmark(resumed);
    stored = stored_configuration(verb_benchmark, results.config, resumed);
    configuration = with_stored(std::move(configuration), *stored);
    keep_problem(configuration, *stored, resumed);
  }
  require(!configuration.quick || !configuration.full,
          "--quick and --full contradict each other; give one of them");
  const std::string file = configuration.at;
  const std::optional<Run> trained = read_model_if_any(file);
  configuration = with_problem_of(trained, file, std::move(configuration));
  if (stored) configuration = with_stored(std::move(configuration), *stored);  // beside --at
  require_network_alone(configuration);
  require_measurable(configuration.loss);
  const auto network = network_of(configuration);
  if (trained) check_architecture(configuration, *trained, file);
  const IntegratorOptions integrator = integrator_options(configuration);
  const Dynamics dynamics(network, configuration.motion);
  integrator.validate(dynamics);
  std::optional<States> given_states = states_asked_for(configuration, stored, dynamics);
  if (given_states) configuration.trajectories = given_states->cols();
  const Plan plan(configuration, *network, integrator, trained.has_value());

  if (configuration.append) check_append(configuration, trained, file);
  Output output = configuration.append ? Output::into(file) : output_of(configuration, resumed);
  if (configuration.append) {
    check_append_locked(file);
  } else if (output.former()) {
    results.points = read_benchmark(resumed).points;  // now that it is locked
  }
  echo(configuration);

  results.title = "cost and accuracy of the gradient methods";
  results.environment = environment(threads_of(configuration));
  results.config = configuration_json(configuration);
  return Bench(configuration, trained, std::move(given_states), std::move(output),
               std::move(results))
      .run(plan);
}

}  // namespace isochron::cli
