#include "isochron/results.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "floating_point.hpp"
#include "hdf5/analysis.hpp"
#include "hdf5/file.hpp"
#include "hdf5/record_table.hpp"
#include "hdf5/rewriting.hpp"
#include "hdf5/schema.hpp"
#include "hdf5/size_check.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

// The schema of a run: the only place where it is spelled. Writer and reader of each group stand
// side by side.

namespace isochron {
namespace {

using namespace hdf5;

// -------------------------------------------------------------------- sizes that fit each other

void check_model(const Run& run, const SizeCheck& check) {
  const Vector& theta = run.state.theta;
  if (theta.size() > 0) {
    const Index of_known = run.known ? AnalyticForce(*run.known).parameters() : 0;
    if (run.network) {
      check.network("model", *run.network, theta.size() - of_known);
    } else if (run.known) {
      check.equal("model/theta", theta.size(), of_known);
    }
  }
  if (run.parameter_errors.size() > 0) {
    check.equal("the errors of model/parameters", run.parameter_errors.size(),
                run.known ? run.known->parameters.size() : 0);
  }
  if (run.state.theta_initial.size() > 0) {
    check.equal("model/theta_initial", run.state.theta_initial.size(), theta.size());
  }
}

void check_snapshots(const Run& run, const SizeCheck& check) {
  const auto& [iterations, thetas] = run.state.snapshots;
  check.equal("snapshots/theta", thetas.size(), iterations.size());
  for (const Vector& theta : thetas) {
    const Vector& like = run.state.theta.size() > 0 ? run.state.theta : thetas.front();
    check.require(theta.size() > 0, "snapshots/theta has no parameters");
    check.equal("a row of snapshots/theta", theta.size(), like.size());
  }
}

void check_states(const Run& run, const SizeCheck& check) {
  const States& initial = run.ensemble.initial_states;
  const bool newtonian = run.motion == Motion::newtonian;
  check.require(!newtonian || initial.rows() % 2 == 0,
                "data/initial_states has an odd number of columns");
  if (const ForceFieldPtr field = initial.size() > 0 ? run.field() : nullptr) {
    check.equal("a row of data/initial_states", initial.rows(),
                (newtonian ? 2 : 1) * field->dimension());
  }
  const Index observations = initial.cols() * run.ensemble.observations();
  const auto same_as_initial = [&](const std::string& name, const States& states) {
    if (states.size() == 0) return;
    check.equal("data/" + name, states.cols(), observations);
    check.equal("a row of data/" + name, states.rows(), initial.rows());
  };
  same_as_initial("final_states", run.final_states);
  same_as_initial("residuals", run.residuals);
  same_as_initial("observed_states", run.observations.value);
  same_as_initial("weights", run.observations.weight);
  if (run.initial_state_errors.size() > 0) {
    check.equal("data/initial_state_errors", run.initial_state_errors.cols(), initial.cols());
    check.equal("a row of data/initial_state_errors", run.initial_state_errors.rows(),
                initial.rows());
  }
  check.require(!run.fits_initial_states || run.loss == Loss::observations,
                "objective/fits_initial_states belongs to a loss on observations");
  check.require(run.loss != Loss::observations || run.observations.value.size() > 0,
                "data/observed_states is missing beside a loss on observations");
  check.require(!run.loss || (initial.size() > 0 && run.ensemble.end_times.size() > 0),
                "data/initial_states or data/end_times is missing beside the objective");
  if (run.ensemble.end_times.size() > 0) {
    check.equal("data/end_times", run.ensemble.end_times.size(), initial.cols());
  }
  if (run.ensemble.earlier_times.size() > 0) {
    check.equal("data/earlier_times", run.ensemble.earlier_times.cols(), initial.cols());
  }
}

void check_portraits(const std::string& name, const std::vector<PhasePortrait>& portraits,
                     const SizeCheck& check) {
  for (const PhasePortrait& portrait : portraits) {
    check.require(!portrait.x.empty(), "{}/x is empty", name);
    check.equal(name + "/v", portrait.v.size(), portrait.x.size());
    check.equal(name + '/' + portrait.color_name, portrait.color.size(), portrait.x.size());
    const Index samples = portrait.samples;
    const bool divides =
        samples == 0 || (samples > 0 && static_cast<Index>(portrait.x.size()) % samples == 0);
    check.require(divides, "{}/samples does not divide the number of points", name);
  }
}

void check_orbits(const OrbitFan& orbits, const SizeCheck& check) {
  check.require(orbits.x.size() > 0, "orbits/x is empty");
  check.equal("orbits/v", orbits.v.rows(), orbits.x.rows());
  check.equal("a row of orbits/v", orbits.v.cols(), orbits.x.cols());
  check.equal("orbits/time", orbits.time.size(), orbits.x.cols());
}

void check_energy(const EnergyRecord& record, const SizeCheck& check) {
  check.require(record.energy.size() > 0, "energy/energy is empty");
  check.equal("energy/time", record.time.size(), record.energy.cols());
  check.equal("energy_drift/drift", record.drift.size(), record.energy.cols());
}

void check_curve(const std::string& name, const PositionCurve& curve, const SizeCheck& check) {
  check.require(curve.position.size() > 0, "{}/position is empty", name);
  check.equal(name + '/' + name, curve.value.size(), curve.position.size());
  check.equal(name + "/harmonic", curve.harmonic.size(), curve.position.size());
  if (curve.error.size() > 0) {
    check.equal(name + '/' + name + "_errors", curve.error.size(), curve.position.size());
  }
}

// ------------------------------------------------------------------------------ model, snapshots

/// A row of the table of the known term's parameters.
struct ParameterRow {
  std::string name;
  double value = 0;  // as it is now
  double error = 0;  // NaN: not known
  long fitted = 0;
  double start = 0;
  long logarithmic = 0;
  double low = 0;  // NaN: no bounds
  double high = 0;
};

constexpr std::array<RecordField<ParameterRow>, 8> parameter_fields = {
    {{"name", &ParameterRow::name, "name of the parameter"},
     {"value", &ParameterRow::value, "value"},
     {"error", &ParameterRow::error, "standard error"},
     {"fitted", &ParameterRow::fitted, "whether it is fitted"},
     {"start", &ParameterRow::start, "value that it is held at or that a fit starts from"},
     {"logarithmic", &ParameterRow::logarithmic, "whether theta holds its logarithm"},
     {"low", &ParameterRow::low, "lower bound"},
     {"high", &ParameterRow::high, "upper bound"}}};

ParameterRow row_of(const AnalyticParameter& parameter, double value, double error) {
  constexpr double absent = not_a_number;
  const auto& [name, start, is_fitted, scale] = parameter;
  const auto [low, high] = scale.bounds.value_or(Interval{absent, absent});
  return {name, value, error, is_fitted ? 1 : 0, start, scale.logarithmic ? 1 : 0, low, high};
}

AnalyticParameter parameter_of(const ParameterRow& row) {
  ParameterScale scale{row.logarithmic != 0, std::nullopt};
  if (!std::isnan(row.low) || !std::isnan(row.high)) scale.bounds = {row.low, row.high};
  return {row.name, row.start, row.fitted != 0, scale};
}

void write_known(const OutputGroup& model, const Run& run) {
  model.text("known", run.known->name);
  const Vector values = run.known_values();
  Vector errors = run.parameter_errors;
  if (errors.size() == 0) errors.setConstant(values.size(), std::nan(""));
  std::vector<ParameterRow> rows;
  for (Index p = 0; p < values.size(); ++p) {
    const AnalyticParameter& parameter = run.known->parameters[static_cast<std::size_t>(p)];
    rows.push_back(row_of(parameter, values[p], errors[p]));
  }
  write_records(write_group(model, "parameters", "NXcollection"), rows, parameter_fields,
                "parameters of the known term", "parameter");
}

/// That the term, and the network beside it, are forces.
void check_known(const InputGroup& model, const Run& run) try {
  const AnalyticForce force(*run.known);
  require(!run.network ||
              (!run.network->layers.empty() && run.network->layers.front() == force.dimension()),
          "the network beside it has another dimension");
} catch (const InputError& error) {
  throw InputError(fmt::format("{}: {}", model.location().child("known").text(), error.what()));
}

void read_known(const InputGroup& model, Run& run) {
  if (!model.contains("known")) return;
  AnalyticTerm& term = run.known.emplace();
  term.name = read_text(model, "known");
  std::vector<ParameterRow> rows;
  if (model.contains("parameters")) {
    rows = read_records<ParameterRow>(model.group("parameters"), parameter_fields);
  }
  Vector errors(std::ssize(rows));
  for (const ParameterRow& row : rows) {
    errors[std::ssize(term.parameters)] = row.error;
    term.parameters.push_back(parameter_of(row));
  }
  if (!errors.array().isNaN().all()) run.parameter_errors = errors;
  check_known(model, run);
}

/// Viewers draw no plot of a single point.
template <class Values>
bool is_curve(const Values& values) {
  return values.size() > 1;
}

void write_model(const OutputGroup& entry, const Run& run) {
  const auto& [theta, theta_initial] = std::tie(run.state.theta, run.state.theta_initial);
  if (theta.size() == 0) return;
  const OutputGroup group =
      is_curve(theta)
          ? write_plot(entry, "model", {"Parameters of the force", "theta", {"parameter"}, {}})
          : write_group(entry, "model", "NXcollection");
  if (run.known) write_known(group, run);
  if (run.network) {
    const long bias = Mlp(*run.network).bias() ? 1 : 0;
    const long skip = run.network->skip == Skip::linear ? 1 : 0;
    describe(write_column(group, "layers", run.network->layers, "layer"), "layer widths", "1");
    describe(group.numbers("bias", &bias, {}), "whether layers have biases", "1");
    describe(group.numbers("skip", &skip, {}), "whether there is a linear skip", "1");
    group.text("activation", name(run.network->activation));
    group.text("symmetry", name(run.network->symmetry));
  }
  describe(write_column(group, "theta", theta, "parameter"), "parameters theta", "1");
  if (theta_initial.size() == 0) return;
  describe(write_column(group, "theta_initial", theta_initial, "parameter"),
           "initial parameters theta_0", "1");
}

std::optional<Architecture> read_network(const InputGroup& group) {
  if (!group.contains("layers") && !group.contains("activation")) return std::nullopt;
  Architecture network;
  network.layers = read_column<std::vector<Index>>(group, "layers", domain::count);
  network.activation = read_choice<Activation>(group, "activation");
  network.symmetry = read_choice<Symmetry>(group, "symmetry");
  const bool bias = read_number<long>(group, "bias", domain::flag) != 0;
  network.skip = read_number<long>(group, "skip", domain::flag) == 1 ? Skip::linear : Skip::none;
  require(bias == (network.symmetry == Symmetry::none) && (bias || is_odd(network.activation)),
          "{} is a network with a structure that this version of isochron does not know",
          group.location().text());
  return network;
}

void read_model(const InputGroup& entry, Run& run) {
  if (!entry.contains("model")) return;
  const InputGroup group = entry.group("model");
  run.network = read_network(group);
  read_known(group, run);
  run.state.theta = read_column<Vector>(group, "theta", domain::finite);
  require(run.state.theta.size() > 0, "{} is empty", group.location().child("theta").text());
  if (group.contains("theta_initial")) {
    run.state.theta_initial = read_column<Vector>(group, "theta_initial", domain::finite);
  }
}

void write_snapshots(const OutputGroup& entry, const Snapshots& snapshots) {
  if (snapshots.iteration.empty()) return;
  const OutputGroup group = write_group(entry, "snapshots", "NXcollection");
  Eigen::MatrixXd theta(snapshots.theta.front().size(), static_cast<Index>(snapshots.theta.size()));
  for (Index k = 0; k < theta.cols(); ++k) {
    theta.col(k) = snapshots.theta[static_cast<std::size_t>(k)];
  }
  describe(write_axis(group, "iteration", snapshots.iteration), "iteration", "1");
  describe(write_columns_as_rows(group, "theta", theta, "iteration", "parameter"),
           "parameters theta", "1");
}

Snapshots read_snapshots(const InputGroup& entry) {
  Snapshots snapshots;
  if (!entry.contains("snapshots")) return snapshots;
  const InputGroup group = entry.group("snapshots");
  snapshots.iteration =
      read_column<std::vector<long>>(group, "iteration", domain::cumulative_count);
  const Eigen::MatrixXd theta = read_rows_as_columns(group, "theta", domain::finite);
  for (Index k = 0; k < theta.cols(); ++k) snapshots.theta.emplace_back(theta.col(k));
  return snapshots;
}

// ------------------------------------------------------------------------------------------ data

/// Calls visit(name, label, states, axis) for the states of the group `data`, which have one row
/// per entry of the axis in the file.
template <class AnyRun, class Visit>
void for_each_matrix(AnyRun& run, const Visit& visit) {
  visit("initial_states", "initial states", run.ensemble.initial_states, "trajectory");
  visit("final_states", "final states", run.final_states, "observation");
  visit("residuals", "residuals", run.residuals, "observation");
  visit("observed_states", "observed states", run.observations.value, "observation");
  visit("weights", "weights of the observed states", run.observations.weight, "observation");
  visit("initial_state_errors", "standard errors of fitted initial states",
        run.initial_state_errors, "trajectory");
}

void write_data(const OutputGroup& entry, const Run& run) {
  if (run.ensemble.initial_states.size() == 0) return;
  const OutputGroup group = write_group(entry, "data", "NXcollection");
  const std::string columns =
      run.motion == Motion::newtonian ? ", columns q_1..q_D, v_1..v_D" : ", columns y_1..y_D";
  const auto write = [&](const char* name, const char* label, const States& states,
                         const char* axis) {
    if (states.size() == 0) return;
    describe(write_columns_as_rows(group, name, states, axis, "component"), label + columns, "1");
  };
  for_each_matrix(run, write);
  const auto write_times = [&](const char* name, const char* label, const Vector& times) {
    if (times.size() > 0) describe(write_column(group, name, times, "trajectory"), label, "1");
  };
  write_times("end_times", "end time T", run.ensemble.end_times);
  if (run.prescribes_periods()) {
    const bool by_energy = run.by_energy();
    write_times(
        by_energy ? "energies" : "amplitudes",
        by_energy ? "energy E of a prescribed period" : "amplitude A of a prescribed period",
        run.law_arguments());
  }
  if (run.ensemble.earlier_times.size() == 0) return;
  describe(write_columns_as_rows(group, "earlier_times", run.ensemble.earlier_times, "trajectory",
                                 "earlier_time"),
           "times of observation before the end time", "1");
}

void read_data(const InputGroup& entry, Run& run) {
  if (!entry.contains("data")) return;
  const InputGroup group = entry.group("data");
  for_each_matrix(run, [&](const char* name, const char*, States& states, const char*) {
    if (group.contains(name)) states = read_rows_as_columns(group, name, domain::finite);
  });
  const bool backward = run.loss && !asks_for_closed_orbits(*run.loss);
  const Domain& times = backward ? domain::finite : domain::positive;
  if (group.contains("end_times")) {
    run.ensemble.end_times = read_column<Vector>(group, "end_times", times);
  }
  if (group.contains("earlier_times")) {
    run.ensemble.earlier_times = read_rows_as_columns(group, "earlier_times", times);
  }
}

/// Calls visit(name, label, column) for the columns of a table of observations.
template <class AnyTable, class Visit>
void for_each_column(AnyTable& table, Motion motion, const Visit& visit) {
  visit("trajectory", "trajectory", table.trajectory);
  visit("time", "time t from the start of the trajectory", table.time);
  visit("component",
        motion == Motion::newtonian ? "component, of q_1..q_D, v_1..v_D from 0"
                                    : "component, of y_1..y_D from 0",
        table.component);
  visit("value", "observed value", table.value);
  visit("error", "standard error", table.error);
  visit("prediction", "value of the fit", table.prediction);
  visit("residual", "deviation of the fit in standard errors", table.residual);
}

void write_table(const OutputGroup& entry, const std::string& name, const std::string& title,
                 Motion motion, const ObservationTable& table) {
  const OutputGroup group =
      write_plot(entry, name, {title, "value", {"datum"}, {"prediction"}, Scales::linear});
  std::vector<long> datum(table.size());
  std::iota(datum.begin(), datum.end(), 0L);
  describe(write_axis(group, "datum", datum), "number of the datum", "1");
  for_each_column(table, motion, [&](const char* column, const char* label, const auto& values) {
    describe(write_column(group, column, values, "datum"), label, "1");
  });
}

/// For people and other programs; the numbers are those of `data`.
void write_observations(const OutputGroup& entry, const Run& run) {
  if (run.loss != Loss::observations || run.residuals.size() != run.observations.value.size()) {
    return;
  }
  write_table(entry, "observations", "Observations and the fit", run.motion,
              observation_table(run.ensemble, run.observations, run.final_states));
}

void write_held_out(const OutputGroup& entry, const Run& run) {
  if (run.held_out) {
    write_table(entry, "held_out", "Data held out and their prediction", run.motion, *run.held_out);
  }
}

std::optional<ObservationTable> read_held_out(const InputGroup& entry, Motion motion) {
  if (!entry.contains("held_out")) return std::nullopt;
  const InputGroup group = entry.group("held_out");
  ObservationTable table;
  for_each_column(table, motion, [&](const char* column, const char*, auto& values) {
    using Values = std::remove_reference_t<decltype(values)>;
    const bool counts = std::is_same_v<Values, std::vector<long>>;
    values = read_column<Values>(group, column, counts ? domain::count : domain::anything);
  });
  return table;
}

/// Of q, v or y: dataset [N, K, D], for the rows first .. first + D - 1 of the states.
void write_sampled(const OutputGroup& group, const char* name, const char* label,
                   const States& states, Index first, Index d, const Axis& times) {
  const Eigen::MatrixXd rows = states.middleRows(first, d);
  const Axis trajectories{"trajectory", static_cast<hsize_t>(states.cols()) / times.length};
  const Axis components{"component", static_cast<hsize_t>(d)};
  const OutputObject sampled = group.numbers(name, rows.data(), {trajectories, times, components});
  describe(sampled, label, "1");
  sampled.attribute("interpretation", "spectrum");
}

/// States [N, K, D] in parts, q and v or y, and their standard errors where there are any.
void write_sampled_states(const OutputGroup& group, Motion motion, const States& states,
                          const States& errors, const Axis& times) {
  const auto write = [&](const std::string& name, const std::string& label, Index first, Index d) {
    write_sampled(group, name.c_str(), label.c_str(), states, first, d, times);
    if (errors.size() == 0) return;
    write_sampled(group, (name + "_errors").c_str(), ("standard error of the " + label).c_str(),
                  errors, first, d, times);
  };
  if (motion == Motion::first_order) return write("y", "state y", 0, states.rows());
  const Index d = states.rows() / 2;
  write("q", "position q", 0, d);
  write("v", "velocity v", d, d);
}

/// Of [N, K, D], viewers show a component of a trajectory over time.
Plot sampled_plot(const char* title, Motion motion, const char* times) {
  return {title,
          motion == Motion::newtonian ? "q" : "y",
          {"trajectory", times, "component"},
          {},
          Scales::linear,
          {"0", ".", "0"}};
}

void write_trajectories(const OutputGroup& entry, const Run& run) {
  if (!run.trajectories) return;
  const auto& [time, states, errors] = *run.trajectories;
  const OutputGroup group =
      write_plot(entry, "trajectories", sampled_plot("Trajectories", run.motion, "time"));
  describe(write_axis(group, "time", time), "time t", "1");
  write_sampled_states(group, run.motion, states, errors,
                       {"time", static_cast<hsize_t>(time.size())});
}

void write_fitted(const OutputGroup& entry, const Run& run) {
  if (!run.fitted) return;
  const OutputGroup group = write_plot(entry, "fit", sampled_plot("The fit", run.motion, "sample"));
  describe(write_columns_as_rows(group, "time", run.fitted->time, "trajectory", "sample"),
           "time t from the start of the trajectory", "1");
  write_sampled_states(group, run.motion, run.fitted->states, run.fitted->errors,
                       {"sample", static_cast<hsize_t>(run.fitted->time.rows())});
}

/// The rows of one dataset [N, K, D].
States read_sampled(const InputGroup& group, const char* name, Index times) {
  const InputDataset data = group.dataset(name);
  const Shape& shape = data.shape();
  require(
      shape.size() == 3 && static_cast<Index>(shape[1]) == times && shape[0] > 0 && shape[2] > 0,
      "{} has not the shape [N, {}, D]", data.location().text(), times);
  States states(static_cast<Index>(shape[2]), static_cast<Index>(shape[0] * shape[1]));
  states.setZero();
  data.read(states.data());
  return states;
}

/// The parts q and v, or y, with this ending of their names.
States read_sampled_states(const InputGroup& group, Motion motion, const std::string& ending,
                           Index times) {
  const auto read = [&](const char* name) {
    return read_sampled(group, (name + ending).c_str(), times);
  };
  if (motion == Motion::first_order) return read("y");
  const States q = read("q");
  const States v = read("v");
  require(q.rows() == v.rows() && q.cols() == v.cols(), "{} and v{} have different shapes",
          group.location().child("q" + ending).text(), ending);
  States states(2 * q.rows(), q.cols());
  states << q, v;
  return states;
}

States read_sampled_errors(const InputGroup& group, Motion motion, Index times) {
  const std::string ending = "_errors";
  const std::string first = motion == Motion::newtonian ? "q" : "y";
  if (!group.contains(first + ending)) return {};
  return read_sampled_states(group, motion, ending, times);
}

void read_trajectories(const InputGroup& entry, Run& run) {
  if (!entry.contains("trajectories")) return;
  const InputGroup group = entry.group("trajectories");
  SampledStates& sampled = run.trajectories.emplace();
  sampled.time = read_column<Vector>(group, "time", domain::finite);
  sampled.states = read_sampled_states(group, run.motion, "", sampled.time.size());
  sampled.errors = read_sampled_errors(group, run.motion, sampled.time.size());
}

void read_fitted(const InputGroup& entry, Run& run) {
  if (!entry.contains("fit")) return;
  const InputGroup group = entry.group("fit");
  FittedPaths& paths = run.fitted.emplace();
  paths.time = read_rows_as_columns(group, "time", domain::finite);
  paths.states = read_sampled_states(group, run.motion, "", paths.time.rows());
  paths.errors = read_sampled_errors(group, run.motion, paths.time.rows());
}

/// One matrix of every start, one below the other.
Eigen::MatrixXd stacked(const std::vector<Posterior::Start>& starts,
                        Eigen::MatrixXd Posterior::Start::*part) {
  const Index rows = (starts.front().*part).rows();
  Eigen::MatrixXd all(rows * static_cast<Index>(starts.size()), (starts.front().*part).cols());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    all.middleRows(static_cast<Index>(i) * rows, rows) = starts[i].*part;
  }
  return all;
}

void write_posterior(const OutputGroup& entry, const Posterior& posterior) {
  const OutputGroup group = write_group(entry, "posterior", "NXcollection");
  describe(write_columns_as_rows(group, "factor", posterior.factor.transpose(), "row", "parameter"),
           "R, upper triangular: R^T R is the inverse covariance of theta", "1");
  const std::vector<Posterior::Start>& starts = posterior.starts;
  if (starts.empty()) return;
  describe(write_columns_as_rows(group, "start_factors",
                                 stacked(starts, &Posterior::Start::factor).transpose(),
                                 "start_row", "component"),
           "the same of each initial state for given theta, one below the other", "1");
  describe(write_columns_as_rows(group, "start_slopes",
                                 stacked(starts, &Posterior::Start::by_theta).transpose(),
                                 "start_row", "parameter"),
           "derivative of each initial state by theta, one below the other", "1");
}

std::optional<Posterior> read_posterior(const InputGroup& entry, const Run& run) {
  if (!entry.contains("posterior")) return std::nullopt;
  const InputGroup group = entry.group("posterior");
  const auto read = [&](const char* name) -> Eigen::MatrixXd {
    return read_rows_as_columns(group, name, domain::finite).transpose();
  };
  Posterior posterior;
  posterior.factor = read("factor");
  posterior.initial_state_errors = run.initial_state_errors;
  if (!group.contains("start_factors")) return posterior;
  const Eigen::MatrixXd factors = read("start_factors");
  const Eigen::MatrixXd slopes = read("start_slopes");
  const Index rows = factors.cols();
  require(rows > 0 && factors.rows() % rows == 0 && slopes.rows() == factors.rows(),
          "{} and start_slopes do not fit each other",
          group.location().child("start_factors").text());
  for (Index first = 0; first < factors.rows(); first += rows) {
    posterior.starts.push_back({factors.middleRows(first, rows), slopes.middleRows(first, rows)});
  }
  return posterior;
}

void check_posterior(const Run& run, const SizeCheck& check) {
  const auto& [factor, errors, starts] = *run.posterior;
  const Index parameters = run.state.theta.size();
  check.equal("posterior/factor", factor.rows(), parameters);
  check.equal("a row of posterior/factor", factor.cols(), parameters);
  const Index rows = run.ensemble.initial_states.rows();
  if (!starts.empty()) check.equal("posterior/start_factors", starts.size(), run.ensemble.size());
  const auto is_regular = [](const Eigen::MatrixXd& triangle) {
    return triangle.size() == 0 || triangle.diagonal().cwiseAbs().minCoeff() > 0;
  };
  bool regular = is_regular(factor);
  for (const Posterior::Start& start : starts) {
    check.equal("a row of posterior/start_factors", start.factor.cols(), rows);
    check.equal("posterior/start_slopes", start.by_theta.rows(), rows);
    check.equal("a row of posterior/start_slopes", start.by_theta.cols(), parameters);
    regular = regular && is_regular(start.factor);
  }
  check.require(regular, "posterior has a factor with a 0 on its diagonal");
}

void check_sampled(const SampledStates& sampled, const SizeCheck& check) {
  check.require(sampled.time.size() > 0, "trajectories/time is empty");
  if (sampled.errors.size() == 0) return;
  check.equal("the errors of trajectories", sampled.errors.cols(), sampled.states.cols());
  check.equal("the errors of trajectories", sampled.errors.rows(), sampled.states.rows());
}

void check_fitted(const FittedPaths& paths, const SizeCheck& check) {
  check.require(paths.time.size() > 0, "fit/time is empty");
  check.equal("fit", paths.states.cols(), paths.time.size());
  if (paths.errors.size() == 0) return;
  check.equal("the errors of fit", paths.errors.cols(), paths.states.cols());
  check.equal("the errors of fit", paths.errors.rows(), paths.states.rows());
}

void check_held_out(const ObservationTable& table, const SizeCheck& check) {
  check.require(table.size() > 0, "held_out/time is empty");
  for_each_column(table, Motion::newtonian, [&](const char* name, const char*, const auto& values) {
    check.equal(std::string("held_out/") + name, values.size(), table.size());
  });
}

void check_periods(const PeriodCurve& periods, const SizeCheck& check) {
  check.require(periods.energy.size() > 0, "periods/energy is empty");
  check.equal("periods/period", periods.period.size(), periods.energy.size());
  check.equal("periods/period_errors", periods.error.size(), periods.energy.size());
}

void check_force_data(const ForceData& data, const SizeCheck& check) {
  check.require(data.position.size() > 0, "held_force/position is empty");
  check.equal("held_force/force", data.force.size(), data.position.size());
}

void write_force_data(const OutputGroup& entry, const ForceData& data) {
  const OutputGroup group = write_group(entry, "held_force", "NXcollection");
  describe(write_axis(group, "position", data.position), "position x", "1");
  describe(write_column(group, "force", data.force, "position"), "force data f*", "1");
  describe(group.numbers("weight", &data.weight, {}), "weight in the loss", "1");
}

std::optional<ForceData> read_force_data(const InputGroup& entry) {
  if (!entry.contains("held_force")) return std::nullopt;
  const InputGroup group = entry.group("held_force");
  return ForceData{read_column<Vector>(group, "position", domain::finite),
                   read_column<Vector>(group, "force", domain::finite),
                   read_number<double>(group, "weight", domain::positive)};
}

// ------------------------------------------------------------------------------ other objectives

void check_other(const OtherObjective& other, const std::string& name, const Run& run,
                 const SizeCheck& check) {
  const States& initial = other.ensemble.initial_states;
  check.require(initial.size() > 0, "{}/initial_states is empty", name);
  check.equal("a row of " + name + "/initial_states", initial.rows(),
              run.ensemble.initial_states.rows());
  check.equal(name + "/end_times", other.ensemble.end_times.size(), initial.cols());
  const Eigen::MatrixXd& earlier = other.ensemble.earlier_times;
  if (earlier.size() > 0) check.equal(name + "/earlier_times", earlier.cols(), initial.cols());
  const bool observes = other.loss == Loss::observations;
  check.require(observes || asks_for_closed_orbits(other.loss),
                "{}/loss is {}, which only a first objective may be", name,
                isochron::name(other.loss));
  const Index observations = observes ? initial.cols() * other.ensemble.observations() : 0;
  check.equal(name + "/observed_states", other.observations.value.cols(), observations);
  if (other.observations.weight.size() == 0) return;
  check.equal(name + "/weights", other.observations.weight.cols(), observations);
}

void check_others(const Run& run, const SizeCheck& check) {
  for (std::size_t j = 0; j < run.others.size(); ++j) {
    check_other(run.others[j], fmt::format("other_objectives/{}", j), run, check);
  }
}

/// Calls visit(name, label, matrix, axis, axis) for those that an objective has.
template <class AnyObjective, class Visit>
void for_each_matrix_of(AnyObjective& other, const Visit& visit) {
  visit("initial_states", "initial states", other.ensemble.initial_states, "trajectory",
        "component");
  visit("earlier_times", "times of observation before the end time", other.ensemble.earlier_times,
        "trajectory", "earlier_time");
  visit("observed_states", "observed states", other.observations.value, "observation", "component");
  visit("weights", "weights of the observed states", other.observations.weight, "observation",
        "component");
}

void write_others(const OutputGroup& entry, const Run& run) {
  if (run.others.empty()) return;
  const OutputGroup all = write_group(entry, "other_objectives", "NXcollection");
  for (std::size_t j = 0; j < run.others.size(); ++j) {
    const OtherObjective& other = run.others[j];
    const OutputGroup group = write_group(all, fmt::format("{}", j), "NXcollection");
    group.text("loss", name(other.loss));
    group.text("error_model", name(other.observations.error_model));
    group.text("robust", name(other.observations.robust));
    describe(group.numbers("weight", &other.weight, {}), "weight in the loss", "1");
    describe(group.numbers("period", &other.period, {}), "period T", "1");
    describe(write_column(group, "end_times", other.ensemble.end_times, "trajectory"), "end time T",
             "1");
    for_each_matrix_of(
        other, [&](const char* name, const char* label, const auto& matrix, const auto&... axes) {
          if (matrix.size() == 0) return;
          describe(write_columns_as_rows(group, name, matrix, axes...), label, "1");
        });
    if (run.verification.of_others.size() != run.others.size()) continue;
    describe(group.numbers("loss_verified", &run.verification.of_others[j], {}),
             "loss by another method, without its weight", "1");
  }
}

void read_others(const InputGroup& entry, Run& run) {
  if (!entry.contains("other_objectives")) return;
  const InputGroup all = entry.group("other_objectives");
  for (std::size_t j = 0; all.contains(fmt::format("{}", j)); ++j) {
    const InputGroup group = all.group(fmt::format("{}", j));
    OtherObjective other;
    other.loss = read_choice<Loss>(group, "loss");
    other.observations.error_model = read_choice<ErrorModel>(group, "error_model");
    other.observations.robust = read_choice<Robust>(group, "robust");
    other.weight = read_number<double>(group, "weight", domain::positive);
    other.period = read_number<double>(group, "period", domain::positive);
    const bool backward = other.loss == Loss::observations;
    other.ensemble.end_times =
        read_column<Vector>(group, "end_times", backward ? domain::finite : domain::positive);
    for_each_matrix_of(other, [&](const char* name, const char*, auto& matrix, const auto&...) {
      if (group.contains(name)) matrix = read_rows_as_columns(group, name, domain::finite);
    });
    if (group.contains("loss_verified")) {
      run.verification.of_others.push_back(
          read_number<double>(group, "loss_verified", domain::anything));
    }
    run.others.push_back(std::move(other));
  }
}

// -------------------------------------------------------------------------------------- training

template <class T>
struct HistoryColumn {
  const char* name;
  const char* label;
  const char* units;
  std::vector<T> History::*values;
  Domain domain;
};

constexpr std::array<HistoryColumn<long>, 3> history_counts = {
    {{"iteration", "iteration", "1", &History::iteration, domain::increasing_count},
     {"evaluations", "evaluations of loss and gradient", "1", &History::evaluations,
      domain::cumulative_count},
     {"integrator_steps", "integrator steps", "1", &History::integrator_steps,
      domain::cumulative_count}}};

constexpr std::array<HistoryColumn<double>, 4> history_numbers = {
    {{"loss", "loss L", "1", &History::loss, domain::finite_not_negative},
     {"gradient_norm", "gradient norm |dL/dtheta|", "1", &History::gradient_norm,
      domain::not_negative},
     {"step", "step |theta change|", "1", &History::step, domain::not_negative},
     {"wall_time", "wall time", "s", &History::wall_time, domain::finite_not_negative}}};

/// Calls `visit(column)` for every column of the history.
template <class Visit>
void for_each_history_column(Visit visit) {
  for (const auto& column : history_counts) visit(column);
  for (const auto& column : history_numbers) visit(column);
}

void check_history(const History& history, const SizeCheck& check) {
  for_each_history_column([&](const auto& column) {
    check.equal(std::string("training/") + column.name, (history.*column.values).size(),
                history.size());
  });
  if (history.optimizer.empty()) return;
  check.equal("training/optimizer", history.optimizer.size(), history.size());
}

/// Two plots: viewers give all curves of one the label of the first.
void write_history(const OutputGroup& entry, const History& history) {
  if (history.size() == 0) return;
  const bool curves = is_curve(history.loss);
  const OutputGroup group =
      curves ? write_plot(entry, "training",
                          {"Loss during training", "loss", {"iteration"}, {}, Scales::log_signal})
             : write_group(entry, "training", "NXcollection");
  for_each_history_column([&](const auto& column) {
    describe(write_column(group, column.name, history.*column.values, "iteration"), column.label,
             column.units);
  });
  if (!history.optimizer.empty()) {
    describe(write_column(group, "optimizer", history.optimizer, "iteration"),
             "optimizer (0 L-BFGS, 1 least squares, 3 Adam)", "1");
  }
  if (!curves) return;
  const OutputGroup gradient = write_plot(
      entry, "gradient",
      {"Gradient norm during training", "gradient_norm", {"iteration"}, {}, Scales::log_signal});
  describe(write_axis(gradient, "iteration", history.iteration), "iteration", "1");
  describe(write_column(gradient, "gradient_norm", history.gradient_norm, "iteration"),
           "gradient norm |dL/dtheta|", "1");
}

History read_history(const InputGroup& entry) {
  History history;
  if (!entry.contains("training")) return history;
  const InputGroup group = entry.group("training");
  for_each_history_column([&](const auto& column) {
    auto& values = history.*column.values;
    values =
        read_column<std::remove_reference_t<decltype(values)>>(group, column.name, column.domain);
  });
  if (group.contains("optimizer")) {
    history.optimizer = read_column<std::vector<long>>(group, "optimizer", domain::small_count);
  }
  // What is read next counts on it.
  check_history(history, SizeCheck(group.location().file));
  return history;
}

// ------------------------------------------------------------------------------- phase portraits

/// One degree of freedom: `name`; more: `name`_1, `name`_2, ...
std::string portrait_name(const std::string& name, std::size_t index, std::size_t count) {
  return count == 1 ? name : fmt::format("{}_{}", name, index + 1);
}

/// What a portrait's x and v are: q_i and v_i of Newtonian, y_1 and y_2 of first-order dynamics.
std::pair<std::string, std::string> portrait_labels(Motion motion, std::size_t index,
                                                    std::size_t count) {
  if (motion == Motion::first_order) return {"component y_1", "component y_2"};
  return {portrait_name("position x", index, count), portrait_name("velocity v", index, count)};
}

void write_portraits(const OutputGroup& entry, const std::string& name, const std::string& title,
                     Motion motion, const std::vector<PhasePortrait>& portraits) {
  for (std::size_t i = 0; i < portraits.size(); ++i) {
    const PhasePortrait& portrait = portraits[i];
    const auto [x_label, v_label] = portrait_labels(motion, i, portraits.size());
    const OutputGroup group =
        write_plot(entry, portrait_name(name, i, portraits.size()),
                   {title, portrait.color_name, {"x", "v"}, {}, Scales::linear});
    describe(write_column(group, "x", portrait.x, "point"), x_label, "1");
    describe(write_column(group, "v", portrait.v, "point"), v_label, "1");
    write_column(group, portrait.color_name, portrait.color, "point")
        .attribute("long_name", portrait.color_label)
        .attribute("units", "1");
    if (portrait.samples == 0) continue;
    const long samples = portrait.samples;
    describe(group.numbers("samples", &samples, {}), "samples per orbit", "1");
  }
}

PhasePortrait read_portrait(const InputGroup& group) {
  PhasePortrait portrait;
  portrait.x = read_column<std::vector<double>>(group, "x", domain::anything);
  portrait.v = read_column<std::vector<double>>(group, "v", domain::anything);
  portrait.color_name = group.text_attribute("signal");
  portrait.color = read_column<std::vector<double>>(group, portrait.color_name, domain::anything);
  portrait.color_label = group.dataset(portrait.color_name).text_attribute("long_name");
  if (group.contains("samples"))
    portrait.samples = read_number<long>(group, "samples", domain::count);
  return portrait;
}

std::vector<PhasePortrait> read_portraits(const InputGroup& entry, const std::string& name) {
  if (entry.contains(name)) return {read_portrait(entry.group(name))};
  std::vector<PhasePortrait> portraits;
  const auto next = [&] { return portrait_name(name, portraits.size(), 2); };
  while (entry.contains(next())) portraits.push_back(read_portrait(entry.group(next())));
  return portraits;
}

// --------------------------------------------------------------- orbits, energy, force, potential

void write_orbits(const OutputGroup& entry, const OrbitFan& orbits) {
  const OutputGroup group = write_plot(
      entry, "orbits", {"Orbits: position over time", "x", {"orbit", "time"}, {}, Scales::linear});
  const OutputObject x = write_columns_as_rows(group, "x", orbits.x.transpose(), "orbit", "time");
  const OutputObject v = write_columns_as_rows(group, "v", orbits.v.transpose(), "orbit", "time");
  describe(x, "position x", "1");
  describe(v, "velocity v", "1");
  x.attribute("interpretation", "spectrum");
  v.attribute("interpretation", "spectrum");
  describe(write_axis(group, "time", orbits.time), "time t", "1");
}

std::optional<OrbitFan> read_orbits(const InputGroup& entry) {
  if (!entry.contains("orbits")) return std::nullopt;
  const InputGroup group = entry.group("orbits");
  return OrbitFan{read_rows_as_columns(group, "x", domain::anything).transpose(),
                  read_rows_as_columns(group, "v", domain::anything).transpose(),
                  read_column<Vector>(group, "time", domain::anything)};
}

void write_energy(const OutputGroup& entry, const EnergyRecord& record) {
  // An energy is conserved up to digits that no axis shows: what is drawn is its deviation.
  const OutputGroup energy = write_plot(
      entry, "energy", {"Energy less its initial value", "deviation", {"trajectory", "time"}, {}});
  const Eigen::MatrixXd deviation = record.energy.colwise() - record.energy.col(0);
  const auto write = [&](const char* name, const char* label, const Eigen::MatrixXd& values) {
    const OutputObject rows =
        write_columns_as_rows(energy, name, values.transpose(), "trajectory", "time");
    describe(rows, label, "1");
    rows.attribute("interpretation", "spectrum");
  };
  write("energy", "energy E", record.energy);
  write("deviation", "E(t) - E(0)", deviation);
  describe(write_axis(energy, "time", record.time), "time t", "1");

  const OutputGroup drift = write_plot(
      entry, "energy_drift", {"Drift of the energy", "drift", {"time"}, {}, Scales::log_signal});
  describe(write_column(drift, "drift", record.drift, "time"), "largest |E(t) - E(0)|", "1");
  describe(write_axis(drift, "time", record.time), "time t", "1");
}

std::optional<EnergyRecord> read_energy(const InputGroup& entry) {
  if (!entry.contains("energy")) return std::nullopt;
  const InputGroup group = entry.group("energy");
  return EnergyRecord{read_column<Vector>(group, "time", domain::anything),
                      read_rows_as_columns(group, "energy", domain::anything).transpose(),
                      read_column<Vector>(entry.group("energy_drift"), "drift", domain::anything)};
}

void write_curve(const OutputGroup& entry, const std::string& name, const std::string& title,
                 const std::string& symbol, const PositionCurve& curve) {
  const OutputGroup group =
      write_plot(entry, name, {title, name, {"position"}, {"harmonic"}, Scales::linear});
  const Eigen::Vector2d visited(curve.visited_min, curve.visited_max);
  describe(write_axis(group, "position", curve.position), "position x", "1");
  describe(write_column(group, name, curve.value, "position"), name + ' ' + symbol, "1");
  describe(write_column(group, "harmonic", curve.harmonic, "position"), "harmonic " + name, "1");
  describe(write_column(group, "visited_range", visited, "bound"),
           "positions that the orbits visit", "1");
  if (curve.error.size() == 0) return;
  describe(write_column(group, name + "_errors", curve.error, "position"),
           "standard error of the " + name, "1");
}

std::optional<PositionCurve> read_curve(const InputGroup& entry, const std::string& name) {
  if (!entry.contains(name)) return std::nullopt;
  const InputGroup group = entry.group(name);
  const auto visited = read_column<Vector>(group, "visited_range", domain::anything);
  require(visited.size() == 2, "{} has not two values",
          group.location().child("visited_range").text());
  PositionCurve curve{read_column<Vector>(group, "position", domain::anything),
                      read_column<Vector>(group, name, domain::anything),
                      read_column<Vector>(group, "harmonic", domain::anything), visited[0],
                      visited[1]};
  if (group.contains(name + "_errors")) {
    curve.error = read_column<Vector>(group, name + "_errors", domain::anything);
  }
  return curve;
}

void write_periods(const OutputGroup& entry, const PeriodCurve& periods) {
  const OutputGroup group =
      write_plot(entry, "periods",
                 {"Period with its standard error", "period", {"energy"}, {}, Scales::linear});
  describe(write_axis(group, "energy", periods.energy), "energy E above the bottom", "1");
  describe(write_column(group, "period", periods.period, "energy"), "period T(E)", "1");
  describe(write_column(group, "period_errors", periods.error, "energy"), "standard error of T(E)",
           "1");
}

std::optional<PeriodCurve> read_periods(const InputGroup& entry) {
  if (!entry.contains("periods")) return std::nullopt;
  const InputGroup group = entry.group("periods");
  return PeriodCurve{read_column<Vector>(group, "energy", domain::anything),
                     read_column<Vector>(group, "period", domain::anything),
                     read_column<Vector>(group, "period_errors", domain::anything)};
}

// --------------------------------------------------------------------------------------- summary

/// What is absent, with the reason.
constexpr std::string_view absence = "absent: ";

void write_summary(const OutputGroup& entry, const Run& run) {
  const OutputGroup group = write_group(entry, "summary", "NXcollection");
  for_each_number(run, NumberWriter(group));
  for_each_derived_number(run, NumberWriter(group));
  const auto write = [&](const std::string& name, const std::string& text) {
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    if (!text.empty()) group.text(name, text).attribute("long_name", words);
  };
  for_each_text(run, write);
  for (const auto& [name, reason] : run.absent) write(name, std::string(absence) + reason);
}

void read_summary(const InputGroup& entry, Run& run) {
  if (!entry.contains("summary")) return;
  const InputGroup group = entry.group("summary");
  for_each_number(run, NumberReader(group));
  for_each_text(run, [&](const char* name, std::string& text) {
    if (group.contains(name)) text = read_text(group, name);
  });
  for (const std::string& name : group.datasets()) {
    const InputDataset dataset = group.dataset(name);
    if (!dataset.shape().empty() || !dataset.is_text()) continue;
    const std::string text = dataset.text();
    if (text.starts_with(absence)) run.absent[name] = text.substr(absence.size());
  }
  // What is there is not absent.
  const auto is_there = [&](const char* name, const auto&...) { run.absent.erase(name); };
  for_each_text(run, is_there);
  for_each_derived_number(run, is_there);
  for_each_number(run, [&](const char* name, const auto&...) {
    if (group.contains(name) && group.dataset(name).is_number()) run.absent.erase(name);
  });
}

// ---------------------------------------------------------------------------------- weight seeds

void write_restarts(const OutputGroup& entry, const std::vector<Restart>& restarts) {
  if (restarts.empty()) return;
  std::vector<std::uint64_t> seeds;
  std::vector<double> losses;
  for (const Restart& restart : restarts) {
    seeds.push_back(restart.weight_seed);
    losses.push_back(restart.loss);
  }
  const OutputGroup group = write_group(entry, "restarts", "NXcollection");
  describe(write_axis(group, "weight_seed", seeds), "weight seed", "1");
  describe(write_column(group, "loss", losses, "weight_seed"), "loss when it was set aside", "1");
}

/// Version 0.1.0 wrote them to the summary, with the seed in the label: "loss of weight seed 3 ..".
std::vector<Restart> read_former_restarts(const InputGroup& entry) {
  std::vector<Restart> restarts;
  if (!entry.contains("summary")) return restarts;
  const InputGroup summary = entry.group("summary");
  for (int k = 0;; ++k) {
    const std::string name = fmt::format("restart_{}", k);  // why a seed failed
    Restart restart;
    if (summary.contains(name + "_loss")) {
      std::istringstream label(summary.dataset(name + "_loss").text_attribute("long_name"));
      std::string of;
      label >> of >> of >> of >> of >> restart.weight_seed;
      restart.loss = read_number<double>(summary, name + "_loss", domain::anything);
    } else if (summary.contains(name)) {
      std::istringstream reason(read_text(summary, name));  // "weight seed 3: .."
      std::string of;
      reason >> of >> of >> restart.weight_seed;
    } else {
      return restarts;
    }
    restarts.push_back(restart);
  }
}

std::vector<Restart> read_restarts(const InputGroup& entry) {
  std::vector<Restart> restarts;
  if (!entry.contains("restarts")) return read_former_restarts(entry);
  const InputGroup group = entry.group("restarts");
  const auto seeds =
      read_column<std::vector<std::uint64_t>>(group, "weight_seed", domain::anything);
  const auto losses = read_column<std::vector<double>>(group, "loss", domain::anything);
  require(seeds.size() == losses.size(), "{} has columns of different lengths",
          group.location().text());
  for (std::size_t k = 0; k < seeds.size(); ++k) restarts.push_back({seeds[k], losses[k]});
  return restarts;
}

// ------------------------------------------------------------------------- objective and options

/// Options are numbers, flags and names. An absent one has its default.
class OptionWriter {
 public:
  explicit OptionWriter(const OutputGroup& group) : group_(group) {}

