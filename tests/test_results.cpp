// The results file: what is written reads back to the last bit, viewers find their way, every kind
// of bad file has its own sentence, and a failed write loses nothing.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include "hdf5/file.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "isochron/results.hpp"
#include "run_fields.hpp"
#include "temporary_folder.hpp"

namespace test_results {

namespace fs = std::filesystem;
using namespace isochron;
using hdf5::Handle;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// ------------------------------------------------------------------------------ made-up results

Vector random_vector(Index size, std::uint64_t seed) {
  Random random(seed);
  return Vector::NullaryExpr(size, [&] { return random.normal(); });
}

States random_states(Index rows, Index columns, std::uint64_t seed) {
  return random_vector(rows * columns, seed).reshaped(rows, columns);
}

std::vector<double> random_column(Index size, std::uint64_t seed) {
  const Vector values = random_vector(size, seed);
  return {values.begin(), values.end()};
}

std::vector<double> positive_column(Index size, std::uint64_t seed) {
  const Vector values = random_vector(size, seed).cwiseAbs();
  return {values.begin(), values.end()};
}

History made_up_history(Index size) {
  History history;
  for (Index i = 0; i < size; ++i) {
    history.iteration.push_back(i);
    history.evaluations.push_back(2 * i + 1);
    history.integrator_steps.push_back((1L << 53) - size + i);
    history.optimizer.push_back(i < size / 2 ? 0 : 1);
  }
  history.loss = positive_column(size, 1);
  history.gradient_norm = positive_column(size, 2);
  history.step = positive_column(size, 3);
  history.wall_time = positive_column(size, 4);
  if (size > 2) history.step[0] = history.gradient_norm[1] = infinity, history.loss[2] = -0.0;
  return history;
}

PhasePortrait made_up_portrait(Index size, std::uint64_t seed) {
  return {random_column(size, seed),
          random_column(size, seed + 1),
          random_column(size, seed + 2),
          "kinetic energy (1)",
          "kinetic_energy",
          size};
}

PositionCurve made_up_curve(Index size) {
  return {random_vector(size, 10), random_vector(size, 11), random_vector(size, 12), -1.25, 1e-300};
}

/// Everything filled in, for D degrees of freedom, N trajectories and `size` points per plot.
Certificate made_up_certificate(long size) {
  Certificate certificate;
  certificate.verdict = Isochrony::at_samples_only;
  certificate.reason = "max |n T(E)/T - 1| = 2.0e-05";
  certificate.period = 6.28;
  certificate.tolerance = 1e-4;
  certificate.equilibria = {{-0.3, true}, {0.7, false}};
  certificate.center = -0.3;
  certificate.energy_limit = 3;
  certificate.small_amplitude = {1.1, 0.2, -0.4};
  certificate.lowest_energy = 0.01;
  certificate.highest_energy = 2.5;
  certificate.trajectories = 100;
  certificate.escaping = 3;
  certificate.n = 2;
  certificate.median_multiple = 2.0001;
  certificate.period_deviation_max = 2e-5;
  certificate.shear_max = 0.2;
  for (long k = 1; k <= size; ++k) {
    const auto x = static_cast<double>(k);
    certificate.curve.push_back({x, -1 / x, 1.5 / x, 6 + x, 1e-12 * x, 0.7 * x});
  }
  return certificate;
}

TrainingOptions made_up_options() {
  TrainingOptions options;
  options.kind = OptimizerKind::least_squares;
  options.auto_tolerance = false;
  options.max_time = 12.5;
  options.optimizer.max_iterations = -1;
  options.optimizer.learning_rate = 1e-300;
  options.sensitivity.interpolation = Interpolation::hermite;
  options.sensitivity.checkpoint_distance = 17;
  options.sensitivity.staggered = false;
  options.jacobian.emplace();
  options.jacobian->gradient = GradientMethod::discrete;
  options.jacobian->integrator.method = Method::rkn12;
  options.jacobian->integrator.rtol = 1e-14;
  return options;
}

Eigen::MatrixXd made_up_factor(Index size, std::uint64_t seed) {
  Eigen::MatrixXd factor = random_states(size, size, seed).triangularView<Eigen::StrictlyUpper>();
  factor.diagonal().setConstant(-1e-3);
  return factor;
}

/// What a fit to observations adds, of `states` components and `trajectories`.
void add_made_up_bands(Run& run, Index states, Index trajectories, Index size) {
  Posterior& posterior = run.posterior.emplace();
  const Index parameters = run.state.theta.size();
  posterior.factor = made_up_factor(parameters, 60);
  run.initial_state_errors = random_states(states, trajectories, 61).cwiseAbs();
  posterior.initial_state_errors = run.initial_state_errors;
  for (Index i = 0; i < trajectories; ++i) {
    const auto seed = static_cast<std::uint64_t>(100 + i);
    posterior.starts.push_back(
        {made_up_factor(states, seed), random_states(states, parameters, seed)});
  }
  run.periods =
      PeriodCurve{random_vector(size, 62), random_vector(size, 63), random_vector(size, 64)};
  run.trajectories = SampledStates{random_vector(size, 65), random_states(states, 3 * size, 66),
                                   random_states(states, 3 * size, 67)};
  run.fitted = FittedPaths{random_states(size, 2, 68), random_states(states, 2 * size, 69),
                           random_states(states, 2 * size, 70)};
  const std::vector<long> counted(static_cast<std::size_t>(size), 1);
  run.held_out = ObservationTable{counted,
                                  counted,
                                  random_column(size, 71),
                                  random_column(size, 72),
                                  random_column(size, 73),
                                  random_column(size, 74),
                                  random_column(size, 75)};
}

Run made_up_results(Index dimension, Index trajectories, Index size) {
  Run results;
  results.title = "A made-up run, 100 % harmlos: \xc3\xa4\xc3\xb6\xc3\xbc";
  results.start_time = "2024-02-29T23:59:59Z";
  results.config = R"({"trajectories": 100, "period": 6.283185307179586})";
  results.environment = {{"isochron", "0.1.0"}, {"compiler", ""}, {"cpu_model", "abacus"}};
  const Mlp network({dimension, 5, dimension}, Symmetry::odd, Skip::linear);
  if (trajectories > 0) {
    results.loss = Loss::prescribed_period;
    results.period = 6.2;
    results.data_seed = std::numeric_limits<std::uint64_t>::max() - 1;
    results.verdict_tolerance = 1e-5;
  }
  results.options = made_up_options();
  results.network = network.architecture();
  results.state.theta = network.initial_parameters(1);
  results.state.theta_initial = network.initial_parameters(2);
  for (long k = 0; k < size; ++k) {
    results.state.snapshots.iteration.push_back(k * k);
    results.state.snapshots.theta.push_back(
        network.initial_parameters(static_cast<std::uint64_t>(k)));
  }
  results.ensemble.initial_states = random_states(2 * dimension, trajectories, 5);
  results.final_states = random_states(2 * dimension, 2 * trajectories, 6);
  results.residuals = random_states(2 * dimension, 2 * trajectories, 7);
  results.ensemble.end_times = random_vector(trajectories, 8).cwiseAbs();
  results.ensemble.earlier_times = 0.5 * results.ensemble.end_times.transpose();
  results.observations = {random_states(2 * dimension, 2 * trajectories, 9),
                          random_states(2 * dimension, 2 * trajectories, 10).cwiseAbs()};
  if (size > 0)
    results.force_data = ForceData{random_vector(size, 11), random_vector(size, 12), 0.3};
  results.state.history = made_up_history(size);
  if (size > 0) {
    for (Index d = 0; d < dimension; ++d) {
      const auto seed = static_cast<std::uint64_t>(100 * d);
      results.phase_portrait_before.push_back(made_up_portrait(size, 20 + seed));
      results.phase_portrait.push_back(made_up_portrait(size, 30 + seed));
    }
    results.orbits =
        OrbitFan{random_states(3, size, 40), random_states(3, size, 41), random_vector(size, 42)};
    results.energy =
        EnergyRecord{random_vector(size, 50), random_states(4, size, 51), random_vector(size, 52)};
    results.force = made_up_curve(size);
    results.potential = made_up_curve(size + 1);
    results.certificate = made_up_certificate(size);
    if (trajectories > 0) add_made_up_bands(results, 2 * dimension, trajectories, size);
  }
  double made_up = 1e-17;
  long counted = (1L << 53) - 100;
  for_each_number(results, [&](const char*, const char*, const char*, auto& value) {
    if constexpr (std::is_same_v<decltype(value), double&>) {
      value = made_up *= -1.5;
    } else {
      value = counted++;
    }
  });
  results.weight_seed = std::numeric_limits<std::uint64_t>::max();
  for_each_text(results, [](const std::string& name, std::string& text) { text = name + "!"; });
  results.restarts = {{results.weight_seed.value(), 1e-3}, {7, not_a_number}};
  results.absent = {{"potential", "the force has none"}, {"remark", "-"}};
  return results;
}

// --------------------------------------------------------------------- equality to the last bit

template <class A, class B>
bool same_bits(const A& a, const B& b) {
  const auto bits = [](auto x) { return std::bit_cast<std::uint64_t>(x); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](auto x, auto y) { return bits(x) == bits(y); });
}

