// A file with measurements: it reads back to the last bit, stands beside a run without touching it,
// and viewers find its charts.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "benchmark_results.hpp"
#include "hdf5/file.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "isochron/results.hpp"
#include "temporary_folder.hpp"

namespace test_benchmark_results {

namespace fs = std::filesystem;
using namespace isochron;
using hdf5::Handle;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

template <class Call>
std::string message_of_input_error(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

std::string reading(const fs::path& path) {
  return message_of_input_error([&] { static_cast<void>(read_benchmark(path)); });
}

// -------------------------------------------------------------------------- made-up measurements

const std::array<std::string, 5> axes = {"parameters", "trajectories", "tolerance", "end_time",
                                         "threads"};

/// A point of an axis, the k-th of its method.
BenchmarkPoint point(const std::string& axis, const std::string& method, long k) {
  BenchmarkPoint p;
  p.axis = axis;
  p.method = method;
  p.integrator = method == "discrete" ? "rkn8" : "adams";
  p.task = "gradient";
  p.start = "random";
  p.status = "ok";
  p.parameters = axis == "parameters" ? 10 << k : 321;
  p.trajectories = axis == "trajectories" ? 10 << k : 100;
  p.threads = axis == "threads" ? 1 + k : 1;
  p.rtol = axis == "tolerance" ? std::pow(10.0, static_cast<double>(-4 - k)) : 1e-10;
  p.end_time = axis == "end_time" ? static_cast<double>(1 << k) : 6.25;
  const double speed = method == "discrete" ? 1e-4 : method == "adjoint" ? 1e-3 : 1e-1;
  p.seconds = speed * static_cast<double>(k + 1);
  p.error = p.rtol * (method == "discrete" ? 0.5 : 3);
  return p;
}

/// Three methods, `size` points of each in every axis.
BenchmarkResults small_benchmark(long size) {
  BenchmarkResults benchmark;
  benchmark.title = "A made-up benchmark";
  benchmark.config = R"({"verb": "benchmark"})";
  benchmark.environment = {{"isochron", "0.1.0"}, {"cpu", "abacus"}};
  benchmark.conclusions = {"The discrete adjoint is the fastest.", "",
                           "Der zweite Satz ist \xc3\xa4lter."};
  for (const std::string& axis : axes) {
    for (const char* method : {"forward", "adjoint", "discrete"}) {
      for (long k = 0; k < size; ++k) benchmark.points.push_back(point(axis, method, k));
    }
  }
  return benchmark;
}

/// Points in which no field is like another.
std::vector<BenchmarkPoint> random_points(long size) {
  Random random(3);
  const auto count = [&] { return static_cast<long>(0x1p53 * random.uniform()); };
  const auto number = [&] { return random.normal() * std::pow(10.0, 300 * random.normal()); };
  const auto text = [&] {
    return std::string(static_cast<std::size_t>(20 * random.uniform()),
                       static_cast<char>('a' + static_cast<int>(25 * random.uniform())));
  };
  std::vector<BenchmarkPoint> points(static_cast<std::size_t>(size));
  for (BenchmarkPoint& p : points) {
    for (std::string* s : {&p.axis, &p.method, &p.integrator, &p.task, &p.start, &p.status,
                           &p.package, &p.precision}) {
      *s = text();
    }
    for (long* n :
         {&p.parameters, &p.trajectories, &p.threads, &p.width, &p.depth, &p.steps_forward,
          &p.steps_backward, &p.rhs_forward, &p.rhs_backward, &p.repeats}) {
      *n = count();
    }
    for (double* x : {&p.rtol, &p.end_time, &p.seconds, &p.seconds_low, &p.seconds_high, &p.error,
                      &p.error_of_terms, &p.peak_memory, &p.checkpoint_memory}) {
      *x = number();
    }
  }
  return points;
}

/// All fields, for comparison to the last bit.
auto texts_of(const BenchmarkPoint& p) {
  return std::array{p.axis,  p.method, p.integrator, p.task,
                    p.start, p.status, p.package,    p.precision};
}
auto numbers_of(const BenchmarkPoint& p) {
  std::vector<std::uint64_t> bits;
  for (const double x : {p.rtol, p.end_time, p.seconds, p.seconds_low, p.seconds_high, p.error,
                         p.error_of_terms, p.peak_memory, p.checkpoint_memory}) {
    bits.push_back(std::bit_cast<std::uint64_t>(x));
  }
  for (const long n : {p.parameters, p.trajectories, p.threads, p.width, p.depth, p.steps_forward,
                       p.steps_backward, p.rhs_forward, p.rhs_backward, p.repeats}) {
    bits.push_back(static_cast<std::uint64_t>(n));
  }
  return bits;
}

void check_same(const BenchmarkResults& a, const BenchmarkResults& b) {
  CHECK(a.title == b.title);
  CHECK(a.config == b.config);
  CHECK(a.environment == b.environment);
  CHECK(a.conclusions == b.conclusions);
  REQUIRE(a.points.size() == b.points.size());
  const bool same =
      std::equal(a.points.begin(), a.points.end(), b.points.begin(),
                 [](const BenchmarkPoint& p, const BenchmarkPoint& q) {
                   return texts_of(p) == texts_of(q) && numbers_of(p) == numbers_of(q);
                 });
  CHECK(same);
}

/// A run with something of every kind.
Run some_run() {
  Run run;
  run.title = "A run";
  run.config = R"({"verb": "train"})";
  run.environment = {{"isochron", "0.1.0"}};
  const Mlp network({1, 5, 1});
  run.network = network.architecture();
  run.state.theta = network.initial_parameters(1);
  run.state.theta_initial = network.initial_parameters(2);
  run.ensemble.initial_states = States::Random(2, 30);
  run.final_states = States::Random(2, 30);
  for (long i = 0; i < 200; ++i) {
    run.state.history.iteration.push_back(i);
    run.state.history.evaluations.push_back(i);
    run.state.history.integrator_steps.push_back(3 * i);
    for (auto* column : {&run.state.history.loss, &run.state.history.gradient_norm,
                         &run.state.history.step, &run.state.history.wall_time}) {
      column->push_back(1.0 / static_cast<double>(i + 1));
    }
  }
  run.state.loss = 1e-17;
  return run;
}

void check_same_run(const Run& a, const Run& b) {
  CHECK(a.entry == b.entry);
  CHECK(a.title == b.title);
  CHECK(a.config == b.config);
  CHECK(a.environment == b.environment);
  CHECK(a.state.theta == b.state.theta);
  CHECK(a.ensemble.initial_states == b.ensemble.initial_states);
  CHECK(a.final_states == b.final_states);
  CHECK(a.state.history.loss == b.state.history.loss);
  CHECK(a.state.history.integrator_steps == b.state.history.integrator_steps);
  CHECK(a.state.loss == b.state.loss);
}

/// By h5diff, which compares attributes too; true where it is not installed.
bool same_object(const fs::path& a, const fs::path& b, const std::string& object) {
  if (std::system("command -v h5diff >/dev/null 2>&1") != 0) return true;
  const std::string command =
      "h5diff -q '" + a.string() + "' '" + b.string() + "' " + object + " >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

// -------------------------------------------------------------------- files opened with HDF5's C

void edit(const fs::path& path, const std::function<void(hid_t)>& change) {
  const hdf5::Session session;
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  REQUIRE(file.get() >= 0);
  change(file.get());
}

std::vector<std::string> list_attribute(hid_t object, const std::string& name) {
  if (H5Aexists(object, name.c_str()) <= 0) return {};
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  CHECK(H5Sget_simple_extent_ndims(space.get()) == 1);
  const std::size_t width = H5Tget_size(type.get());
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get()));
  std::string text(width * count, '\0');
  REQUIRE(H5Aread(attribute.get(), type.get(), text.data()) >= 0);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string one = text.substr(i * width, width);
    list.push_back(one.substr(0, one.find('\0')));
  }
  return list;
}

}  // namespace

