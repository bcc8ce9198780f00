#pragma once

#include <cstdint>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/verb.hpp"
#include "isochron/error.hpp"
#include "isochron/figure.hpp"
#include "isochron/period_law.hpp"
#include "isochron/training.hpp"
#include "sweep_part.hpp"

namespace isochron::cli {

/// Where a value came from; later ones win.
enum class Origin { default_value, stored_file, config_file, command_line };

struct Source {
  Origin origin = Origin::default_value;
  bool follows_seed = false;  ///< a seed that has the value of --seed
  std::string file;           ///< that a stored value stands in
};

/// What `analyze` prints.
enum class AnalysisFormat { table, csv, json };

/// What the files of such figures end in, and what the option calls them.
[[nodiscard]] const char* extension(FigureFormat format);

/// Everything that one invocation asks for, in the types that the work needs. Members are as they
/// are here where a verb has no such option. Ranges, names and help stand in the table of options.
struct Configuration {
  using Parameters = std::map<std::string, double>;  ///< of an analytic force, by name
  using Bounds = std::map<std::string, std::pair<double, double>>;  ///< low < high, by name

  Verb verb = verb_train;
  std::vector<std::string> files;         ///< beside the options, where they stand for none
  std::map<std::string, Source> sources;  ///< by key, where it is not the default of today

  // Problem
  Index trajectories = 100;
  std::string initial_states;  ///< empty: drawn
  Index dimension = 1;
  Motion motion = Motion::newtonian;
  double period = 2 * std::numbers::pi;
  Loss loss = Loss::periodic;
  std::string period_law;  ///< an analytic force or a file
  Parameters law_parameters;
  std::optional<Interval> law_range;
  PeriodBy period_by = PeriodBy::amplitude;
  double period_noise = 0;
  std::string hold;  ///< an analytic force or a file
  Parameters hold_parameters;
  std::optional<Interval> hold_range;
  Index hold_points = 200;
  double hold_weight = 1;
  std::string data;                          ///< observations to fit
  std::string observe;                       ///< which components columns mean
  std::optional<std::vector<double>> noise;  ///< absent: estimated
  bool fit_initial_states = false;
  double holdout = 0;
  double closed_weight = 1;  ///< of a loss on closed orbits beside observations
  ErrorModel error_model = ErrorModel::additive;
  Robust robust = Robust::none;
  double simulated_noise = 0;  ///< of simulate
  std::uint64_t seed = 0;
  std::uint64_t data_seed = 0;
  std::uint64_t weight_seed = 0;

  // Force field
  std::string force = "mlp";
  std::string analyzed_force;  ///< of analyze: an analytic force or a file
  Parameters parameters;
  std::vector<std::string> fitted;       ///< of these, by name
  std::vector<std::string> logarithmic;  ///< of the fitted ones
  Bounds bounds;                         ///< the same
  std::string model;
  std::string at;
  std::vector<Index> hidden = {16, 16};
  Activation activation = Activation::tanh;
  Symmetry symmetry = Symmetry::none;
  Skip skip = Skip::none;
  double output_scale = 1;

  // Integration
  Method method = Method::adams;
  long steps = 100;
  std::optional<double> rtol = 1e-10;  ///< absent: follows the loss
  std::optional<double> atol;          ///< absent: as rtol
  std::optional<double> max_step;
  std::optional<double> backward_rtol;
  std::optional<double> quadrature_rtol;
  bool sensitivity_errors = true;
  bool staggered = true;
  Index times = 201;
  std::optional<int> threads;  ///< absent: all cores

  // Training
  GradientMethod gradient = GradientMethod::adjoint;
  Interpolation interpolation = Interpolation::polynomial;
  std::optional<long> checkpoint_distance;  ///< absent: every step is kept
  OptimizerKind optimizer = OptimizerKind::lbfgs_least_squares;
  int memory = 100;
  double learning_rate = 0.01;
  std::optional<long> iterations;  ///< absent: unlimited
  double max_time = 60;
  double loss_tolerance = 0;
  double gradient_tolerance = 0;
  std::int64_t restarts = 1;
  std::optional<int> period_multiple;           ///< absent: any
  std::optional<std::vector<double>> horizons;  ///< absent: chosen; none: the whole time at once
  std::optional<Index> windows;                 ///< absent: chosen
  std::optional<double> ridge;                  ///< absent: by evidence

  // Sweep
  long runs = 100;
  std::string grid;
  bool keep_runs = false;
  SweepPart part;
  std::optional<double> sweep_interval;  ///< absent: by their time

  // Analysis
  std::optional<double> analyzed_period;
  std::optional<std::vector<double>> energies;  ///< absent: over the visited range
  bool verify = false;
  bool store = false;
  double verdict_tolerance = 1e-4;

  // Wells from their periods, and from their left halves
  Index law_samples = 100;
  Index points = 401;              ///< of the force that is written
  std::optional<double> leftmost;  ///< where the left half begins

  // Benchmark
  bool quick = false;
  bool full = false;
  std::optional<double> budget;

  // Files
  std::string output;                ///< empty: named after the verb
  std::string page = "report.html";  ///< that report makes
  std::string figures = ".";         ///< the folder that plot makes
  bool overwrite = false;
  bool append = false;
  std::string resume;
  double checkpoint_interval = 5;
  std::string config;

  // Output
  bool json = false;
  AnalysisFormat analysis_format = AnalysisFormat::table;
  std::vector<FigureFormat> figure_formats = {FigureFormat::svg, FigureFormat::png};
  bool quiet = false;
  bool verbose = false;
  bool help = false;
  bool help_all = false;

  [[nodiscard]] Source source(const std::string& key) const;
  [[nodiscard]] Origin origin(const std::string& key) const { return source(key).origin; }
  [[nodiscard]] bool is_default(const std::string& key) const {
    return origin(key) == Origin::default_value;
  }
  /// Neither default nor stored.
  [[nodiscard]] bool given(const std::string& key) const {
    return origin(key) >= Origin::config_file;
  }
};

/// What one place asks for, as it is written there, by key.
struct Layer {
  Origin origin = Origin::command_line;
  std::map<std::string, std::string> texts;
  std::string file;  ///< of a stored layer
};

/// The configuration with the values of a layer, where no later one has set them. Keys that the
/// verb does not take are passed over. Throws InputError, with a sentence that names the option,
/// the text and what is admissible.
[[nodiscard]] Configuration layered(Configuration configuration, const Layer& layer);

/// Why the value of an option, admissible by itself, cannot be; `wanted`: "at most 5".
[[nodiscard]] InputError not_admissible(const Configuration& configuration, const std::string& key,
                                        const std::string& wanted);

/// The value of an option as it may be written; empty when there is none. What follows another
/// option has the text of that.
[[nodiscard]] std::string text_of(const Configuration& configuration, const std::string& key);

/// The option with this value as it may be typed: "--rtol 1e-9".
[[nodiscard]] std::string as_typed(const Configuration& configuration, const std::string& key);

/// The origin in words; of a value that follows another one: "as --rtol".
[[nodiscard]] std::string origin_in_words(const Configuration& configuration,
                                          const std::string& key);

/// The keys of its verb that make a run reproducible, in the order of the help; and those of them
/// that are given.
[[nodiscard]] std::vector<std::string> reproducing_keys(const Configuration& configuration);
[[nodiscard]] std::vector<std::string> given_keys(const Configuration& configuration);

/// Under --verbose all values with their origins, a line each, to standard error.
void echo(const Configuration& configuration);

}  // namespace isochron::cli