bool same_matrix(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  const bool both_empty = a.size() == 0 && b.size() == 0;
  return both_empty || (a.rows() == b.rows() && same_bits(a.reshaped(), b.reshaped()));
}

void check_same(const History& a, const History& b) {
  CHECK(a.iteration == b.iteration);
  CHECK(a.evaluations == b.evaluations);
  CHECK(a.integrator_steps == b.integrator_steps);
  CHECK(a.optimizer == b.optimizer);
  CHECK(same_bits(a.loss, b.loss));
  CHECK(same_bits(a.gradient_norm, b.gradient_norm));
  CHECK(same_bits(a.step, b.step));
  CHECK(same_bits(a.wall_time, b.wall_time));
}

void check_same(const std::vector<PhasePortrait>& a, const std::vector<PhasePortrait>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(same_bits(a[i].x, b[i].x));
    CHECK(same_bits(a[i].v, b[i].v));
    CHECK(same_bits(a[i].color, b[i].color));
    CHECK(a[i].color_label == b[i].color_label);
    CHECK(a[i].color_name == b[i].color_name);
    CHECK(a[i].samples == b[i].samples);
  }
}

void check_same(const std::optional<PositionCurve>& a, const std::optional<PositionCurve>& b) {
  REQUIRE(a.has_value() == b.has_value());
  if (!a) return;
  CHECK(same_bits(a->position, b->position));
  CHECK(same_bits(a->value, b->value));
  CHECK(same_bits(a->harmonic, b->harmonic));
  CHECK(a->visited_min == b->visited_min);
  CHECK(a->visited_max == b->visited_max);
}

/// All that a visitor is shown, one after the other, to the last bit.
class Listing {
 public:
  template <class T>
  void operator()(const std::string& name, const char*, const char*, const T& value) {
    if constexpr (std::is_same_v<T, double>) {
      add(name, std::to_string(std::bit_cast<std::uint64_t>(value)));
    } else if constexpr (std::is_enum_v<T>) {
      add(name, isochron::name(value));
    } else {
      add(name, std::to_string(value));
    }
  }
  template <class T>
  void operator()(const std::string& name, const char* label, const char* units,
                  const std::optional<T>& value) {
    if (value) (*this)(name, label, units, *value);
  }
  void add(const std::string& name, const std::string& text) { lines.push_back(name + ' ' + text); }

  std::vector<std::string> lines;
};

std::vector<std::string> listed(const SensitivityOptions& options) {
  Listing listing;
  for_each_option(options, std::ref(listing));
  return listing.lines;
}

std::vector<std::string> listed(const Run& run) {
  Listing listing;
  for_each_number(run, std::ref(listing));
  for_each_text(run, [&](const char* name, const std::string& text) { listing.add(name, text); });
  if (run.options) for_each_option(*run.options, std::ref(listing));
  for (const Restart& restart : run.restarts) {
    listing("loss", "", "", restart.loss);
    listing("weight_seed", "", "", restart.weight_seed);
  }
  return listing.lines;
}

void check_same(const Certificate& a, const Certificate& b) {
  const auto numbers = [](const Certificate& c) {
    std::vector<double> all = {c.period,
                               c.tolerance,
                               c.center.value_or(not_a_number),
                               c.energy_limit,
                               c.lowest_energy,
                               c.highest_energy,
                               static_cast<double>(c.trajectories),
                               static_cast<double>(c.escaping),
                               static_cast<double>(c.n),
                               c.median_multiple,
                               c.period_deviation_max,
                               c.period_deviation_mean,
                               c.period_deviation_between,
                               c.width_deviation_max,
                               c.width_deviation_mean,
                               c.shear_max};
    for (const auto& [x, stable] : c.equilibria) all.insert(all.end(), {x, stable ? 1.0 : 0.0});
    if (const auto& s = c.small_amplitude) all.insert(all.end(), {s->u2, s->u3, s->u4});
    for (const WellOrbit& o : c.curve) {
      all.insert(all.end(), {o.energy, o.left, o.right, o.period, o.period_error, o.mean_g});
    }
    return all;
  };
  CHECK(a.verdict == b.verdict);
  CHECK(a.reason == b.reason);
  CHECK(same_bits(numbers(a), numbers(b)));
}

void check_same(const std::optional<Posterior>& a, const std::optional<Posterior>& b) {
  REQUIRE(a.has_value() == b.has_value());
  if (!a) return;
  CHECK(same_matrix(a->factor, b->factor));
  CHECK(same_matrix(a->initial_state_errors, b->initial_state_errors));
  REQUIRE(a->starts.size() == b->starts.size());
  for (std::size_t i = 0; i < a->starts.size(); ++i) {
    CHECK(same_matrix(a->starts[i].factor, b->starts[i].factor));
    CHECK(same_matrix(a->starts[i].by_theta, b->starts[i].by_theta));
  }
}

void check_same(const std::optional<ObservationTable>& a,
                const std::optional<ObservationTable>& b) {
  REQUIRE(a.has_value() == b.has_value());
  if (!a) return;
  CHECK(a->trajectory == b->trajectory);
  CHECK(a->component == b->component);
  for (const auto column :
       {&ObservationTable::time, &ObservationTable::value, &ObservationTable::error,
        &ObservationTable::prediction, &ObservationTable::residual}) {
    CHECK(same_bits((*a).*column, (*b).*column));
  }
}

/// What a fit to observations adds.
void check_same_bands(const Run& a, const Run& b) {
  CHECK(same_matrix(a.initial_state_errors, b.initial_state_errors));
  check_same(a.posterior, b.posterior);
  check_same(a.held_out, b.held_out);
  REQUIRE(a.periods.has_value() == b.periods.has_value());
  if (a.periods) {
    CHECK(same_bits(a.periods->energy, b.periods->energy));
    CHECK(same_bits(a.periods->period, b.periods->period));
    CHECK(same_bits(a.periods->error, b.periods->error));
  }
  REQUIRE(a.trajectories.has_value() == b.trajectories.has_value());
  if (a.trajectories) {
    CHECK(same_bits(a.trajectories->time, b.trajectories->time));
    CHECK(same_matrix(a.trajectories->states, b.trajectories->states));
    CHECK(same_matrix(a.trajectories->errors, b.trajectories->errors));
  }
  REQUIRE(a.fitted.has_value() == b.fitted.has_value());
  if (a.fitted) {
    CHECK(same_matrix(a.fitted->time, b.fitted->time));
    CHECK(same_matrix(a.fitted->states, b.fitted->states));
    CHECK(same_matrix(a.fitted->errors, b.fitted->errors));
  }
}

