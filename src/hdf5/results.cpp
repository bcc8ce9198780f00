#include "isochron/results.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "hdf5/analysis.hpp"
#include "hdf5/file.hpp"
#include "hdf5/rewriting.hpp"
#include "hdf5/schema.hpp"
#include "hdf5/size_check.hpp"
#include "isochron/error.hpp"

// The schema of a run: the only place where it is spelled. Writer and reader of each group stand
// side by side.

namespace isochron {
namespace {

using namespace hdf5;

// -------------------------------------------------------------------- sizes that fit each other

/// One positive number per trajectory.
struct TrajectoryColumn {
  const char* name;
  const char* label;
  Vector Results::*values;
};

constexpr std::array<TrajectoryColumn, 3> trajectory_columns = {
    {{"end_times", "end time T", &Results::end_times},
     {"amplitudes", "amplitude A of a prescribed period", &Results::amplitudes},
     {"energies", "energy E of a prescribed period", &Results::energies}}};

void check_model(const ModelRecord& model, const SizeCheck& check) {
  check.network("model", model, model.theta.size());
  if (model.theta_initial.size() > 0) {
    check.equal("model/theta_initial", model.theta_initial.size(), model.theta.size());
  }
}

void check_snapshots(const Results& results, const SizeCheck& check) {
  const auto& [iterations, thetas] = results.snapshots;
  check.equal("snapshots/theta", thetas.size(), iterations.size());
  for (const Vector& theta : thetas) {
    const Vector& like = results.model ? results.model->theta : thetas.front();
    check.require(theta.size() > 0, "snapshots/theta has no parameters");
    check.equal("a row of snapshots/theta", theta.size(), like.size());
  }
}

void check_states(const Results& results, const SizeCheck& check) {
  const States& initial = results.initial_states;
  const bool newtonian = results.motion == Motion::newtonian;
  check.require(!newtonian || initial.rows() % 2 == 0,
                "data/initial_states has an odd number of columns");
  if (results.model && initial.size() > 0) {
    check.equal("a row of data/initial_states", initial.rows(),
                (newtonian ? 2 : 1) * results.model->layers.front());
  }
  const auto same_as_initial = [&](const std::string& name, const States& states) {
    if (states.size() == 0) return;
    check.equal("data/" + name, states.cols(), initial.cols());
    check.equal("a row of data/" + name, states.rows(), initial.rows());
  };
  same_as_initial("final_states", results.final_states);
  same_as_initial("residuals", results.residuals);
  check.require(!results.has_period_law() || results.end_times.size() > 0,
                "data/end_times is missing beside prescribed periods");
  for (const auto& [name, label, column] : trajectory_columns) {
    const Vector& values = results.*column;
    if (values.size() > 0) {
      check.equal(std::string("data/") + name, values.size(), initial.cols());
    }
  }
}

void check_portraits(const std::string& name, const std::vector<PhasePortrait>& portraits,
                     const SizeCheck& check) {
  for (const PhasePortrait& portrait : portraits) {
    check.require(!portrait.x.empty(), name + "/x is empty");
    check.equal(name + "/v", portrait.v.size(), portrait.x.size());
    check.equal(name + '/' + portrait.color_name, portrait.color.size(), portrait.x.size());
    const Index samples = portrait.samples;
    const bool divides =
        samples == 0 || (samples > 0 && static_cast<Index>(portrait.x.size()) % samples == 0);
    check.require(divides, name + "/samples does not divide the number of points");
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
  check.require(curve.position.size() > 0, name + "/position is empty");
  check.equal(name + '/' + name, curve.value.size(), curve.position.size());
  check.equal(name + "/harmonic", curve.harmonic.size(), curve.position.size());
}

// ---------------------------------------------------------------------------- matrices and names

/// One row of the file per column of the matrix: the order in memory is the same.
OutputObject write_columns_as_rows(const OutputGroup& group, const std::string& name,
                                   const Eigen::MatrixXd& matrix) {
  return group.numbers(name, matrix.data(),
                       {static_cast<hsize_t>(matrix.cols()), static_cast<hsize_t>(matrix.rows())});
}

template <class Enum, std::size_t N>
std::string spelling_of(Enum value, const Choices<Enum, N>& choices) {
  const auto same = [&](const auto& choice) { return choice.second == value; };
  return std::find_if(choices.begin(), choices.end(), same)->first;
}

constexpr Choices<Motion, 2> motions = {
    {{"newtonian", Motion::newtonian}, {"first-order", Motion::first_order}}};

// ------------------------------------------------------------------------------ model, snapshots

void write_model(const OutputGroup& entry, const ModelRecord& model) {
  const OutputGroup group = write_group(entry, "model", "NXcollection");
  const long bias = model.network().bias() ? 1 : 0;
  const long skip = model.skip == Skip::linear ? 1 : 0;
  describe(write_column(group, "layers", model.layers), "layer widths", "1");
  describe(group.numbers("bias", &bias, {}), "whether layers have biases", "1");
  describe(group.numbers("skip", &skip, {}), "whether there is a linear skip", "1");
  group.text("activation", model.activation);
  group.text("symmetry", spelling_of(model.symmetry, symmetries));
  describe(write_column(group, "theta", model.theta), "parameters theta", "1");
  if (model.theta_initial.size() == 0) return;
  describe(write_column(group, "theta_initial", model.theta_initial), "initial parameters theta_0",
           "1");
}

std::optional<ModelRecord> read_model(const InputGroup& entry) {
  if (!entry.contains("model")) return std::nullopt;
  const InputGroup group = entry.group("model");
  ModelRecord model;
  model.layers = read_column<std::vector<Index>>(group, "layers", domain::count);
  constexpr Choices<int, 1> activations = {{{"tanh", 0}}};
  read_choice(group, "activation", activations);
  model.symmetry = read_choice(group, "symmetry", symmetries);
  const bool bias = read_number<long>(group, "bias", domain::flag) != 0;
  const long skip = read_number<long>(group, "skip", domain::flag);
  model.skip = skip == 1 ? Skip::linear : Skip::none;
  if (bias != (model.symmetry == Symmetry::none)) {
    throw InputError(group.location().text() +
                     " is a network with a structure that this version of isochron does not know");
  }
  model.theta = read_column<Vector>(group, "theta", domain::finite);
  if (group.contains("theta_initial")) {
    model.theta_initial = read_column<Vector>(group, "theta_initial", domain::finite);
  }
  return model;
}

void write_snapshots(const OutputGroup& entry, const Snapshots& snapshots) {
  if (snapshots.iteration.empty()) return;
  const OutputGroup group = write_group(entry, "snapshots", "NXcollection");
  Eigen::MatrixXd theta(snapshots.theta.front().size(), static_cast<Index>(snapshots.theta.size()));
  for (Index k = 0; k < theta.cols(); ++k) {
    theta.col(k) = snapshots.theta[static_cast<std::size_t>(k)];
  }
  describe(write_column(group, "iteration", snapshots.iteration), "iteration", "1");
  describe(write_columns_as_rows(group, "theta", theta), "parameters theta", "1");
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

struct StatesColumn {
  const char* name;
  const char* label;
  States Results::*states;
};

constexpr std::array<StatesColumn, 3> states_columns = {
    {{"initial_states", "initial states", &Results::initial_states},
     {"final_states", "final states", &Results::final_states},
     {"residuals", "residuals", &Results::residuals}}};

void write_data(const OutputGroup& entry, const Results& results) {
  if (results.initial_states.size() == 0) return;
  const OutputGroup group = write_group(entry, "data", "NXcollection");
  const std::string columns =
      results.motion == Motion::newtonian ? ", columns q_1..q_D, v_1..v_D" : ", columns y_1..y_D";
  for (const auto& [name, label, states] : states_columns) {
    if ((results.*states).size() == 0) continue;
    describe(write_columns_as_rows(group, name, results.*states), label + columns, "1");
  }
  for (const auto& [name, label, column] : trajectory_columns) {
    if ((results.*column).size() == 0) continue;
    describe(write_column(group, name, results.*column), label, "1");
  }
}

void read_data(const InputGroup& entry, Results& results) {
  if (!entry.contains("data")) return;
  const InputGroup group = entry.group("data");
  for (const auto& [name, label, states] : states_columns) {
    if (!group.contains(name)) continue;
    results.*states = read_rows_as_columns(group, name, domain::finite);
  }
  for (const auto& [name, label, column] : trajectory_columns) {
    if (!group.contains(name)) continue;
    results.*column = read_column<Vector>(group, name, domain::positive);
  }
}

void check_force_data(const ForceData& data, const SizeCheck& check) {
  check.require(data.position.size() > 0, "held_force/position is empty");
  check.equal("held_force/force", data.force.size(), data.position.size());
}

void write_force_data(const OutputGroup& entry, const ForceData& data) {
  const OutputGroup group = write_group(entry, "held_force", "NXcollection");
  describe(write_column(group, "position", data.position), "position x", "1");
  describe(write_column(group, "force", data.force), "force data f*", "1");
  describe(group.numbers("weight", &data.weight, {}), "weight in the loss", "1");
}

std::optional<ForceData> read_force_data(const InputGroup& entry) {
  if (!entry.contains("held_force")) return std::nullopt;
  const InputGroup group = entry.group("held_force");
  return ForceData{read_column<Vector>(group, "position", domain::finite),
                   read_column<Vector>(group, "force", domain::finite),
                   read_number<double>(group, "weight", domain::positive)};
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
}

void write_history(const OutputGroup& entry, const History& history) {
  if (history.size() == 0) return;
  const OutputGroup group = write_plot(entry, "training",
                                       {"Loss and gradient norm during training",
                                        "loss",
                                        {"iteration"},
                                        {"gradient_norm"},
                                        Scales::log_signal});
  for_each_history_column([&](const auto& column) {
    describe(write_column(group, column.name, history.*column.values), column.label, column.units);
  });
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
  return history;
}

// ------------------------------------------------------------------------------- phase portraits

/// One degree of freedom: `name`; more: `name`_1, `name`_2, ...
std::string portrait_name(const std::string& name, std::size_t index, std::size_t count) {
  return count == 1 ? name : name + '_' + std::to_string(index + 1);
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
    describe(write_column(group, "x", portrait.x), x_label, "1");
    describe(write_column(group, "v", portrait.v), v_label, "1");
    write_column(group, portrait.color_name, portrait.color)
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
  const OutputGroup group =
      write_plot(entry, "orbits",
                 {"Orbits: position and velocity", "x", {".", "time"}, {"v"}, Scales::linear});
  const OutputObject x = write_columns_as_rows(group, "x", orbits.x.transpose());
  const OutputObject v = write_columns_as_rows(group, "v", orbits.v.transpose());
  describe(x, "position x", "1");
  describe(v, "velocity v", "1");
  x.attribute("interpretation", "spectrum");
  v.attribute("interpretation", "spectrum");
  describe(write_column(group, "time", orbits.time), "time t", "1");
}

std::optional<OrbitFan> read_orbits(const InputGroup& entry) {
  if (!entry.contains("orbits")) return std::nullopt;
  const InputGroup group = entry.group("orbits");
  return OrbitFan{read_rows_as_columns(group, "x", domain::anything).transpose(),
                  read_rows_as_columns(group, "v", domain::anything).transpose(),
                  read_column<Vector>(group, "time", domain::anything)};
}

void write_energy(const OutputGroup& entry, const EnergyRecord& record) {
  const OutputGroup energy =
      write_plot(entry, "energy", {"Energy", "energy", {".", "time"}, {}, Scales::linear});
  const OutputObject rows = write_columns_as_rows(energy, "energy", record.energy.transpose());
  describe(rows, "energy E", "1");
  rows.attribute("interpretation", "spectrum");
  describe(write_column(energy, "time", record.time), "time t", "1");

  const OutputGroup drift = write_plot(
      entry, "energy_drift", {"Drift of the energy", "drift", {"time"}, {}, Scales::log_signal});
  describe(write_column(drift, "drift", record.drift), "largest |E(t) - E(0)|", "1");
  describe(write_column(drift, "time", record.time), "time t", "1");
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
  describe(write_column(group, "position", curve.position), "position x", "1");
  describe(write_column(group, name, curve.value), name + ' ' + symbol, "1");
  describe(write_column(group, "harmonic", curve.harmonic), "harmonic " + name, "1");
  describe(write_column(group, "visited_range", visited), "positions that the orbits visit", "1");
}

std::optional<PositionCurve> read_curve(const InputGroup& entry, const std::string& name) {
  if (!entry.contains(name)) return std::nullopt;
  const InputGroup group = entry.group(name);
  const auto visited = read_column<Vector>(group, "visited_range", domain::anything);
  if (visited.size() != 2) {
    throw InputError(group.location().child("visited_range").text() + " has not two values");
  }
  return PositionCurve{read_column<Vector>(group, "position", domain::anything),
                       read_column<Vector>(group, name, domain::anything),
                       read_column<Vector>(group, "harmonic", domain::anything), visited[0],
                       visited[1]};
}

// --------------------------------------------------------------------------------------- summary

void write_summary(const OutputGroup& entry, const Results& results) {
  if (results.summary.empty() && results.summary_text.empty()) return;
  const OutputGroup group = write_group(entry, "summary", "NXcollection");
  for (const auto& [name, number] : results.summary) {
    const OutputObject dataset = number.whole ? group.numbers(name, &*number.whole, {})
                                              : group.numbers(name, &number.value, {});
    dataset.attribute("long_name", number.long_name).attribute("units", number.units);
  }
  for (const auto& [name, text] : results.summary_text) {
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    group.text(name, text).attribute("long_name", words);
  }
}

/// Counts go on when a run is resumed, and n is a whole number.
Domain summary_domain(const std::string& name) {
  constexpr std::array<const char*, 7> counts = {"iterations", "evaluations", "harmonic_n",
                                                 "_steps",     "_jacobians",  "_right_hand_sides",
                                                 "_failures"};
  const auto ends_name = [&](const std::string& end) { return name.ends_with(end); };
  return std::any_of(counts.begin(), counts.end(), ends_name) ? domain::count : domain::anything;
}

void read_summary(const InputGroup& entry, Results& results) {
  if (!entry.contains("summary")) return;
  const InputGroup group = entry.group("summary");
  for (const std::string& name : group.datasets()) {
    const InputDataset dataset = group.dataset(name);
    if (!dataset.shape().empty() || !dataset.has_attribute("long_name")) continue;
    if (dataset.is_text()) results.summary_text[name] = dataset.text();
    if (dataset.is_number()) {
      results.summary[name] = {read_number<double>(group, name, summary_domain(name)),
                               dataset.text_attribute("long_name"), dataset.text_attribute("units"),
                               std::nullopt};
      if (dataset.is_unsigned()) {
        results.summary[name].whole = read_number<std::uint64_t>(group, name, domain::anything);
      }
    }
  }
}

// --------------------------------------------------------------------------------- entry and root

void check_sizes(const Results& results, const std::filesystem::path& file) {
  const SizeCheck check(file);
  if (results.model) check_model(*results.model, check);
  check_snapshots(results, check);
  check_states(results, check);
  if (results.force_data) check_force_data(*results.force_data, check);
  check_history(results.history, check);
  check_portraits("phase_portrait_before", results.phase_portrait_before, check);
  check_portraits("phase_portrait", results.phase_portrait, check);
  if (results.orbits) check_orbits(*results.orbits, check);
  if (results.energy) check_energy(*results.energy, check);
  if (results.force) check_curve("force", *results.force, check);
  if (results.potential) check_curve("potential", *results.potential, check);
}

/// The plot a viewer shows first; empty when there is none.
std::string default_plot(const Results& results) {
  const auto portrait = [](const char* name, const std::vector<PhasePortrait>& portraits) {
    return portrait_name(name, 0, portraits.size());
  };
  if (results.history.size() > 0) return "training";
  if (results.orbits) return "orbits";
  if (!results.phase_portrait.empty()) return portrait("phase_portrait", results.phase_portrait);
  if (results.energy) return "energy";
  if (results.force) return "force";
  if (results.potential) return "potential";
  if (results.phase_portrait_before.empty()) return "";
  return portrait("phase_portrait_before", results.phase_portrait_before);
}

void write_entry(const OutputGroup& root, const Results& results) {
  const OutputGroup entry = write_group(root, results.entry, "NXentry");
  const std::string plot = default_plot(results);
  if (!plot.empty()) entry.attribute("default", plot);
  write_text(entry, "title", results.title);
  write_text(entry, "start_time", results.start_time);
  entry.text("dynamics", spelling_of(results.motion, motions));
  write_config(entry, results.config);
  write_environment(entry, results.environment);
  if (results.model) write_model(entry, *results.model);
  write_snapshots(entry, results.snapshots);
  write_data(entry, results);
  if (results.force_data) write_force_data(entry, *results.force_data);
  write_history(entry, results.history);
  write_portraits(entry, "phase_portrait_before", "Phase portrait before training", results.motion,
                  results.phase_portrait_before);
  write_portraits(entry, "phase_portrait", "Phase portrait", results.motion,
                  results.phase_portrait);
  if (results.orbits) write_orbits(entry, *results.orbits);
  if (results.energy) write_energy(entry, *results.energy);
  if (results.force) write_curve(entry, "force", "Force and harmonic force", "f", *results.force);
  if (results.potential) {
    write_curve(entry, "potential", "Potential and harmonic potential", "U", *results.potential);
  }
  if (results.analysis) hdf5::write_analysis(entry, *results.analysis);
  write_summary(entry, results);
}

Results read_entry(const InputGroup& root) {
  Results results;
  results.entry = run_entry(root);
  if (results.entry.empty()) {
    throw InputError('\'' + root.location().file + "' holds a " +
                     (root.contains(sweep_entry) ? "sweep" : "benchmark") +
                     ", but no run and so no network");
  }
  const InputGroup entry = root.group(results.entry);
  results.title = read_text(entry, "title");
  results.start_time = read_text(entry, "start_time");
  if (entry.contains("dynamics")) results.motion = read_choice(entry, "dynamics", motions);
  results.config = read_config(entry);
  results.environment = read_environment(entry);
  results.model = read_model(entry);
  results.snapshots = read_snapshots(entry);
  read_data(entry, results);
  results.force_data = read_force_data(entry);
  results.history = read_history(entry);
  results.phase_portrait_before = read_portraits(entry, "phase_portrait_before");
  results.phase_portrait = read_portraits(entry, "phase_portrait");
  results.orbits = read_orbits(entry);
  results.energy = read_energy(entry);
  results.force = read_curve(entry, "force");
  results.potential = read_curve(entry, "potential");
  results.analysis = read_analysis(entry);
  read_summary(entry, results);
  return results;
}

/// `results` must live as long.
Compose compose(const Results& results) {
  return [&results](const OutputGroup& root) {
    write_root_attributes(root, results.entry);
    write_entry(root, results);
  };
}

}  // namespace

std::string results_image(const std::filesystem::path& path, const Results& results,
                          const std::optional<FormerFile>& former) {
  check_sizes(results, path);
  if (!former) return file_with(path, compose(results));
  const InputFile old(former->path().string(), former->bytes());
  std::optional<Results> before;
  if (!run_entry(old.root()).empty()) before = read_entry(old.root());
  const auto compose_former = [&](const OutputGroup& root) {
    write_root_attributes(root, before ? before->entry : benchmark_entry);
    if (before) write_entry(root, *before);
  };
  return rewritten_file(path, *former, compose_former, compose(results));
}

void write_results(const std::filesystem::path& path, const Results& results, Existing existing) {
  save(path, results_image(path, results, former_file(path, existing)));
}

void write_analysis(const std::filesystem::path& path, const Certificate& certificate) {
  const FormerFile former(path);
  Results results = read_results(path);
  results.analysis = certificate;
  save(path, results_image(path, results, former));
}

Results read_results(const std::filesystem::path& path) {
  const InputFile file(path);
  check_origin(file.root());
  Results results = read_entry(file.root());
  check_sizes(results, path);
  return results;
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
  if (shape.empty() || shape.size() > 2) {
    throw InputError(name + " has " + std::to_string(shape.size()) +
                     " dimensions, but a matrix has 2 or 1");
  }
  const auto rows = static_cast<Index>(shape[0]);
  const auto columns = shape.size() == 2 ? static_cast<Index>(shape[1]) : Index{1};
  if (rows == 0 || columns == 0) throw InputError(name + " is empty");
  // Chunks that were not written and have no fill value leave what is there.
  Eigen::MatrixXd transposed = Eigen::MatrixXd::Zero(columns, rows);
  data.read(transposed.data());
  return transposed.transpose();
}

}  // namespace isochron
