#include "sundials/solver.hpp"

#include <fmt/core.h>
#include <algorithm>

#include "isochron/error.hpp"
#include "sundials/corrector.hpp"

namespace isochron::sundials {

void ErrorTrap::rethrow() {
  if (const auto error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
}

BlockProblem::BlockProblem(const Dynamics& model, Index stride, const IntegratorOptions& integrator)
    : dynamics(model, stride),
      options(integrator),
      lengths(Vector::Zero(stride)),
      whole_times(Vector::Zero(stride)) {}

void BlockProblem::guard(ConstBlockRef out) const {
  poll_stop(options);
  raise_exhaustion();
  // x * 0 is NaN exactly for infinite and NaN x: a sum finds them faster than a search.
  if ((out.array() * 0.0).sum() != 0.0) throw NumericalError("the force is not finite");
}

namespace {

// y' = T F(y).
int state_derivative(sunrealtype, N_Vector y, N_Vector out, void* user) {
  auto& problem = *static_cast<BlockProblem*>(user);
  return problem.evaluate(as_block(out),
                          [&] { problem.dynamics.derivative(as_block(y), as_block(out)); });
}

// J = T dF/dy, for Newton.
int state_jacobian(sunrealtype, N_Vector y, N_Vector, SUNMatrix matrix, void* user, N_Vector,
                   N_Vector, N_Vector) {
  auto& problem = *static_cast<BlockProblem*>(user);
  return problem.trap.run([&] {
    problem.dynamics.linearise(as_block(y));
    problem.dynamics.jacobians(field_jacobians(matrix));
  });
}

}  // namespace

VectorHandle absolute_tolerances(const VectorShape& shape, SUNContext context, double atol,
                                 const Vector& units) {
  VectorHandle tolerances = make_vector(shape, context);
  as_block(tolerances.get()).colwise() = atol * units;
  return tolerances;
}

int multistep_family(Method method) { return method == Method::adams ? CV_ADAMS : CV_BDF; }

void tune(void* memory) {
  // By default neither step nor order changes unless the step can grow by 1.5, and over an orbit or
  // two the order stays at 4 to 7. With a growth threshold of 1.1 it reaches 9 to 12 with a third
  // fewer steps; taking every reduction below 0.9 at once costs less than failing the error test
  // later. (An upper bound <= 1 would silently mean the default.)
  check(CVodeSetEtaFixedStepBounds(memory, 0.9, 1.1), "CVodeSetEtaFixedStepBounds");
  check(CVodeSetNonlinConvCoef(memory, 0.3), "CVodeSetNonlinConvCoef");
}

long count_steps(void* memory) {
  long steps = 0;
  check(CVodeGetNumSteps(memory, &steps), "CVodeGetNumSteps");
  return steps;
}

IntegrationCounts read_counts(void* memory, Method method, long evaluations) {
  IntegrationCounts counts;
  counts.right_hand_sides = evaluations;
  counts.steps = count_steps(memory);
  check(CVodeGetNumErrTestFails(memory, &counts.error_test_failures), "CVodeGetNumErrTestFails");
  check(CVodeGetNumNonlinSolvConvFails(memory, &counts.convergence_failures),
        "CVodeGetNumNonlinSolvConvFails");
  if (method == Method::bdf) {
    check(CVodeGetNumJacEvals(memory, &counts.jacobians), "CVodeGetNumJacEvals");
  }
  return counts;
}

double current_time(void* memory) {
  double tau = 0;
  check(CVodeGetCurrentTime(memory, &tau), "CVodeGetCurrentTime");
  return tau;
}

ForwardSolver::ForwardSolver(const Dynamics& dynamics, const IntegratorOptions& options,
                             Index stride)
    : context_(make_context()),
      problem_(dynamics, stride, options),
      shape_{dynamics.state_dimension(), stride, stride, Norm::largest_trajectory},
      state_(make_vector(shape_, context_.get())),
      memory_(check_handle(CVodeCreate(multistep_family(options.method), context_.get()))) {
  void* memory = memory_.get();
  silence(memory);
  check(CVodeInit(memory, state_derivative, 0, state_.get()), "CVodeInit");
  check(CVodeSetUserData(memory, &problem_), "CVodeSetUserData");
  if (options.state_units.size() == 0) {
    check(CVodeSStolerances(memory, options.rtol, options.atol), "CVodeSStolerances");
  } else {
    const VectorHandle atol =
        absolute_tolerances(shape_, context_.get(), options.atol, options.state_units);
    check(CVodeSVtolerances(memory, options.rtol, atol.get()), "CVodeSVtolerances");
  }
  if (options.method == Method::adams) {
    attach_corrector();
  } else {
    attach_newton();
  }
  tune(memory);
}

void ForwardSolver::attach_corrector() {
  const Dynamics& dynamics = problem_.dynamics.dynamics();
  if (dynamics.motion() == Motion::newtonian) {
    const Index d = dynamics.dimension();
    SplitSystem system{0, d, d, 1, problem_.lengths.data(), {}};
    system.far_derivative = [this](double, ConstBlockRef q, BlockRef out) {
      return problem_.evaluate(out, [&] { problem_.dynamics.acceleration(q, out); });
    };
    corrector_ = make_split_corrector(std::move(system), state_.get(), context_.get());
  } else {
    corrector_ = make_fixed_point(state_.get(), context_.get());
  }
  check(CVodeSetNonlinearSolver(memory_.get(), corrector_.get()), "CVodeSetNonlinearSolver");
}

void ForwardSolver::attach_newton() {
  matrix_ = make_block_matrix(problem_.dynamics, shape_.stride, System::state, context_.get());
  linear_solver_ = make_block_solver(context_.get());
  check(CVodeSetLinearSolver(memory_.get(), linear_solver_.get(), matrix_.get()),
        "CVodeSetLinearSolver");
  check(CVodeSetJacFn(memory_.get(), state_jacobian), "CVodeSetJacFn");
}

void ForwardSolver::start(const double* theta, ConstStatesRef states, ConstVectorRef end_times) {
  start_segments(theta, states, end_times, end_times);
}

void ForwardSolver::start_segments(const double* theta, ConstStatesRef states, ConstVectorRef to,
                                   ConstVectorRef whole_times) {
  fill_block(states, as_block(state_.get()));
  fill_times(whole_times, problem_.whole_times);
  problem_.dynamics.bind(theta, problem_.lengths.data());
  problem_.trap.clear();
  problem_.evaluations = 0;
  earlier_counts_ = {};
  enter_segment(Vector::Zero(to.size()), to);
  restart(0);
}

void ForwardSolver::start_segment(ConstVectorRef from, ConstVectorRef to) {
  earlier_counts_ += read_counts(memory_.get(), problem_.options.method, 0);
  enter_segment(from, to);
  restart(0);
}

void ForwardSolver::enter_segment(ConstVectorRef from, ConstVectorRef to) {
  earlier_time_ = from[0];
  fill_times(to - from, problem_.lengths);
  check(CVodeSetMaxStep(memory_.get(),
                        longest_step(problem_.options, problem_.whole_times, problem_.lengths, 1)),
        "CVodeSetMaxStep");
}

void ForwardSolver::restart(double tau) {
  void* memory = memory_.get();
  check(CVodeReInit(memory, tau, state_.get()), "CVodeReInit");
  check(CVodeSetMaxNumSteps(memory, problem_.options.max_steps), "CVodeSetMaxNumSteps");
  check(CVodeSetStopTime(memory, 1), "CVodeSetStopTime");
}

int ForwardSolver::run(double tau, int mode, double& reached) {
  void* memory = memory_.get();
  reached = current_time(memory);
  // CVODES itself limits only the steps of one call, and takes 0 for its own default.
  const long steps_left = problem_.options.max_steps - earlier_counts_.steps - count_steps(memory);
  const bool is_there = mode == CV_NORMAL && tau <= reached;
  if (steps_left <= 0 && !is_there) return CV_TOO_MUCH_WORK;
  check(CVodeSetMaxNumSteps(memory, std::max(1L, steps_left)), "CVodeSetMaxNumSteps");
  return CVode(memory, tau, state_.get(), &reached, mode);
}

void ForwardSolver::advance(double tau) {
  double reached = 0;
  const int flag = run(tau, CV_NORMAL, reached);
  verify(flag, "forward", reached);
}

double ForwardSolver::step() {
  double reached = 0;
  const int flag = run(1, CV_ONE_STEP, reached);
  verify(flag, "forward", reached);
  return reached;
}

void ForwardSolver::read(StatesRef states) const {
  states = as_block(state_.get()).leftCols(states.cols());
}

IntegrationCounts ForwardSolver::counts() const {
  IntegrationCounts counts = earlier_counts_;
  counts += read_counts(memory_.get(), problem_.options.method, problem_.evaluations);
  return counts;
}

void ForwardSolver::verify(int flag, const char* problem, double tau) {
  if (flag == CV_MEM_FAIL) note_exhaustion();
  raise_exhaustion();
  if (flag >= 0) return;
  const IntegratorOptions& options = problem_.options;
  std::string reason = flag_name(flag);
  if (flag == CV_TOO_MUCH_WORK) reason = too_many_steps(options);
  try {
    problem_.trap.rethrow();
  } catch (const NumericalError& error) {
    reason += fmt::format(", {}", error.what());
  }
  throw integration_failure(problem, earlier_time_ + tau * problem_.lengths[0],
                            problem_.whole_times[0], options, reason);
}

}  // namespace isochron::sundials
