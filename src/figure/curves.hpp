#pragma once

#include <string>

#include "isochron/figure.hpp"

// What the curves of a panel look like, and their data.

namespace isochron::drawing {

/// Perceptually uniform and monotonous in lightness (viridis).
inline constexpr const char* palette =
    "0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', 4 '#21908d', "
    "5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725'";

inline constexpr const char* shade_color = "rgb '#ebebeb'";

/// The data blocks of all curves.
[[nodiscard]] std::string data_commands(const Panel& panel);

/// Curves and entries of the key, in which a curve on the colour scale has one colour.
[[nodiscard]] std::string plot_command(const Panel& panel);

}  // namespace isochron::drawing
