#include "cli/network.hpp"

#include "isochron/error.hpp"

namespace isochron::cli {

void require_trainable(const Configuration& configuration) {
  const std::string& force = configuration.force;
  if (force != "mlp") {
    throw InputError("--force " + force + " has no parameters to train; give mlp; to imitate it: " +
                     "--hold " + force + " --hold-range A,B; to run it: isochron simulate");
  }
  if (!configuration.parameters.empty()) {
    throw InputError("--params is for the analytic forces of simulate; a network has none");
  }
}

std::shared_ptr<const Mlp> network_of(const Configuration& configuration) {
  std::vector<Index> layers = configuration.hidden;
  layers.insert(layers.begin(), configuration.dimension);
  layers.push_back(configuration.dimension);
  return std::make_shared<Mlp>(layers, configuration.symmetry, configuration.skip);
}

Vector initial_parameters(const Configuration& configuration, const Mlp& network) {
  return network.initial_parameters(configuration.weight_seed, configuration.output_scale);
}

std::string widths(const std::vector<Index>& layers) {
  std::string text;
  for (const Index width : layers) text += (text.empty() ? "" : "-") + std::to_string(width);
  return text;
}

}  // namespace isochron::cli
