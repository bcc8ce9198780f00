#include "sundials/adjoint.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <limits>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sundials/corrector.hpp"

namespace isochron::sundials {
namespace {

// CVODES sees a single checkpoint, at the start of what it keeps. From its own ones it would rely
// on every step coming out as before, and it does not store all that steps depend on (the
// corrector's rate of convergence, for one). Longer solutions make the storage grow.
constexpr long first_capacity = 2000;

// Steps by which a solution from a checkpoint may exceed the first one: low orders to begin with.
constexpr long restart_allowance = 100;

constexpr double largest_storage = 4.0 * 1024 * 1024 * 1024;  // bytes per block

constexpr double nowhere = not_a_number;

int interpolation_flag(Interpolation interpolation) {
  return interpolation == Interpolation::polynomial ? CV_POLYNOMIAL : CV_HERMITE;
}

// The backward problem may begin where it is at rest, far from a force, and would grow its steps
// until they pass over what the forward problem resolved. So a backward step spans at most so many
// forward steps; in ordinary problems it spans one or two.
constexpr std::size_t longest_span = 20;

// Forward steps of a start at order one, which are short for that reason alone.
constexpr std::size_t starting_steps = 60;

/// The longest backward step from the interval before each of the forward `times`, at most
/// `longest`, in units of tau. CVODES heeds it one step late, so it holds for the next step, too.
std::vector<double> backward_step_limits(const std::vector<double>& times, double longest) {
  std::vector<double> limits(times.size(), longest);
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (std::size_t j = i - std::min(i, longest_span + 1); j < i; ++j) {
      if (j < starting_steps + longest_span) continue;
      limits[i] = std::min(limits[i], times[j] - times[j - longest_span]);
    }
  }
  return limits;
}

/// Whether all trajectories are observed at the same fractions of their end times, up to rounding
/// errors.
bool have_common_fractions(const Eigen::MatrixXd& fractions) {
  constexpr double rounding = 4 * epsilon;
  const Vector first = fractions.col(0);
  return ((fractions.colwise() - first).array().abs() <= rounding).all();
}

}  // namespace

AdjointSensitivity::AdjointSensitivity(const Dynamics& dynamics, const SensitivityOptions& options,
                                       Index stride)
    : options_(options),
      forward_(dynamics, options.integrator, stride),
      cotangent_(make_vector(forward_.shape(), forward_.context())),
      gradient_(make_vector({1, dynamics.parameters(), padded(dynamics.parameters())},
                            forward_.context())),
      interpolated_(make_vector(forward_.shape(), forward_.context())),
      linearised_at_(nowhere) {}

void AdjointSensitivity::forward(Index, const double* theta, ConstStatesRef states,
                                 ConstVectorRef end_times, ConstStatesRef earlier_times,
                                 StatesRef observed, bool derivatives) {
  stored_bytes_ = 0;
  checkpoints_.clear();
  kept_times_.clear();
  longest_stretch_ = 0;
  cut_into_segments(end_times, earlier_times);
  keeps_whole_ = derivatives && options_.checkpoint_distance == 0 && segments_.size() == 1;
  if (keeps_whole_) {
    keep_whole(theta, states, observed);
  } else {
    solve_segments(theta, states, observed, derivatives);
  }
  forward_counts_ = forward_.counts();
}

/// Solves the forward problem; where `derivatives` are to follow, leaves checkpoints.
void AdjointSensitivity::solve_segments(const double* theta, ConstStatesRef states,
                                        StatesRef observed, bool derivatives) {
  observed_ = 0;
  for (const Segment& segment : segments_) {
    segment_ = &segment - segments_.data();
    if (segment_ == 0) {
      forward_.start_segments(theta, states, segment.to, segments_.back().to);
    } else {
      forward_.start_segment(segment.from, segment.to);
    }
    if (derivatives) {
      leave_checkpoints(observed);
    } else if (segment.observations.size() == 1) {
      forward_.advance(1);
      observe(1, observed);
    } else {
      for (double tau = 0; tau < 1; observe(tau, observed)) tau = forward_.step();
    }
  }
  if (derivatives) reserve(longest_stretch_ + 1);
}

