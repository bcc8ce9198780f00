#pragma once

#include <string>
#include <vector>

#include "isochron/figure.hpp"

namespace isochron::cli {

/// The band that holds the truth with a probability of 90%, around these values.
[[nodiscard]] Curve band(const std::vector<double>& x, const std::vector<double>& y,
                         const std::vector<double>& errors);

/// A curve, and around it its band.
[[nodiscard]] std::vector<Curve> curve_with_band(const std::string& label,
                                                 const std::vector<double>& x,
                                                 const std::vector<double>& y,
                                                 const std::vector<double>& errors);

inline constexpr const char* band_label = "90% band";

}  // namespace isochron::cli
