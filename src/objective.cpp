#include "isochron/objective.hpp"

#include <cmath>
#include <string>

#include "isochron/error.hpp"

namespace isochron {

Objective::Objective(Loss loss, States initial_states, double period)
    : loss_(loss), period_(period) {
  if (!(period > 0) || !std::isfinite(period)) {
    throw InputError("the period is " + std::to_string(period) +
                     ", it must be positive and finite");
  }
  if (initial_states.cols() == 0 || !initial_states.allFinite()) {
    throw InputError("initial states must be at least one and finite");
  }
  const double end = loss == Loss::antiperiodic ? period / 2 : period;
  ensemble_ = Ensemble(std::move(initial_states), end);
}

States Objective::residuals(ConstStatesRef final_states) const {
  const double sign = loss_ == Loss::antiperiodic ? 1 : -1;
  return final_states + sign * ensemble_.initial_states;
}

double Objective::mean_square(ConstStatesRef residuals) {
  return residuals.squaredNorm() / static_cast<double>(residuals.cols());
}

FinalLoss Objective::final_loss() const {
  const double sign = loss_ == Loss::antiperiodic ? 1 : -1;
  return [this, sign](Index first, ConstStatesRef final_states, StatesRef cotangents) {
    const double n = static_cast<double>(ensemble_.size());
    const auto initial = ensemble_.initial_states.middleCols(first, final_states.cols());
    cotangents = final_states + sign * initial;
    const double loss = cotangents.squaredNorm() / n;
    cotangents *= 2 / n;
    return loss;
  };
}

}  // namespace isochron