void AdjointSensitivity::cut_into_segments(ConstVectorRef end_times, ConstStatesRef earlier_times) {
  observations_ = earlier_times.rows() + 1;
  Eigen::MatrixXd times = Eigen::MatrixXd::Zero(observations_ + 1, end_times.size());
  times.row(observations_) = end_times.transpose();
  if (observations_ > 1) times.middleRows(1, observations_ - 1) = earlier_times;
  const Eigen::MatrixXd fractions =
      times.middleRows(1, observations_).array().rowwise() / end_times.transpose().array();
  segments_.clear();
  if (have_common_fractions(fractions)) {
    const Vector common = fractions.col(0);
    segments_.push_back({times.row(0), end_times, 0, {common.begin(), common.end()}});
    return;
  }
  for (Index k = 0; k < observations_; ++k) {
    segments_.push_back({times.row(k), times.row(k + 1), k, {1}});
  }
}

/// Reads the states at the observations that the last step to tau has passed.
void AdjointSensitivity::observe(double tau, StatesRef observed) {
  const Segment& segment = segments_[static_cast<std::size_t>(segment_)];
  const Index points = segment.to.size();
  const auto in_segment = [&] { return static_cast<std::size_t>(observed_ - segment.first); };
  for (; in_segment() < segment.observations.size(); ++observed_) {
    const double at = segment.observations[in_segment()];
    if (at > tau) return;
    check(CVodeGetDky(forward_.memory(), at, 0, interpolated_.get()), "CVodeGetDky");
    observed(Eigen::all, Eigen::seqN(observed_, points, observations_)) =
        as_block(interpolated_.get()).leftCols(points);
  }
}

void AdjointSensitivity::keep_whole(const double* theta, ConstStatesRef states,
                                    StatesRef observed) {
  void* memory = forward_.memory();
  segment_ = 0;
  if (capacity_ == 0) allocate(first_capacity);
  for (;;) {
    observed_ = 0;
    forward_.start(theta, states, segments_.front().to);
    start_keeping(0);
    while (kept_times_.back() < 1) observe(keep_step(), observed);
    const long steps = count_steps(memory);
    if (steps < capacity_) {
      limit_backward_steps();
      count_storage(steps);
      return;
    }
    reserve(steps + steps / 2);
  }
}

void AdjointSensitivity::start_keeping(double tau) {
  check(CVodeAdjReInit(forward_.memory()), "CVodeAdjReInit");
  kept_times_.assign(1, tau);
}

/// One step of the forward problem, which CVODES keeps; returns the tau reached.
double AdjointSensitivity::keep_step() {
  void* memory = forward_.memory();
  double tau = kept_times_.back();
  int checkpoints = 0;
  const int flag = count_steps(memory) < options_.integrator.max_steps
                       ? CVodeF(memory, 1, forward_.state(), &tau, CV_ONE_STEP, &checkpoints)
                       : CV_TOO_MUCH_WORK;
  forward_.verify(flag, "forward", tau);
  kept_times_.push_back(tau);
  return tau;
}

/// Solves a segment, and leaves a checkpoint every so many steps.
void AdjointSensitivity::leave_checkpoints(StatesRef observed) {
  const long distance = options_.checkpoint_distance > 0 ? options_.checkpoint_distance
                                                         : std::numeric_limits<long>::max();
  long steps = 0;
  for (double tau = 0; tau < 1; ++steps) {
    if (steps % distance == 0) add_checkpoint(tau);
    tau = forward_.step();
    observe(tau, observed);
  }
  longest_stretch_ = std::max(longest_stretch_, std::min(distance, steps) + restart_allowance);
}

void AdjointSensitivity::add_checkpoint(double tau) {
  checkpoints_.push_back({segment_, tau, as_block(forward_.state())});
}

/// Solves the forward problem from the last checkpoint until past `end`, every step kept. Where
/// this takes more steps than there is room for, it leaves another checkpoint and goes on from it.
void AdjointSensitivity::solve_again(double end) {
  void* memory = forward_.memory();
  long all_steps = 0;
  for (;;) {
    double tau = checkpoints_.back().tau;
    as_block(forward_.state()) = checkpoints_.back().state;
    forward_.restart(tau);
    start_keeping(tau);
    for (long steps = 0; tau < end && steps < longest_stretch_; ++steps, ++all_steps) {
      if (all_steps == options_.integrator.max_steps) {
        forward_.verify(CV_TOO_MUCH_WORK, "forward", tau);
      }
      tau = keep_step();
    }
    linearised_at_ = nowhere;  // the forward problem uses the same place
    limit_backward_steps();
    backward_counts_ += read_counts(memory, options_.integrator.method, 0);
    count_storage(count_steps(memory));
    if (tau >= end) return;
    add_checkpoint(tau);
  }
}

