#pragma once

#include "isochron/force_field.hpp"

namespace isochron {

/// How a force field moves a state.
enum class Motion {
  newtonian,    ///< q'' = f(q; theta): y = (q, v), y' = (v, f(q)); state dimension 2D
  first_order,  ///< y' = f(y; theta), the neural ODE; state dimension D
};

/// "newtonian", "first-order".
[[nodiscard]] constexpr const char* name(Motion motion) {
  return motion == Motion::newtonian ? "newtonian" : "first-order";
}

/// A force field and the motion that it drives. Cheap to copy; shares the field.
class Dynamics {
 public:
  explicit Dynamics(ForceFieldPtr field, Motion motion = Motion::newtonian)
      : field_(std::move(field)), motion_(motion) {}

  [[nodiscard]] const ForceField& field() const { return *field_; }
  [[nodiscard]] const ForceFieldPtr& shared_field() const { return field_; }
  [[nodiscard]] Motion motion() const { return motion_; }
  [[nodiscard]] Index dimension() const { return field_->dimension(); }
  [[nodiscard]] Index parameters() const { return field_->parameters(); }
  [[nodiscard]] Index state_dimension() const {
    return motion_ == Motion::newtonian ? 2 * dimension() : dimension();
  }

  /// Whether this is x'' = f(x) in one dimension, which has a potential, wells and their periods.
  [[nodiscard]] bool moves_on_a_line() const {
    return dimension() == 1 && motion_ == Motion::newtonian;
  }

 private:
  ForceFieldPtr field_;
  Motion motion_;
};

}  // namespace isochron
