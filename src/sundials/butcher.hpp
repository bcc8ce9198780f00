#pragma once

#include "one_step/tableau.hpp"

namespace isochron::sundials {

/// Fehlberg's pair of order 8(7) in 13 stages, from the tables of ARKODE.
[[nodiscard]] one_step::Tableau fehlberg_8();

}  // namespace isochron::sundials
