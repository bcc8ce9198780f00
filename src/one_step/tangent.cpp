#include "one_step/tangent.hpp"

#include <cmath>

#include "floating_point.hpp"
#include "isochron/random.hpp"

namespace isochron::one_step {
namespace {

/// Magnitudes of 1/2 to 1 with random signs: no direction is left out.
Vector random_direction(Index size, Random& random) {
  Vector direction(size);
  for (double& x : direction) {
    const double u = 2 * random.uniform() - 1;
    x = std::copysign((1 + std::abs(u)) / 2, u);
  }
  return direction;
}

bool is_finite(const Block& x) { return (x.array() * 0.0).sum() == 0.0; }

}  // namespace

TangentError::TangentError(const Dynamics& dynamics, const Tableau& tableau, Index stride)
    : tableau_(tableau),
      newtonian_(dynamics.motion() == Motion::newtonian),
      dimension_(dynamics.dimension()),
      displacement_(dimension_, stride),
      velocity_(Block::Zero(dimension_, stride)),
      direction_(dynamics.parameters()),
      factor_(stride),
      largest_force_(stride),
      stiffness_(stride),
      displaced_(static_cast<Index>(tableau.stages()) * dimension_, stride),
      forced_(displaced_.rows(), stride),
      forcing_(dimension_, stride),
      s_(dimension_, stride) {
  Random random(0);
  displacement_.colwise() = random_direction(dimension_, random);
  if (newtonian_) velocity_.colwise() = random_direction(dimension_, random);
  unit_direction_ = random_direction(direction_.size(), random);
}

TangentError::Row TangentError::factor(const Eigen::ArrayXd& times) const {
  const Row row = times.transpose();
  return newtonian_ ? row.square() : row;
}

void TangentError::start(ConstVectorRef theta, const Vector& end_times) {
  direction_ = (theta.array() == 0.0).select(unit_direction_, unit_direction_.cwiseProduct(theta));
  largest_force_.setZero();
  stiffness_ = 1 / factor(end_times.array().abs());
}

void TangentError::start_step(const Eigen::ArrayXd& lengths) {
  factor_ = factor(lengths);
  stage_ = 0;
  differentiable_ = true;
}

void TangentError::take_stage(Linearisation& at) {
  at.parameter_product(direction_, forcing_);
  largest_force_ = largest_force_.max(magnitude(forcing_));
  const auto rows = static_cast<Index>(stage_) * dimension_;

  combine(tableau_.a[stage_], displaced_, s_);
  s_ += displacement_ + tableau_.c[stage_] * velocity_;
  auto displaced = displaced_.middleRows(rows, dimension_);
  at.product(s_, displaced);
  stiffness_ = stiffness_.max(magnitude(displaced) / magnitude(s_));
  displaced.array().rowwise() *= factor_;

  combine(tableau_.a[stage_], forced_, s_);
  auto forced = forced_.middleRows(rows, dimension_);
  at.product(s_, forced);
  forced += forcing_;
  forced.array().rowwise() *= factor_;

  if (!is_finite(displaced) || !is_finite(forced)) {
    at.product(displacement_, s_);
    differentiable_ = differentiable_ && is_finite(s_) && is_finite(forcing_);
  }
  ++stage_;
}

double TangentError::relative_error(const Block& slopes, const Row& least_size) {
  combine(tableau_.b, slopes, s_);
  Row size = least_size.max(magnitude(s_));
  combine(tableau_.e, slopes, s_);
  Row error = magnitude(s_);
  if (newtonian_) {
    combine(tableau_.b_velocity, slopes, s_);
    size = size.max(magnitude(s_));
    combine(tableau_.e_velocity, slopes, s_);
    error = error.max(magnitude(s_));
  }
  // Nothing that moves has no error; NaN comes of tangents that overflow.
  const Row relative = (error > 0.0).select(error / size, error);
  return std::isnan(relative.sum()) ? infinity : relative.maxCoeff();
}

double TangentError::estimate() {
  if (!differentiable_) return 0;
  return std::max(relative_error(displaced_, Row::Ones(factor_.size())),
                  relative_error(forced_, largest_force_ / stiffness_));
}

}  // namespace isochron::one_step
