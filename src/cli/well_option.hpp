#pragma once

#include <optional>

#include "cli/options.hpp"
#include "isochron/well.hpp"

namespace isochron::cli {

/// The analytic force that an option names, with its parameters; nothing when it names a file.
/// Throws InputError when it names neither.
[[nodiscard]] std::optional<Well> read_well(const Options& options, const char* key,
                                            const char* parameters);

}  // namespace isochron::cli