// ----------------------------------------------------------------------------------- round trip

TEST_CASE("measurements read back to the last bit") {
  const TemporaryFolder folder;
  for (const long size : {0, 1, 10000}) {
    CAPTURE(size);
    BenchmarkResults benchmark = small_benchmark(0);
    benchmark.points = random_points(size);
    write_benchmark(folder / "bench.h5", benchmark);
    check_same(benchmark, read_benchmark(folder / "bench.h5"));
  }
  const BenchmarkResults charts = small_benchmark(4);
  write_benchmark(folder / "bench.h5", charts);
  check_same(charts, read_benchmark(folder / "bench.h5"));
  CHECK(folder.files() == std::set<std::string>{"bench.h5"});
}

TEST_CASE("what is absent stays absent") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", BenchmarkResults{});
  check_same(BenchmarkResults{}, read_benchmark(folder / "bench.h5"));
}

TEST_CASE("a status may be long, not ASCII, or missing; a number may be none") {
  const TemporaryFolder folder;
  BenchmarkResults benchmark = small_benchmark(1);
  benchmark.points[0].status = std::string(5000, 'x');
  benchmark.points[1].status = "zu gro\xc3\x9f";
  benchmark.points[2].status = "";
  benchmark.points[3].seconds = not_a_number;
  benchmark.points[4].error = -0.0;
  benchmark.points[5].error = std::numeric_limits<double>::infinity();
  write_benchmark(folder / "bench.h5", benchmark);
  check_same(benchmark, read_benchmark(folder / "bench.h5"));
}