void check_same(const Run& a, const Run& b) {
  CHECK(a.entry == b.entry);
  CHECK(a.title == b.title);
  CHECK(a.start_time == b.start_time);
  CHECK(a.config == b.config);
  CHECK(a.environment == b.environment);
  CHECK(a.loss == b.loss);
  CHECK(a.period == b.period);
  CHECK(a.data_seed == b.data_seed);
  CHECK(a.verdict_tolerance == b.verdict_tolerance);
  REQUIRE(a.options.has_value() == b.options.has_value());
  if (a.options) {
    CHECK(listed(a.options->sensitivity) == listed(b.options->sensitivity));
    REQUIRE(a.options->jacobian.has_value() == b.options->jacobian.has_value());
    if (a.options->jacobian) CHECK(listed(*a.options->jacobian) == listed(*b.options->jacobian));
  }
  CHECK(a.network == b.network);
  CHECK(same_bits(a.state.theta, b.state.theta));
  CHECK(same_bits(a.state.theta_initial, b.state.theta_initial));
  CHECK(a.state.snapshots.iteration == b.state.snapshots.iteration);
  CHECK(std::equal(a.state.snapshots.theta.begin(), a.state.snapshots.theta.end(),
                   b.state.snapshots.theta.begin(), b.state.snapshots.theta.end(),
                   same_bits<Vector, Vector>));
  CHECK(same_matrix(a.ensemble.initial_states, b.ensemble.initial_states));
  CHECK(same_matrix(a.final_states, b.final_states));
  CHECK(same_matrix(a.residuals, b.residuals));
  CHECK(same_bits(a.ensemble.end_times, b.ensemble.end_times));
  CHECK(same_matrix(a.ensemble.earlier_times, b.ensemble.earlier_times));
  CHECK(same_matrix(a.observations.value, b.observations.value));
  CHECK(same_matrix(a.observations.weight, b.observations.weight));
  REQUIRE(a.force_data.has_value() == b.force_data.has_value());
  if (a.force_data) {
    CHECK(same_bits(a.force_data->position, b.force_data->position));
    CHECK(same_bits(a.force_data->force, b.force_data->force));
    CHECK(a.force_data->weight == b.force_data->weight);
  }
  CHECK(a.motion == b.motion);
  check_same(a.state.history, b.state.history);
  check_same(a.phase_portrait_before, b.phase_portrait_before);
  check_same(a.phase_portrait, b.phase_portrait);
  REQUIRE(a.orbits.has_value() == b.orbits.has_value());
  if (a.orbits) {
    CHECK(same_matrix(a.orbits->x, b.orbits->x));
    CHECK(same_matrix(a.orbits->v, b.orbits->v));
    CHECK(same_bits(a.orbits->time, b.orbits->time));
  }
  REQUIRE(a.energy.has_value() == b.energy.has_value());
  if (a.energy) {
    CHECK(same_bits(a.energy->time, b.energy->time));
    CHECK(same_matrix(a.energy->energy, b.energy->energy));
    CHECK(same_bits(a.energy->drift, b.energy->drift));
  }
  check_same(a.force, b.force);
  check_same(a.potential, b.potential);
  check_same_bands(a, b);
  REQUIRE(a.certificate.has_value() == b.certificate.has_value());
  if (a.certificate) check_same(*a.certificate, *b.certificate);
  CHECK(listed(a) == listed(b));
  CHECK(a.absent == b.absent);
}

// -------------------------------------------------------------------- files opened with HDF5's C

/// Lets `change` work on an existing file with the C library.
void edit(const fs::path& path, const std::function<void(hid_t)>& change) {
  const hdf5::Session session;
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  REQUIRE(file.get() >= 0);
  change(file.get());
}

/// A new file that isochron did not write, in the library's default format.
void make_foreign(const fs::path& path, const std::function<void(hid_t)>& fill) {
  const hdf5::Session session;
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  REQUIRE(file.get() >= 0);
  fill(file.get());
}

/// A dataset of `shape`, compressed and extensible if it has chunks; not written when `values` is
/// null.
void make_dataset(hid_t file, const std::string& path, const hdf5::Shape& shape, hid_t type,
                  const void* values, const hdf5::Shape& chunk = {}) {
  const auto rank = static_cast<int>(shape.size());
  const hdf5::Shape limit = chunk.empty() ? shape : hdf5::Shape(shape.size(), H5S_UNLIMITED);
  const Handle space(
      rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape.data(), limit.data()),
      H5Sclose);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (!chunk.empty()) {
    H5Pset_chunk(properties.get(), rank, chunk.data());
    H5Pset_deflate(properties.get(), 1);
  }
  const Handle dataset(
      H5Dcreate2(file, path.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
      H5Dclose);
  REQUIRE(dataset.get() >= 0);
  if (values != nullptr) {
    REQUIRE(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  }
}

/// Exchanges a dataset for zeros of another shape, or for zeros that were never written.
void replace_dataset(hid_t file, const std::string& path, const hdf5::Shape& shape, bool written) {
  REQUIRE(H5Ldelete(file, path.c_str(), H5P_DEFAULT) >= 0);
  hsize_t size = 1;
  for (const hsize_t n : shape) size *= n;
  const std::vector<double> zeros(written ? size : 0);
  make_dataset(file, path, shape, H5T_NATIVE_DOUBLE, written ? zeros.data() : nullptr);
}

/// Gives a dataset of doubles or integers another last number.
template <class T>
void change_last(hid_t file, const std::string& path, T number) {
  const hid_t type = std::is_same_v<T, double> ? H5T_NATIVE_DOUBLE : H5T_NATIVE_LONG;
  const Handle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  REQUIRE(H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
  values.back() = number;
  REQUIRE(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
}

std::vector<std::string> link_names(hid_t group) {
  H5G_info_t info{};
  REQUIRE(H5Gget_info(group, &info) >= 0);
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    std::string name(256, '\0');
    const auto length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(),
                                           name.size(), H5P_DEFAULT);
    REQUIRE(length >= 0);
    names.push_back(name.substr(0, static_cast<std::size_t>(length)));
  }
  return names;
}

/// Calls visit(object, path) for every group and dataset.
void walk(hid_t group, const std::string& path,
          const std::function<void(hid_t, const std::string&)>& visit) {
  visit(group, path.empty() ? "/" : path);
  for (const std::string& name : link_names(group)) {
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
    const std::string full = path + '/' + name;
    if (H5Iget_type(object.get()) == H5I_GROUP) {
      walk(object.get(), full, visit);
    } else {
      visit(object.get(), full);
    }
  }
}

hdf5::Shape attribute_shape(hid_t attribute) {
  const Handle space(H5Aget_space(attribute), H5Sclose);
  hdf5::Shape shape(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return shape;
}

bool is_string(hid_t attribute) {
  const Handle type(H5Aget_type(attribute), H5Tclose);
  return H5Tget_class(type.get()) == H5T_STRING;
}

/// All strings of an attribute; empty when there is none of that name.
std::vector<std::string> text_attributes(hid_t object, const std::string& name) {
  if (H5Aexists(object, name.c_str()) <= 0) return {};
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const std::size_t width = H5Tget_size(type.get());
  std::size_t count = 1;
  for (const hsize_t n : attribute_shape(attribute.get())) count *= n;
  std::string text(width * count, '\0');
  REQUIRE(H5Aread(attribute.get(), type.get(), text.data()) >= 0);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string one = text.substr(i * width, width);
    texts.push_back(one.substr(0, one.find('\0')));
  }
  return texts;
}

std::string text_attribute(hid_t object, const std::string& name) {
  const auto texts = text_attributes(object, name);
  REQUIRE_MESSAGE(texts.size() == 1, name);
  return texts.front();
}

hdf5::Shape dataset_shape(hid_t group, const std::string& name) {
  const Handle dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose);
  REQUIRE_MESSAGE(dataset.get() >= 0, name);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  hdf5::Shape shape(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return shape;
}

// ------------------------------------------------------------------------------------- messages

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
  return message_of_input_error([&] { static_cast<void>(read_results(path)); });
}

std::string reading_matrix(const fs::path& path, const std::string& dataset) {
  return message_of_input_error([&] { static_cast<void>(read_matrix(path, dataset)); });
}