  template <class T>
  void operator()(const char* name, const char* label, const char* units, const T& value) const {
    if constexpr (std::is_enum_v<T>) {
      group_.text(name, isochron::name(value)).attribute("long_name", label);
    } else if constexpr (std::is_same_v<T, double>) {
      describe(group_.numbers(name, &value, {}), label, units);
    } else {
      const long whole = value;
      describe(group_.numbers(name, &whole, {}), label, units);
    }
  }
  template <class T>
  void operator()(const char* name, const char* label, const char* units,
                  const std::optional<T>& value) const {
    if (value) (*this)(name, label, units, *value);
  }

 private:
  const OutputGroup& group_;
};

class OptionReader {
 public:
  explicit OptionReader(const InputGroup& group) : group_(group) {}

  template <class T>
  void operator()(const char* name, const char*, const char*, T& value) const {
    if (!group_.contains(name)) return;
    if constexpr (std::is_enum_v<T>) {
      value = read_choice<T>(group_, name);
    } else if constexpr (std::is_same_v<T, double>) {
      value = read_number<double>(group_, name, domain::not_negative);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = read_number<long>(group_, name, domain::flag) != 0;
    } else {
      const Domain& whole = sizeof(T) < sizeof(long) ? domain::small_count : domain::limit;
      value = static_cast<T>(read_number<long>(group_, name, whole));
    }
  }
  template <class T>
  void operator()(const char* name, const char* label, const char* units,
                  std::optional<T>& value) const {
    if (group_.contains(name)) (*this)(name, label, units, value.emplace());
  }

