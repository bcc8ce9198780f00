#pragma once

#include <optional>
#include <string>

#include "isochron/potential_well.hpp"
#include "isochron/run.hpp"

namespace isochron::cli {

/// A run that is to be drawn, and its force where the file holds that.
struct ShownRun {
  std::string file;
  std::string name;  ///< the file's, without folder and ending
  Run run;
  ForceFieldPtr field;                 ///< null: another kind of force than the file holds
  std::optional<Objective> objective;  ///< of this field, where the loss is known

  [[nodiscard]] bool moves_on_a_line() const;
  [[nodiscard]] bool is_trained() const { return run.state.history.size() > 0; }
  /// A fit, or a prediction by one: quantities have the units of the data.
  [[nodiscard]] bool has_units() const;
  /// Above the bottom of the nearest well, of trajectories that start like these; nothing where
  /// there is no potential.
  [[nodiscard]] std::optional<Vector> energies(ConstStatesRef states) const;
  /// The well of the certificate, up to an energy; nothing without both.
  [[nodiscard]] std::optional<PotentialWell> well(double highest_energy) const;
};

/// Of a results file. What an interrupted run, or one that goes on, has no findings of yet is found
/// from its latest theta, within a few seconds.
[[nodiscard]] ShownRun read_shown_run(const std::string& file);

}  // namespace isochron::cli
