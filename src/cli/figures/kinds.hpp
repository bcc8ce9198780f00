#pragma once

#include "benchmark_results.hpp"
#include "cli/figures/common.hpp"
#include "cli/figures/shown_run.hpp"
#include "sweep_results.hpp"

// The kinds of figures, a file each. Where a run has no numbers for a kind, there is no figure.

namespace isochron::cli {

/// `phase_portrait` (of several degrees of freedom `phase_portrait_1`, ..): before and after
/// training on the same scales. `portrait_strip`: the same over the iterations.
[[nodiscard]] Figures portrait_figures(const ShownRun& shown);
[[nodiscard]] Figures portrait_strip(const ShownRun& shown);

/// `orbits`: positions of some orbits over time.
[[nodiscard]] Figures orbit_figures(const ShownRun& shown);

/// `force`, and by how much it is not harmonic; `potential`.
[[nodiscard]] Figures force_figures(const ShownRun& shown);

/// `configuration_plane`: in two dimensions the force as arrows, and the lines of equal potential.
[[nodiscard]] Figures plane_figures(const ShownRun& shown);

/// `held_force`: what the force was held at, and what became of it. `prescribed_periods`: the same
/// of periods.
[[nodiscard]] Figures asked_figures(const ShownRun& shown);

/// Of a fit to observations, or of what one predicts: `fit`, `residuals`, `periods`, `held_out` and
/// `prediction`.
[[nodiscard]] Figures fit_figures(const ShownRun& shown);

/// `isochrony`: period, width and shear over energy and amplitude. `rearrangement`: the potential
/// beside its symmetric rearrangement.
[[nodiscard]] Figures certificate_figures(const ShownRun& shown);

/// `residuals_over_energy`: how well each orbit closes. `energy_drift` of a simulation.
[[nodiscard]] Figures closure_figures(const ShownRun& shown);

/// `loss` over iterations and over wall time.
[[nodiscard]] Figures loss_figures(const ShownRun& shown);

/// All of the above.
[[nodiscard]] Figures figures_of(const ShownRun& shown);

/// Several runs laid over each other: `loss`, `force`, `potential`, `isochrony`,
/// `residuals_over_energy`.
[[nodiscard]] Figures compared_figures(const std::vector<ShownRun>& runs);

/// `wells`, `verdicts`, `losses` and `wall_times` of a sweep.
[[nodiscard]] Figures sweep_figures(const SweepResults& sweep);

/// A figure per chart of a benchmark: gradients and Jacobians on one scale.
[[nodiscard]] Figures benchmark_figures(const BenchmarkResults& benchmark);

}  // namespace isochron::cli