// ------------------------------------------------------------------------------- beside a run

TEST_CASE("a benchmark beside a run keeps the run bit for bit") {
  const TemporaryFolder folder;
  const Run run = some_run();
  write_results(folder / "run.h5", run);
  edit(folder / "run.h5", [](hid_t file) {  // by another program
    Handle(H5Gcreate2(file, "/notes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle mark(
        H5Acreate2(file, "mark", H5T_NATIVE_INT, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    const int value = 17;
    REQUIRE(H5Awrite(mark.get(), H5T_NATIVE_INT, &value) >= 0);
  });
  fs::copy_file(folder / "run.h5", folder / "before.h5");

  for (const long size : {3, 2}) {  // added, then replaced
    const BenchmarkResults benchmark = small_benchmark(size);
    write_benchmark(folder / "run.h5", benchmark);
    check_same(benchmark, read_benchmark(folder / "run.h5"));
    check_same_run(run, read_results(folder / "run.h5"));
    CHECK(same_object(folder / "before.h5", folder / "run.h5", "/run"));
    const hdf5::InputFile file(folder / "run.h5");
    CHECK(file.root().text_attribute("default") == "run");
    CHECK(file.root().integer_attribute("mark") == 17);
    CHECK(file.root().names() == std::vector<std::string>{"benchmark", "notes", "run"});
  }
  CHECK(folder.files() == std::set<std::string>{"before.h5", "run.h5"});
  const Entries both = read_entries(folder / "run.h5");
  CHECK((both.run && both.benchmark));
  CHECK(!read_entries(folder / "before.h5").benchmark);
}

TEST_CASE("a run beside a benchmark keeps it when that is wanted") {
  const TemporaryFolder folder;
  const BenchmarkResults benchmark = small_benchmark(3);
  write_benchmark(folder / "file.h5", benchmark);
  fs::copy_file(folder / "file.h5", folder / "before.h5");
  Run run = some_run();
  for (int checkpoint = 0; checkpoint < 3; ++checkpoint) {
    run.title += '.';
    write_results(folder / "file.h5", run, Existing::kept);
    check_same_run(run, read_results(folder / "file.h5"));
    check_same(benchmark, read_benchmark(folder / "file.h5"));
    CHECK(same_object(folder / "before.h5", folder / "file.h5", "/benchmark"));
    CHECK(hdf5::InputFile(folder / "file.h5").root().text_attribute("default") == "run");
  }
  const auto size = fs::file_size(folder / "file.h5");
  write_results(folder / "file.h5", run, Existing::kept);
  CHECK(fs::file_size(folder / "file.h5") == size);

  write_results(folder / "file.h5", run);
  CHECK(!read_entries(folder / "file.h5").benchmark);
  CHECK(contains(reading(folder / "file.h5"), "holds no benchmark"));

  write_results(folder / "new.h5", run, Existing::kept);
  check_same_run(run, read_results(folder / "new.h5"));

  write_benchmark(folder / "file.h5", benchmark, Existing::replaced);
  CHECK(!read_entries(folder / "file.h5").run);
}

TEST_CASE("a file with a benchmark alone is no run") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", small_benchmark(2));
  const Entries entries = read_entries(folder / "bench.h5");
  CHECK(!entries.run);
  CHECK(entries.benchmark);
  const std::string message =
      message_of_input_error([&] { static_cast<void>(read_results(folder / "bench.h5")); });
  CHECK_MESSAGE(contains(message, "bench.h5' holds a benchmark, but no run"), message);
}

// --------------------------------------------------------------------------------------- errors

TEST_CASE("foreign and damaged files are refused, and never written over") {
  const TemporaryFolder folder;
  {
    const hdf5::Session session;
    Handle(H5Fcreate((folder / "foreign.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
           H5Fclose);
  }
  put(folder / "text.h5", "no HDF5");
  write_benchmark(folder / "bench.h5", small_benchmark(3));
  const std::string bytes = contents(folder / "bench.h5");
  put(folder / "short.h5", bytes.substr(0, bytes.size() / 2));
  const auto says = [&](const std::string& name, const std::string& part) {
    const std::string before = contents(folder / name);
    const std::string benchmark =
        message_of_input_error([&] { write_benchmark(folder / name, small_benchmark(1)); });
    const std::string run =
        message_of_input_error([&] { write_results(folder / name, some_run(), Existing::kept); });
    for (const std::string& message : {reading(folder / name), benchmark, run}) {
      CHECK_MESSAGE(contains(message, name), message);
      CHECK_MESSAGE(contains(message, part), message);
      CHECK_MESSAGE(!contains(message, "\n"), message);
    }
    CHECK(contents(folder / name) == before);
  };
  says("foreign.h5", "was not written by isochron");
  says("text.h5", "is not an HDF5 file");
  says("short.h5", "is a truncated HDF5 file");
  CHECK(contains(reading(folder / "missing.h5"), "does not exist"));
  CHECK(folder.files() == std::set<std::string>{"bench.h5", "foreign.h5", "short.h5", "text.h5"});

  write_benchmark(folder / "text.h5", small_benchmark(1), Existing::replaced);
  CHECK(read_benchmark(folder / "text.h5").points.size() == 15);
}

TEST_CASE("a truncated file is refused at every length") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", small_benchmark(3));
  const std::string bytes = contents(folder / "bench.h5");
  for (std::size_t i = 0; i < 40; ++i) {
    put(folder / "short.h5", bytes.substr(0, bytes.size() * i / 40));
    CHECK_MESSAGE(contains(reading(folder / "short.h5"), "short.h5"), i);
  }
}

TEST_CASE("a damaged file is refused or read, but never brings the program down") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", small_benchmark(2));
  write_results(folder / "bench.h5", some_run(), Existing::kept);
  const std::string bytes = contents(folder / "bench.h5");
  Random random(7);
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
  };
  constexpr int trials = 40;  // tests/fuzz takes a million
  int refused = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::string damaged = bytes;
    for (std::size_t flips = 1 + below(4); flips > 0; --flips) {
      damaged[below(damaged.size())] ^= static_cast<char>(1U << below(8));
    }
    put(folder / "damaged.h5", damaged);
    refused += reading(folder / "damaged.h5") != "no InputError" ? 1 : 0;
    message_of_input_error([&] { write_benchmark(folder / "damaged.h5", {}); });
  }
  CHECK(refused > trials * 15 / 100);
}