std::string writing(const fs::path& path, const Run& results) {
  try {
    write_results(path, results);
  } catch (const OutputError& error) {
    return error.what();
  }
  return "no OutputError";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What `call` prints to stderr, from C or C++.
std::string printed_errors(const fs::path& capture, const std::function<void()>& call) {
  std::fflush(stderr);
  const int saved = dup(STDERR_FILENO);
  const int file = open(capture.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(file, STDERR_FILENO);
  call();
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(file);
  close(saved);
  return contents(capture);
}

/// The axes linear, one entry each, under the key of H5Web and that of silx.
std::string silx_style(bool log_signal, std::size_t axes) {
  std::string list = "[\"linear\"";
  for (std::size_t i = 1; i < axes; ++i) list += ",\"linear\"";
  list += ']';
  return std::string("{\"signal_scale_type\":\"") + (log_signal ? "log" : "linear") +
         "\",\"axes_scale_type\":" + list + ",\"axes_scale_types\":" + list + '}';
}

}  // namespace

// ----------------------------------------------------------------------------------- round trip

TEST_CASE("a results file reads back to the last bit") {
  const TemporaryFolder folder;
  for (const Index dimension : {1, 2, 3}) {
    for (const Index trajectories : {0, 1, 1000}) {
      for (const Index size : {0, 1, 700}) {
        CAPTURE(dimension);
        CAPTURE(trajectories);
        CAPTURE(size);
        const Run results = made_up_results(dimension, trajectories, size);
        write_results(folder / "run.h5", results);
        check_same(results, read_results(folder / "run.h5"));
      }
    }
  }
}

TEST_CASE("what is absent stays absent") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", Run{});
  check_same(Run{}, read_results(folder / "run.h5"));

  Run some;
  some.entry = "simulation";
  some.motion = Motion::first_order;
  some.ensemble.initial_states = random_states(3, 4, 1);
  some.network = {{3, 4, 3}};
  some.state.theta = Vector::Zero(31);
  some.orbits = OrbitFan{random_states(2, 3, 1), random_states(2, 3, 2), random_vector(3, 3)};
  write_results(folder / "run.h5", some);
  check_same(some, read_results(folder / "run.h5"));
}

TEST_CASE("states stand in the file as one row per trajectory") {
  const TemporaryFolder folder;
  const Run results = made_up_results(2, 5, 1);
  write_results(folder / "run.h5", results);
  const Eigen::MatrixXd rows = read_matrix(folder / "run.h5", "/run/data/initial_states");
  CHECK(same_matrix(rows, results.ensemble.initial_states.transpose()));
  const Eigen::MatrixXd x = read_matrix(folder / "run.h5", "run/orbits/x");
  CHECK(same_matrix(x, results.orbits->x));
}

TEST_CASE("equal results give equal files, except for the time") {
  const TemporaryFolder folder;
  const Run results = made_up_results(1, 50, 9);
  const auto file_time = [&](const std::string& name) {
    return hdf5::InputFile(folder / name).root().text_attribute("file_time");
  };
  write_results(folder / "a.h5", results);
  do {
    write_results(folder / "b.h5", results);
  } while (file_time("a.h5") == file_time("b.h5"));

  const std::string a = contents(folder / "a.h5");
  const std::string b = contents(folder / "b.h5");
  REQUIRE(a.size() == b.size());
  const auto equal_bytes = std::inner_product(a.begin(), a.end(), b.begin(), std::size_t{0},
                                              std::plus<>(), std::equal_to<>());
  const std::size_t time_and_its_checksum = std::strlen("2024-02-29T23:59:59Z") + 4;
  CHECK(a.size() - equal_bytes <= time_and_its_checksum);
}

// ---------------------------------------------------------------------------------- conventions

TEST_CASE("string attributes are scalar, except lists of names") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(2, 10, 4));
  edit(folder / "run.h5", [](hid_t file) {
    walk(file, "", [](hid_t object, const std::string& path) {
      for (const std::string list : {"axes", "auxiliary_signals"}) {
        if (H5Aexists(object, list.c_str()) <= 0) continue;
        const Handle attribute(H5Aopen(object, list.c_str(), H5P_DEFAULT), H5Aclose);
        CHECK_MESSAGE(attribute_shape(attribute.get()).size() == 1, path);
      }
      for (const std::string one : {"NX_class", "signal", "default", "creator", "long_name",
                                    "units", "SILX_style", "interpretation", "file_time"}) {
        if (H5Aexists(object, one.c_str()) <= 0) continue;
        const Handle attribute(H5Aopen(object, one.c_str(), H5P_DEFAULT), H5Aclose);
        CHECK_MESSAGE(attribute_shape(attribute.get()).empty(), path << " @" << one);
        CHECK_MESSAGE(is_string(attribute.get()), path << " @" << one);
      }
    });
  });
}

TEST_CASE("every group has a class, every number a label with its unit") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(2, 10, 4));
  edit(folder / "run.h5", [](hid_t file) {
    walk(file, "", [](hid_t object, const std::string& path) {
      CAPTURE(path);
      if (H5Iget_type(object) != H5I_DATASET) {
        CHECK(text_attribute(object, "NX_class").substr(0, 2) == "NX");
        return;
      }
      const Handle type(H5Dget_type(object), H5Tclose);
      if (H5Tget_class(type.get()) == H5T_STRING) return;
      const std::string units = text_attribute(object, "units");
      const bool seconds = path.ends_with("wall_time") || path.ends_with("max_time");
      CHECK(units == (seconds ? "s" : "1"));
      CHECK(text_attribute(object, "long_name").ends_with(" (" + units + ")"));
    });
  });
}

TEST_CASE("the chain of defaults leads to a plot, and every plot is complete") {
  const TemporaryFolder folder;
  const auto plots = [&](const Run& results) {
    write_results(folder / "run.h5", results);
    std::set<std::string> found;
    edit(folder / "run.h5", [&](hid_t file) {
      walk(file, "", [&](hid_t object, const std::string& path) {
        if (H5Iget_type(object) == H5I_DATASET) return;
        if (text_attribute(object, "NX_class") != "NXdata") return;
        CAPTURE(path);
        found.insert(path);
        const std::string signal = text_attribute(object, "signal");
        const hdf5::Shape shape = dataset_shape(object, signal);
        const auto axes = text_attributes(object, "axes");
        const bool scatter = axes == std::vector<std::string>{"x", "v"};
        CHECK((scatter || axes.size() == shape.size()));
        for (std::size_t i = 0; i < axes.size(); ++i) {
          if (axes[i] == ".") continue;
          CHECK(dataset_shape(object, axes[i]) == hdf5::Shape{shape[scatter ? 0 : i]});
        }
        for (const std::string& name : text_attributes(object, "auxiliary_signals")) {
          CHECK(dataset_shape(object, name) == shape);
        }
        if (shape.size() == 2) {
          const Handle dataset(H5Dopen2(object, signal.c_str(), H5P_DEFAULT), H5Dclose);
          CHECK(text_attribute(dataset.get(), "interpretation") == "spectrum");
        }
        CHECK(dataset_shape(object, "title").empty());
        const bool log_signal = path.ends_with("/training") || path.ends_with("/gradient") ||
                                path.ends_with("/energy_drift");
        CHECK(text_attribute(object, "SILX_style") == silx_style(log_signal, axes.size()));
      });
      const std::string entry = text_attribute(file, "default");
      const Handle run(H5Gopen2(file, entry.c_str(), H5P_DEFAULT), H5Gclose);
      CHECK(text_attribute(run.get(), "NX_class") == "NXentry");
      const std::string plot = text_attribute(run.get(), "default");
      CHECK(found.count('/' + entry + '/' + plot) == 1);
      found.insert("default " + plot);
    });
    return found;
  };

  CHECK(plots(made_up_results(1, 10, 4)) == std::set<std::string>{"/run/model",
                                                                  "/run/training",
                                                                  "/run/gradient",
                                                                  "/run/phase_portrait_before",
                                                                  "/run/phase_portrait",
                                                                  "/run/orbits",
                                                                  "/run/energy",
                                                                  "/run/energy_drift",
                                                                  "/run/force",
                                                                  "/run/potential",
                                                                  "/run/periods",
                                                                  "/run/fit",
                                                                  "/run/held_out",
                                                                  "/run/trajectories",
                                                                  "/run/analysis/period",
                                                                  "/run/analysis/width",
                                                                  "/run/analysis/width_ratio",
                                                                  "/run/analysis/shear",
                                                                  "/run/analysis/rearrangement",
                                                                  "default training"});

  Run two = made_up_results(2, 10, 2);
  two.energy.reset();
  two.force.reset();
  two.potential.reset();
  two.certificate.reset();
  two.periods.reset();
  two.fitted.reset();
  two.held_out.reset();
  two.trajectories.reset();
  CHECK(plots(two) == std::set<std::string>{"/run/model", "/run/training", "/run/gradient",
                                            "/run/phase_portrait_before_1",
                                            "/run/phase_portrait_before_2", "/run/phase_portrait_1",
                                            "/run/phase_portrait_2", "/run/orbits",
                                            "default training"});

  CHECK(plots(made_up_results(2, 10, 1)).count("default orbits") == 1);  // one point is no plot

  Run simulation = two;
  simulation.state.history = {};
  CHECK(plots(simulation).count("default orbits") == 1);
  simulation.orbits.reset();
  CHECK(plots(simulation).count("default phase_portrait_1") == 1);
  simulation.phase_portrait.clear();
  CHECK(plots(simulation).count("default phase_portrait_before_1") == 1);
  simulation.phase_portrait_before.clear();
  CHECK(plots(simulation).count("default model") == 1);
}

