#include "isochron/objective.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "central_differences.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/stoppable_force.hpp"
#include "joints.hpp"
#include "leaf_task.hpp"
#include "leaves.hpp"
#include "sentence.hpp"
#include "trajectory_function.hpp"

namespace isochron {
namespace {

void require_period(double period) {
  require(period > 0 && std::isfinite(period), "the period is {:g}, it must be positive and finite",
          period);
}

void require_ensemble(const Ensemble& ensemble, const char* times) {
  require(ensemble.size() > 0 && ensemble.initial_states.allFinite(),
          "initial states must be at least one and finite");
  require(ensemble.end_times.size() == ensemble.size(), "there are {} {} for {} initial states",
          ensemble.end_times.size(), times, ensemble.size());
}

double longest_time(const Ensemble& ensemble) { return ensemble.end_times.cwiseAbs().maxCoeff(); }

void require_observations(const Observations& observations, const Ensemble& ensemble) {
  const auto fits = [&](const States& states) {
    return states.rows() == ensemble.initial_states.rows() &&
           states.cols() == ensemble.size() * ensemble.observations();
  };
  require(fits(observations.value),
          "{} x {} observed values do not fit {} trajectories at {} times",
          observations.value.rows(), observations.value.cols(), ensemble.size(),
          ensemble.observations());
  require(observations.value.allFinite(), "an observed value is not finite");
  const States& weight = observations.weight;
  if (weight.size() == 0) return;
  require(fits(weight), "the weights of observations do not fit their values");
  require(weight.allFinite() && (weight.array() >= 0).all() && weight.maxCoeff() > 0,
          "the weights of observations must be finite, none negative, and one positive");
}

void require_logarithms(const Observations& observations) {
  if (observations.error_model != ErrorModel::lognormal) return;
  for (Index i = 0; i < observations.value.size(); ++i) {
    const double value = observations.value.reshaped()[i];
    const bool counts = observations.weight.size() == 0 || observations.weight.reshaped()[i] > 0;
    require(!counts || value > 0,
            "the value {:g} has no lognormal error, which only positive ones have; take the error "
            "model additive",
            value);
  }
}

/// A residual in standard errors, and its derivative by the state.
struct Residual {
  double value;
  double slope;
};

/// log y - log z.
Residual logarithmic(double y, double z) {
  if (y > 0) return {std::log(y / z), 1 / y};
  throw NumericalError(
      fmt::format("the state {:g} has no lognormal error, which only positive ones have", y));
}

/// Its square is what Huber's loss is of the residual's.
Residual bent(Residual of) {
  const double size = std::abs(of.value);
  if (size <= huber_threshold) return of;
  const double root = std::sqrt(huber_threshold * (2 * size - huber_threshold));
  return {std::copysign(root, of.value), of.slope * huber_threshold / root};
}

Residual residual_of(const Observations& observations, double y, double z, double weight) {
  const double root = std::sqrt(weight);
  Residual of =
      observations.error_model == ErrorModel::lognormal ? logarithmic(y, z) : Residual{y - z, 1};
  of = {root * of.value, root * of.slope};
  return observations.robust == Robust::huber ? bent(of) : of;
}

/// Of each component everywhere the geometric mean of what was observed; 1 of one that was not.
States typical_states(const Observations& observations) {
  const auto is_observed = [&](Index d, Index c) {
    return observations.weight.size() == 0 || observations.weight(d, c) > 0;
  };
  States states = States::Ones(observations.value.rows(), observations.value.cols());
  for (Index d = 0; d < states.rows(); ++d) {
    double sum = 0, count = 0;
    for (Index c = 0; c < states.cols(); ++c) {
      if (!is_observed(d, c)) continue;
      sum += std::log(observations.value(d, c));
      count += 1;
    }
    if (count > 0) states.row(d).setConstant(std::exp(sum / count));
  }
  return states;
}

/// Whether residuals are y - z but for their weights.
bool is_linear(const Observations& observations) {
  return observations.error_model == ErrorModel::additive && observations.robust == Robust::none;
}

/// Of the states at all times, the elements that are observed; absent: all.
std::optional<std::vector<Index>> observed_elements(const States& weight) {
  if (weight.size() == 0 || (weight.array() > 0).all()) return std::nullopt;
  std::vector<Index> elements;
  for (Index i = 0; i < weight.size(); ++i) {
    if (weight.reshaped()[i] > 0) elements.push_back(i);
  }
  return elements;
}

}  // namespace

const char* name(Loss loss) {
  switch (loss) {
    case Loss::periodic: return "periodic";
    case Loss::antiperiodic: return "antiperiodic";
    case Loss::prescribed_period: return "prescribed-period";
    case Loss::prescribed_half_period: return "prescribed-half-period";
    case Loss::none: return "none";
    case Loss::observations: return "observations";
    case Loss::own: return "own";
  }
  return "";
}

const char* name(ErrorModel model) {
  return model == ErrorModel::additive ? "additive" : "lognormal";
}

const char* name(Robust robust) { return robust == Robust::none ? "none" : "huber"; }

double expected_square(Robust robust) {
  if (robust == Robust::none) return 1;
  const double c = huber_threshold;
  const double density = std::exp(-c * c / 2) / std::sqrt(2 * std::numbers::pi);
  const double beyond = std::erfc(c / std::numbers::sqrt2);  // of both tails
  return 1 - beyond + 2 * c * density - c * c * beyond;
}

// -------------------------------------------------------------------------------- the objective

Objective::Objective(Dynamics dynamics, Parts parts)
    : dynamics_(std::move(dynamics)), parts_(std::make_shared<const Parts>(std::move(parts))) {}

Objective::Objective(Dynamics dynamics, Loss loss, States initial_states, double period)
    : Objective(std::move(dynamics),
                {loss,
                 period,
                 Ensemble(std::move(initial_states), mirrors(loss) ? period / 2 : period),
                 {},
                 {},
                 {},
                 {}}) {
  require(asks_for_closed_orbits(loss), "the loss {} is no loss on closed orbits of one period",
          name(loss));
  require_period(period);
  require_ensemble(ensemble(), "periods");
}

Objective::Objective(Dynamics dynamics, Ensemble orbits, Loss loss)
    : dynamics_(std::move(dynamics)) {
  require(asks_for_closed_orbits(loss) && orbits.observations() == 1,
          "the loss {} is no loss on orbits with periods of their own", name(loss));
  require_ensemble(orbits, "prescribed periods");
  for (const double period : orbits.end_times) require_period(period);
  const double mean = orbits.end_times.mean();
  if (mirrors(loss)) orbits.end_times /= 2;
  parts_ = std::make_shared<const Parts>(Parts{loss, mean, std::move(orbits), {}, {}, {}, {}});
}

Objective::Objective(Dynamics dynamics, Ensemble ensemble, Observations observations)
    : dynamics_(std::move(dynamics)) {
  require_ensemble(ensemble, "end times");
  require_observations(observations, ensemble);
  require_logarithms(observations);
  const double longest = longest_time(ensemble);
  std::optional<std::vector<Index>> observed = observed_elements(observations.weight);
  parts_ = std::make_shared<const Parts>(Parts{Loss::observations,
                                               longest,
                                               std::move(ensemble),
                                               std::move(observations),
                                               std::move(observed),
                                               {},
                                               {}});
}

Objective::Objective(Dynamics dynamics, Ensemble ensemble, TrajectoryLoss loss)
    : dynamics_(std::move(dynamics)) {
  require_ensemble(ensemble, "end times");
  require(static_cast<bool>(loss), "the loss is an empty callable");
  const double longest = longest_time(ensemble);
  parts_ = std::make_shared<const Parts>(
      Parts{Loss::own, longest, std::move(ensemble), {}, {}, std::move(loss), {}});
}

Objective::Objective(Dynamics dynamics, Ensemble ensemble, TrajectoryResiduals residuals)
    : dynamics_(std::move(dynamics)) {
  require_ensemble(ensemble, "end times");
  require(residuals.evaluate && residuals.count > 0,
          "the residuals need a callable, and at least one for every trajectory");
  const double longest = longest_time(ensemble);
  parts_ = std::make_shared<const Parts>(
      Parts{Loss::own, longest, std::move(ensemble), {}, {}, {}, std::move(residuals)});
}

Objective Objective::with(ForceData data) const {
  data.validate(dynamics_);
  Objective both = *this;
  both.force_data_ = std::move(data);
  return both;
}

Objective Objective::with(const Objective& other, double weight) const {
  const Dynamics& theirs = other.dynamics();
  require(theirs.motion() == dynamics_.motion() && theirs.dimension() == dynamics_.dimension() &&
              theirs.parameters() == dynamics_.parameters(),
          "objectives can be added that share their dynamics, not {} ones of dimension {} with {} "
          "parameters and {} ones of dimension {} with {}",
          name(dynamics_.motion()), dynamics_.dimension(), dynamics_.parameters(),
          name(theirs.motion()), theirs.dimension(), theirs.parameters());
  require(weight > 0 && std::isfinite(weight),
          "the weight of an objective is {:g}, it must be positive and finite", weight);
  require(other.loss() != Loss::own && other.counts_trajectories(),
          "the loss {} cannot be added to another objective; add the other one to it",
          name(other.loss()));
  require(!other.fits_initial_states() && !other.force_data(),
          "an objective that is added to another one has known initial states and no force data; "
          "give them to the sum");
  Objective sum = *this;
  sum.others_.push_back(
      {weight, other.without_others().with(ForceFieldPtr(dynamics_.shared_field()))});
  for (const WeightedObjective& part : other.others()) {
    sum = sum.with(part.objective, weight * part.weight);
  }
  return sum;
}

Objective Objective::without_others() const {
  Objective alone = *this;
  alone.others_.clear();
  return alone;
}

Objective Objective::with(Observations observations) const {
  require(loss() == Loss::observations, "the loss {} has no observations", name(loss()));
  Objective other = *this;
  other.parts_ = Objective(dynamics_, ensemble(), std::move(observations)).parts_;
  return other;
}

Objective Objective::with(ForceFieldPtr field) const {
  Objective other = *this;
  for (WeightedObjective& part : other.others_) part.objective = part.objective.with(field);
  other.dynamics_ = Dynamics(std::move(field), dynamics_.motion());
  return other;
}

Objective Objective::fitting_initial_states() const {
  require(loss() == Loss::observations,
          "initial states are fitted to observed states, not to the loss {}", name(loss()));
  Objective fitting = *this;
  fitting.fits_initial_states_ = true;
  return fitting;
}

Objective Objective::with(Joints joints) const {
  const Index s = ensemble().initial_states.rows();
  require(fits_initial_states_ && joints.windows >= 1 && ensemble().size() % joints.windows == 0,
          "{} trajectories with fitted initial states are not windows, {} of each trajectory",
          ensemble().size(), joints.windows);
  require(joints.weight.size() == s && joints.weight.allFinite() && joints.weight.minCoeff() > 0,
          "the weights of gaps between windows must be {} positive numbers", s);
  const States& known = joints.known_starts;
  require(known.size() == 0 ||
              (known.rows() == s && known.cols() * joints.windows == ensemble().size()),
          "{} x {} known initial states do not fit the windows", known.rows(), known.cols());
  Objective joined = *this;
  joined.joints_ = std::move(joints);
  return joined;
}

Objective Objective::starting_at(States initial_states) const {
  require(initial_states.rows() == ensemble().initial_states.rows() &&
              initial_states.cols() == ensemble().size() && initial_states.allFinite(),
          "the initial states do not fit the objective's, or are not finite");
  Parts parts = *parts_;
  parts.ensemble.initial_states = std::move(initial_states);
  Objective other = *this;
  other.parts_ = std::make_shared<const Parts>(std::move(parts));
  return other;
}

Objective Objective::first_observations(Index count) const {
  const Index all = ensemble().observations();
  require(loss() == Loss::observations && count >= 1 && count <= all,
          "the first {} observations are not among the {} of the loss {}", count, all,
          name(loss()));
  if (count == all) return *this;
  const Eigen::MatrixXd times = ensemble().earlier_times.topRows(count);
  const auto first_columns = [&](const States& states) {
    States first(states.rows(), states.size() > 0 ? count * ensemble().size() : 0);
    for (Index i = 0; i < first.cols(); ++i) first.col(i) = states.col(i / count * all + i % count);
    return first;
  };
  Objective shorter(dynamics_, Ensemble::observed_at(ensemble().initial_states, times),
                    observations().with_values(first_columns(observations().value),
                                               first_columns(observations().weight)));
  shorter.force_data_ = force_data_;
  shorter.others_ = others_;
  shorter.fits_initial_states_ = fits_initial_states_;
  return shorter;
}

Index Objective::unknowns() const {
  return dynamics_.parameters() + (fits_initial_states_ ? ensemble().initial_states.size() : 0);
}

Objective Objective::share(Index first, Index count) const {
  const Index k = ensemble().observations();
  const auto columns = [&](const Eigen::MatrixXd& all, Index each) -> Eigen::MatrixXd {
    return all.size() == 0 ? all : all.middleCols(first * each, count * each);
  };
  Ensemble trajectories(columns(ensemble().initial_states, 1),
                        Vector(ensemble().end_times.segment(first, count)));
  trajectories.earlier_times = columns(ensemble().earlier_times, 1);
  Observations observed = observations().with_values(columns(observations().value, k),
                                                     columns(observations().weight, k));
  std::optional<std::vector<Index>> elements = observed_elements(observed.weight);
  Objective part(dynamics_, Parts{loss(), period(), std::move(trajectories), std::move(observed),
                                  std::move(elements), parts_->own_loss, parts_->own_residuals,
                                  parts_->first + first, mean_over()});
  part.fits_initial_states_ = fits_initial_states_;
  if (!joints_) return part;
  const Index windows = joints_->windows;
  const States& known = joints_->known_starts;
  part.joints_ =
      Joints{windows, joints_->weight,
             known.size() == 0 ? known : known.middleCols(first / windows, count / windows)};
  return part;
}

double Objective::mean_over() const {
  if (parts_->mean_over > 0) return parts_->mean_over;
  if (loss() != Loss::observations) return static_cast<double>(ensemble().size());
  return static_cast<double>(residual_count());
}

Vector Objective::observed(ConstStatesRef states) const {
  if (!parts_->observed) return states.reshaped();
  return states.reshaped()(*parts_->observed);
}

Index Objective::residuals_of_trajectory(Index trajectory) const {
  return residuals_before(trajectory + 1) - residuals_before(trajectory);
}

Index Objective::residuals_before(Index trajectory) const {
  if (!parts_->observed) return residual_count() / ensemble().size() * trajectory;
  const Index states = ensemble().initial_states.rows() * ensemble().observations();
  const std::vector<Index>& all = *parts_->observed;
  return std::lower_bound(all.begin(), all.end(), trajectory * states) - all.begin();
}

Ensemble Objective::whole_periods() const {
  return {ensemble().initial_states, Vector((mirrors(loss()) ? 2 : 1) * ensemble().end_times)};
}

States Objective::observed_values(Index first, Index columns) const {
  if (loss() == Loss::observations) return parts_->observations.value.middleCols(first, columns);
  const double sign = mirrors(loss()) ? -1 : 1;
  return sign * ensemble().initial_states.middleCols(first, columns);
}

States Objective::deviations(ConstStatesRef states) const {
  if (loss() == Loss::own) return {};
  const Observations& data = parts_->observations;
  if (data.error_model == ErrorModel::additive) return states - observed_values(0, states.cols());
  States all = States::Zero(states.rows(), states.cols());
  for (Index i = 0; i < all.size(); ++i) {
    if (data.weight.size() > 0 && data.weight.reshaped()[i] == 0) continue;
    all.reshaped()[i] = logarithmic(states.reshaped()[i], data.value.reshaped()[i]).value;
  }
  return all;
}

double Objective::trajectory_loss(Index first, ConstStatesRef states, StatesRef cotangents) const {
  const Index k = ensemble().observations();
  if (loss() == Loss::own) {
    double sum = 0;
    for (Index b = 0; b < states.cols() / k; ++b) {
      sum += own_share(first + b, states.middleCols(b * k, k), cotangents.middleCols(b * k, k));
    }
    return sum;
  }
  const double n = mean_over();
  const Observations& data = parts_->observations;
  const States& weight = data.weight;
  if (!is_linear(data)) {
    double sum = 0;
    for (Index i = 0; i < states.size(); ++i) {
      const Index at = first * k * states.rows() + i;
      const double w = weight.size() == 0 ? 1 : weight.reshaped()[at];
      double& cotangent = cotangents(i % states.rows(), i / states.rows());
      cotangent = 0;
      if (w == 0) continue;
      const Residual of = residual_of(data, states(i % states.rows(), i / states.rows()),
                                      data.value.reshaped()[at], w);
      sum += of.value * of.value;
      cotangent = 2 / n * of.value * of.slope;
    }
    return sum / n;
  }
  cotangents = states - observed_values(first * k, states.cols());
  if (weight.size() == 0) {
    const double share = cotangents.squaredNorm() / n;
    cotangents *= 2 / n;
    return share;
  }
  const auto weights = weight.middleCols(first * k, states.cols());
  const double share = weights.cwiseProduct(cotangents.cwiseAbs2()).sum() / n;
  cotangents = 2 / n * weights.cwiseProduct(cotangents);
  return share;
}

double Objective::own_share(Index trajectory, ConstStatesRef states, StatesRef cotangents) const {
  if (!has_residuals()) return parts_->own_loss(parts_->first + trajectory, states, cotangents);
  const OwnResiduals at = own_residuals(trajectory, states);
  cotangents.reshaped() = 2 * at.derivatives.transpose() * at.residuals;
  return at.residuals.squaredNorm();
}

Objective::OwnResiduals Objective::own_residuals(Index trajectory, ConstStatesRef states) const {
  const Index count = parts_->own_residuals.count;
  OwnResiduals at{Vector::Zero(count), Eigen::MatrixXd::Zero(count, states.size())};
  const Index among_all = parts_->first + trajectory;
  parts_->own_residuals.evaluate(among_all, states, at.residuals, at.derivatives);
  if (at.residuals.allFinite() && at.derivatives.allFinite()) return at;
  throw NumericalError(
      fmt::format("a residual of trajectory {} or its derivative is not finite", among_all));
}

double Objective::trajectory_loss(ConstStatesRef states) const {
  const Observations& data = parts_->observations;
  if (loss() == Loss::own || data.weight.size() > 0 || !is_linear(data)) {
    States cotangents(states.rows(), states.cols());
    return trajectory_loss(0, states, cotangents);
  }
  return deviations(states).squaredNorm() / mean_over();
}

Index Objective::residual_count() const {
  if (!counts_trajectories() || !has_residuals()) return 0;
  if (parts_->observed) return static_cast<Index>(parts_->observed->size());
  const Index per_trajectory = loss() == Loss::own
                                   ? parts_->own_residuals.count
                                   : ensemble().initial_states.rows() * ensemble().observations();
  return per_trajectory * ensemble().size();
}

namespace {

void require_residuals(const Objective& objective) {
  require(objective.has_residuals(),
          "a loss that is a number for each trajectory has no residuals; give TrajectoryResiduals, "
          "or the optimizer lbfgs or adam with a tolerance of your own");
}

}  // namespace

Vector Objective::residuals(ConstStatesRef states) const {
  require_residuals(*this);
  if (loss() != Loss::own) {
    const double scale = 1 / std::sqrt(mean_over());
    const Observations& data = parts_->observations;
    if (!is_linear(data)) return of_observed(states).value;
    if (data.weight.size() == 0) return scale * deviations(states).reshaped();
    return scale * observed(data.weight.cwiseSqrt().cwiseProduct(deviations(states)));
  }
  const Index k = ensemble().observations();
  const Index count = parts_->own_residuals.count;
  Vector all(count * ensemble().size());
  for (Index i = 0; i < ensemble().size(); ++i) {
    all.segment(i * count, count) = own_residuals(i, states.middleCols(i * k, k)).residuals;
  }
  return all;
}

void Objective::residuals(const StateJacobian& at, VectorRef residuals,
                          GroupedJacobian& jacobian) const {
  require_residuals(*this);
  if (loss() != Loss::own) {
    const Index count = residual_count();
    const Residuals of = of_observed(at.states);
    residuals.head(count) = of.value;
    take_rows(at.jacobian, of.slope, jacobian.shared.topRows(count));
    if (!fits_initial_states_) return;
    jacobian.own.resize(count, at.by_start.cols());
    take_rows(at.by_start, of.slope, jacobian.own);
    for (Index i = 0; i < ensemble().size(); ++i) {
      jacobian.group_sizes.push_back(residuals_of_trajectory(i));
    }
    return;
  }
  const Index k = ensemble().observations();
  const Index count = parts_->own_residuals.count;
  const Index rows = k * at.states.rows();
  for (Index i = 0; i < ensemble().size(); ++i) {
    const OwnResiduals own = own_residuals(i, at.states.middleCols(i * k, k));
    residuals.segment(i * count, count) = own.residuals;
    jacobian.shared.middleRows(i * count, count) =
        own.derivatives * at.jacobian.middleRows(i * rows, rows);
  }
}

Objective::Residuals Objective::of_observed(ConstStatesRef states) const {
  const double scale = 1 / std::sqrt(mean_over());
  const Observations& data = parts_->observations;
  if (is_linear(data)) {
    const States& weight = data.weight;
    return {residuals(states),
            weight.size() == 0 ? Vector() : Vector(observed(weight.cwiseSqrt()))};
  }
  const Vector y = observed(states);
  const Vector z = observed(data.value);
  const Vector w = data.weight.size() == 0 ? Vector::Ones(y.size()) : observed(data.weight);
  Residuals all{Vector(y.size()), Vector(y.size())};
  for (Index i = 0; i < y.size(); ++i) {
    const Residual of = residual_of(data, y[i], z[i], w[i]);
    all.value[i] = scale * of.value;
    all.slope[i] = of.slope;
  }
  return all;
}

/// Rows of derivatives of observed states, in the order and the units of the residuals. No slopes:
/// all are 1.
void Objective::take_rows(const RowMatrix& of_states, const Vector& slopes,
                          Eigen::Ref<Eigen::MatrixXd> rows) const {
  const double scale = 1 / std::sqrt(mean_over());
  if (!parts_->observed) {
    rows = scale * of_states;
  } else {
    rows = scale * of_states(*parts_->observed, Eigen::all);
  }
  if (slopes.size() > 0) rows.array().colwise() *= slopes.array();
}

double Objective::total(ConstStatesRef states, ConstVectorRef theta) const {
  const double of_trajectories = counts_trajectories() ? trajectory_loss(states) : 0;
  return of_trajectories +
         (force_data_ ? force_data_->residuals(dynamics_.field(), theta).squaredNorm() : 0);
}

double Objective::scale() const {
  if (!others_.empty()) {
    double sum = without_others().scale();
    for (const WeightedObjective& part : others_) sum += part.weight * part.objective.scale();
    return sum;
  }
  if (loss() == Loss::own) return 0;
  if (counts_trajectories()) {
    const Index columns = ensemble().observations() * ensemble().size();
    const Observations& data = parts_->observations;
    if (data.error_model == ErrorModel::lognormal) return trajectory_loss(typical_states(data));
    return trajectory_loss(States::Zero(ensemble().initial_states.rows(), columns));
  }
  return force_data_ ? force_data_->weight * force_data_->force.squaredNorm() /
                           static_cast<double>(force_data_->force.size())
                     : 0;
}

// ------------------------------------------------------------------------------ the user's losses

namespace {

/// Each row by itself: residuals may differ in size.
void require_slopes(const Eigen::MatrixXd& given, const Slopes& found, Index trajectory,
                    Index state_dimension) {
  constexpr double tolerance = 1e-5;
  constexpr double few = 10;
  const Eigen::MatrixXd& slopes = found.columns;
  for (Index row = 0; row < slopes.rows(); ++row) {
    Index component = 0;
    const double error = (given.row(row) - slopes.row(row)).cwiseAbs().maxCoeff(&component);
    const double allowed =
        tolerance * slopes.row(row).cwiseAbs().maxCoeff() + few * found.errors.maxCoeff();
    require(error <= allowed,
            "the loss of trajectory {} has a wrong derivative: by component {} of its state at "
            "observation {} {} gives {:g}, and differences {:g}",
            trajectory, component % state_dimension, component / state_dimension,
            slopes.rows() == 1 ? "it" : fmt::format("residual {}", row), given(row, component),
            slopes(row, component));
  }
}

}  // namespace

Objective::OwnResiduals Objective::own_values(Index trajectory, ConstStatesRef states) const {
  if (has_residuals()) return own_residuals(trajectory, states);
  States cotangents(states.rows(), states.cols());
  const double share = parts_->own_loss(parts_->first + trajectory, states, cotangents);
  return {Vector::Constant(1, share), cotangents.reshaped().transpose()};
}

void check_loss(const Objective& objective, ConstStatesRef states) {
  if (objective.loss() != Loss::own) return;
  const Index k = objective.ensemble().observations();
  for (Index i = 0; i < states.cols() / k; ++i) {
    const States at = states.middleCols(i * k, k);
    const auto values = [&](ConstVectorRef moved) -> Vector {
      return objective.own_values(i, moved.reshaped(at.rows(), at.cols())).residuals;
    };
    const Objective::OwnResiduals given = objective.own_values(i, at);
    require(given.residuals.allFinite() && given.derivatives.allFinite(),
            "the loss of trajectory {} or its derivative is not finite", i);
    const Vector point = at.reshaped();
    const Slopes found = central_differences({values, epsilon * given.residuals.norm(), epsilon},
                                             point, point.cwiseAbs().cwiseMax(1.0));
    require_slopes(given.derivatives, found, i, at.rows());
  }
}

// ---------------------------------------------------------------------- the function of theta

namespace {

SensitivityOptions with_initial_states(SensitivityOptions options, const Objective& objective) {
  options.initial_states = objective.fits_initial_states();
  return options;
}

}  // namespace

ObjectiveFunction::ObjectiveFunction(Objective objective, SensitivityOptions options)
    : objective_(std::move(objective)),
      starts_(objective_.ensemble().initial_states),
      trajectories_(std::make_unique<TrajectoryFunction>(
          objective_, with_initial_states(std::move(options), objective_))) {
  require(
      objective_.counts_trajectories() || objective_.force_data() || !objective_.others().empty(),
      "a loss without trajectories needs force data");
  for (const WeightedObjective& part : objective_.others()) {
    others_.emplace_back(part.objective, this->options());
  }
  const std::function<bool()>& stop = this->options().integrator.stop_requested;
  field_ = objective_.dynamics().shared_field();
  if (stop) field_ = stoppable_force(field_, stop);
}

ObjectiveFunction::~ObjectiveFunction() = default;
ObjectiveFunction::ObjectiveFunction(ObjectiveFunction&&) noexcept = default;
ObjectiveFunction& ObjectiveFunction::operator=(ObjectiveFunction&&) noexcept = default;

const SensitivityOptions& ObjectiveFunction::options() const { return trajectories_->options(); }

/// Of the unknowns the parameters of the field; the initial states are kept.
Vector ObjectiveFunction::take(ConstVectorRef unknowns) {
  if (objective_.fits_initial_states()) {
    starts_ = unknowns.tail(starts_.size()).reshaped(starts_.rows(), starts_.cols()).eval();
  }
  return unknowns.head(objective_.dynamics().parameters());
}

void ObjectiveFunction::count(const IntegrationCounts& forward, const IntegrationCounts& backward,
                              Index blocks) {
  forward_ += forward;
  backward_ += backward;
  steps_of_last_ = std::max(forward.steps, backward.steps) / blocks;
}

LossGradient ObjectiveFunction::trajectory_gradient(ConstVectorRef theta) {
  LossGradient result = trajectories_->gradient(take(theta), starts_);
  count(result.forward, result.backward, result.blocks);
  return result;
}

LossGradient ObjectiveFunction::trajectory_states(ConstVectorRef theta) {
  LossGradient result = trajectories_->loss(take(theta), starts_);
  count(result.forward, result.backward, result.blocks);
  return result;
}

StateJacobian ObjectiveFunction::trajectory_jacobian(ConstVectorRef theta) {
  StateJacobian result = trajectories_->jacobian(take(theta), starts_);
  count(result.forward, result.backward, result.blocks);
  return result;
}

void ObjectiveFunction::limit_steps(long max_steps) {
  trajectories_->limit_steps(max_steps);
  for (ObjectiveFunction& other : others_) other.limit_steps(max_steps);
}

IntegrationCounts ObjectiveFunction::forward() const {
  IntegrationCounts all = forward_;
  for (const ObjectiveFunction& other : others_) all += other.forward();
  return all;
}

IntegrationCounts ObjectiveFunction::backward() const {
  IntegrationCounts all = backward_;
  for (const ObjectiveFunction& other : others_) all += other.backward();
  return all;
}

long ObjectiveFunction::steps_of_last() const {
  long most = steps_of_last_;
  for (const ObjectiveFunction& other : others_) most = std::max(most, other.steps_of_last());
  return most;
}

namespace {

void require_whole(const Objective& objective) {
  require(!objective.joints(), "gaps between windows are for least squares, they have residuals");
}

}  // namespace

double ObjectiveFunction::value(ConstVectorRef theta) {
  require_whole(objective_);
  double loss = 0;
  if (objective_.counts_trajectories()) loss = trajectory_states(theta).loss;
  const Vector of_field = take(theta);
  for (std::size_t j = 0; j < others_.size(); ++j) {
    loss += objective_.others()[j].weight * others_[j].value(of_field);
  }
  const std::optional<ForceData>& data = objective_.force_data();
  return loss + (data ? data->residuals(*field_, of_field).squaredNorm() : 0);
}

double ObjectiveFunction::value(ConstVectorRef theta, VectorRef gradient) {
  require_whole(objective_);
  double loss = 0;
  gradient.setZero();
  if (objective_.counts_trajectories()) {
    const LossGradient result = trajectory_gradient(theta);
    gradient.head(result.gradient.size()) = result.gradient;
    if (objective_.fits_initial_states()) {
      gradient.tail(result.initial_cotangents.size()) = result.initial_cotangents.reshaped();
    }
    loss = result.loss;
  }
  const Vector of_field = take(theta);
  Vector of_other(of_field.size());
  for (std::size_t j = 0; j < others_.size(); ++j) {
    const double weight = objective_.others()[j].weight;
    loss += weight * others_[j].value(of_field, of_other);
    gradient.head(of_field.size()) += weight * of_other;
  }
  const std::optional<ForceData>& data = objective_.force_data();
  return loss + (data ? data->add_penalty(*field_, of_field, gradient.head(of_field.size())) : 0);
}

void ObjectiveFunction::residuals(ConstVectorRef theta, Vector& residuals,
                                  Eigen::MatrixXd* jacobian) {
  require(!objective_.fits_initial_states(),
          "residuals by initial states have a Jacobian with groups: give a GroupedJacobian");
  if (jacobian == nullptr) return this->residuals(theta, residuals);
  GroupedJacobian grouped;
  grouped.shared = std::move(*jacobian);
  this->residuals(theta, residuals, &grouped);
  *jacobian = std::move(grouped.shared);
}

void ObjectiveFunction::residuals(ConstVectorRef theta, Vector& residuals,
                                  GroupedJacobian* jacobian) {
  const States& starts = starts_;
  const Index of_trajectories =
      objective_.residual_count() + gaps_before(objective_, starts.cols());
  residuals.resize(of_trajectories + other_residuals());
  if (jacobian != nullptr) {
    jacobian->shared.resize(residuals.size(), objective_.dynamics().parameters());
    jacobian->group_sizes.clear();
  }
  if (objective_.counts_trajectories() && jacobian == nullptr) {
    residuals.head(of_trajectories) =
        residuals_at(objective_, trajectory_states(theta).states, starts);
  } else if (objective_.counts_trajectories()) {
    residuals_at(objective_, trajectory_jacobian(theta), starts, residuals.head(of_trajectories),
                 *jacobian);
  }
  if (other_residuals() > 0) {
    add_other_residuals(take(theta), of_trajectories, residuals, jacobian);
  }
}

/// Of other trajectories and force data.
Index ObjectiveFunction::other_residuals() const {
  const std::optional<ForceData>& data = objective_.force_data();
  Index count = data ? data->position.size() : 0;
  for (const WeightedObjective& part : objective_.others()) {
    count += part.objective.residual_count();
  }
  return count;
}

/// Writes them, and their derivatives by theta, from row `first` on.
void ObjectiveFunction::add_other_residuals(ConstVectorRef of_field, Index first,
                                            VectorRef residuals, GroupedJacobian* jacobian) {
  Vector of_one;
  GroupedJacobian by_theta;
  for (std::size_t j = 0; j < others_.size(); ++j) {
    const double root = std::sqrt(objective_.others()[j].weight);
    others_[j].residuals(of_field, of_one, jacobian == nullptr ? nullptr : &by_theta);
    residuals.segment(first, of_one.size()) = root * of_one;
    if (jacobian != nullptr) {
      jacobian->shared.middleRows(first, of_one.size()) = root * by_theta.shared;
    }
    first += of_one.size();
  }
  const std::optional<ForceData>& data = objective_.force_data();
  if (!data) return;
  const Index of_force = data->position.size();
  residuals.segment(first, of_force) = data->residuals(*field_, of_field);
  if (jacobian != nullptr) {
    jacobian->shared.middleRows(first, of_force) = data->jacobian(*field_, of_field);
  }
}

Index ObjectiveFunction::leaves() const {
  return cut_into_leaves(objective_, options().integrator).count;
}

bool ObjectiveFunction::needs_leaves() const {
  return is_too_large_to_hold(objective_, cut_into_leaves(objective_, options().integrator));
}

bool ObjectiveFunction::can_hold_leaves() const {
  return !needs_leaves() && are_many(cut_into_leaves(objective_, options().integrator));
}

/// That of other trajectories and force data; nothing where there are none.
std::optional<JacobianLeaf> ObjectiveFunction::last_leaf(ConstVectorRef of_field) {
  const Index others = other_residuals();
  if (others == 0) return std::nullopt;
  const Index trajectories = starts_.cols();
  JacobianLeaf last;
  last.number = leaves() - 1;
  last.first_row = objective_.residual_count() + gaps_before(objective_, trajectories);
  last.residuals.resize(others);
  last.jacobian.shared.resize(others, of_field.size());
  if (objective_.fits_initial_states()) {
    last.first_group = trajectories;
    last.jacobian.own.resize(0, starts_.rows());
  }
  add_other_residuals(of_field, 0, last.residuals, &last.jacobian);
  return last;
}

/// Of all residuals, where those of the trajectories follow from their states.
Vector ObjectiveFunction::all_residuals(const States& states,
                                        const std::optional<JacobianLeaf>& last) const {
  Vector of_trajectories =
      objective_.counts_trajectories() ? residuals_at(objective_, states, starts_) : Vector(0);
  if (!last) return of_trajectories;
  Vector all(of_trajectories.size() + last->residuals.size());
  all << of_trajectories, last->residuals;
  return all;
}

void ObjectiveFunction::visit_residuals(ConstVectorRef theta, Vector* residuals,
                                        const LeafVisitor& visit) {
  require_residuals(objective_);
  const Vector of_field = take(theta);
  const std::optional<JacobianLeaf> last = last_leaf(of_field);
  StateJacobian rest;
  if (objective_.counts_trajectories()) {
    rest = trajectories_->visit(of_field, starts_, visit);
    count(rest.forward, rest.backward, rest.blocks);
  }
  if (residuals != nullptr) *residuals = all_residuals(rest.states, last);
  if (last) visit(*last);
}

void ObjectiveFunction::reduce_residuals(ConstVectorRef theta, Vector* residuals,
                                         const LeafTask& task, LeafResult& result) {
  require_residuals(objective_);
  const std::function<bool()>& stop = options().integrator.stop_requested;
  const Vector of_field = take(theta);
  const std::optional<JacobianLeaf> last = last_leaf(of_field);
  ReductionTree<LeafSum> tree = leaf_tree(leaves(), stop);
  StateJacobian rest;
  if (objective_.counts_trajectories()) {
    rest = trajectories_->reduce(of_field, starts_, task, tree, result.own);
    count(rest.forward, rest.backward, rest.blocks);
  }
  if (last) tree.add(last->number, work_on(*last, task, stop).first);
  if (residuals != nullptr) *residuals = all_residuals(rest.states, last);
  result.sum = std::move(tree.root());
}

}  // namespace isochron