TEST_CASE("a table that is another one is refused before anything is allocated") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", small_benchmark(2));
  const std::string bytes = contents(folder / "bench.h5");
  struct Other {
    double seconds;
    char* method;
  };
  const auto complaint = [&](const std::function<void(hid_t)>& make_table) {
    put(folder / "odd.h5", bytes);
    edit(folder / "odd.h5", [&](hid_t file) {
      REQUIRE(H5Ldelete(file, "/benchmark/table", H5P_DEFAULT) >= 0);
      make_table(file);
    });
    const std::string message = reading(folder / "odd.h5");
    CHECK_MESSAGE(contains(message, "/benchmark/table' in '"), message);
    return message;
  };
  const auto make = [](hid_t file, hid_t type, const hdf5::Shape& shape) {
    const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                       H5Sclose);
    Handle(H5Dcreate2(file, "/benchmark/table", type, space.get(), H5P_DEFAULT, H5P_DEFAULT,
                      H5P_DEFAULT),
           H5Dclose);
  };
  CHECK(contains(complaint([&](hid_t file) { make(file, H5T_NATIVE_DOUBLE, {0}); }),
                 "is not a table"));
  const Handle row(H5Tcreate(H5T_COMPOUND, sizeof(Other)), H5Tclose);
  H5Tinsert(row.get(), "seconds", 0, H5T_NATIVE_DOUBLE);
  CHECK(contains(complaint([&](hid_t file) { make(file, row.get(), {0}); }),
                 "has no column 'sweep'"));
  CHECK(contains(complaint([&](hid_t file) { make(file, row.get(), {0, 2}); }), "dimensions"));
  CHECK(contains(complaint([&](hid_t file) { make(file, row.get(), {hsize_t{1} << 50}); }),
                 "more data than the file holds"));
  const Handle variable(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(variable.get(), H5T_VARIABLE);
  H5Tinsert(row.get(), "sweep", 8, variable.get());
  CHECK(contains(complaint([&](hid_t file) { make(file, row.get(), {0}); }),
                 "'sweep' of '/benchmark/table' in '"));
}

