#include "isochron/objective.hpp"

#include <cmath>
#include <string>

#include "isochron/error.hpp"

namespace isochron {
namespace {

void require_period(double period) {
  if (period > 0 && std::isfinite(period)) return;
  throw InputError("the period is " + std::to_string(period) + ", it must be positive and finite");
}

void require_states(const States& initial_states) {
  if (initial_states.cols() > 0 && initial_states.allFinite()) return;
  throw InputError("initial states must be at least one and finite");
}

}  // namespace

const char* name(Loss loss) {
  switch (loss) {
    case Loss::periodic: return "periodic";
    case Loss::antiperiodic: return "antiperiodic";
    case Loss::prescribed_period: return "prescribed-period";
    case Loss::prescribed_half_period: return "prescribed-half-period";
    case Loss::none: return "none";
  }
  return "";
}

Objective::Objective(Loss loss, States initial_states, double period)
    : loss_(loss), period_(period) {
  require_period(period);
  require_states(initial_states);
  ensemble_ = Ensemble(std::move(initial_states), mirrors() ? period / 2 : period);
}

Objective::Objective(Ensemble orbits, Loss loss)
    : loss_(loss), period_(0), ensemble_(std::move(orbits)) {
  require_states(ensemble_.initial_states);
  if (ensemble_.end_times.size() != ensemble_.size()) {
    throw InputError("there are " + std::to_string(ensemble_.end_times.size()) +
                     " prescribed periods for " + std::to_string(ensemble_.size()) +
                     " initial states");
  }
  for (const double period : ensemble_.end_times) require_period(period);
  period_ = ensemble_.end_times.mean();
  if (mirrors()) ensemble_.end_times /= 2;
}

Ensemble Objective::whole_periods() const {
  return {ensemble_.initial_states, Vector((mirrors() ? 2 : 1) * ensemble_.end_times)};
}

States Objective::residuals(ConstStatesRef final_states) const {
  const double sign = mirrors() ? 1 : -1;
  return final_states + sign * ensemble_.initial_states;
}

double Objective::mean_square(ConstStatesRef residuals) {
  return residuals.squaredNorm() / static_cast<double>(residuals.cols());
}

FinalLoss Objective::final_loss() const {
  const double sign = mirrors() ? 1 : -1;
  return [this, sign](Index first, ConstStatesRef final_states, StatesRef cotangents) {
    const double n = static_cast<double>(ensemble_.size());
    const auto initial = ensemble_.initial_states.middleCols(first, final_states.cols());
    cotangents = final_states + sign * initial;
    const double loss = cotangents.squaredNorm() / n;
    cotangents *= 2 / n;
    return loss;
  };
}

Vector Objective::gradient(const FinalJacobian& final) const {
  return 2 / static_cast<double>(ensemble_.size()) *
         (final.jacobian.transpose() * residuals(final.final_states).reshaped());
}

double Objective::total(ConstStatesRef residuals, const ForceField& field,
                        ConstVectorRef theta) const {
  const double of_trajectories = counts_trajectories() ? mean_square(residuals) : 0;
  return of_trajectories + (held_ ? held_->residuals(field, theta).squaredNorm() : 0);
}

double Objective::scale() const {
  if (counts_trajectories()) return mean_square(ensemble_.initial_states);
  return held_
             ? held_->weight * held_->force.squaredNorm() / static_cast<double>(held_->force.size())
             : 0;
}

}  // namespace isochron