/// From the steps of the forward problem that are kept.
void AdjointSensitivity::limit_backward_steps() {
  const BlockProblem& problem = forward_.problem();
  step_limits_ = backward_step_limits(
      kept_times_, longest_step(options_.integrator, problem.whole_times, problem.lengths, 1));
}

void AdjointSensitivity::reserve(long steps) {
  if (steps <= capacity_) return;
  if (bytes(vectors_per_step() * steps) > largest_storage) {
    throw NumericalError(fmt::format(
        "the adjoint would have to keep {} steps of a block, more than 4 GiB; ask for a checkpoint "
        "distance, best some hundred steps, a shorter time, a looser tolerance or a smaller block "
        "size",
        steps));
  }
  allocate(steps);
}

void AdjointSensitivity::allocate(long steps) {
  CVodeAdjFree(forward_.memory());  // with the backward problem
  backward_problem_ = -1;
  capacity_ = steps;
  check(CVodeAdjInit(forward_.memory(), steps, interpolation_flag(options_.interpolation)),
        "CVodeAdjInit");
}

/// Notes how much is kept: the checkpoints, and `steps` steps with their start.
void AdjointSensitivity::count_storage(long steps) {
  const long states = static_cast<long>(checkpoints_.size()) + vectors_per_step() * (steps + 1);
  stored_bytes_ = std::max(stored_bytes_, bytes(states));
}

long AdjointSensitivity::vectors_per_step() const {
  return options_.interpolation == Interpolation::polynomial ? 1 : 2;  // y, or y and y'
}

double AdjointSensitivity::bytes(long states) const {
  const VectorShape& shape = forward_.shape();
  return static_cast<double>(states * shape.rows * shape.stride) * sizeof(double);
}

/// From the last to the first.
std::vector<AdjointSensitivity::Jump> AdjointSensitivity::jumps(ConstStatesRef cotangents) const {
  std::vector<Jump> all;
  const Index points = segments_.front().to.size();
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
    const auto count = static_cast<Index>(segment->observations.size());
    for (Index i = count - 1; i >= 0; --i) {
      const Index k = segment->first + i;
      const bool adds =
          (cotangents(Eigen::all, Eigen::seqN(k, points, observations_)).array() != 0).any();
      const bool changes_times = i == count - 1 && !all.empty();
      if (adds || changes_times) {
        all.push_back(
            {&*segment - segments_.data(), segment->observations[static_cast<std::size_t>(i)], k});
      }
    }
  }
  return all;
}

void AdjointSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                  StatesRef initial_cotangents) {
  backward_counts_ = {};
  backward_steps_ = 0;
  measured_size_ = 0;
  auto lambda = as_block(cotangent_.get());
  lambda.setZero();
  N_VConst(0, gradient_.get());
  forward_.problem().evaluations = 0;
  const Index points = initial_cotangents.cols();
  const std::vector<Jump> all = jumps(cotangents);
  double size = 0;
  for (auto jump = all.begin(); jump != all.end(); ++jump) {
    if (jump->segment != segment_) enter_segment(jump->segment);
    const States added =
        cotangents(Eigen::all, Eigen::seqN(jump->observation, points, observations_));
    const Vector& units = options_.integrator.state_units;
    size = std::hypot(size, units.size() == 0 ? Eigen::Ref<const States>(added).norm()
                                              : (units.asDiagonal() * added).norm());
    if (!std::isfinite(size)) throw NumericalError("the cotangents of the loss are not finite");
    lambda.leftCols(points) += added;
    restart_backward(jump->tau, size);
    const auto next = jump + 1;
    const double tau = next != all.end() && next->segment == segment_ ? next->tau : 0;
    go_back(tau);
    collect(tau);
  }
  gradient = as_row(gradient_.get());
  initial_cotangents = lambda.leftCols(points);
  backward_counts_.right_hand_sides += forward_.problem().evaluations;
}

