#include "one_step/discrete.hpp"

#include <algorithm>

namespace isochron::one_step {
namespace {

/// A grid is taken again while its largest error, in units of the tolerance, is in this range.
constexpr double least_error = 0.02;
constexpr double most_error = 4;

}  // namespace

DiscreteSensitivity::DiscreteSensitivity(const Dynamics& dynamics, const IntegratorOptions& options,
                                         Index stride, StepGrids* grids)
    : solver_(dynamics, options, stride),
      grids_(grids),
      ones_(static_cast<std::size_t>(solver_.stages()), 1),
      sum_(dynamics.dimension(), stride) {
  solver_.control_tangents();
  const auto stages = static_cast<std::size_t>(solver_.stages());
  later_.assign(stages, std::vector<double>(stages, 0));
  for (std::size_t j = 0; j < stages; ++j) {
    for (std::size_t i = 0; i < j; ++i) later_[i][j] = solver_.tableau().a[j][i];
  }
}

double DiscreteSensitivity::observe(const std::vector<OneStepSolver::Segment>* grid,
                                    const double* theta, ConstStatesRef states,
                                    ConstVectorRef end_times, ConstStatesRef earlier_times,
                                    StatesRef observed) {
  const Index observations = earlier_times.rows() + 1;
  Vector reached = Vector::Zero(end_times.size());
  States at_time(states.rows(), states.cols());
  double largest = 0;
  for (Index k = 0; k < observations; ++k) {
    const bool is_last = k + 1 == observations;
    const Vector next = is_last ? Vector(end_times) : Vector(earlier_times.row(k));
    if (k == 0) {
      solver_.start_segments(theta, states, next, end_times);
    } else {
      solver_.start_segment(next - reached);
    }
    if (grid == nullptr) {
      solver_.advance(1);
    } else {
      largest = std::max(largest, solver_.follow((*grid)[static_cast<std::size_t>(k)].steps));
      if (largest > most_error) return largest;
    }
    solver_.read(at_time);
    for (Index b = 0; b < at_time.cols(); ++b) observed.col(b * observations + k) = at_time.col(b);
    reached = next;
  }
  return largest;
}

void DiscreteSensitivity::forward(Index block, const double* theta, ConstStatesRef states,
                                  ConstVectorRef end_times, ConstStatesRef earlier_times,
                                  StatesRef observed, bool derivatives) {
  solver_.keep_linearisations(derivatives);
  std::vector<OneStepSolver::Segment>* grid =
      grids_ != nullptr ? &(*grids_)[static_cast<std::size_t>(block)] : nullptr;
  const auto go = [&](const std::vector<OneStepSolver::Segment>* steps) {
    return observe(steps, theta, states, end_times, earlier_times, observed);
  };
  bool done = false;
  if (grid != nullptr && static_cast<Index>(grid->size()) == earlier_times.rows() + 1) {
    const double error = go(grid);
    done = error >= least_error && error <= most_error;
  }
  if (!done) go(nullptr);
  if (grid != nullptr) *grid = solver_.segments();
}

void DiscreteSensitivity::stage_cotangents(Index stage, const Lengths& step, const Block& lambda,
                                           Index r, BlockRef w) {
  const Tableau& t = solver_.tableau();
  const Index d = w.rows();
  const auto i = static_cast<std::size_t>(stage);
  combine(later_[i], position_cotangents_[static_cast<std::size_t>(r)], w);
  const Index first = r * solver_.dynamics().state_dimension();
  for (Index row = 0; row < d; ++row) {
    auto out = w.row(row).array();
    const auto lambda_q = lambda.row(first + row).array();
    if (solver_.newtonian()) {
      out = step * (step * (out + t.b[i] * lambda_q) +
                    t.b_velocity[i] * lambda.row(first + d + row).array());
    } else {
      out = step * (out + t.b[i] * lambda_q);
    }
  }
}

void DiscreteSensitivity::step_back(const Lengths& step, Block& lambda, Index r) {
  const Tableau& t = solver_.tableau();
  const Index d = sum_.rows();
  const Block& mu = position_cotangents_[static_cast<std::size_t>(r)];
  const Index first = r * solver_.dynamics().state_dimension();
  if (solver_.newtonian()) {
    combine({t.c.begin(), t.c.begin() + solver_.stages()}, mu, sum_);
    for (Index row = 0; row < d; ++row) {
      lambda.row(first + d + row).array() +=
          step * (lambda.row(first + row).array() + sum_.row(row).array());
    }
  }
  combine(ones_, mu, sum_);
  lambda.middleRows(first, d) += sum_;
}

void DiscreteSensitivity::prepare(Index cotangents, Index stages) {
  const Index d = solver_.dynamics().dimension();
  weights_.resize(stages * cotangents * d, solver_.stride());
  position_cotangents_.resize(static_cast<std::size_t>(cotangents));
  for (Block& mu : position_cotangents_) mu.resize(solver_.stages() * d, solver_.stride());
}

Index DiscreteSensitivity::sweep(Index k, Index end, Index first, Block& lambda, Index cotangents) {
  const Index d = solver_.dynamics().dimension();
  const Index stages = solver_.stages();
  const OneStepSolver::Segment& segment = solver_.segments()[static_cast<std::size_t>(k)];
  Linearisation& at = solver_.linearisation();
  Index n = end;
  for (auto h = segment.steps.rbegin(); h != segment.steps.rend(); ++h) {
    --n;
    poll_stop(solver_.options());
    const Lengths step = *h * segment.lengths.transpose().array();
    for (Index i = stages - 1; i >= 0; --i) {
      at.use_record(solver_.record(n, i));
      for (Index r = 0; r < cotangents; ++r) {
        auto w = weights_.middleRows((((n - first) * stages + i) * cotangents + r) * d, d);
        stage_cotangents(i, step, lambda, r, w);
        at.transposed_product(
            w, position_cotangents_[static_cast<std::size_t>(r)].middleRows(i * d, d));
      }
    }
    for (Index r = 0; r < cotangents; ++r) step_back(step, lambda, r);
  }
  backward_counts_.steps += end - n;
  backward_counts_.right_hand_sides += (end - n) * stages;
  return n;
}

template <class Part>
void DiscreteSensitivity::in_parts(Index stages, Index cotangents, Index parameters,
                                   const Part& part) const {
  constexpr double most_operations = 4e9;
  const double each = 2.0 * static_cast<double>(cotangents * solver_.stride() *
                                                solver_.dynamics().dimension() * parameters);
  const Index at_once = static_cast<Index>(std::max(1.0, most_operations / std::max(1.0, each)));
  for (Index first = 0; first < stages; first += at_once) {
    poll_stop(solver_.options());
    part(first, std::min(at_once, stages - first));
  }
}

void DiscreteSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                   StatesRef initial_cotangents) {
  const auto observations = static_cast<Index>(solver_.segments().size());
  const Index d = solver_.dynamics().dimension();
  Block lambda = Block::Zero(cotangents.rows(), solver_.stride());
  gradient_.setZero(gradient.size());
  backward_counts_ = {};
  prepare(1, stage_count());
  Index end = solver_.step_count();
  for (Index k = observations - 1; k >= 0; --k) {
    for (Index b = 0; b < initial_cotangents.cols(); ++b) {
      lambda.col(b) += cotangents.col(b * observations + k);
    }
    end = sweep(k, end, 0, lambda, 1);
  }
  in_parts(stage_count(), 1, gradient.size(), [&](Index first, Index count) {
    solver_.linearisation().add_parameter_products(
        solver_.records(0, first, count), weights_.middleRows(first * d, count * d), gradient_);
  });
  gradient = gradient_;
  initial_cotangents = lambda.leftCols(initial_cotangents.cols());
}