 private:
  const InputGroup& group_;
};

void write_sensitivity(const OutputGroup& parent, const char* name,
                       const SensitivityOptions& options) {
  for_each_option(options, OptionWriter(write_group(parent, name, "NXcollection")));
}

SensitivityOptions read_sensitivity(const InputGroup& group) {
  SensitivityOptions options;
  for_each_option(options, OptionReader(group));
  return options;
}

void write_options(const OutputGroup& entry, const TrainingOptions& options) {
  const OutputGroup group = write_group(entry, "options", "NXcollection");
  for_each_option(options, OptionWriter(group));
  write_sensitivity(group, "sensitivity", options.sensitivity);
  if (options.jacobian) write_sensitivity(group, "jacobian", *options.jacobian);
}

std::optional<TrainingOptions> read_options(const InputGroup& entry) {
  if (!entry.contains("options")) return std::nullopt;
  const InputGroup group = entry.group("options");
  TrainingOptions options;
  for_each_option(options, OptionReader(group));
  options.sensitivity = read_sensitivity(group.group("sensitivity"));
  if (group.contains("jacobian")) options.jacobian = read_sensitivity(group.group("jacobian"));
  return options;
}

void write_objective(const OutputGroup& entry, const Run& run) {
  if (!run.loss) return;
  const OutputGroup group = write_group(entry, "objective", "NXcollection");
  group.text("loss", name(*run.loss));
  describe(group.numbers("period", &run.period, {}), "period T", "1");
  describe(group.numbers("verdict_tolerance", &run.verdict_tolerance, {}),
           "tolerance of the verdict", "1");
  const auto write_flag = [&](const char* name, bool value, const char* label) {
    const long one = 1;
    if (value) describe(group.numbers(name, &one, {}), label, "1");
  };
  write_flag("fits_initial_states", run.fits_initial_states,
             "whether initial states are parameters");
  write_flag("estimates_noise", run.estimates_noise, "whether standard errors are estimated");
  if (run.loss == Loss::observations) {
    group.text("error_model", name(run.observations.error_model));
    group.text("robust", name(run.observations.robust));
  }
  if (!run.data_seed) return;
  describe(group.numbers("data_seed", &*run.data_seed, {}), "seed of the initial states", "1");
}

void read_objective(const InputGroup& entry, Run& run) {
  if (!entry.contains("objective")) return;
  const InputGroup group = entry.group("objective");
  run.loss = read_choice<Loss>(group, "loss");
  run.period = read_number<double>(group, "period", domain::positive);
  run.verdict_tolerance = read_number<double>(group, "verdict_tolerance", domain::positive);
  const auto read_flag = [&](const char* name) {
    return group.contains(name) && read_number<long>(group, name, domain::flag) == 1;
  };
  run.fits_initial_states = read_flag("fits_initial_states");
  run.estimates_noise = read_flag("estimates_noise");
  if (group.contains("error_model")) {
    run.observations.error_model = read_choice<ErrorModel>(group, "error_model");
  }
  if (group.contains("robust")) run.observations.robust = read_choice<Robust>(group, "robust");
  NumberReader{group}("data_seed", "", "", run.data_seed);
}

// --------------------------------------------------------------------------------- entry and root

void check_sizes(const Run& run, const std::filesystem::path& file) {
  const SizeCheck check(file);
  check_model(run, check);
  check_snapshots(run, check);
  check_states(run, check);
  if (run.force_data) check_force_data(*run.force_data, check);
  check_others(run, check);
  check_history(run.state.history, check);
  check_portraits("phase_portrait_before", run.phase_portrait_before, check);
  check_portraits("phase_portrait", run.phase_portrait, check);
  if (run.orbits) check_orbits(*run.orbits, check);
  if (run.energy) check_energy(*run.energy, check);
  if (run.force) check_curve("force", *run.force, check);
  if (run.potential) check_curve("potential", *run.potential, check);
  if (run.posterior) check_posterior(run, check);
  if (run.periods) check_periods(*run.periods, check);
  if (run.trajectories) check_sampled(*run.trajectories, check);
  if (run.held_out) check_held_out(*run.held_out, check);
  if (run.fitted) check_fitted(*run.fitted, check);
}

/// The plot a viewer shows first; empty when there is none. The loss says whether a run has come to
/// an end that its other plots can be trusted in; what was not trained shows its orbits. A run that
/// was interrupted in its first iteration has its parameters alone.
std::string default_plot(const Run& run) {
  const auto portrait = [](const char* name, const std::vector<PhasePortrait>& portraits) {
    return portrait_name(name, 0, portraits.size());
  };
  if (is_curve(run.state.history.loss)) return "training";
  if (run.orbits) return "orbits";
  if (!run.phase_portrait.empty()) return portrait("phase_portrait", run.phase_portrait);
  if (run.energy) return "energy";
  if (run.force) return "force";
  if (run.potential) return "potential";
  if (!run.phase_portrait_before.empty()) {
    return portrait("phase_portrait_before", run.phase_portrait_before);
  }
  return is_curve(run.state.theta) ? "model" : "";
}

void write_entry(const OutputGroup& root, const Run& run) {
  const OutputGroup entry = write_group(root, run.entry, "NXentry");
  const std::string plot = default_plot(run);
  if (!plot.empty()) entry.attribute("default", plot);
  write_text(entry, "title", run.title);
  write_text(entry, "start_time", run.start_time);
  entry.text("dynamics", name(run.motion));
  write_objective(entry, run);
  if (run.options) write_options(entry, *run.options);
  write_config(entry, run.config);
  write_environment(entry, run.environment);
  write_model(entry, run);
  write_snapshots(entry, run.state.snapshots);
  write_data(entry, run);
  write_observations(entry, run);
  write_held_out(entry, run);
  write_fitted(entry, run);
  write_trajectories(entry, run);
  if (run.posterior) write_posterior(entry, *run.posterior);
  if (run.force_data) write_force_data(entry, *run.force_data);
  write_others(entry, run);
  write_history(entry, run.state.history);
  write_portraits(entry, "phase_portrait_before", "Phase portrait before training", run.motion,
                  run.phase_portrait_before);
  write_portraits(entry, "phase_portrait", "Phase portrait", run.motion, run.phase_portrait);
  if (run.orbits) write_orbits(entry, *run.orbits);
  if (run.energy) write_energy(entry, *run.energy);
  if (run.force) write_curve(entry, "force", "Force and harmonic force", "f", *run.force);
  if (run.potential) {
    write_curve(entry, "potential", "Potential and harmonic potential", "U", *run.potential);
  }
  if (run.periods) write_periods(entry, *run.periods);
  if (run.certificate) hdf5::write_analysis(entry, *run.certificate);
  write_restarts(entry, run.restarts);
  write_summary(entry, run);
}

Run read_run_entry(const InputGroup& root) {
  Run run;
  run.entry = run_entry(root);
  require(!run.entry.empty(), "'{}' holds a {}, but no run and so no network", root.location().file,
          root.contains(sweep_entry) ? "sweep" : "benchmark");
  const InputGroup entry = root.group(run.entry);
  run.title = read_text(entry, "title");
  run.start_time = read_text(entry, "start_time");
  if (entry.contains("dynamics")) run.motion = read_choice<Motion>(entry, "dynamics");
  read_objective(entry, run);
  run.options = read_options(entry);
  run.config = read_config(entry);
  run.environment = read_environment(entry);
  read_model(entry, run);
  run.state.snapshots = read_snapshots(entry);
  read_data(entry, run);
  run.held_out = read_held_out(entry, run.motion);
  read_fitted(entry, run);
  read_trajectories(entry, run);
  run.posterior = read_posterior(entry, run);
  run.force_data = read_force_data(entry);
  read_others(entry, run);
  run.state.history = read_history(entry);
  run.phase_portrait_before = read_portraits(entry, "phase_portrait_before");
  run.phase_portrait = read_portraits(entry, "phase_portrait");
  run.orbits = read_orbits(entry);
  run.energy = read_energy(entry);
  run.force = read_curve(entry, "force");
  run.potential = read_curve(entry, "potential");
  run.periods = read_periods(entry);
  run.certificate = read_analysis(entry);
  run.restarts = read_restarts(entry);
  read_summary(entry, run);
  return run;
}

/// `run` must live as long.
Compose compose(const Run& run) {
  return [&run](const OutputGroup& root) {
    write_root_attributes(root, run.entry);
    write_entry(root, run);
  };
}

}  // namespace

