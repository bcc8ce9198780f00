#pragma once

#include <optional>

#include "isochron/results.hpp"

namespace isochron::cli {

/// Whether this is x'' = f(x) in one dimension, which has a potential, wells and their periods.
[[nodiscard]] bool moves_on_a_line(const Dynamics& dynamics);

/// Of a run's summary; absent at a checkpoint.
[[nodiscard]] std::optional<double> verified_loss_of_trajectories(const Results& run);

/// What a loss over `period` asks of its force, as far as that is one period: T, and by how much
/// trajectories miss it. Nothing where each orbit has its own period.
[[nodiscard]] CertificateOptions certificate_options(Loss loss, double period,
                                                     std::optional<double> missed_by);

}  // namespace isochron::cli
