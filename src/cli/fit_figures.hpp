#pragma once

#include <string>
#include <utility>
#include <vector>

#include "isochron/figure.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// A curve, and around it the band that holds the truth with a probability of 90%.
[[nodiscard]] std::vector<Curve> curve_with_band(const std::string& label,
                                                 const std::vector<double>& x,
                                                 const std::vector<double>& y,
                                                 const std::vector<double>& errors);

/// Of a fit to observations, or of what one predicts: the figures `fit`, `residuals`, `periods`,
/// `held_out` and `prediction`, those of them that the run has numbers for.
[[nodiscard]] std::vector<std::pair<std::string, Figure>> fit_figures(const Run& run);

}  // namespace isochron::cli