/// Fetches the solution of the backward problem at tau, which its last step has passed.
void AdjointSensitivity::collect(double tau) {
  void* backward_memory = CVodeGetAdjCVodeBmem(forward_.memory(), backward_problem_);
  check(CVodeGetDky(backward_memory, tau, 0, cotangent_.get()), "CVodeGetDky");
  check(CVodeGetQuadDky(backward_memory, tau, 0, gradient_.get()), "CVodeGetQuadDky");
  backward_steps_ += count_steps(backward_memory);
  backward_counts_ += read_counts(backward_memory, options_.integrator.method, 0);
}

/// The one before, on the way back.
void AdjointSensitivity::enter_segment(Index segment) {
  segment_ = segment;
  const Segment& entered = segments_[static_cast<std::size_t>(segment)];
  forward_.enter_segment(entered.from, entered.to);
  while (checkpoints_.back().segment > segment) checkpoints_.pop_back();
}

void AdjointSensitivity::jacobian(RowMatrixRef, RowMatrixRef) {
  throw InputError("the adjoint method gives gradients, not Jacobians");
}

/// From where it is until past tau in the same segment, over as many stretches as that takes.
void AdjointSensitivity::go_back(double tau) {
  if (keeps_whole_) {
    solve_backward(tau);
    return;
  }
  void* backward_memory = CVodeGetAdjCVodeBmem(forward_.memory(), backward_problem_);
  for (double start = 1; start > tau;) {
    if (kept_times_.empty()) {
      const double reached = current_time(backward_memory);
      while (checkpoints_.back().tau >= reached) checkpoints_.pop_back();
      solve_again(reached);
    }
    start = kept_times_.front();
    solve_backward(std::max(tau, start));
    if (start >= tau) {
      checkpoints_.pop_back();
      kept_times_.clear();
    }
  }
}

/// From where it is until past tau, at most to where the stretch that is kept begins.
void AdjointSensitivity::solve_backward(double tau) {
  void* memory = forward_.memory();
  void* backward_memory = CVodeGetAdjCVodeBmem(memory, backward_problem_);
  std::size_t i = kept_times_.size() - 1;
  int flag = CV_SUCCESS;
  double reached = current_time(backward_memory);
  while (flag != CV_TSTOP_RETURN && reached > tau) {
    while (i > 0 && kept_times_[i - 1] >= reached) --i;
    check(CVodeSetMaxStep(backward_memory, step_limits_[i]), "CVodeSetMaxStep");
    flag = backward_steps_ + count_steps(backward_memory) < options_.integrator.max_steps
               ? CVodeB(memory, tau, CV_ONE_STEP)
               : CV_TOO_MUCH_WORK;
    reached = current_time(backward_memory);
    forward_.verify(flag, "backward", reached);
  }
}

void AdjointSensitivity::create_backward() {
  void* memory = forward_.memory();
  const IntegratorOptions& integrator = options_.integrator;
  check(CVodeCreateB(memory, multistep_family(integrator.method), &backward_problem_),
        "CVodeCreateB");
  const int which = backward_problem_;
  void* backward_memory = CVodeGetAdjCVodeBmem(memory, which);
  silence(backward_memory);
  check(CVodeInitB(memory, which, adjoint_derivative, 1, cotangent_.get()), "CVodeInitB");
  check(CVodeSetUserDataB(memory, which, this), "CVodeSetUserDataB");
  set_backward_tolerances(integrator.rtol, integrator.atol);
  if (integrator.method == Method::adams) {
    attach_corrector();
  } else {
    attach_newton();
  }
  tune(backward_memory);
  check(CVodeQuadInitB(memory, which, adjoint_quadrature, gradient_.get()), "CVodeQuadInitB");
  check(CVodeSetQuadErrConB(memory, which, 1), "CVodeSetQuadErrConB");
}

