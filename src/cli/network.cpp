#include "cli/network.hpp"

#include <fmt/format.h>

#include "sentence.hpp"

namespace isochron::cli {

void require_trainable(const Configuration& configuration) {
  const std::string& force = configuration.force;
  require(force == "mlp",
          "--force {0} has no parameters to train; give mlp; to imitate it: --hold {0} "
          "--hold-range A,B; to run it: isochron simulate",
          force);
  require(configuration.parameters.empty(),
          "--params is for the analytic forces of simulate; a network has none");
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
  return fmt::format("{}", fmt::join(layers, "-"));
}

}  // namespace isochron::cli