// --------------------------------------------------------------------------------------- viewers

TEST_CASE("the chain of defaults leads to a chart, and every chart is complete") {
  const TemporaryFolder folder;
  BenchmarkResults benchmark = small_benchmark(4);
  benchmark.points[0].status = "did not converge";  // forward, the first of the parameters
  write_benchmark(folder / "bench.h5", benchmark);
  const hdf5::InputFile file(folder / "bench.h5");
  CHECK(file.root().text_attribute("default") == "benchmark");
  CHECK(file.root().integer_attribute("schema_version") == 1);
  const hdf5::InputGroup entry = file.root().group("benchmark");
  CHECK(entry.text_attribute("NX_class") == "NXentry");
  CHECK(entry.text_attribute("default") == "cost_over_parameters");
  CHECK(entry.names() == std::vector<std::string>{
                             "columns", "conclusions", "config", "cost_over_end_time",
                             "cost_over_parameters", "cost_over_threads", "cost_over_trajectories",
                             "environment", "row", "table", "title", "work_precision"});
  for (const std::string& name : entry.names()) {
    if (!contains(name, "cost_over") && name != "work_precision") continue;
    CAPTURE(name);
    const hdf5::InputGroup chart = entry.group(name);
    CHECK(chart.text_attribute("NX_class") == "NXdata");
    CHECK(chart.text_attribute("SILX_style") ==
          R"({"signal_scale_type":"log","axes_scale_type":["log"],"axes_scale_types":["log"]})");
    CHECK(chart.dataset("title").text().rfind("Cost over the ", 0) == 0);
    std::string axis;
    std::vector<std::string> signals;
    {
      const hdf5::Session session;
      const Handle c(H5Fopen((folder / "bench.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
      const Handle group(H5Gopen2(c.get(), ("/benchmark/" + name).c_str(), H5P_DEFAULT), H5Gclose);
      signals = list_attribute(group.get(), "auxiliary_signals");
      const auto names = list_attribute(group.get(), "axes");
      REQUIRE(names.size() == 1);
      axis = names.front();
    }
    CHECK(signals.size() == 2);
    signals.push_back(chart.text_attribute("signal"));
    const hdf5::Shape shape = chart.dataset(axis).shape();
    CHECK(shape == hdf5::Shape{name == "work_precision" ? 12U : 4U});
    CHECK(chart.dataset(axis).text_attribute("long_name").ends_with(" (1)"));
    for (const std::string& signal : signals) {
      const hdf5::InputDataset values = chart.dataset(signal);
      CHECK(values.shape() == shape);
      CHECK(values.text_attribute("units") == "s");
      const std::string label = values.text_attribute("long_name");
      CHECK(label.starts_with("wall time, "));
      CHECK(label.ends_with(", gradient (s)"));
    }
  }
  std::vector<double> forward(4);
  entry.dataset("cost_over_parameters/forward_adams_gradient").read(forward.data());
  CHECK(std::isnan(forward[0]));
  CHECK(forward[3] == 0.4);
}

TEST_CASE("every column of the table has a label, every number a unit") {
  const TemporaryFolder folder;
  write_benchmark(folder / "bench.h5", small_benchmark(1));
  const hdf5::InputFile file(folder / "bench.h5");
  const hdf5::InputDataset table = file.root().dataset("benchmark/table");
  CHECK(table.shape() == hdf5::Shape{15});
  CHECK(table.text_attribute("seconds_units") == "s");
  CHECK(table.text_attribute("peak_memory_units") == "B");
  CHECK(table.text_attribute("error_units") == "1");
  CHECK(table.text_attribute("seconds_long_name") == "wall time of an evaluation, median (s)");
  CHECK(table.text_attribute("method_long_name") == "method of the gradient");
  CHECK(!table.has_attribute("method_units"));
  CHECK(table.read_column<std::string>("method").front() == "forward");
  CHECK(table.read_column<double>("parameters").front() == 10);  // integers as numbers
}

// ---------------------------------------------------------------------------------------- charts

TEST_CASE("charts are there for the axes that have measurements") {
  CHECK(benchmark_charts({}).empty());
  std::vector<BenchmarkPoint> points = {point("parameters", "adjoint", 0),
                                        point("tolerance", "adjoint", 0),
                                        point("another", "adjoint", 0)};
  auto charts = benchmark_charts(points);
  REQUIRE(charts.size() == 2);
  CHECK(charts[0].name == "cost_over_parameters");
  CHECK(charts[1].name == "work_precision");
  CHECK(charts[1].x_name == "error");
  points[0].status = "failed";
  points[1].error = 0;  // cannot be drawn
  CHECK(benchmark_charts(points).empty());
}

TEST_CASE("a curve is a method under one set of conditions, in order of x") {
  std::vector<BenchmarkPoint> points;
  for (const long k : {2, 0, 1}) {
    points.push_back(point("parameters", "adjoint", k));
    points.push_back(point("parameters", "adjoint", k));
    points.back().package = "scipy 1.10";
    points.push_back(point("parameters", "discrete", k));
    points.back().task = "jacobian";
  }
  for (BenchmarkPoint& p : points) {
    if (p.package.empty()) p.package = "isochron 0.1.0";
  }
  points[0].status = "too slow";
  const auto charts = benchmark_charts(points);
  REQUIRE(charts.size() == 1);
  const auto& curves = charts[0].curves;
  REQUIRE(curves.size() == 3);
  CHECK(curves[0].label == "adjoint adams");
  CHECK(curves[0].name == "adjoint_adams_gradient");
  CHECK(curves[0].x == std::vector<double>{10, 20, 40});
  CHECK(curves[0].y[0] == 0.001);
  CHECK(std::isnan(curves[0].y[2]));
  CHECK(curves[1].label == "adjoint adams, scipy 1.10");
  CHECK(curves[1].name == "adjoint_adams_scipy_1_10_gradient");
  CHECK(curves[2].task == "jacobian");
}

TEST_CASE("a method that always failed comes last, and names stay apart") {
  std::vector<BenchmarkPoint> points = {point("parameters", "a/b", 0),
                                        point("parameters", "a b", 0),
                                        point("parameters", "adjoint", 0)};
  points[0].status = "failed";
  const auto curves = benchmark_charts(points).at(0).curves;
  REQUIRE(curves.size() == 3);
  CHECK(curves[2].name == "a_b_adams_gradient");
  CHECK(curves[0].name == "a_b_adams_gradient_2");
}

}  // namespace test_benchmark_results