void DiscreteSensitivity::add_rows(Index first_step, Index steps, RowMatrixRef rows) {
  const Index states = solver_.dynamics().state_dimension();
  const Index d = solver_.dynamics().dimension() * states;
  in_parts(steps * solver_.stages(), states, rows.cols(), [&](Index first, Index count) {
    solver_.linearisation().add_parameter_rows(
        solver_.records(first_step, first, count),
        weights_.block(first * d, 0, count * d, rows.rows() / states), rows);
  });
}

void DiscreteSensitivity::jacobian(RowMatrixRef rows, RowMatrixRef by_start) {
  const Index states = solver_.dynamics().state_dimension();
  const auto observations = static_cast<Index>(solver_.segments().size());
  const Index points = rows.rows() / (states * observations);
  RowMatrix of_segment(observations > 1 ? points * states : 0, rows.cols());
  Eigen::MatrixXd a(states, states);  // of one trajectory
  backward_counts_ = {};
  Index first = 0;
  for (Index k = 0; k < observations; ++k) {
    const auto steps =
        static_cast<Index>(solver_.segments()[static_cast<std::size_t>(k)].steps.size());
    Block lambda = Block::Zero(states * states, solver_.stride());
    for (Index r = 0; r < states; ++r) lambda.row(r * states + r).setOnes();
    prepare(states, steps * solver_.stages());
    sweep(k, first + steps, first, lambda, states);
    RowMatrixRef own = observations > 1 ? RowMatrixRef(of_segment) : rows;
    own.setZero();
    add_rows(first, steps, own);
    for (Index b = 0; b < points; ++b) {
      const Index at = (b * observations + k) * states;
      for (Index r = 0; r < states; ++r) a.row(r) = lambda.col(b).segment(r * states, states);
      auto here = rows.middleRows(at, states);
      if (observations > 1) here = of_segment.middleRows(b * states, states);
      if (k > 0) here += a.lazyProduct(rows.middleRows(at - states, states));
      if (by_start.rows() == 0) continue;
      auto from_start = by_start.middleRows(at, states);
      from_start = a;
      if (k > 0) from_start = a * by_start.middleRows(at - states, states);
    }
    first += steps;
  }
}

}  // namespace isochron::one_step
