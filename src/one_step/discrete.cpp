#include "one_step/discrete.hpp"

#include <algorithm>
#include <cmath>

#include "one_step/node_rows.hpp"

namespace isochron::one_step {
namespace {

/// A grid is taken again while its largest error, in units of the tolerance, is in this range.
constexpr double least_error = 0.02;
constexpr double most_error = 4;

/// Observations are dense where to interpolate them costs less than steps that end there.
struct DenseObservations {
  double per_step;    // so many, or more
  double strictness;  // that is demanded of the steps between them to begin with
};

/// Methods with higher embedded orders take longer steps than interpolation can follow.
DenseObservations dense_observations(const Tableau& tableau) {
  return tableau.embedded_order > 6 ? DenseObservations{2, 100} : DenseObservations{1.25, 1};
}

/// here = since + a before, a row at a time: Eigen's products of so few rows are not vectorised.
template <class Since, class Before, class Here>
void chain(const Since& since, const Eigen::MatrixXd& a, const Before& before, Here& here) {
  for (Index r = 0; r < here.rows(); ++r) {
    auto row = here.row(r);
    row = since.row(r) + a(r, 0) * before.row(0);
    for (Index s = 1; s < before.rows(); ++s) row += a(r, s) * before.row(s);
  }
}

}  // namespace

DiscreteSensitivity::DiscreteSensitivity(const Dynamics& dynamics, const IntegratorOptions& options,
                                         Index stride, StepGrids* grids)
    : solver_(dynamics, options, stride),
      grids_(grids),
      ones_(static_cast<std::size_t>(solver_.stages()), 1),
      identity_(Block::Zero(dynamics.dimension() * dynamics.dimension(), stride)),
      sum_(dynamics.dimension(), stride) {
  for (Index d = 0; d < dynamics.dimension(); ++d) {
    identity_.row(d * dynamics.dimension() + d).setOnes();
  }
  solver_.control_tangents();
  const auto stages = static_cast<std::size_t>(solver_.stages());
  later_.assign(stages, std::vector<double>(stages, 0));
  for (std::size_t j = 0; j < stages; ++j) {
    for (std::size_t i = 0; i < j; ++i) later_[i][j] = solver_.tableau().a[j][i];
  }
}

double DiscreteSensitivity::step_to_observations(const StepGrid* grid, const Given& given,
                                                 StatesRef observed) {
  strictness_ = 1;
  solver_.demand(strictness_, 1);
  solver_.keep_nodes(false);
  Vector reached = Vector::Zero(given.end_times.size());
  States at_time(given.states.rows(), given.states.cols());
  double largest = 0;
  const Index observations = given.observations();
  for (Index k = 0; k < observations; ++k) {
    const bool is_last = k + 1 == observations;
    const Vector next = is_last ? Vector(given.end_times) : Vector(given.earlier_times.row(k));
    if (k == 0) {
      solver_.start_segments(given.theta, given.states, next, given.end_times);
    } else {
      solver_.start_segment(next - reached);
    }
    if (grid == nullptr) {
      solver_.advance(1);
    } else {
      const auto& steps = grid->segments[static_cast<std::size_t>(k)].steps;
      largest = std::max(largest, solver_.follow(steps));
      if (largest > most_error) return largest;
    }
    solver_.read(at_time);
    for (Index b = 0; b < at_time.cols(); ++b) observed.col(b * observations + k) = at_time.col(b);
    reached = next;
  }
  return largest;
}

void DiscreteSensitivity::interpolate(const Given& given, StatesRef observed) {
  interpolant_.place(given.end_times, given.earlier_times);
  interpolant_.observe(observed);
}

double DiscreteSensitivity::step_past_observations(const StepGrid& grid, const Given& given,
                                                   StatesRef observed) {
  start_past_observations(grid.strictness, 1, given);
  double largest = solver_.follow(grid.segments.front().steps);
  if (largest > most_error) return largest;
  solver_.end_nodes();
  interpolant_.start();
  largest = std::max(largest, interpolant_.errors().maxCoeff());
  interpolate(given, observed);
  return largest;
}

void DiscreteSensitivity::start_past_observations(double strictness, double longest_step,
                                                  const Given& given) {
  strictness_ = strictness;
  solver_.demand(strictness, longest_step);
  solver_.keep_nodes(true);
  solver_.start(given.theta, given.states, given.end_times);
}

bool DiscreteSensitivity::choose_steps_past_observations(const Given& given, StatesRef observed) {
  constexpr int most_attempts = 6;
  constexpr double reserve = 1.2;
  constexpr double most_amplification = 1000;
  constexpr double most_parts = 3;  // of a step that is cut: neighbours must not differ by much
  const Tableau& tableau = solver_.tableau();
  const DenseObservations dense = dense_observations(tableau);
  const double most_steps = static_cast<double>(given.observations()) / dense.per_step;
  const auto fewest_steps = static_cast<double>(interpolant_.count() - 1);
  if (tableau.embedded_order == 0 || most_steps < reserve * fewest_steps) return false;
  double strictness = dense.strictness, longest_step = 1, shorter = 1;
  std::vector<double> cut;  // of the steps before; none: by the solver's choice
  const auto shorten_all = [&] {
    cut.clear();
    strictness *= std::pow(shorter, tableau.embedded_order + 1);
  };
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    start_past_observations(strictness, longest_step, given);
    if (!cut.empty() && solver_.follow(cut) > most_error) {  // of tangents, where none was known
      shorten_all();
      continue;
    }
    if (cut.empty() && !solver_.advance_within(static_cast<Index>(most_steps))) return false;
    const auto steps = static_cast<double>(solver_.step_count());
    if (steps < fewest_steps) {
      longest_step = 1 / (reserve * fewest_steps);
      continue;
    }
    solver_.end_nodes();
    interpolant_.start();
    if (interpolant_.amplification() > most_amplification) {
      longest_step = 1 / (reserve * steps);  // more even ones
      cut.clear();
      continue;
    }
    const Vector errors = interpolant_.errors();
    if (errors.maxCoeff() <= 1) {
      interpolate(given, observed);
      return true;
    }
    // Cut where they are too long, or shorter wherever they are: whatever makes fewer of them.
    shorter = interpolant_.shortening(errors.maxCoeff());
    if (shorter <= most_parts) cut = interpolant_.cut_steps(errors);
    const double shorter_steps = shorter * steps;
    const double cut_steps =
        shorter <= most_parts ? static_cast<double>(cut.size()) : shorter_steps;
    if (std::min(cut_steps, shorter_steps) > most_steps) return false;
    if (cut_steps >= shorter_steps) shorten_all();
  }
  return false;
}

