#pragma once

#include <string>

#include "cli/output.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

struct Configuration;

/// A run without trajectories, for a well that is found by theory.
[[nodiscard]] Run theory_run(const Configuration& configuration, const std::string& title);

/// f and U of a well at positions that include its bottom, with the harmonic ones of this period
/// beside them.
struct FoundWell {
  double bottom = 0;
  double period = 0;
  Vector position;
  Vector force;
  Vector potential;
  Vector force_error = {};  ///< standard errors; or empty
};
void add_curves(Run& run, const FoundWell& well);

/// The relative error of T(E) in the well of a force, by quadrature, against the period that each
/// orbit should have.
[[nodiscard]] double largest_period_error(const std::vector<WellOrbit>& orbits,
                                          const std::vector<double>& periods);

/// Writes the run, or where the name of the output asks for it its force as a table, and prints it.
void write_theory(Output& output, const Run& run);

}  // namespace isochron::cli
