#include "one_step/solver.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "floating_point.hpp"

namespace isochron::one_step {
namespace {

/// A step is never shorter than this part of the whole.
constexpr double smallest_step = 1e-13;

// The tangents are looked at in every so many steps, the first one included, in steps longer than
// they have last promised to be short enough for, and wherever the states would allow steps so many
// times longer: there it is not they that need the step.
constexpr std::size_t tangent_interval = 16;
constexpr double idle_growth = 3;

/// Their error may be so many times rtol: steps which are right for the states then stay as they
/// are. And their estimate, which is the embedded method's, may be at most so large: beyond, it
/// says little about the error.
constexpr double tangent_tolerance = 5;
constexpr double largest_tangent_estimate = 1e-3;

/// Where no force is felt at the start, nothing is known of the way ahead: the first of steps that
/// are controlled by tangents is this part of the whole.
constexpr double first_free_step = 1.0 / 64;

/// Of the records of all steps of a block.
constexpr double largest_storage = 4.0 * 1024 * 1024 * 1024;  // bytes

/// Between neighbouring stages, as a part of the step.
double widest_gap(const Tableau& tableau) {
  std::vector<double> c = tableau.c;
  c.insert(c.end(), {0, 1});
  std::sort(c.begin(), c.end());
  double widest = 0;
  for (std::size_t i = 1; i < c.size(); ++i) widest = std::max(widest, c[i] - c[i - 1]);
  return widest;
}

}  // namespace

void combine(const std::vector<double>& coefficients, const Block& x, BlockRef z) {
  const Index size = z.size();
  for (Index n = 0; n < size; n += lane_count) {
    Lanes sum{};
    const double* p = x.data() + n;
    for (std::size_t k = 0; k < coefficients.size(); ++k, p += size) {
      if (coefficients[k] != 0) sum += coefficients[k] * load(p);
    }
    store(z.data() + n, sum);
  }
}

OneStepSolver::OneStepSolver(const Dynamics& dynamics, const IntegratorOptions& options,
                             Index stride)
    : dynamics_(dynamics),
      options_(options),
      tableau_(one_step::tableau(options.method, dynamics.motion())),
      stages_(static_cast<Index>(tableau_.stages()) - (tableau_.last_is_first ? 1 : 0)),
      at_(dynamics.field().linearisation(stride)),
      whole_times_(stride),
      state_(dynamics.state_dimension(), stride),
      next_(state_.rows(), stride),
      error_(state_.rows(), stride),
      position_(dynamics.dimension(), stride),
      forces_(static_cast<Index>(tableau_.stages()) * dynamics.dimension(), stride) {}

void OneStepSolver::start(const double* theta, ConstStatesRef states, ConstVectorRef end_times) {
  start_segments(theta, states, end_times, end_times);
}

void OneStepSolver::start_segments(const double* theta, ConstStatesRef states,
                                   ConstVectorRef lengths, ConstVectorRef whole_times) {
  new (&theta_) Eigen::Map<const Vector>(theta, dynamics_.parameters());
  fill_block(states, state_);
  fill_times(whole_times, whole_times_);
  first_force_known_ = false;
  step_ = 0;
  tangent_step_ = infinity;
  promised_step_ = 0;
  if (tangents_) tangents_->start(theta_, whole_times_);
  segments_.clear();
  nodes_.clear();
  counts_ = {};
  earlier_time_ = 0;
  has_segments_ = lengths != whole_times;
  start_segment(lengths);
}

void OneStepSolver::start_segment(ConstVectorRef lengths) {
  Segment next;
  next.lengths.resize(whole_times_.size());
  fill_times(lengths, next.lengths);
  if (!segments_.empty()) {
    // The steps go on as long as they were, in time.
    const Vector& before = segments_.back().lengths;
    const double ratio = (before.array() / next.lengths.array()).minCoeff();
    step_ *= ratio;
    tangent_step_ *= ratio;
    promised_step_ *= ratio;
    earlier_time_ += before[0];
  }
  longest_step_ = std::min(longest_demanded_, longest_step(options_, whole_times_, next.lengths,
                                                           widest_gap(tableau_) / 2));
  tau_ = 0;
  segments_.push_back(std::move(next));
}

void OneStepSolver::read(StatesRef states) const { states = state_.leftCols(states.cols()); }

double* OneStepSolver::record(Index step, Index stage) {
  return records_.data() + (step * stages_ + stage) * at_->record_size();
}

double OneStepSolver::stored_bytes() const {
  return static_cast<double>(step_count() * stages_ * at_->record_size()) * sizeof(double);
}

void OneStepSolver::make_room(Index steps) {
  if (!keeps_linearisations_) return;
  // One more stage: the first of the next step.
  const Index numbers = (steps * stages_ + 1) * at_->record_size();
  if (static_cast<double>(numbers) * sizeof(double) > largest_storage) {
    fail(fmt::format(
        "the discrete adjoint would have to keep {} steps of a block, more than 4 GiB; ask for a "
        "shorter time, a looser tolerance or a smaller block size",
        steps));
  }
  if (records_.size() >= numbers) return;
  records_.conservativeResize(std::max(numbers, records_.size() * 3 / 2));
}

void OneStepSolver::evaluate(Index stage, ConstBlockRef q) {
  poll_stop(options_);
  ++counts_.right_hand_sides;
  const Index d = dynamics_.dimension();
  auto force = forces_.middleRows(stage * d, d);
  if (keeps_linearisations_) {
    at_->use_record(record(step_count(), stage));
    at_->linearise(theta_, q, force);
  } else {
    at_->force(theta_, q, force);
  }
}

void OneStepSolver::step_from(double h, double factor, ConstBlockRef base, BlockRef block) const {
  const auto step = h * lengths().transpose().array();
  for (Index row = 0; row < block.rows(); ++row) {
    block.row(row).array() = factor * base.row(row).array() + step * block.row(row).array();
  }
}

void OneStepSolver::place(double h, double c, const std::vector<double>& coefficients,
                          BlockRef q) const {
  // Horner in h T.
  combine(coefficients, forces_, q);
  if (newtonian()) step_from(h, c, state_.bottomRows(q.rows()), q);
  step_from(h, 1, state_.topRows(q.rows()), q);
}

double OneStepSolver::attempt(double h) {
  const Index d = dynamics_.dimension();
  make_room(step_count() + 1);
  if (!first_force_known_) evaluate(0, state_.topRows(d));
  first_force_known_ = true;

  for (std::size_t i = 1; i < tableau_.stages(); ++i) {
    place(h, tableau_.c[i], tableau_.a[i], position_);
    evaluate(static_cast<Index>(i), position_);
  }
  place(h, 1, tableau_.b, next_.topRows(d));
  if (newtonian()) {
    combine(tableau_.b_velocity, forces_, next_.bottomRows(d));
    step_from(h, 1, state_.bottomRows(d), next_.bottomRows(d));
  }
  // x * 0 is NaN exactly for infinite and NaN x. A force may enter positions only, and the force at
  // a position that is no number may be one again: look at all of them.
  if ((forces_.array() * 0.0).sum() != 0.0 || (next_.array() * 0.0).sum() != 0.0) return infinity;
  if (tableau_.embedded_order == 0) return 0;
  combine(tableau_.e, forces_, error_.topRows(d));
  if (newtonian()) combine(tableau_.e_velocity, forces_, error_.bottomRows(d));
  const double error = strictness_ * error_norm(h);
  if (!tangents_are_due(h, error)) return error;
  const double of_tangents = strictness_ * tangent_error(h);
  promised_step_ = h * std::pow(of_tangents, -1.0 / (tableau_.embedded_order + 1));
  // Once they have asked for a shorter step, they are followed until the end.
  if (of_tangents > 1 || tangent_step_ < infinity) tangent_step_ = allowed_step(h, of_tangents);
  return std::max(error, of_tangents);
}

bool OneStepSolver::tangents_are_due(double h, double state_error) const {
  if (!tangents_ || state_error > 1) return false;
  // Steps that end at observation times may be short for that reason alone.
  const bool is_cut = has_segments_ && 2 * h < promised_step_;
  const bool states_are_idle =
      !is_cut && state_error < std::pow(idle_growth, -(tableau_.embedded_order + 1));
  return states_are_idle || h > promised_step_ ||
         static_cast<std::size_t>(counts_.steps) % tangent_interval == 0;
}

double OneStepSolver::tangent_error(double h) {
  tangents_->start_step(h * lengths().array());
  for (std::size_t i = 0; i < tableau_.stages(); ++i) {
    if (keeps_linearisations_) {
      at_->use_record(record(step_count(), static_cast<Index>(i)));
    } else {
      poll_stop(options_);
      place(h, tableau_.c[i], tableau_.a[i], position_);
      at_->linearise(theta_, position_, error_.topRows(dynamics_.dimension()));
      ++counts_.right_hand_sides;
    }
    tangents_->take_stage(*at_);
  }
  // The estimate is of the order h^(q + 1) of the embedded method, the error of h^(p + 1).
  const double exponent = (tableau_.embedded_order + 1.0) / (tableau_.order + 1.0);
  const double allowed = std::pow(tangent_tolerance * options_.rtol, exponent);
  return tangents_->estimate() / std::min(allowed, largest_tangent_estimate);
}

double OneStepSolver::allowed_step(double h, double error) const {
  constexpr double safety = 0.9;
  return h * (safety * std::pow(error, -1.0 / (tableau_.embedded_order + 1)));
}

double OneStepSolver::error_norm(double h) const {
  const Index d = dynamics_.dimension();
  const auto times = lengths().transpose().array();
  Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(state_.cols());
  for (Index row = 0; row < state_.rows(); ++row) {
    const bool twice = newtonian() && row < d;
    const Vector& units = options_.state_units;
    const double atol = options_.atol * (units.size() > 0 ? units[row] : 1);
    const auto scale =
        options_.rtol * state_.row(row).array().abs().max(next_.row(row).array().abs()) + atol;
    if (twice) {
      sum += (h * h * times * times * error_.row(row).array() / scale).square().transpose();
    } else {
      sum += (h * times * error_.row(row).array() / scale).square().transpose();
    }
  }
  const double largest = sum.maxCoeff();
  return std::isfinite(largest) ? std::sqrt(largest / static_cast<double>(state_.rows()))
                                : infinity;
}

void OneStepSolver::keep_node() {
  nodes_.insert(nodes_.end(), state_.data(), state_.data() + state_.size());
  const auto force = forces_.topRows(dynamics_.dimension());
  nodes_.insert(nodes_.end(), force.data(), force.data() + force.size());
}

void OneStepSolver::end_nodes() {
  if (!first_force_known_) evaluate(0, state_.topRows(dynamics_.dimension()));
  first_force_known_ = true;
  keep_node();
}

Eigen::Map<const Block> OneStepSolver::node(Index n) const {
  const Index rows = state_.rows() + dynamics_.dimension();
  return {nodes_.data() + n * rows * stride(), rows, stride()};
}

void OneStepSolver::accept(double h, double tau) {
  const Index d = dynamics_.dimension();
  if (keeps_nodes_) keep_node();
  state_.swap(next_);
  segments_.back().steps.push_back(h);
  tau_ = tau;
  first_force_known_ = tableau_.last_is_first;
  if (tableau_.last_is_first) forces_.topRows(d) = forces_.bottomRows(d);
  ++counts_.steps;
}

double OneStepSolver::first_step() {
  if (tableau_.embedded_order == 0) {
    const double whole = (whole_times_.array() / lengths().array()).minCoeff();
    const double step = whole / static_cast<double>(options_.steps);
    return options_.max_step > 0 ? std::min(step, longest_step_) : step;
  }
  // The local error is about (omega h)^(order + 1), omega the fastest frequency of the linearised
  // motion; what this misses, the error estimate corrects.
  const Index d = dynamics_.dimension();
  make_room(1);
  at_->use_record(keeps_linearisations_ ? record(0, 0) : nullptr);
  at_->linearise(theta_, state_.topRows(d), forces_.topRows(d));
  ++counts_.right_hand_sides;
  first_force_known_ = true;
  Block jacobians(d * d, state_.cols());
  at_->jacobians(jacobians);
  const Eigen::ArrayXd slopes = jacobians.colwise().norm().transpose().array();
  const auto times = lengths().array().abs();
  const double frequency =
      newtonian() ? (slopes.sqrt() * times).maxCoeff() : (slopes * times).maxCoeff();
  const double tolerance = options_.rtol + options_.atol;
  const double reach = 3 * std::pow(tolerance, 1.0 / (tableau_.embedded_order + 1));
  if (std::isfinite(frequency) && frequency > reach) {
    return std::min(longest_step_, reach / frequency);
  }
  return std::min(longest_step_, tangents_ ? first_free_step : 1);
}

void OneStepSolver::advance(double tau) {
  while (tau_ < tau) step_towards(tau);
}

bool OneStepSolver::advance_within(Index most_steps) {
  // At an even pace, but for a slow start and faster parts of the way.
  const auto most = static_cast<double>(most_steps);
  const double behind = std::max(1.0, most / 10);
  while (tau_ < 1) {
    if (static_cast<double>(counts_.steps) >= std::min(most, behind + most * tau_)) return false;
    step_towards(1);
  }
  return true;
}

void OneStepSolver::step_towards(double tau) {
  const double most_growth = keeps_nodes_ ? 2 : 4;  // nodes are for interpolation
  constexpr double most_reduction = 0.2;
  if (step_ == 0) step_ = first_step();
  if (counts_.steps >= options_.max_steps) fail(too_many_steps(options_));
  // Equal steps to the end rather than a short last one.
  const double left = tau - tau_;
  const double count = std::max(1.0, std::ceil(left / step_ - 1e-9));
  const double h = left / count;
  const double error = attempt(h);
  if (error <= 1) accept(h, count == 1 ? tau : tau_ + h);
  if (tableau_.embedded_order == 0) {
    if (error > 1) fail("the force is not finite");
    return;
  }
  step_ = std::clamp(allowed_step(h, error), most_reduction * h, most_growth * h);
  step_ = std::min({longest_step_, step_, std::max(tangent_step_, most_reduction * h)});
  if (error > 1) {
    ++counts_.error_test_failures;
    if (step_ < smallest_step) {
      fail(error < infinity ? "the error test fails at the smallest step"
                            : "the force is not finite");
    }
  }
}

double OneStepSolver::follow(const std::vector<double>& steps) {
  double largest = 0;
  for (const double h : steps) {
    const double error = attempt(h);
    if (error == infinity) return infinity;
    largest = std::max(largest, error);
    accept(h, tau_ + h);
  }
  tau_ = 1;
  return largest;
}

void OneStepSolver::fail(const std::string& reason) const {
  const double time = earlier_time_ + tau_ * lengths()[0];
  throw integration_failure("forward", time, whole_times_[0], options_, reason);
}

}  // namespace isochron::one_step