bool DiscreteSensitivity::follow(const StepGrid& grid, const Given& given, StatesRef observed) {
  if (grid.observations != given.observations()) return false;
  interpolated_ = static_cast<Index>(grid.segments.size()) < grid.observations;
  const double error = interpolated_ ? step_past_observations(grid, given, observed)
                                     : step_to_observations(&grid, given, observed);
  return error >= least_error && error <= most_error;
}

void DiscreteSensitivity::forward(Index block, const double* theta, ConstStatesRef states,
                                  ConstVectorRef end_times, ConstStatesRef earlier_times,
                                  StatesRef observed, bool derivatives) {
  solver_.keep_linearisations(derivatives);
  const auto number = static_cast<std::size_t>(block);
  const StepGrid* grid = grids_ != nullptr ? &grids_->kept[number] : nullptr;
  const Given given{theta, states, end_times, earlier_times};
  if (grid == nullptr || !follow(*grid, given, observed)) {
    interpolated_ = choose_steps_past_observations(given, observed);
    if (!interpolated_) step_to_observations(nullptr, given, observed);
  }
  if (grids_ != nullptr) {
    grids_->last[number] = {given.observations(), strictness_, solver_.segments()};
  }
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

DiscreteSensitivity::Steps DiscreteSensitivity::all_of(Index k, Index first) const {
  const auto& steps = solver_.segments()[static_cast<std::size_t>(k)].steps;
  return {k, 0, static_cast<Index>(steps.size()), first};
}

void DiscreteSensitivity::sweep(const Steps& steps, Index first, Block& lambda, Index cotangents,
                                const BlockRef* of_force) {
  const Index d = solver_.dynamics().dimension();
  const Index stages = solver_.stages();
  const OneStepSolver::Segment& segment =
      solver_.segments()[static_cast<std::size_t>(steps.segment)];
  Linearisation& at = solver_.linearisation();
  for (Index m = steps.count() - 1; m >= 0; --m) {
    const Index n = steps.first + m;
    poll_stop(solver_.options());
    const double h = segment.steps[static_cast<std::size_t>(steps.begin + m)];
    const Lengths step = h * segment.lengths.transpose().array();
    for (Index i = stages - 1; i >= 0; --i) {
      at.use_record(solver_.record(n, i));
      for (Index r = 0; r < cotangents; ++r) {
        auto w = weights_.middleRows((((n - first) * stages + i) * cotangents + r) * d, d);
        stage_cotangents(i, step, lambda, r, w);
        if (of_force != nullptr && m == 0 && i == 0) w += *of_force;
        at.transposed_product(
            w, position_cotangents_[static_cast<std::size_t>(r)].middleRows(i * d, d));
      }
    }
    for (Index r = 0; r < cotangents; ++r) step_back(step, lambda, r);
  }
  backward_counts_.steps += steps.count();
  backward_counts_.right_hand_sides += steps.count() * stages;
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

void DiscreteSensitivity::gradient_of_segments(ConstStatesRef cotangents, Block& lambda) {
  const auto observations = static_cast<Index>(solver_.segments().size());
  prepare(1, stage_count());
  Index end = solver_.step_count();
  for (Index k = observations - 1; k >= 0; --k) {
    for (Index b = 0; b < cotangents.cols() / observations; ++b) {
      lambda.col(b) += cotangents.col(b * observations + k);
    }
    Steps steps = all_of(k, 0);
    steps.first = end - steps.count();
    sweep(steps, 0, lambda, 1);
    end = steps.first;
  }
}

void DiscreteSensitivity::gradient_of_nodes(ConstStatesRef cotangents, Block& lambda) {
  const Index d = solver_.dynamics().dimension();
  const Index rows = lambda.rows() + d;  // of a node
  const Index last = solver_.step_count();
  interpolant_.observe_back(cotangents, node_cotangents_);
  // The stage after the last one is the force at the last node.
  prepare(1, stage_count() + 1);
  auto w = weights_.bottomRows(d);
  w = node_cotangents_.bottomRows(d);
  solver_.linearisation().use_record(solver_.record(last, 0));
  solver_.linearisation().transposed_product(w, lambda.topRows(d));
  for (Index n = last; n >= 0; --n) {
    lambda += node_cotangents_.middleRows(n * rows, lambda.rows());
    if (n == 0) break;
    const BlockRef of_force = node_cotangents_.middleRows(n * rows - d, d);
    sweep({0, n - 1, n, n - 1}, 0, lambda, 1, &of_force);
  }
}

void DiscreteSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                   StatesRef initial_cotangents) {
  const Index d = solver_.dynamics().dimension();
  Block lambda = Block::Zero(cotangents.rows(), solver_.stride());
  gradient_.setZero(gradient.size());
  backward_counts_ = {};
  if (interpolated_) {
    gradient_of_nodes(cotangents, lambda);
  } else {
    gradient_of_segments(cotangents, lambda);
  }
  in_parts(weights_.rows() / d, 1, gradient.size(), [&](Index first, Index count) {
    solver_.linearisation().add_parameter_products(
        solver_.records(0, first, count), weights_.middleRows(first * d, count * d), gradient_);
  });
  gradient = gradient_;
  initial_cotangents = lambda.leftCols(initial_cotangents.cols());
}

void DiscreteSensitivity::add_rows(const Steps& steps, RowMatrixRef rows) {
  const Index states = solver_.dynamics().state_dimension();
  const Index d = solver_.dynamics().dimension() * states;
  in_parts(steps.count() * solver_.stages(), states, rows.cols(), [&](Index first, Index count) {
    solver_.linearisation().add_parameter_rows(
        solver_.records(steps.first, first, count),
        weights_.block(first * d, 0, count * d, rows.rows() / states), rows);
  });
}

void DiscreteSensitivity::sweep_all(const Steps& steps, Block& lambda) {
  const Index states = solver_.dynamics().state_dimension();
  lambda.setZero(states * states, solver_.stride());
  for (Index r = 0; r < states; ++r) lambda.row(r * states + r).setOnes();
  prepare(states, steps.count() * solver_.stages());
  sweep(steps, steps.first, lambda, states);
}

void DiscreteSensitivity::jacobian_of_segments(RowMatrixRef rows, RowMatrixRef by_start) {
  const Index states = solver_.dynamics().state_dimension();
  const auto observations = static_cast<Index>(solver_.segments().size());
  const Index points = rows.rows() / (states * observations);
  RowMatrix of_segment(observations > 1 ? points * states : 0, rows.cols());
  Eigen::MatrixXd a(states, states);  // of one trajectory
  Block lambda;
  Index first = 0;
  for (Index k = 0; k < observations; ++k) {
    const Steps steps = all_of(k, first);
    RowMatrixRef own = observations > 1 ? RowMatrixRef(of_segment) : rows;
    own.setZero();
    sweep_all(steps, lambda);
    add_rows(steps, own);
    for (Index b = 0; b < points; ++b) {
      const Index at = (b * observations + k) * states;
      for (Index r = 0; r < states; ++r) a.row(r) = lambda.col(b).segment(r * states, states);
      auto here = rows.middleRows(at, states);
      if (k > 0) {
        chain(of_segment.middleRows(b * states, states), a, rows.middleRows(at - states, states),
              here);
      } else if (observations > 1) {
        here = of_segment.middleRows(b * states, states);
      }
      if (by_start.rows() == 0) continue;
      auto from_start = by_start.middleRows(at, states);
      from_start = a;
      if (k > 0) from_start = a * by_start.middleRows(at - states, states);
    }
    first += steps.count();
  }
}

void DiscreteSensitivity::jacobian_of_nodes(RowMatrixRef rows, RowMatrixRef by_start) {
  const Dynamics& dynamics = solver_.dynamics();
  const Index states = dynamics.state_dimension(), d = dynamics.dimension();
  const Index points = rows.rows() / (states * interpolant_.observations());
  NodeRows by_parameters(interpolant_, dynamics, points, rows.cols());
  NodeRows from_start(interpolant_, dynamics, by_start.rows() > 0 ? points : 0, states);
  Block a, slopes(d * d, solver_.stride());
  Linearisation& at = solver_.linearisation();
  by_parameters.start();
  from_start.start();
  auto y = from_start.of_states();
  for (Index i = 0; i < y.rows(); ++i) y(i, i % states) = 1;
  for (Index n = 0; n <= solver_.step_count(); ++n) {
    if (n > 0) {
      const Steps step{0, n - 1, n, n - 1};
      sweep_all(step, a);
      by_parameters.advance(a);
      from_start.advance(a);
      add_rows(step, by_parameters.of_states());
    }
    at.use_record(solver_.record(n, 0));
    at.jacobians(slopes);
    by_parameters.take_slopes(slopes);
    from_start.take_slopes(slopes);
    at.add_parameter_rows(solver_.records(n, 0, 1), identity_.leftCols(points),
                          by_parameters.of_forces());
    by_parameters.observe(rows);
    from_start.observe(by_start);
  }
}

void DiscreteSensitivity::jacobian(RowMatrixRef rows, RowMatrixRef by_start) {
  backward_counts_ = {};
  if (interpolated_) {
    jacobian_of_nodes(rows, by_start);
  } else {
    jacobian_of_segments(rows, by_start);
  }
}

}  // namespace isochron::one_step