void AdjointSensitivity::attach_corrector() {
  BlockProblem& problem = forward_.problem();
  const Dynamics& dynamics = problem.dynamics.dynamics();
  if (dynamics.motion() == Motion::newtonian) {
    const Index d = dynamics.dimension();
    SplitSystem system{d, 0, d, -1, problem.lengths.data(), {}};
    system.far_derivative = [this](double tau, ConstBlockRef lambda_v, BlockRef out) {
      if (tau != linearised_at_) {
        const int flag = CVodeGetAdjY(forward_.memory(), tau, interpolated_.get());
        if (flag != CV_SUCCESS) return flag;
      }
      return forward_.problem().evaluate(out, [&] {
        linearise(tau, interpolated_.get());
        forward_.problem().dynamics.adjoint_acceleration(lambda_v, out);
      });
    };
    corrector_ = make_split_corrector(std::move(system), cotangent_.get(), forward_.context());
  } else {
    corrector_ = make_fixed_point(cotangent_.get(), forward_.context());
  }
  check(CVodeSetNonlinearSolverB(forward_.memory(), backward_problem_, corrector_.get()),
        "CVodeSetNonlinearSolverB");
}

void AdjointSensitivity::attach_newton() {
  void* memory = forward_.memory();
  matrix_ = make_block_matrix(forward_.problem().dynamics, forward_.shape().stride, System::adjoint,
                              forward_.context());
  linear_solver_ = make_block_solver(forward_.context());
  check(CVodeSetLinearSolverB(memory, backward_problem_, linear_solver_.get(), matrix_.get()),
        "CVodeSetLinearSolverB");
  check(CVodeSetJacFnB(memory, backward_problem_, adjoint_jacobian), "CVodeSetJacFnB");
}

void AdjointSensitivity::restart_backward(double tau, double cotangent_size) {
  if (backward_problem_ < 0) create_backward();
  linearised_at_ = nowhere;
  void* memory = forward_.memory();
  const int which = backward_problem_;
  const IntegratorOptions& integrator = options_.integrator;
  // lambda shrinks with the loss: a fixed absolute tolerance would destroy the gradient. The
  // gradient sums over trajectories, so what counts is the size of all cotangents together, of
  // those that have been added so far: what is left of small late ones may grow on the way back.
  const double rtol = options_.backward_rtol > 0 ? options_.backward_rtol : integrator.rtol;
  // Of the many steps of BDF the errors of the quadrature are of one sign, and add up.
  const double tighter = integrator.method == Method::bdf ? 0.1 : 1;
  const double quadrature_rtol =
      options_.quadrature_rtol > 0 ? options_.quadrature_rtol : tighter * rtol;
  const double atol_over_rtol = integrator.atol / integrator.rtol * cotangent_size;
  check(CVodeReInitB(memory, which, tau, cotangent_.get()), "CVodeReInitB");
  set_backward_tolerances(rtol, rtol * atol_over_rtol);
  check(CVodeQuadReInitB(memory, which, gradient_.get()), "CVodeQuadReInitB");
  // Where the gradient is smaller than the cotangents (in short times, far away, in the parameters'
  // units) it needs a tolerance in units of its own size.
  if (cotangent_size > 2 * measured_size_) {
    measured_size_ = cotangent_size;
    const double size = gradient_size(tau, cotangent_size);
    gradient_unit_ = size > 0 ? std::min(1.0, size / cotangent_size) : 1;
  }
  check(CVodeQuadSStolerancesB(memory, which, quadrature_rtol,
                               quadrature_rtol * atol_over_rtol * gradient_unit_),
        "CVodeQuadSStolerancesB");
}

/// A cotangent has the inverse unit of its component of a state.
void AdjointSensitivity::set_backward_tolerances(double rtol, double atol) {
  const Vector& units = options_.integrator.state_units;
  void* memory = forward_.memory();
  if (units.size() == 0) {
    check(CVodeSStolerancesB(memory, backward_problem_, rtol, atol), "CVodeSStolerancesB");
    return;
  }
  const VectorHandle tolerances =
      absolute_tolerances(forward_.shape(), forward_.context(), atol, units.cwiseInverse());
  check(CVodeSVtolerancesB(memory, backward_problem_, rtol, tolerances.get()),
        "CVodeSVtolerancesB");
}