TEST_CASE("the axes of a phase portrait are those of the dynamics") {
  const TemporaryFolder folder;
  const auto labels = [&](const Run& results, const std::string& portrait) {
    write_results(folder / "run.h5", results);
    const hdf5::InputFile file(folder / "run.h5");
    const hdf5::InputGroup group = file.root().group("run").group(portrait);
    return group.dataset("x").text_attribute("long_name") + ", " +
           group.dataset("v").text_attribute("long_name");
  };
  const Run one = made_up_results(1, 2, 3);
  CHECK(labels(one, "phase_portrait") == "position x (1), velocity v (1)");
  const Run two = made_up_results(2, 2, 3);
  CHECK(labels(two, "phase_portrait_2") == "position x_2 (1), velocity v_2 (1)");
  Run plane = one;
  plane.motion = Motion::first_order;
  plane.network.reset();
  for (const char* name : {"phase_portrait_before", "phase_portrait"}) {
    CHECK(labels(plane, name) == "component y_1 (1), component y_2 (1)");
  }
}

TEST_CASE("the root says who wrote the file") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 2, 3));
  const hdf5::InputFile file(folder / "run.h5");
  const hdf5::InputGroup root = file.root();
  CHECK(root.text_attribute("NX_class") == "NXroot");
  CHECK(root.text_attribute("creator") == "isochron");
  CHECK(root.integer_attribute("schema_version") == 1);
  const std::string time = root.text_attribute("file_time");
  CHECK(time.size() == std::strlen("2024-02-29T23:59:59Z"));
  CHECK(time[10] == 'T');
  const hdf5::InputGroup run = root.group("run");
  CHECK(run.group("config").text_attribute("NX_class") == "NXnote");
  CHECK(run.dataset("config/type").text() == "application/json");
  CHECK(run.dataset("summary/stop_reason").text_attribute("long_name") == "stop reason");
}

TEST_CASE("groups of others are passed over") {
  const TemporaryFolder folder;
  const Run results = made_up_results(2, 10, 4);
  write_results(folder / "run.h5", results);
  edit(folder / "run.h5", [](hid_t file) {
    const double number = 42;
    for (const char* name : {"/benchmark", "/run/remarks", "/run/summary/group"}) {
      Handle(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    }
    make_dataset(file, "/benchmark/cost", {1}, H5T_NATIVE_DOUBLE, &number);
    make_dataset(file, "/run/data/mass", {}, H5T_NATIVE_DOUBLE, &number);
    make_dataset(file, "/run/summary/another", {}, H5T_NATIVE_DOUBLE, &number);
    make_dataset(file, "/run/summary/column", {1}, H5T_NATIVE_DOUBLE, &number);
    make_dataset(file, "/run/environment/number", {}, H5T_NATIVE_DOUBLE, &number);
  });
  check_same(results, read_results(folder / "run.h5"));
}

TEST_CASE("a certificate is put into a file, and nothing else there changes") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  Run results = made_up_results(1, 10, 4);
  results.certificate.reset();
  write_results(path, results);
  edit(path, [](hid_t file) {
    const double number = 42;
    make_dataset(file, "/run/remark", {}, H5T_NATIVE_DOUBLE, &number);
  });
  for (const long size : {3, 5}) {  // the second one takes the place of the first
    results.certificate = made_up_certificate(size);
    write_analysis(path, *results.certificate);
    check_same(results, read_results(path));
    CHECK(read_matrix(path, "/run/training/loss").size() == 4);
  }
  const hdf5::InputFile file(path);
  CHECK(file.root().text_attribute("default") == "run");
  CHECK(file.root().group("run").contains("remark"));
  CHECK_THROWS_AS(write_analysis(folder / "none.h5", *results.certificate), InputError);
}

TEST_CASE("strings that other programs wrote with variable length are read") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 1, 1));
  edit(folder / "run.h5", [](hid_t file) {
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    const char* title = "another title";
    H5Ldelete(file, "/run/title", H5P_DEFAULT);
    make_dataset(file, "/run/title", {}, type.get(), &title);
  });
  CHECK(read_results(folder / "run.h5").title == "another title");
}

// --------------------------------------------------------------------------------------- errors

TEST_CASE("every kind of bad file has its own sentence") {
  const TemporaryFolder folder;
  const auto says = [&](const std::string& name, const std::string& part) {
    const std::string message = reading(folder / name);
    CHECK_MESSAGE(contains(message, name), message);
    CHECK_MESSAGE(contains(message, part), message);
    CHECK_MESSAGE(!contains(message, "\n"), message);
  };
  says("missing.h5", "does not exist");

  fs::create_directory(folder / "folder.h5");
  says("folder.h5", "is a folder");

  mkfifo((folder / "pipe.h5").c_str(), 0600);
  says("pipe.h5", "is not a regular file");

  put(folder / "empty.h5", "");
  says("empty.h5", "is not an HDF5 file");
  put(folder / "text.h5", std::string(5000, 'x'));
  says("text.h5", "is not an HDF5 file");

  make_foreign(folder / "foreign.h5", [](hid_t) {});
  says("foreign.h5", "was not written by isochron");
  write_results(folder / "other.h5", Run{});
  edit(folder / "other.h5", [](hid_t file) {
    const Handle attribute(H5Aopen(file, "creator", H5P_DEFAULT), H5Aclose);
    const Handle type(H5Aget_type(attribute.get()), H5Tclose);
    REQUIRE(H5Awrite(attribute.get(), type.get(), "anarchos") >= 0);
  });
  says("other.h5", "was not written by isochron");

  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  put(folder / "short.h5", bytes.substr(0, bytes.size() / 2));
  says("short.h5", "is a truncated HDF5 file");
  put(folder / "damaged.h5", bytes.substr(0, 12) + std::string(bytes.size() - 12, '\xff'));
  says("damaged.h5", "is a damaged");

  const auto with_version = [&](const std::string& name, int version) {
    put(folder / name, bytes);
    edit(folder / name, [&](hid_t file) {
      const Handle attribute(H5Aopen(file, "schema_version", H5P_DEFAULT), H5Aclose);
      REQUIRE(H5Awrite(attribute.get(), H5T_NATIVE_INT, &version) >= 0);
    });
  };
  with_version("newer.h5", 2);
  says("newer.h5", "has schema version 2");

  put(folder / "headless.h5", bytes);
  edit(folder / "headless.h5", [](hid_t file) { H5Adelete(file, "default"); });
  says("headless.h5", "no attribute 'default'");
}

TEST_CASE("a missing dataset is named") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  for (const std::string path :
       {"/run", "/run/config/data", "/run/model/theta", "/run/model/layers", "/run/model/symmetry",
        "/run/snapshots/iteration", "/run/snapshots/theta", "/run/training/loss",
        "/run/training/wall_time", "/run/phase_portrait/kinetic_energy",
        "/run/phase_portrait_before/v", "/run/orbits/time", "/run/energy/time",
        "/run/energy_drift/drift", "/run/force/harmonic", "/run/potential/potential",
        "/run/force/visited_range"}) {
    put(folder / "part.h5", bytes);
    edit(folder / "part.h5",
         [&](hid_t file) { REQUIRE(H5Ldelete(file, path.c_str(), H5P_DEFAULT) >= 0); });
    const std::string message = reading(folder / "part.h5");
    CHECK_MESSAGE(contains(message, '\'' + path + "' in '"), message);
    CHECK_MESSAGE(contains(message, "is missing"), message);
  }
}

