#pragma once

#include <functional>

#include "isochron/force_field.hpp"

namespace isochron {

/// The same force, which throws Interrupted instead as soon as `stop_requested` says so. All that
/// is computed from forces (potentials, wells, certificates, curves) can so be ended from outside;
/// integrators have IntegratorOptions::stop_requested for that.
[[nodiscard]] ForceFieldPtr stoppable_force(ForceFieldPtr field,
                                            std::function<bool()> stop_requested);

}  // namespace isochron
