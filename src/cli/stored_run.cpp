#include "cli/stored_run.hpp"

#include <filesystem>

#include "cli/network.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

std::string architecture(const Mlp& network, Motion motion) {
  return "network " + widths(network.layers()) + ", symmetry " + name(network.symmetry()) +
         (network.skip() == Skip::none ? "" : std::string(", skip ") + name(network.skip())) +
         (motion == Motion::newtonian ? ", newtonian" : ", first-order");
}

/// That the run's network and motion are those which its configuration describes.
void check_network(const Configuration& described, const Results& stored, const std::string& file) {
  const auto network = network_of(described);
  const ModelRecord& model = *stored.model;
  if (network->layers() == model.layers && network->symmetry() == model.symmetry &&
      network->skip() == model.skip && described.motion == stored.motion)
    return;
  throw InputError("the configuration in " + shown(file) +
                   " describes another network or dynamics than the file holds");
}

/// That the run has the trajectories which its configuration asks for.
void check_trajectories(const Configuration& described, const Results& stored,
                        const std::string& file) {
  const Index orbits_per_period = stored.energies.size() > 0 ? 2 : 1;
  if (stored.initial_states.cols() == orbits_per_period * described.trajectories &&
      stored.end_times.size() == stored.initial_states.cols())
    return;
  throw InputError("data/initial_states and data/end_times in " + shown(file) +
                   " are not those of " + std::to_string(described.trajectories) +
                   " trajectories, as its configuration says");
}

}  // namespace

Results read_model(const std::string& file) {
  Results stored = read_results(file);
  if (!stored.model || stored.model->theta.size() == 0) {
    throw InputError(shown(file) + " holds no network; give the file of a training run");
  }
  return stored;
}

std::optional<Results> read_model_if_any(const std::string& file) {
  return file.empty() ? std::nullopt : std::optional(read_model(file));
}

StoredConfiguration stored_options(const Results& stored, const std::string& file) {
  StoredConfiguration options(stored.config, file);
  const Configuration described = as_stored(verb_train, options);
  check_network(described, stored, file);
  check_trajectories(described, stored, file);
  return options;
}

Configuration with_problem_of(const std::optional<Results>& stored, const std::string& file,
                              Configuration configuration) {
  if (!stored) return configuration;
  return with_stored_force(std::move(configuration), stored_options(*stored, file));
}

void check_architecture(const Configuration& configuration, const Results& stored,
                        const std::string& file) {
  const std::string has = architecture(stored.model->network(), stored.motion);
  const std::string asked = architecture(*network_of(configuration), configuration.motion);
  if (has == asked) return;
  throw InputError(file + " holds " + has + "; the options ask for " + asked +
                   ", but a stored force keeps its architecture");
}

Output output_of(const Configuration& configuration, const std::string& resumed) {
  const std::string& output = configuration.output;
  std::error_code ignored;
  const bool same =
      !configuration.given("output") ||
      (configuration.overwrite && std::filesystem::equivalent(output, resumed, ignored));
  if (!resumed.empty() && same) return Output::into(resumed);
  return {output, configuration.overwrite};
}

}  // namespace isochron::cli
