#include "sundials/adjoint.hpp"

#include <cmath>
#include <limits>

#include "isochron/error.hpp"
#include "sundials/corrector.hpp"

namespace isochron::sundials {
namespace {

// Solutions are kept whole, with a single checkpoint at the start: nothing is computed twice, and
// nothing depends on CVODES repeating its own steps exactly from a later checkpoint (it does not
// store all that they depend on). Longer solutions than these make the storage grow.
constexpr long first_capacity = 2000;
constexpr double largest_storage = 4.0 * 1024 * 1024 * 1024;  // bytes per block

constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();

int interpolation_flag(Interpolation interpolation) {
  return interpolation == Interpolation::polynomial ? CV_POLYNOMIAL : CV_HERMITE;
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
      linearised_at_(nowhere) {
  allocate_storage(first_capacity);
}

void AdjointSensitivity::allocate_storage(long steps) {
  capacity_ = steps;
  check(CVodeAdjInit(forward_.memory(), steps, interpolation_flag(options_.interpolation)),
        "CVodeAdjInit");
}

void AdjointSensitivity::grow_storage(long steps) {
  const VectorShape& shape = forward_.shape();
  const double bytes =
      static_cast<double>(steps) * static_cast<double>(shape.rows * shape.stride) * sizeof(double);
  if (bytes > largest_storage) {
    throw NumericalError("the adjoint would have to keep " + std::to_string(steps) +
                         " steps of a block, more than 4 GiB; ask for a shorter time, a looser "
                         "tolerance or a smaller block size");
  }
  CVodeAdjFree(forward_.memory());  // with the backward problem
  backward_problem_ = -1;
  allocate_storage(steps);
}

void AdjointSensitivity::forward(Index, const double* theta, ConstStatesRef states,
                                 ConstVectorRef end_times, StatesRef final_states, bool) {
  void* memory = forward_.memory();
  for (;;) {
    forward_.start(theta, states, end_times);
    check(CVodeAdjReInit(memory), "CVodeAdjReInit");
    check(CVodeSetStopTime(memory, 1), "CVodeSetStopTime");
    double reached = 0;
    int checkpoints = 0;
    const int flag = CVodeF(memory, 1, forward_.state(), &reached, CV_NORMAL, &checkpoints);
    if (flag < 0) forward_.raise(flag, "forward", reached);
    forward_counts_ = forward_.counts();
    if (forward_counts_.steps < capacity_) break;
    grow_storage(forward_counts_.steps + forward_counts_.steps / 2);
  }
  forward_.read(final_states);
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
  const int flag = CVodeB(memory, 0, CV_NORMAL);
  void* backward_memory = CVodeGetAdjCVodeBmem(memory, backward_problem_);
  double reached = 1;
  if (flag < 0) {
    CVodeGetCurrentTime(backward_memory, &reached);
    forward_.raise(flag, "backward", reached);
  }
  check(CVodeGetB(memory, backward_problem_, &reached, cotangent_.get()), "CVodeGetB");
  check(CVodeGetQuadB(memory, backward_problem_, &reached, gradient_.get()), "CVodeGetQuadB");
  gradient = as_row(gradient_.get());
  initial_cotangents = block.leftCols(cotangents.cols());
  backward_counts_ =
      read_counts(backward_memory, options_.integrator.method, forward_.problem().evaluations);
}

void AdjointSensitivity::jacobian(Eigen::Ref<Eigen::MatrixXd>) {
  throw InputError("the adjoint method gives gradients, not Jacobians");
}

double AdjointSensitivity::stored_bytes() const {
  const VectorShape& shape = forward_.shape();
  const int vectors =
      options_.interpolation == Interpolation::polynomial ? 1 : 2;  // y, or y and y'
  return static_cast<double>((forward_counts_.steps + 1) * vectors * shape.rows * shape.stride) *
         sizeof(double);
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
  const double quadrature_rtol = options_.quadrature_rtol > 0 ? options_.quadrature_rtol : rtol;
  const double atol_over_rtol = integrator.atol / integrator.rtol * cotangent_size;
  check(CVodeReInitB(memory, which, 1, cotangent_.get()), "CVodeReInitB");
  check(CVodeSStolerancesB(memory, which, rtol, rtol * atol_over_rtol), "CVodeSStolerancesB");
  check(CVodeSetMaxNumStepsB(memory, which, integrator.max_steps), "CVodeSetMaxNumStepsB");
  check(CVodeQuadReInitB(memory, which, gradient_.get()), "CVodeQuadReInitB");
  check(CVodeQuadSStolerancesB(memory, which, quadrature_rtol, quadrature_rtol * atol_over_rtol),
        "CVodeQuadSStolerancesB");
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