/// The size of the gradient's elements, where they are smaller than the cotangents: that of free
/// flight in the place, of some on the path back from tau = `from`, where it is largest; 0 if it is
/// nowhere known.
double AdjointSensitivity::gradient_size(double from, double cotangent_size) {
  constexpr std::size_t places = 32;
  N_Vector state = interpolated_.get();
  double size = 0;
  const auto look = [&](double tau) { size = std::max(size, flight_gradient(tau, state)); };
  if (keeps_whole_) {
    const auto interpolate = [&](double tau) {
      check(CVodeGetAdjY(forward_.memory(), tau, state), "CVodeGetAdjY");
      look(tau);
    };
    const auto end = std::lower_bound(kept_times_.begin(), kept_times_.end(), from);
    const auto last = static_cast<std::size_t>(end - kept_times_.begin());
    const std::size_t between = (last + 1) / places + 1;
    for (std::size_t i = 0; i <= last && size < cotangent_size; i += between) {
      interpolate(i == 0 ? from : kept_times_[last - i]);
    }
    if (size < cotangent_size) interpolate(0);
  } else {
    N_VScale(1, forward_.state(), state);
    look(from);
    const std::size_t between = checkpoints_.size() / places + 1;
    for (std::size_t i = 0; i < checkpoints_.size() && size < cotangent_size; i += between) {
      as_block(state) = checkpoints_[i].state;
      look(checkpoints_[i].tau);
    }
    linearised_at_ = nowhere;
  }
  return size;
}

/// |T (dF/dtheta)^T lambda| at a state, root mean square over parameters, where no force acts
/// on the whole way T: lambda_v = c_v + T c_q, c the cotangents.
double AdjointSensitivity::flight_gradient(double tau, N_Vector state) {
  BlockProblem& problem = forward_.problem();
  const Dynamics& dynamics = problem.dynamics.dynamics();
  linearise(tau, state);
  Block lambda = as_block(cotangent_.get());
  const auto times = problem.whole_times.transpose().array();
  if (dynamics.motion() == Motion::newtonian) {
    const Index d = dynamics.dimension();
    for (Index row = 0; row < d; ++row)
      lambda.row(d + row).array() += times * lambda.row(row).array();
  }
  lambda.array().rowwise() *= times / problem.lengths.transpose().array();  // T, not the segment's
  Vector gradient = Vector::Zero(dynamics.parameters());
  problem.dynamics.add_parameter_product(lambda, 1, gradient);
  return gradient.norm() / std::sqrt(static_cast<double>(std::max<Index>(1, gradient.size())));
}

void AdjointSensitivity::linearise(double tau, N_Vector state) {
  // The corrector's iterations, the Jacobian and the quadrature meet at the same tau.
  if (tau == linearised_at_) return;
  linearised_at_ = nowhere;
  forward_.problem().dynamics.linearise(as_block(state));
  linearised_at_ = tau;
}

int AdjointSensitivity::adjoint_derivative(sunrealtype tau, N_Vector y, N_Vector lambda,
                                           N_Vector out, void* user) {
  auto& self = *static_cast<AdjointSensitivity*>(user);
  BlockProblem& problem = self.forward_.problem();
  return problem.evaluate(as_block(out), [&] {
    self.linearise(tau, y);
    problem.dynamics.adjoint_derivative(as_block(lambda), as_block(out));
  });
}

int AdjointSensitivity::adjoint_quadrature(sunrealtype tau, N_Vector y, N_Vector lambda,
                                           N_Vector out, void* user) {
  auto& self = *static_cast<AdjointSensitivity*>(user);
  BlockProblem& problem = self.forward_.problem();
  return problem.trap.run([&] {
    self.linearise(tau, y);
    N_VConst(0, out);
    problem.dynamics.add_parameter_product(as_block(lambda), -1, as_row(out));
  });
}

int AdjointSensitivity::adjoint_jacobian(sunrealtype tau, N_Vector y, N_Vector, N_Vector,
                                         SUNMatrix matrix, void* user, N_Vector, N_Vector,
                                         N_Vector) {
  auto& self = *static_cast<AdjointSensitivity*>(user);
  BlockProblem& problem = self.forward_.problem();
  return problem.trap.run([&] {
    self.linearise(tau, y);
    problem.dynamics.jacobians(field_jacobians(matrix));
  });
}

}  // namespace isochron::sundials