TEST_CASE("a dataset of the wrong size, rank, type or meaning is named") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  const auto complaint = [&](const std::string& path, const auto& change) {
    put(folder / "odd.h5", bytes);
    edit(folder / "odd.h5", change);
    const std::string message = reading(folder / "odd.h5");
    CHECK_MESSAGE(contains(message, path), message);
    CHECK_MESSAGE(contains(message, "odd.h5"), message);
    return message;
  };
  for (const std::string path :
       {"model/theta", "model/theta_initial", "data/end_times", "held_force/force", "training/loss",
        "training/wall_time", "phase_portrait/kinetic_energy", "phase_portrait_before/v",
        "orbits/time", "energy/time", "energy_drift/drift", "force/harmonic", "potential/potential",
        "force/visited_range"}) {
    complaint(path, [&](hid_t f) { replace_dataset(f, "/run/" + path, {3}, true); });
    const auto flat = complaint(path, [&](hid_t f) {
      replace_dataset(f, "/run/" + path, {4, 1}, true);
    });
    CHECK_MESSAGE(contains(flat, "dimensions"), flat);
    const auto huge = complaint(
        path, [&](hid_t f) { replace_dataset(f, "/run/" + path, {hsize_t{1} << 50}, false); });
    CHECK_MESSAGE(contains(huge, "more data than the file holds"), huge);
  }
  for (const std::string path :
       {"data/final_states", "data/residuals", "snapshots/theta", "orbits/v"}) {
    for (const hdf5::Shape& shape : {hdf5::Shape{4, 3}, hdf5::Shape{7, 2}}) {
      complaint(path, [&](hid_t f) { replace_dataset(f, "/run/" + path, shape, true); });
    }
  }
  // Of a history, what its end says is counted on before the rest is read.
  for (const std::string path :
       {"training/gradient_norm", "training/evaluations", "training/wall_time"}) {
    for (const hsize_t length : {0, 1}) {
      complaint(path, [&](hid_t f) {
        const std::vector<long> values(length);
        REQUIRE(H5Ldelete(f, ("/run/" + path).c_str(), H5P_DEFAULT) >= 0);
        make_dataset(f, "/run/" + path, {length}, H5T_NATIVE_LONG, values.data());
      });
    }
  }
  complaint("data/initial_states", [](hid_t f) {
    replace_dataset(f, "/run/data/initial_states", {10, 3}, true);
  });
  complaint("data/initial_states", [](hid_t f) {
    replace_dataset(f, "/run/data/initial_states", {10, 4}, true);
  });
  complaint("energy/time", [](hid_t f) { replace_dataset(f, "/run/energy/energy", {4, 3}, true); });

  const auto not_integers = complaint("training/iteration", [](hid_t f) {
    replace_dataset(f, "/run/training/iteration", {4}, true);
  });
  CHECK_MESSAGE(contains(not_integers, "integers"), not_integers);

  const auto exchange = [](hid_t f, const char* path, const std::vector<long>& values) {
    REQUIRE(H5Ldelete(f, path, H5P_DEFAULT) >= 0);
    make_dataset(f, path, {values.size()}, H5T_NATIVE_LONG, values.data());
  };
  for (const std::vector<long>& layers :
       {std::vector<long>{1}, {1, -5, 1}, {1, 5, 2}, {1, 6, 1}, {1, 1L << 62, 1L << 62, 1}}) {
    complaint("model/", [&](hid_t f) { exchange(f, "/run/model/layers", layers); });
  }
  for (const std::string path : {"/run/model/bias", "/run/model/skip"}) {
    const auto unknown = complaint(path, [&](hid_t f) {
      const long two = 2;
      REQUIRE(H5Ldelete(f, path.c_str(), H5P_DEFAULT) >= 0);
      make_dataset(f, path, {}, H5T_NATIVE_LONG, &two);
    });
    CHECK_MESSAGE(contains(unknown, "holds 2 in place 1"), unknown);
  }
  complaint("'cubic'", [](hid_t f) {
    REQUIRE(H5Ldelete(f, "/run/model/symmetry", H5P_DEFAULT) >= 0);
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), 5);
    make_dataset(f, "/run/model/symmetry", {}, type.get(), "cubic");
  });
}

TEST_CASE("a number that no run has is named") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  const auto complaint = [&](const std::string& path, auto number) {
    put(folder / "odd.h5", bytes);
    edit(folder / "odd.h5", [&](hid_t file) { change_last(file, "/run/" + path, number); });
    return reading(folder / "odd.h5");
  };
  const auto refused = [&](const std::string& path, auto number) {
    const std::string message = complaint(path, number);
    CHECK_MESSAGE(contains(message, "'/run/" + path + "' in '"), message);
    CHECK_MESSAGE(contains(message, "odd.h5"), message);
    CHECK_MESSAGE(contains(message, "; it takes "), message);
  };
  for (const double bad : {not_a_number, infinity, -infinity}) {
    for (const std::string path :
         {"model/theta", "model/theta_initial", "snapshots/theta", "data/initial_states",
          "data/final_states", "data/residuals", "data/end_times", "data/earlier_times",
          "data/observed_states", "data/weights", "held_force/position", "held_force/force",
          "held_force/weight", "posterior/factor", "posterior/start_slopes", "training/loss",
          "training/wall_time", "analysis/x0", "analysis/equilibria/position"}) {
      refused(path, bad);
    }
  }
  for (const double bad : {not_a_number, -1.0}) {
    for (const std::string path : {"training/gradient_norm", "training/step"}) refused(path, bad);
  }
  for (const std::string path : {"data/end_times", "data/earlier_times", "objective/period"}) {
    refused(path, 0.0);
  }
  for (const std::string path : {"options/max_time", "options/sensitivity/rtol"}) {
    refused(path, not_a_number);
    refused(path, -1.0);
  }
  refused("options/max_iterations", -2L);
  refused("options/jacobian/staggered", 2L);
  for (const long bad : {-1L, (1L << 53) + 2, std::numeric_limits<long>::max()}) {
    for (const std::string path :
         {"model/layers", "snapshots/iteration", "training/iteration", "training/evaluations",
          "training/integrator_steps", "phase_portrait/samples", "analysis/n",
          "analysis/trajectories", "analysis/escaping", "analysis/equilibria/stable"}) {
      refused(path, bad);
    }
  }
  refused("analysis/n", 1L << 31);
  // Iterations are counted, what they cost adds up.
  refused("training/iteration", 2L);
  refused("training/evaluations", 4L);
  CHECK(complaint("training/evaluations", 5L) == "no InputError");
  // What is only drawn may have gaps.
  CHECK(complaint("phase_portrait/x", not_a_number) == "no InputError");
}

TEST_CASE("counts in a summary are whole numbers that go on") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  for (const std::string name :
       {"forward_steps", "backward_right_hand_sides", "forward_convergence_failures"}) {
    for (const double bad : {not_a_number, -1.0, 1e300}) {
      put(folder / "odd.h5", bytes);
      edit(folder / "odd.h5", [&](hid_t file) { change_last(file, "/run/summary/" + name, bad); });
      const std::string message = reading(folder / "odd.h5");
      CHECK_MESSAGE(contains(message, "'/run/summary/" + name + "' in '"), message);
    }
  }
}

TEST_CASE("prescribed periods are there beside what they are prescribed for") {
  const TemporaryFolder folder;
  Run run = made_up_results(1, 10, 4);
  States& states = run.ensemble.initial_states;
  states.row(1).setZero();
  write_results(folder / "run.h5", run);
  CHECK(read_matrix(folder / "run.h5", "/run/data/amplitudes") == states.row(0).transpose());
  edit(folder / "run.h5",
       [](hid_t file) { REQUIRE(H5Ldelete(file, "/run/data/end_times", H5P_DEFAULT) >= 0); });
  CHECK(contains(reading(folder / "run.h5"), "data/end_times"));
  states.row(0).setZero();
  states.row(1).setConstant(-2);
  write_results(folder / "run.h5", run);
  CHECK(read_matrix(folder / "run.h5", "/run/data/energies") == Vector::Constant(10, 2.0));
}

