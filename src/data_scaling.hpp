#pragma once

#include "isochron/observation_fit.hpp"

namespace isochron {

/// Units in which observed states and their rates are about 1, whatever units data have:
///
///   y = c + S y',   t = s t',   and of Newtonian motion v = S v'/s
///
/// for positions y (first-order motion: states), S diagonal. A network f' of the scaled problem is
/// a network of the data's problem when S, c and s are folded into its first and last layers: f(y)
/// = S f'(S^-1 (y - c))/s^2, of first-order motion over s. The map of its parameters is linear. In
/// a sum with networks, other parts keep their parameters and are seen in the scaled units
/// (in_units). Fields without a network stay as they are. Networks without biases have c = 0.
/// Closed orbits beside observations become observations themselves, of where they should end: y'
/// and v' weigh differently in their loss.
class DataScaling {
 public:
  /// `objective`: of observed states.
  explicit DataScaling(const Objective& objective);

  /// The problem in the scaled units.
  [[nodiscard]] Objective scaled(const Objective& objective) const;

  /// Parameters and initial states in the units of the data, and back.
  [[nodiscard]] Vector theta(ConstVectorRef scaled) const;
  [[nodiscard]] Vector scaled_theta(ConstVectorRef theta) const;
  [[nodiscard]] States states(const States& scaled) const;
  [[nodiscard]] States scaled_states(const States& states) const;
  /// All of them that a training has.
  [[nodiscard]] TrainingState state(TrainingState scaled) const;
  [[nodiscard]] TrainingState scaled_state(TrainingState state) const;
  [[nodiscard]] Posterior posterior(const Posterior& scaled) const;

  /// One over the units of the components of a state.
  [[nodiscard]] const Vector& inverse_units() const { return inverse_units_; }
  [[nodiscard]] double time() const { return time_; }

 private:
  [[nodiscard]] Vector mapped(ConstVectorRef theta, const Vector& units, const Vector& centre,
                              double force_factor) const;
  [[nodiscard]] ForceFieldPtr scaled_field() const;
  [[nodiscard]] Objective scaled(const Objective& objective, const Dynamics& dynamics) const;
  template <class Map>
  [[nodiscard]] static TrainingState mapped(TrainingState state, const Map& of_theta,
                                            const States& initial_states);

  Dynamics dynamics_;                 // of the data
  std::vector<ForceFieldPtr> parts_;  // whose sum is their field; none: nothing is scaled
  Vector units_;                      // S, [D]
  Vector centre_;                     // c, [D]
  double time_ = 1;
  Vector offset_;         // of a state: c, and 0 for velocities
  Vector inverse_units_;  // of a state
};

}  // namespace isochron
