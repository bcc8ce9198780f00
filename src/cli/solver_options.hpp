#pragma once

#include <span>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// How many threads are asked for.
[[nodiscard]] int threads_of(const Configuration& configuration);

/// What is asked for; `usual`: what no option of the program sets.
[[nodiscard]] IntegratorOptions integrator_options(const Configuration& configuration,
                                                   IntegratorOptions usual = {});

/// The integrator and the way to the gradient.
[[nodiscard]] SensitivityOptions sensitivity_options(const Configuration& configuration,
                                                     SensitivityOptions usual = {});

/// What the program trains with where no option says otherwise.
[[nodiscard]] TrainingOptions usual_options();

/// All that the optimizer needs to know. Throws InputError when options do not fit each other.
[[nodiscard]] TrainingOptions training_options(const Configuration& configuration,
                                               const Dynamics& dynamics,
                                               TrainingOptions usual = usual_options());

/// Who types an option expects something of it. Throws InputError when one that was typed does
/// nothing in any of these runs, whose options are resolved.
void refuse_idle_options(std::span<const Configuration> runs);

}  // namespace isochron::cli