TEST_CASE("a truncated file is refused at every length") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 100, 20));
  const std::string bytes = contents(folder / "run.h5");
  for (std::size_t i = 0; i < 40; ++i) {
    const std::size_t length = i < 20 ? bytes.size() * i / 20 : (i - 20) * (i - 20);
    put(folder / "short.h5", bytes.substr(0, length));
    CHECK_MESSAGE(contains(reading(folder / "short.h5"), "short.h5"), length);
  }
  put(folder / "short.h5", bytes.substr(0, bytes.size() - 1));
  CHECK(contains(reading(folder / "short.h5"), "truncated"));
}

TEST_CASE("a damaged file is refused or read, but never brings the program down") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 20, 6));
  const std::string bytes = contents(folder / "run.h5");
  Random random(7);
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
  };
  int refused = 0;
  constexpr int trials = 40;
  for (int trial = 0; trial < trials; ++trial) {
    std::string damaged = bytes;
    for (std::size_t flips = 1 + below(4); flips > 0; --flips) {
      damaged[below(damaged.size())] ^= static_cast<char>(1U << below(8));
    }
    put(folder / "damaged.h5", damaged);
    refused += reading(folder / "damaged.h5") != "no InputError" ? 1 : 0;
  }
  CHECK(refused > 0.8 * trials);
}

TEST_CASE("nothing is printed by the library") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", made_up_results(1, 10, 4));
  const std::string bytes = contents(folder / "run.h5");
  put(folder / "short.h5", bytes.substr(0, bytes.size() / 2));
  const std::string printed = printed_errors(folder / "stderr", [&] {
    reading(folder / "short.h5");
    reading_matrix(folder / "run.h5", "nothing/here");
    Run clash;
    clash.environment["a/b"] = "";
    writing(folder / "run.h5", clash);
  });
  CHECK(printed.empty());
}

TEST_CASE("the printing of errors is given back to the caller") {
  H5E_auto2_t before = nullptr;
  H5E_auto2_t after = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &before, &data);
  reading("missing.h5");
  H5Eget_auto2(H5E_DEFAULT, &after, &data);
  CHECK((before != nullptr));
  CHECK((before == after));
}

// ----------------------------------------------------------------------------------- any matrix

TEST_CASE("read_matrix takes numbers of any width from any file") {
  const TemporaryFolder folder;
  const fs::path path = folder / "any.h5";
  make_foreign(path, [](hid_t file) {
    const std::vector<float> floats = {1, 2, 3, 4, 5, 6};
    const std::vector<std::int16_t> integers = {-7, 8};
    make_dataset(file, "floats", {3, 2}, H5T_NATIVE_FLOAT, floats.data());
    make_dataset(file, "integers", {2}, H5T_NATIVE_SHORT, integers.data());
    const std::vector<double> zeros(1 << 22);
    const Handle group(H5Gcreate2(file, "deep", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    make_dataset(file, "deep/zeros", {1 << 21, 2}, H5T_NATIVE_DOUBLE, zeros.data(), {1 << 16, 2});
  });
  const Eigen::MatrixXd floats = read_matrix(path, "/floats");
  CHECK(floats == (Eigen::MatrixXd(3, 2) << 1, 2, 3, 4, 5, 6).finished());
  CHECK(read_matrix(path, "integers") == Eigen::Vector2d(-7, 8));
  CHECK(read_matrix(path, "/deep/zeros").rows() == 1 << 21);
}

TEST_CASE("what was never written of a matrix is its fill value") {
  const TemporaryFolder folder;
  const fs::path path = folder / "any.h5";
  make_foreign(path, [](hid_t file) {
    constexpr double half = 0.5;
    const hdf5::Shape shape = {100, 2};
    const Handle space(H5Screate_simple(2, shape.data(), nullptr), H5Sclose);
    const Handle piece(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_fill_value(piece.get(), H5T_NATIVE_DOUBLE, &half);
    const Handle chunks(H5Pcopy(piece.get()), H5Pclose);
    const hdf5::Shape chunk = {10, 2};
    H5Pset_chunk(chunks.get(), 2, chunk.data());
    const auto make = [&](const char* name, const Handle& properties) {
      return Handle(H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT,
                               properties.get(), H5P_DEFAULT),
                    H5Dclose);
    };
    const Handle nothing = make("nothing", piece);
    const Handle no_chunk = make("no_chunk", chunks);
    const Handle one_chunk = make("one_chunk", chunks);
    const hdf5::Shape start = {20, 0};
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, chunk.data(), nullptr);
    const Handle memory(H5Screate_simple(2, chunk.data(), nullptr), H5Sclose);
    const std::vector<double> sevens(20, 7);
    REQUIRE(H5Dwrite(one_chunk.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT,
                     sevens.data()) >= 0);
  });
  const Eigen::MatrixXd fill = Eigen::MatrixXd::Constant(100, 2, 0.5);
  CHECK(read_matrix(path, "nothing") == fill);
  CHECK(read_matrix(path, "no_chunk") == fill);
  Eigen::MatrixXd partly = fill;
  partly.middleRows(20, 10).setConstant(7);
  CHECK(read_matrix(path, "one_chunk") == partly);
}

TEST_CASE("read_matrix finds HDF5 behind a user block") {
  const TemporaryFolder folder;
  const fs::path path = folder / "behind.h5";
  {
    const hdf5::Session session;
    const Handle properties(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_userblock(properties.get(), 2048);
    const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, properties.get(), H5P_DEFAULT),
                      H5Fclose);
    const double number = 3.5;
    make_dataset(file.get(), "number", {1}, H5T_NATIVE_DOUBLE, &number);
  }
  CHECK(read_matrix(path, "number") == Vector::Constant(1, 3.5));
}

