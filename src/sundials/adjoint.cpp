#include "sundials/adjoint.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <limits>

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

constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();

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
                                 ConstVectorRef end_times, ConstStatesRef, StatesRef observed,
                                 bool derivatives) {
  stored_bytes_ = 0;
  checkpoints_.clear();
  if (derivatives && options_.checkpoint_distance == 0) {
    keep_whole(theta, states, end_times);
  } else {
    forward_.start(theta, states, end_times);
    if (derivatives) {
      leave_checkpoints();
    } else {
      forward_.advance(1);
    }
  }
  forward_counts_ = forward_.counts();
  forward_.read(observed);
}

void AdjointSensitivity::keep_whole(const double* theta, ConstStatesRef states,
                                    ConstVectorRef end_times) {
  void* memory = forward_.memory();
  if (capacity_ == 0) allocate(first_capacity);
  for (;;) {
    forward_.start(theta, states, end_times);
    start_keeping(0);
    while (kept_times_.back() < 1) keep_step();
    const long steps = count_steps(memory);
    if (steps < capacity_) {
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

void AdjointSensitivity::leave_checkpoints() {
  const long distance = options_.checkpoint_distance;
  long steps = 0;
  for (double tau = 0; tau < 1; ++steps) {
    if (steps % distance == 0) add_checkpoint(tau);
    tau = forward_.step();
  }
  longest_stretch_ = std::min(distance, steps) + restart_allowance;
  reserve(longest_stretch_ + 1);
}

void AdjointSensitivity::add_checkpoint(double tau) {
  checkpoints_.push_back({tau, as_block(forward_.state())});
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
    backward_counts_ += read_counts(memory, options_.integrator.method, 0);
    count_storage(count_steps(memory));
    if (tau >= end) return;
    add_checkpoint(tau);
  }
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

void AdjointSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                  StatesRef initial_cotangents) {
  backward_counts_ = {};
  const double size = cotangents.norm();
  if (size == 0) {
    gradient.setZero();
    initial_cotangents.setZero();
    return;
  }
  if (!std::isfinite(size)) throw NumericalError("the cotangents of the loss are not finite");
  auto block = as_block(cotangent_.get());
  block.setZero();
  block.leftCols(cotangents.cols()) = cotangents;
  N_VConst(0, gradient_.get());
  linearised_at_ = nowhere;
  forward_.problem().evaluations = 0;
  if (backward_problem_ < 0) create_backward();
  restart_backward(size);

  void* memory = forward_.memory();
  void* backward_memory = CVodeGetAdjCVodeBmem(memory, backward_problem_);
  if (options_.checkpoint_distance == 0) {
    solve_backward(0);
  } else {
    for (; !checkpoints_.empty(); checkpoints_.pop_back()) {
      solve_again(current_time(backward_memory));
      solve_backward(checkpoints_.back().tau);
    }
  }
  double reached = 0;
  check(CVodeGetB(memory, backward_problem_, &reached, cotangent_.get()), "CVodeGetB");
  check(CVodeGetQuadB(memory, backward_problem_, &reached, gradient_.get()), "CVodeGetQuadB");
  gradient = as_row(gradient_.get());
  initial_cotangents = block.leftCols(cotangents.cols());
  backward_counts_ +=
      read_counts(backward_memory, options_.integrator.method, forward_.problem().evaluations);
}

void AdjointSensitivity::jacobian(Eigen::Ref<Eigen::MatrixXd>) {
  throw InputError("the adjoint method gives gradients, not Jacobians");
}

/// From where it is to tau, where the forward solution kept begins.
void AdjointSensitivity::solve_backward(double tau) {
  void* memory = forward_.memory();
  void* backward_memory = CVodeGetAdjCVodeBmem(memory, backward_problem_);
  const std::vector<double> limits = backward_step_limits(
      kept_times_, longest_step(options_.integrator, forward_.problem().end_times,
                                forward_.problem().end_times, 1));
  std::size_t i = kept_times_.size() - 1;
  int flag = CV_SUCCESS;
  while (flag != CV_TSTOP_RETURN) {
    const double reached = current_time(backward_memory);
    while (i > 0 && kept_times_[i - 1] >= reached) --i;
    check(CVodeSetMaxStep(backward_memory, limits[i]), "CVodeSetMaxStep");
    flag = count_steps(backward_memory) < options_.integrator.max_steps
               ? CVodeB(memory, tau, CV_ONE_STEP)
               : CV_TOO_MUCH_WORK;
    forward_.verify(flag, "backward", current_time(backward_memory));
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
  check(CVodeSStolerancesB(memory, which, integrator.rtol, integrator.atol), "CVodeSStolerancesB");
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
    SplitSystem system{d, 0, d, -1, problem.end_times.data(), {}};
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

void AdjointSensitivity::restart_backward(double cotangent_size) {
  void* memory = forward_.memory();
  const int which = backward_problem_;
  const IntegratorOptions& integrator = options_.integrator;
  // lambda shrinks with the loss: a fixed absolute tolerance would destroy the gradient. The
  // gradient sums over trajectories, so what counts is the size of all cotangents together.
  const double rtol = options_.backward_rtol > 0 ? options_.backward_rtol : integrator.rtol;
  // Of the many steps of BDF the errors of the quadrature are of one sign, and add up.
  const double tighter = integrator.method == Method::bdf ? 0.1 : 1;
  const double quadrature_rtol =
      options_.quadrature_rtol > 0 ? options_.quadrature_rtol : tighter * rtol;
  const double atol_over_rtol = integrator.atol / integrator.rtol * cotangent_size;
  check(CVodeReInitB(memory, which, 1, cotangent_.get()), "CVodeReInitB");
  check(CVodeSStolerancesB(memory, which, rtol, rtol * atol_over_rtol), "CVodeSStolerancesB");
  check(CVodeQuadReInitB(memory, which, gradient_.get()), "CVodeQuadReInitB");
  // Where the gradient is smaller than the cotangents (in short times, far away, in the parameters'
  // units) it needs a tolerance in units of its own size.
  const double size = gradient_size(cotangent_size);
  const double unit = size > 0 ? std::min(1.0, size / cotangent_size) : 1;
  check(CVodeQuadSStolerancesB(memory, which, quadrature_rtol,
                               quadrature_rtol * atol_over_rtol * unit),
        "CVodeQuadSStolerancesB");
}

/// The size of the gradient's elements, where they are smaller than the cotangents: that of free
/// flight in the place, of some on the path, where it is largest; 0 if it is nowhere known.
double AdjointSensitivity::gradient_size(double cotangent_size) {
  constexpr std::size_t places = 32;
  N_Vector state = interpolated_.get();
  double size = 0;
  const auto look = [&](double tau) { size = std::max(size, flight_gradient(tau, state)); };
  if (options_.checkpoint_distance == 0) {
    const auto interpolate = [&](double tau) {
      check(CVodeGetAdjY(forward_.memory(), tau, state), "CVodeGetAdjY");
      look(tau);
    };
    const std::size_t between = kept_times_.size() / places + 1;
    for (std::size_t i = 0; i < kept_times_.size() && size < cotangent_size; i += between) {
      interpolate(i == 0 ? 1 : kept_times_[kept_times_.size() - 1 - i]);
    }
    if (size < cotangent_size) interpolate(0);
  } else {
    N_VScale(1, forward_.state(), state);
    look(1);
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
/// between there and the end: lambda_v = c_v + T c_q, c the cotangents.
double AdjointSensitivity::flight_gradient(double tau, N_Vector state) {
  BlockProblem& problem = forward_.problem();
  const Dynamics& dynamics = problem.dynamics.dynamics();
  linearise(tau, state);
  Block lambda = as_block(cotangent_.get());
  if (dynamics.motion() == Motion::newtonian) {
    const Index d = dynamics.dimension();
    const auto times = problem.end_times.transpose().array();
    for (Index row = 0; row < d; ++row)
      lambda.row(d + row).array() += times * lambda.row(row).array();
  }
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
