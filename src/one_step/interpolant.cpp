#include "one_step/interpolant.hpp"

#include <algorithm>
#include <cmath>

#include "floating_point.hpp"

namespace isochron::one_step {
namespace {

/// Through m nodes the error of positions is of the order h^(known m), of velocities one less, and
/// more than that of a step, h^(order + 1). Even, to have as many before as after.
Index nodes_for(int order, Index known, bool newtonian) {
  Index count = 2;
  while (known * count - (newtonian ? 1 : 0) <= order + 1) count += 2;
  return count;
}

/// From derivatives by tau to derivatives by t = tau T: of weights of positions (power 0) or
/// velocities (-1).
void scale(double length, int power, Index known, Index count, double* weights) {
  double factor = power == 0 ? 1 : 1 / length;
  for (Index s = 0; s < known; ++s, factor *= length) {
    for (Index j = 0; j < count; ++j) weights[known * j + s] *= factor;
  }
}

}  // namespace

Interpolant::Interpolant(const OneStepSolver& solver)
    : solver_(solver),
      dimension_(solver.dynamics().dimension()),
      known_(solver.newtonian() ? 3 : 2),
      count_(nodes_for(solver.tableau().order, known_, solver.newtonian())) {}

void Interpolant::start() {
  times_.assign(1, 0);
  for (const double step : solver_.segments().front().steps) {
    times_.push_back(times_.back() + step);
  }
  times_.back() = 1;
}

Hermite Interpolant::through(Index first, Index count) const {
  const auto begin = times_.begin() + first;
  return {{begin, begin + count}, static_cast<int>(known_)};
}

double Interpolant::weighted_sum(const double* weights, Index first, Index d, Index b) const {
  const Index stride = solver_.stride();
  const double* x = solver_.node(first).data() + d * stride + b;
  double sum = 0;
  for (Index i = 0; i < known_ * count_; ++i) sum += weights[i] * x[i * dimension_ * stride];
  return sum;
}

void Interpolant::middle_weights(Index step, Index count, double* weights) const {
  const auto n = static_cast<std::size_t>(step);
  through(first_of_nearest(step, count, steps() + 1), count)
      .weights((times_[n] + times_[n + 1]) / 2, weights, weights + known_ * count);
}

double Interpolant::amplification() const {
  std::vector<double> weights(weights_per_state());
  double largest = 0;
  for (Index n = 0; n < steps(); ++n) {
    middle_weights(n, count_, weights.data());
    double sum = 0;
    for (Index j = 0; j < count_; ++j)
      sum += std::abs(weights[static_cast<std::size_t>(known_ * j)]);
    largest = std::max(largest, sum);
  }
  return largest;
}

void Interpolant::difference(Index step, double* weights) const {
  const Index terms = known_ * count_, fewer = terms - known_;
  std::vector<double> less(weights_per_state());
  middle_weights(step, count_, weights);
  middle_weights(step, count_ - 1, less.data());
  const Index offset =
      first_of_nearest(step, count_ - 1, steps() + 1) - first_of_nearest(step, count_, steps() + 1);
  for (Index i = 0; i < fewer; ++i) {
    weights[offset * known_ + i] -= less[static_cast<std::size_t>(i)];
    weights[terms + offset * known_ + i] -= less[static_cast<std::size_t>(fewer + i)];
  }
}

Vector Interpolant::errors() const {
  const IntegratorOptions& options = solver_.options();
  const Vector& lengths = solver_.segments().front().lengths;
  const Index terms = known_ * count_, states = solver_.dynamics().state_dimension();
  std::vector<double> weights(weights_per_state()), own;
  Vector all = Vector::Zero(steps());
  for (Index n = 0; n < steps(); ++n) {
    difference(n, weights.data());
    const Index first = first_of_nearest(n, count_, steps() + 1);
    const auto begin = solver_.node(n);
    for (Index b = 0; b < solver_.stride(); ++b) {
      if (b == 0 || lengths[b] != lengths[b - 1]) {
        own = weights;
        scale(lengths[b], 0, known_, count_, own.data());
        scale(lengths[b], -1, known_, count_, own.data() + terms);
      }
      double sum = 0;
      for (Index i = 0; i < states; ++i) {
        const bool velocity = i >= dimension_;
        const double change = weighted_sum(own.data() + (velocity ? terms : 0), first,
                                           velocity ? i - dimension_ : i, b);
        const Vector& units = options.state_units;
        const double atol = options.atol * (units.size() > 0 ? units[i] : 1);
        const double unit = options.rtol * std::abs(begin(i, b)) + atol;
        sum += (change / unit) * (change / unit);
      }
      if (!std::isfinite(sum)) sum = infinity;
      all[n] = std::max(all[n], std::sqrt(sum / static_cast<double>(states)));
    }
  }
  return all;
}

double Interpolant::shortening(double error) const {
  constexpr double reserve = 1.2;
  // The order of the estimate: that of velocities, or of first-order motion's positions.
  const double order = static_cast<double>(known_ * (count_ - 1) - (known_ == 3 ? 1 : 0));
  return reserve * std::pow(error, 1 / order);
}

std::vector<double> Interpolant::cut_steps(const Vector& errors) const {
  Vector parts = Vector::Ones(steps());
  for (Index n = 0; n < steps(); ++n) {
    if (errors[n] <= 1) continue;
    auto around = parts.segment(first_of_nearest(n, count_, steps() + 1), count_ - 1);
    around = around.cwiseMax(std::ceil(shortening(errors[n])));
  }
  std::vector<double> cut;
  for (Index n = 0; n < steps(); ++n) {
    const auto at = static_cast<std::size_t>(n);
    const double part = (times_[at + 1] - times_[at]) / parts[n];
    cut.insert(cut.end(), static_cast<std::size_t>(parts[n]), part);
  }
  return cut;
}

void Interpolant::place(ConstVectorRef end_times, ConstStatesRef earlier_times) {
  observations_ = earlier_times.rows() + 1;
  const Index nodes = steps() + 1, terms = known_ * count_;
  std::vector<Hermite> windows;
  for (Index first = 0; first + count_ <= nodes; ++first) windows.push_back(through(first, count_));
  first_.resize(static_cast<std::size_t>(end_times.size() * observations_));
  weights_.resize(first_.size() * weights_per_state());
  double* weights = weights_.data();
  for (Index b = 0; b < end_times.size(); ++b) {
    Index step = 0;
    const bool same_end = b > 0 && end_times[b] == end_times[b - 1];
    for (Index k = 0; k < observations_; ++k, weights += weights_per_state()) {
      const bool is_last = k + 1 == observations_;
      if (same_end && (is_last || earlier_times(k, b) == earlier_times(k, b - 1))) {
        first_[at(b, k)] = first_[at(b - 1, k)];
        std::copy_n(position_weights(b - 1, k), weights_per_state(), weights);
        continue;
      }
      const double tau = is_last ? 1 : earlier_times(k, b) / end_times[b];
      while (tau > times_[static_cast<std::size_t>(step + 1)]) ++step;
      const Index first = first_of_nearest(step, count_, nodes);
      first_[at(b, k)] = first;
      windows[static_cast<std::size_t>(first)].weights(tau, weights, weights + terms);
      scale(end_times[b], 0, known_, count_, weights);
      scale(end_times[b], -1, known_, count_, weights + terms);
    }
  }
}

void Interpolant::observe(StatesRef states) const {
  for (Index c = 0; c < states.cols(); ++c) {
    const Index b = c / observations_, k = c % observations_, first = first_node(b, k);
    for (Index d = 0; d < dimension_; ++d) {
      states(d, c) = weighted_sum(position_weights(b, k), first, d, b);
      if (known_ == 3) {
        states(dimension_ + d, c) = weighted_sum(velocity_weights(b, k), first, d, b);
      }
    }
  }
}

void Interpolant::observe_back(ConstStatesRef cotangents, Block& of_nodes) const {
  of_nodes.setZero((steps() + 1) * known_ * dimension_, solver_.stride());
  for (Index c = 0; c < cotangents.cols(); ++c) {
    const Index b = c / observations_, k = c % observations_;
    const double* of_positions = position_weights(b, k);
    const double* of_velocities = velocity_weights(b, k);
    for (Index d = 0; d < dimension_; ++d) {
      const double q = cotangents(d, c), v = known_ == 3 ? cotangents(dimension_ + d, c) : 0;
      for (Index i = 0; i < known_ * count_; ++i) {
        of_nodes((first_node(b, k) * known_ + i) * dimension_ + d, b) +=
            of_positions[i] * q + of_velocities[i] * v;
      }
    }
  }
}

}  // namespace isochron::one_step