TEST_CASE("read_matrix refuses what is no matrix, before it allocates") {
  const TemporaryFolder folder;
  const fs::path path = folder / "any.h5";
  make_foreign(path, [](hid_t file) {
    const std::vector<double> numbers(8);
    const Handle group(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    make_dataset(file, "scalar", {}, H5T_NATIVE_DOUBLE, numbers.data());
    make_dataset(file, "cube", {2, 2, 2}, H5T_NATIVE_DOUBLE, numbers.data());
    make_dataset(file, "empty", {0, 2}, H5T_NATIVE_DOUBLE, nullptr);
    make_dataset(file, "text", {8}, H5T_C_S1, numbers.data());
    constexpr hsize_t huge = hsize_t{1} << 40;
    make_dataset(file, "huge", {huge, 2}, H5T_NATIVE_DOUBLE, nullptr);
    make_dataset(file, "huge_in_chunks", {huge, 2}, H5T_NATIVE_DOUBLE, nullptr, {1024, 2});
    make_dataset(file, "huge_chunk", {4, 2}, H5T_NATIVE_DOUBLE, nullptr, {4, 1 << 26});
  });
  const auto says = [&](const std::string& dataset, const std::string& part) {
    const std::string message = reading_matrix(path, dataset);
    CHECK_MESSAGE(contains(message, '/' + dataset + "' in '"), message);
    CHECK_MESSAGE(contains(message, part), message);
  };
  says("nothing", "is missing");
  says("nothing/here", "is missing");
  says("group", "cannot read");
  says("scalar", "0 dimensions");
  says("cube", "3 dimensions");
  says("empty", "is empty");
  says("text", "does not hold numbers");
  for (const char* name : {"huge", "huge_in_chunks", "huge_chunk"}) {
    says(name, "more data than the file holds");
  }
  CHECK(contains(reading_matrix(folder / "missing.h5", "x"), "does not exist"));
}

TEST_CASE("a header that was changed to promise more is refused") {
  const TemporaryFolder folder;
  const fs::path path = folder / "any.h5";
  constexpr hsize_t rows = 1237;
  make_foreign(path, [](hid_t file) {
    const std::vector<double> numbers(3 * rows, 1.0);
    make_dataset(file, "states", {rows, 3}, H5T_NATIVE_DOUBLE, numbers.data());
  });
  std::string bytes = contents(path);
  const auto replace = [&](hsize_t from, hsize_t to) {
    std::string pattern(sizeof from, '\0');
    std::memcpy(pattern.data(), &from, sizeof from);
    for (auto at = bytes.find(pattern); at != std::string::npos; at = bytes.find(pattern)) {
      std::memcpy(bytes.data() + at, &to, sizeof to);
    }
    put(path, bytes);
  };
  const auto refused = [&] {
    return contains(reading_matrix(path, "states"), "more data than the file holds");
  };
  replace(rows, rows << 30);
  CHECK(refused());
  replace(rows * 3 * sizeof(double), (rows << 30) * 3 * sizeof(double));
  CHECK(refused());
  replace(rows << 30, hsize_t{1} << 61);  // 3 * 8 * 2^61 is 0 in 64 bits
  CHECK(refused());
}

// --------------------------------------------------------------------------------- failed writes

TEST_CASE("sizes that do not fit are refused before anything is touched") {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& what, const auto& spoil) {
    Run results = made_up_results(1, 10, 4);
    spoil(results);
    const std::string message =
        message_of_input_error([&] { write_results(folder / "run.h5", results); });
    CHECK_MESSAGE(contains(message, what), message);
    CHECK(folder.files().empty());
  };
  refuses("model/theta", [](Run& r) { r.state.theta.conservativeResize(3); });
  refuses("model/theta_initial", [](Run& r) { r.state.theta_initial = Vector::Zero(1); });
  refuses("model/theta", [](Run& r) {
    r.network.reset();
    r.known = analytic_term("harmonic", 1);
  });
  refuses("model/theta", [](Run& r) {
    r.known = analytic_term("harmonic", 1);
    r.known->parameters[0].is_fitted = true;
  });
  refuses("model/parameters", [](Run& r) { r.parameter_errors = Vector::Zero(2); });
  refuses("snapshots/theta", [](Run& r) { r.state.snapshots.theta.pop_back(); });
  refuses("snapshots/theta", [](Run& r) { r.state.snapshots.theta[1] = Vector::Zero(2); });
  refuses("snapshots/theta", [](Run& r) {
    r.network.reset();
    r.state.snapshots.theta.assign(4, Vector());
  });
  refuses("data/initial_states", [](Run& r) { r.ensemble.initial_states = States::Zero(3, 10); });
  refuses("data/initial_states", [](Run& r) { r.motion = Motion::first_order; });
  refuses("data/final_states", [](Run& r) { r.final_states = States::Zero(2, 9); });
  refuses("data/final_states", [](Run& r) { r.ensemble.initial_states = States(); });
  refuses("data/residuals", [](Run& r) { r.residuals = States::Zero(4, 10); });
  refuses("data/end_times", [](Run& r) { r.ensemble.end_times = Vector::Zero(9); });
  refuses("data/earlier_times", [](Run& r) { r.ensemble.earlier_times.resize(1, 9); });
  refuses("data/observed_states", [](Run& r) { r.observations.value.resize(2, 10); });
  refuses("data/observed_states", [](Run& r) {
    r.loss = Loss::observations;
    r.observations = {};
  });
  refuses("data/weights", [](Run& r) { r.observations.weight.resize(1, 20); });
  refuses("held_force/force", [](Run& r) { r.force_data->force = Vector::Zero(9); });
  refuses("held_force/position", [](Run& r) { r.force_data = ForceData(); });
  refuses("training/step", [](Run& r) { r.state.history.step.pop_back(); });
  refuses("training/evaluations", [](Run& r) { r.state.history.evaluations.clear(); });
  refuses("training/optimizer", [](Run& r) { r.state.history.optimizer.pop_back(); });
  refuses("phase_portrait/x", [](Run& r) { r.phase_portrait[0].x.clear(); });
  refuses("phase_portrait/kinetic_energy", [](Run& r) { r.phase_portrait[0].color.pop_back(); });
  refuses("phase_portrait/samples", [](Run& r) { r.phase_portrait[0].samples = 3; });
  refuses("phase_portrait/samples", [](Run& r) { r.phase_portrait[0].samples = -1; });
  refuses("energy/energy", [](Run& r) { r.energy->energy.resize(0, 0); });
  refuses("energy/time", [](Run& r) { r.energy->time.resize(5); });
  refuses("energy_drift/drift", [](Run& r) { r.energy->drift.resize(5); });
  refuses("phase_portrait_before/v", [](Run& r) { r.phase_portrait_before[0].v.clear(); });
  refuses("orbits/x", [](Run& r) { r.orbits->x.resize(0, 0); });
  refuses("orbits/v", [](Run& r) { r.orbits->v.resize(3, 5); });
  refuses("orbits/time", [](Run& r) { r.orbits->time.resize(5); });
  refuses("force/harmonic", [](Run& r) { r.force->harmonic.resize(5); });
  refuses("potential/potential", [](Run& r) { r.potential->value.resize(1); });
  refuses("potential/position", [](Run& r) { r.potential = PositionCurve{}; });
  refuses("posterior/factor", [](Run& r) { r.posterior->factor = made_up_factor(3, 1); });
  refuses("posterior has a factor with a 0", [](Run& r) { r.posterior->factor.setZero(); });
  refuses("posterior/start_factors", [](Run& r) { r.posterior->starts.pop_back(); });
  refuses("posterior/start_slopes", [](Run& r) { r.posterior->starts[2].by_theta.resize(2, 1); });
  refuses("periods/period_errors", [](Run& r) { r.periods->error.resize(1); });
  refuses("errors of trajectories", [](Run& r) { r.trajectories->errors.resize(2, 1); });
  refuses("errors of fit", [](Run& r) { r.fitted->errors.resize(2, 1); });
  refuses("held_out/residual", [](Run& r) { r.held_out->residual.clear(); });
}

TEST_CASE("a write that cannot begin says why and leaves everything as it was") {
  const TemporaryFolder folder;
  const Run results = made_up_results(1, 10, 4);
  CHECK(contains(writing(folder / "nowhere/run.h5", results), "No such file or directory"));

  fs::create_directory(folder / "folder");
  CHECK(contains(writing(folder / "folder", results), "Is a directory"));

  mkfifo((folder / "pipe").c_str(), 0600);
  CHECK(contains(writing(folder / "pipe", results), "File exists"));
  CHECK(fs::is_fifo(folder / "pipe"));

  Run clash = results;
  clash.absent["loss"] = "twice";
  CHECK(contains(writing(folder / "run.h5", clash), "'/run/summary/loss' in '"));
  CHECK(folder.files() == std::set<std::string>{"folder", "pipe"});
}

TEST_CASE("files with similar names are untouched, a link is followed") {
  const TemporaryFolder folder;
  const Run results = made_up_results(1, 10, 4);
  put(folder / "run.h5.tmp", "precious");
  write_results(folder / "run.h5", results);
  CHECK(contents(folder / "run.h5.tmp") == "precious");
  CHECK(folder.files() == std::set<std::string>{"run.h5", "run.h5.tmp"});

  fs::create_symlink("run.h5", folder / "link.h5");
  const Run other = made_up_results(2, 3, 1);
  write_results(folder / "link.h5", other);
  CHECK(fs::is_symlink(folder / "link.h5"));
  check_same(other, read_results(folder / "run.h5"));
}

TEST_CASE("a file without a folder in its name is written to the current one") {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder / "");
  CHECK_NOTHROW(write_results("run.h5", Run{}));
  fs::current_path(before);
  CHECK(folder.files() == std::set<std::string>{"run.h5"});
}

TEST_CASE("a full disk leaves the old file and no temporary one") {
  const TemporaryFolder folder;
  const Run old = made_up_results(1, 10, 4);
  write_results(folder / "run.h5", old);
  const Run larger = made_up_results(1, 10000, 4);

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = writing(folder / "run.h5", larger);
    _exit(contains(message, "File too large") && contains(message, "run.h5'") ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(folder.files() == std::set<std::string>{"run.h5"});
  check_same(old, read_results(folder / "run.h5"));
}

}  // namespace test_results
