#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// Throws InputError when a force is asked for that has no parameters to train.
void require_trainable(const Configuration& configuration);

/// The network that is asked for.
[[nodiscard]] std::shared_ptr<const Mlp> network_of(const Configuration& configuration);
/// Its parameters before training, by --weight-seed and --output-scale.
[[nodiscard]] Vector initial_parameters(const Configuration& configuration, const Mlp& network);

/// Its widths: "1-16-16-1".
[[nodiscard]] std::string widths(const std::vector<Index>& layers);

}  // namespace isochron::cli
