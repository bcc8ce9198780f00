#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "isochron/results.hpp"
#include "record_field.hpp"

namespace isochron {

/// One measurement: a method on a problem, its cost and its accuracy. What was not measured is NaN.
struct BenchmarkPoint {
  std::string axis;        ///< what varies: parameters, trajectories, tolerance, end_time, threads
  std::string method;      ///< adjoint, forward, discrete, difference
  std::string integrator;  ///< adams, rkn8, ...
  std::string task;        ///< gradient or jacobian
  std::string start;       ///< random or trained
  std::string status;      ///< ok, or why there is no measurement
  long parameters = 0;
  long trajectories = 0;
  long threads = 0;
  long width = 0;  ///< of the hidden layers
  long depth = 0;  ///< number of hidden layers
  double rtol = 0;
  double end_time = 0;
  double seconds = 0;  ///< per evaluation: the median of the repeats, and its range
  double seconds_low = 0;
  double seconds_high = 0;
  double error = 0;  ///< relative, against a tighter independent reference
  double error_of_terms = 0;
  long steps_forward = 0;
  long steps_backward = 0;
  long rhs_forward = 0;
  long rhs_backward = 0;
  double peak_memory = 0;        ///< bytes
  double checkpoint_memory = 0;  ///< bytes
  long repeats = 0;
  std::string package;    ///< "isochron 0.1.0"; other programs add theirs
  std::string precision;  ///< of the floating-point numbers

  [[nodiscard]] bool ok() const { return status == "ok"; }
};

/// The columns of the table.
inline constexpr RecordField<BenchmarkPoint> benchmark_fields[] = {
    {"sweep", &BenchmarkPoint::axis, "what varies"},
    {"method", &BenchmarkPoint::method, "method of the gradient"},
    {"integrator", &BenchmarkPoint::integrator, "integrator"},
    {"task", &BenchmarkPoint::task, "gradient or jacobian"},
    {"start", &BenchmarkPoint::start, "parameters: random or trained"},
    {"status", &BenchmarkPoint::status, "ok, or why there is no measurement"},
    {"parameters", &BenchmarkPoint::parameters, "parameters P"},
    {"trajectories", &BenchmarkPoint::trajectories, "trajectories N"},
    {"threads", &BenchmarkPoint::threads, "threads"},
    {"width", &BenchmarkPoint::width, "width of the hidden layers"},
    {"depth", &BenchmarkPoint::depth, "number of hidden layers"},
    {"rtol", &BenchmarkPoint::rtol, "relative tolerance"},
    {"end_time", &BenchmarkPoint::end_time, "end time T"},
    {"seconds", &BenchmarkPoint::seconds, "wall time of an evaluation, median", "s"},
    {"seconds_low", &BenchmarkPoint::seconds_low, "shortest wall time", "s"},
    {"seconds_high", &BenchmarkPoint::seconds_high, "longest wall time", "s"},
    {"error", &BenchmarkPoint::error, "relative error"},
    {"error_of_terms", &BenchmarkPoint::error_of_terms, "relative error of the terms"},
    {"steps_forward", &BenchmarkPoint::steps_forward, "steps forward"},
    {"steps_backward", &BenchmarkPoint::steps_backward, "steps backward"},
    {"rhs_forward", &BenchmarkPoint::rhs_forward, "right-hand sides forward"},
    {"rhs_backward", &BenchmarkPoint::rhs_backward, "right-hand sides backward"},
    {"peak_memory", &BenchmarkPoint::peak_memory, "peak memory of the process", "B"},
    {"checkpoint_memory", &BenchmarkPoint::checkpoint_memory, "memory of what is kept", "B"},
    {"repeats", &BenchmarkPoint::repeats, "repeats"},
    {"package", &BenchmarkPoint::package, "program and version"},
    {"precision", &BenchmarkPoint::precision, "floating-point precision"},
};

/// The entry /benchmark of a file in memory. What is empty is not written, and reads back as empty.
/// Names in `environment` become names in the file: no '/'.
struct BenchmarkResults {
  std::vector<BenchmarkPoint> points;
  std::map<std::string, std::string> environment;
  std::string config;  ///< JSON
  std::string title;
  std::vector<std::string> conclusions;  ///< a sentence each
};

/// Writes /benchmark into the file at `path`, beside the run that is there, or into a new file. An
/// existing file is never modified in place: a new one with all the rest takes its place as in
/// write_results. Throws InputError, with nothing touched, when a file that is to be kept is not
/// isochron's or damaged; OutputError when the file cannot be written.
void write_benchmark(const std::filesystem::path& path, const BenchmarkResults& benchmark,
                     Existing existing = Existing::kept);

/// The bytes of that file, as results_image.
[[nodiscard]] std::string benchmark_image(const std::filesystem::path& path,
                                          const BenchmarkResults& benchmark,
                                          const std::optional<FormerFile>& former = std::nullopt);

/// Reads it back, to the last bit. Throws InputError as read_results does, and when the file holds
/// no benchmark.
[[nodiscard]] BenchmarkResults read_benchmark(const std::filesystem::path& path);

// -------------------------------------------------------------------------------------- charts

/// The measurements of one method. x increases; y is NaN where the method failed.
struct BenchmarkCurve {
  std::string name;   ///< unique in its chart, of letters, digits and '_': "adjoint_adams_gradient"
  std::string label;  ///< "adjoint adams", and how it differs from the first: ", trained"
  std::string task;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> low;   ///< the shortest of the repeats
  std::vector<double> high;  ///< the longest
};

/// Seconds over what an axis varies, or over the error it leads to. Made for logarithmic axes.
struct BenchmarkChart {
  std::string name;  ///< "cost_over_parameters"
  std::string title;
  std::string axis;    ///< BenchmarkPoint::axis of its points
  std::string x_name;  ///< "parameters"
  std::string x_label;
  std::string x_units;
  std::vector<BenchmarkCurve> curves;  ///< each with a point, those with a finite y first
};

/// The charts of these points: cost_over_parameters, cost_over_trajectories, work_precision,
/// cost_over_end_time, cost_over_threads, as far as there are points of their axis and any is ok.
[[nodiscard]] std::vector<BenchmarkChart> benchmark_charts(
    const std::vector<BenchmarkPoint>& points);

}  // namespace isochron
