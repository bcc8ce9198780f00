#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/codec.hpp"
#include "isochron/analytic_force.hpp"

namespace isochron::cli {

/// What --force may name: mlp (a network), an analytic force, or such a force and a network beside
/// it, as in harmonic+mlp.
[[nodiscard]] Codec<std::string> force_name();

/// The analytic force that a value of --force names; nothing for a network alone.
[[nodiscard]] std::optional<std::string> analytic_part(const std::string& force);
[[nodiscard]] bool has_network(const std::string& force);
/// The value of --force for this structure.
[[nodiscard]] std::string force_name_of(const ForceStructure& structure);

/// With the dimension that the analytic force of --force has. Throws InputError when another one is
/// asked for.
[[nodiscard]] Configuration with_dimension_of_force(Configuration configuration);

/// What --force, --params, --fit, --bounds, --log and the options of the network ask for. Throws
/// InputError when these do not fit each other.
[[nodiscard]] ForceStructure force_asked_for(const Configuration& configuration);

/// The same as a field. Throws InputError when it has no parameters to train.
[[nodiscard]] ForceFieldPtr trainable_field(const Configuration& configuration);

/// For verbs that take no other force than a network: throws InputError when one is asked for.
void require_network_alone(const Configuration& configuration);

/// The network that is asked for.
[[nodiscard]] std::shared_ptr<const Mlp> network_of(const Configuration& configuration);
/// Its parameters before training, by --weight-seed and --output-scale.
[[nodiscard]] Vector initial_parameters(const Configuration& configuration,
                                        const ForceField& field);

/// Its widths: "1-16-16-1".
[[nodiscard]] std::string widths(const std::vector<Index>& layers);

}  // namespace isochron::cli
