#include "data_scaling.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "isochron/composite_field.hpp"

namespace isochron {
namespace {

/// Where component d of trajectory i was observed.
bool is_observed(const Objective& objective, Index d, Index column) {
  const States& weight = objective.observations().weight;
  return weight.size() == 0 || weight(d, column) > 0;
}

/// Mean and root mean square deviation of a component's observed values.
struct Spread {
  double mean = 0;
  double size = 0;
};

Spread spread_of(const Objective& objective, Index d) {
  const States& value = objective.observations().value;
  double count = 0;
  Spread spread;
  for (Index c = 0; c < value.cols(); ++c) {
    if (!is_observed(objective, d, c)) continue;
    spread.mean += value(d, c);
    count += 1;
  }
  spread.mean /= std::max(1.0, count);
  for (Index c = 0; c < value.cols(); ++c) {
    if (is_observed(objective, d, c)) spread.size += std::pow(value(d, c) - spread.mean, 2);
  }
  spread.size = std::sqrt(spread.size / std::max(1.0, count));
  return spread;
}

/// Mean squares of a component's changes over `gap` observations, and of the times between them.
struct Changes {
  double value = 0;
  double time = 0;
};

Changes changes_of(const Objective& objective, Index d, Index gap) {
  const Ensemble& ensemble = objective.ensemble();
  const Index k = ensemble.observations();
  const States& value = objective.observations().value;
  Changes mean;
  double count = 0;
  for (Index i = 0; i < ensemble.size(); ++i) {
    const auto time = [&](Index j) {
      return j + 1 == k ? ensemble.end_times[i] : ensemble.earlier_times(j, i);
    };
    for (Index j = gap; j < k; ++j) {
      const Index at = i * k + j;
      if (!is_observed(objective, d, at) || !is_observed(objective, d, at - gap)) continue;
      mean.value += std::pow(value(d, at) - value(d, at - gap), 2);
      mean.time += std::pow(time(j) - time(j - gap), 2);
      count += 1;
    }
  }
  return {mean.value / std::max(1.0, count), mean.time / std::max(1.0, count)};
}

/// Root mean square of the rate of a component. Over short times t a mean square of changes is
/// 2 sigma^2 + rate^2 t^2 with noise of any sigma, and less over longer ones: so the largest slope.
double rate_of(const Objective& objective, Index d) {
  const Changes shortest = changes_of(objective, d, 1);
  double squared = 0;
  for (Index gap = 2; gap < objective.ensemble().observations(); gap *= 2) {
    const Changes longer = changes_of(objective, d, gap);
    const double time = longer.time - shortest.time;
    if (time > 0) squared = std::max(squared, (longer.value - shortest.value) / time);
  }
  if (squared == 0 && shortest.time > 0) squared = shortest.value / shortest.time;
  return std::sqrt(squared);
}

/// What an objective asks of its trajectories, as observations of them.
Observations observations_of(const Objective& objective) {
  if (objective.loss() == Loss::observations) return objective.observations();
  const States& starts = objective.ensemble().initial_states;
  return {-objective.deviations(States::Zero(starts.rows(), starts.cols())), {}};
}

/// The loss of closed orbits over that of observations: a mean over trajectories, not components.
double mean_over_components(const Objective& objective) {
  if (objective.loss() == Loss::observations) return 1;
  return static_cast<double>(objective.ensemble().initial_states.rows());
}

/// f(x) = S f'((x - c)/S)/s^2.
ForceData in_units(const ForceData& data, double unit, double centre, double time) {
  const double of_force = unit / (time * time);
  return {(data.position.array() - centre) / unit, data.force / of_force,
          data.weight * of_force * of_force};
}

const Mlp* as_network(const ForceFieldPtr& part) { return dynamic_cast<const Mlp*>(part.get()); }

/// What can be scaled: the parts of a sum with a network, or a network alone; else nothing.
std::vector<ForceFieldPtr> scalable_parts(const ForceFieldPtr& field) {
  std::vector<ForceFieldPtr> parts = parts_of(*field);
  if (parts.empty()) parts = {field};
  return std::any_of(parts.begin(), parts.end(), as_network) ? parts : std::vector<ForceFieldPtr>();
}

/// A part without biases cannot move its centre.
bool may_move(const ForceFieldPtr& part) {
  const Mlp* network = as_network(part);
  return network == nullptr || network->bias();
}

/// theta of y -> force_factor units f((y - centre)/units), f a network with parameters theta.
Vector mapped_network(const Mlp& network, ConstVectorRef theta, const Vector& units,
                      const Vector& centre, double force_factor) {
  using Rows = Eigen::Map<RowMatrix>;
  Vector result = theta;
  const std::vector<Index>& layers = network.layers();
  const Index d = layers.front();
  const Vector inverse = units.cwiseInverse();
  Rows first(result.data(), layers[1], d);
  first = (first * inverse.asDiagonal()).eval();
  if (network.bias()) result.segment(layers[1] * d, layers[1]) -= first * centre;
  Index skip = 0;  // where the layers end
  for (std::size_t l = 1; l < layers.size(); ++l) {
    skip += layers[l] * layers[l - 1] + (network.bias() ? layers[l] : 0);
  }
  const Index bias = network.bias() ? d : 0;
  const Index inputs = layers[layers.size() - 2];
  Rows last(result.data() + skip - bias - d * inputs, d, inputs);
  last = (force_factor * units.asDiagonal() * last).eval();
  if (bias > 0) result.segment(skip - d, d).array() *= force_factor * units.array();
  if (network.skip() == Skip::none) return result;
  Rows linear(result.data() + skip, d, d);
  linear = (force_factor * units.asDiagonal() * linear * inverse.asDiagonal()).eval();
  if (result.size() > skip + d * d) {
    auto constant = result.segment(skip + d * d, d);
    constant = (force_factor * units.cwiseProduct(constant) - linear * centre).eval();
  }
  return result;
}

}  // namespace

DataScaling::DataScaling(const Objective& objective)
    : dynamics_(objective.dynamics()),
      parts_(scalable_parts(dynamics_.shared_field())),
      units_(Vector::Ones(dynamics_.dimension())),
      centre_(Vector::Zero(units_.size())) {
  const bool newtonian = dynamics_.motion() == Motion::newtonian;
  const Index d = units_.size();
  if (!parts_.empty()) {
    const bool has_logarithms = objective.observations().error_model == ErrorModel::lognormal;
    const bool moves = !has_logarithms && std::all_of(parts_.begin(), parts_.end(), may_move);
    double fastest = 0;
    for (Index i = 0; i < d; ++i) {
      const Spread spread = spread_of(objective, i);
      if (spread.size > 0) units_[i] = spread.size;
      if (moves) centre_[i] = spread.mean;
      fastest = std::max(fastest, rate_of(objective, i) / units_[i]);
    }
    if (fastest > 0) time_ = 1 / fastest;
  }
  offset_ = Vector::Zero(objective.dynamics().state_dimension());
  offset_.head(d) = centre_;
  inverse_units_.resize(offset_.size());
  inverse_units_.head(d) = units_.cwiseInverse();
  if (newtonian) inverse_units_.tail(d) = time_ * units_.cwiseInverse();
}

/// The sum of the parts: networks take up the units in their parameters.
ForceFieldPtr DataScaling::scaled_field() const {
  if (parts_.size() == 1) return parts_.front();
  const double factor = dynamics_.motion() == Motion::newtonian ? time_ * time_ : time_;
  std::vector<ForceFieldPtr> scaled;
  for (const ForceFieldPtr& part : parts_) {
    scaled.push_back(as_network(part) != nullptr ? part : in_units(part, units_, centre_, factor));
  }
  return sum_of(std::move(scaled));
}

Objective DataScaling::scaled(const Objective& objective) const {
  if (parts_.empty()) return objective;
  const Dynamics dynamics(scaled_field(), dynamics_.motion());
  Objective problem = scaled(objective, dynamics);
  for (const auto& [weight, other] : objective.others()) {
    problem = problem.with(scaled(other, dynamics), weight * mean_over_components(other));
  }
  if (const auto& data = objective.force_data()) {
    problem = problem.with(in_units(*data, units_[0], centre_[0], time_));
  }
  return objective.fits_initial_states() ? problem.fitting_initial_states() : problem;
}

/// What is asked of its own trajectories.
Objective DataScaling::scaled(const Objective& objective, const Dynamics& dynamics) const {
  Ensemble ensemble = objective.ensemble();
  ensemble.initial_states = scaled_states(ensemble.initial_states);
  ensemble.end_times /= time_;
  ensemble.earlier_times /= time_;
  Observations observations = observations_of(objective);
  observations.value = scaled_states(observations.value);
  const Vector factor = inverse_units_.cwiseAbs2().cwiseInverse();
  if (observations.weight.size() == 0) {
    observations.weight = States::Ones(observations.value.rows(), observations.value.cols());
  }
  if (observations.error_model == ErrorModel::additive) {
    observations.weight = factor.asDiagonal() * observations.weight;
  }
  return Objective(dynamics, std::move(ensemble), std::move(observations));
}

Vector DataScaling::mapped(ConstVectorRef theta, const Vector& units, const Vector& centre,
                           double force_factor) const {
  Vector result = theta;
  Index first = 0;
  for (const ForceFieldPtr& part : parts_) {
    auto own = result.segment(first, part->parameters());
    if (const Mlp* network = as_network(part)) {
      own = mapped_network(*network, Vector(own), units, centre, force_factor);
    }
    first += part->parameters();
  }
  return result;
}

Vector DataScaling::theta(ConstVectorRef scaled) const {
  const double power = dynamics_.motion() == Motion::newtonian ? 2 : 1;
  return mapped(scaled, units_, centre_, std::pow(time_, -power));
}

Vector DataScaling::scaled_theta(ConstVectorRef theta) const {
  const double power = dynamics_.motion() == Motion::newtonian ? 2 : 1;
  const Vector inverse = units_.cwiseInverse();
  return mapped(theta, inverse, -centre_.cwiseProduct(inverse), std::pow(time_, power));
}

States DataScaling::states(const States& scaled) const {
  if (parts_.empty() || scaled.size() == 0) return scaled;
  return (inverse_units_.cwiseInverse().asDiagonal() * scaled).colwise() + offset_;
}

States DataScaling::scaled_states(const States& states) const {
  if (parts_.empty() || states.size() == 0) return states;
  return inverse_units_.asDiagonal() * (states.colwise() - offset_);
}

/// H = F^-T H' F^-1 for theta = F theta'.
Posterior DataScaling::posterior(const Posterior& scaled) const {
  const Index parameters = scaled.factor.cols();
  const Vector origin = scaled_theta(Vector::Zero(parameters));
  Eigen::MatrixXd inverse(parameters, parameters);
  for (Index p = 0; p < parameters; ++p) {
    inverse.col(p) = scaled_theta(Vector::Unit(parameters, p)) - origin;
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(scaled.factor.triangularView<Eigen::Upper>() *
                                                 inverse);
  Posterior posterior;
  posterior.factor = qr.matrixQR().triangularView<Eigen::Upper>();
  if (scaled.initial_state_errors.size() > 0) {
    const Vector units = inverse_units_.cwiseInverse();
    posterior.initial_state_errors = units.asDiagonal() * scaled.initial_state_errors;
    for (const Posterior::Start& start : scaled.starts) {
      posterior.starts.push_back({start.factor * inverse_units_.asDiagonal(),
                                  units.asDiagonal() * start.by_theta * inverse});
    }
  }
  return posterior;
}

template <class Map>
TrainingState DataScaling::mapped(TrainingState state, const Map& of_theta,
                                  const States& initial_states) {
  state.theta = of_theta(state.theta);
  if (state.theta_initial.size() > 0) state.theta_initial = of_theta(state.theta_initial);
  for (Vector& theta : state.snapshots.theta) theta = of_theta(theta);
  state.initial_states = initial_states;
  return state;
}

TrainingState DataScaling::state(TrainingState scaled) const {
  const States initial = states(scaled.initial_states);
  return mapped(
      std::move(scaled), [this](const Vector& at) { return theta(at); }, initial);
}

TrainingState DataScaling::scaled_state(TrainingState state) const {
  const States initial = scaled_states(state.initial_states);
  return mapped(
      std::move(state), [this](const Vector& at) { return scaled_theta(at); }, initial);
}

}  // namespace isochron