std::string results_image(const std::filesystem::path& path, const Run& run,
                          const std::optional<FormerFile>& former) {
  check_sizes(run, path);
  if (!former) return file_with(path, compose(run));
  const InputFile old(former->path().string(), former->bytes());
  std::optional<Run> before;
  if (!run_entry(old.root()).empty()) before = read_run_entry(old.root());
  const auto compose_former = [&](const OutputGroup& root) {
    write_root_attributes(root, before ? before->entry : benchmark_entry);
    if (before) write_entry(root, *before);
  };
  return rewritten_file(path, *former, compose_former, compose(run));
}

void write_results(const std::filesystem::path& path, const Run& run, Existing existing) {
  save(path, results_image(path, run, former_file(path, existing)));
}

void write_analysis(const std::filesystem::path& path, const Certificate& certificate) {
  const FormerFile former(path);
  Run run = read_results(path);
  run.absent.erase("analysis");
  run.certificate = certificate;
  save(path, results_image(path, run, former));
}

Run read_results(const std::filesystem::path& path) {
  const InputFile file(path);
  check_origin(file.root());
  Run run = read_run_entry(file.root());
  check_sizes(run, path);
  return run;
}

Entries read_entries(const std::filesystem::path& path) {
  const InputFile file(path);
  check_origin(file.root());
  const InputGroup root = file.root();
  return {!run_entry(root).empty(), root.contains(benchmark_entry), root.contains(sweep_entry)};
}

Eigen::MatrixXd read_matrix(const std::filesystem::path& file, const std::string& dataset) {
  const InputFile input(file);
  const InputDataset data = input.root().dataset(dataset);
  const hdf5::Shape& shape = data.shape();
  const std::string name = data.location().text();
  require(!shape.empty() && shape.size() <= 2, "{} has {} dimensions, but a matrix has 2 or 1",
          name, shape.size());
  const auto rows = static_cast<Index>(shape[0]);
  const auto columns = shape.size() == 2 ? static_cast<Index>(shape[1]) : Index{1};
  require(rows > 0 && columns > 0, "{} is empty", name);
  // Chunks that were not written and have no fill value leave what is there.
  Eigen::MatrixXd transposed = Eigen::MatrixXd::Zero(columns, rows);
  data.read(transposed.data());
  return transposed.transpose();
}

}  // namespace isochron
