#include "sundials/forward.hpp"

#include <algorithm>
#include <limits>

#include "sundials/corrector.hpp"

namespace isochron::sundials {
namespace {

int corrector_flag(const SensitivityOptions& options) {
  return options.staggered ? CV_STAGGERED : CV_SIMULTANEOUS;
}

}  // namespace

ForwardSensitivity::ForwardSensitivity(const Dynamics& dynamics, const SensitivityOptions& options,
                                       Index stride)
    : options_(options),
      parameter_count_(dynamics.parameters()),
      solver_(dynamics, options.integrator, stride),
      sensitivities_(parameter_count_ == 0
                         ? nullptr
                         : check_handle(N_VCloneVectorArray(static_cast<int>(parameter_count_),
                                                            solver_.state())),
                     VectorsDeleter{static_cast<int>(parameter_count_)}),
      jacobians_(dynamics.dimension() * dynamics.dimension(), stride),
      parameter_jacobians_(dynamics.dimension() * dynamics.parameters(), stride) {
  solver_.problem().sensitivity = this;
  void* memory = solver_.memory();
  const auto count = static_cast<int>(dynamics.parameters());
  if (count == 0) return;  // CVODES wants at least one
  clear();
  check(CVodeSensInit(memory, count, corrector_flag(options), sensitivity_derivatives,
                      sensitivities_.get()),
        "CVodeSensInit");
  check(CVodeSetSensErrCon(memory, options.sensitivity_error_control ? 1 : 0),
        "CVodeSetSensErrCon");
  if (options.integrator.method == Method::adams) attach_corrector();  // BDF has its Newton
}

void ForwardSensitivity::attach_corrector() {
  const auto count = static_cast<int>(parameters());
  if (options_.staggered) {
    corrector_ = make_fixed_point(solver_.state(), solver_.context(), count);
    check(CVodeSetNonlinearSolverSensStg(solver_.memory(), corrector_.get()),
          "CVodeSetNonlinearSolverSensStg");
  } else {
    corrector_ = make_fixed_point(solver_.state(), solver_.context(), count + 1);
    check(CVodeSetNonlinearSolverSensSim(solver_.memory(), corrector_.get()),
          "CVodeSetNonlinearSolverSensSim");
  }
}

/// A state may err by atol, so its derivative by p may err by atol where p changes by its own size:
/// a parameter of another unit gives the same solution to the same accuracy. Small parameters, such
/// as the weights of a network, count as 1. In short times, or far from where the force is felt,
/// all derivatives are small, and may err by as much less.
void ForwardSensitivity::set_tolerances(const double* theta) {
  constexpr double smallest = 1e-200;
  const Eigen::Map<const Vector> parameters(theta, parameter_count_);
  const Eigen::ArrayXd units = parameters.array().abs().max(1.0);
  const double atol = options_.integrator.atol * std::min(1.0, derivative_size(units));
  Vector tolerances = (atol / units).max(smallest);
  check(CVodeSensSStolerances(solver_.memory(), options_.integrator.rtol, tolerances.data()),
        "CVodeSensSStolerances");
}

/// The size of the largest derivative, by parameters in these units, if the force were the same
/// everywhere: T |dF/dtheta_p|, and T times that for positions. At least that of the rounding
/// errors of the states; 1 where no parameter is felt.
double ForwardSensitivity::derivative_size(const Eigen::ArrayXd& units) {
  BlockProblem& problem = solver_.problem();
  const Block states = as_block(solver_.state());
  problem.dynamics.linearise(states);
  problem.dynamics.parameter_jacobians(parameter_jacobians_);
  const Eigen::ArrayXd slopes = parameter_jacobians_.cwiseAbs().rowwise().maxCoeff();
  const double slope = (slopes * units.replicate(slopes.size() / units.size(), 1)).maxCoeff();
  if (slope == 0) return 1;
  const double time = problem.end_times.cwiseAbs().maxCoeff();
  const bool is_newtonian = problem.dynamics.dynamics().motion() == Motion::newtonian;
  const double rounding = std::numeric_limits<double>::epsilon() * states.cwiseAbs().maxCoeff();
  return std::max(rounding, slope * (is_newtonian ? std::min(time, time * time) : time));
}

void ForwardSensitivity::clear() {
  for (Index p = 0; p < parameters(); ++p) {
    N_VConst(0, sensitivities_[static_cast<std::size_t>(p)]);
  }
}

void ForwardSensitivity::forward(Index, const double* theta, ConstStatesRef states,
                                 ConstVectorRef end_times, ConstStatesRef, StatesRef observed,
                                 bool) {
  solver_.start(theta, states, end_times);
  if (parameters() > 0) {
    clear();
    set_tolerances(theta);
    check(CVodeSensReInit(solver_.memory(), corrector_flag(options_), sensitivities_.get()),
          "CVodeSensReInit");
  }
  solver_.advance(1);
  solver_.read(observed);
  if (parameters() == 0) return;
  double reached = 0;
  check(CVodeGetSens(solver_.memory(), &reached, sensitivities_.get()), "CVodeGetSens");
}

IntegrationCounts ForwardSensitivity::forward_counts() const {
  IntegrationCounts counts = solver_.counts();
  if (parameters() == 0) return counts;
  long evaluations = 0;
  check(CVodeGetSensNumRhsEvals(solver_.memory(), &evaluations), "CVodeGetSensNumRhsEvals");
  counts.right_hand_sides += evaluations;
  return counts;
}

void ForwardSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                  StatesRef initial_cotangents) {
  const Block lambda = cotangents;
  for (Index p = 0; p < gradient.size(); ++p) {
    const auto s = as_block(sensitivities_[static_cast<std::size_t>(p)]);
    gradient[p] = s.leftCols(lambda.cols()).cwiseProduct(lambda).sum();
  }
  initial_cotangents.setConstant(std::numeric_limits<double>::quiet_NaN());
}

void ForwardSensitivity::jacobian(Eigen::Ref<Eigen::MatrixXd> rows) {
  for (Index p = 0; p < rows.cols(); ++p) {
    const auto s = as_block(sensitivities_[static_cast<std::size_t>(p)]);
    const Index states = s.rows();
    const Index columns = rows.rows() / states;
    Eigen::Map<States>(rows.col(p).data(), states, columns) = s.leftCols(columns);
  }
}

int ForwardSensitivity::sensitivity_derivatives(int count, sunrealtype, N_Vector y, N_Vector,
                                                N_Vector* s, N_Vector* out, void* user, N_Vector,
                                                N_Vector) {
  auto& problem = *static_cast<BlockProblem*>(user);
  auto& self = *problem.sensitivity;
  return problem.trap.run([&] {
    problem.dynamics.linearise(as_block(y));
    problem.dynamics.jacobians(self.jacobians_);
    problem.dynamics.parameter_jacobians(self.parameter_jacobians_);
    const Index d = problem.dynamics.dynamics().dimension();
    const bool newtonian = problem.dynamics.dynamics().motion() == Motion::newtonian;
    const auto times = problem.end_times.transpose().array();
    for (int p = 0; p < count; ++p) {
      const auto from = as_block(s[p]);
      auto to = as_block(out[p]);
      auto force = to.bottomRows(d);
      for (Index i = 0; i < d; ++i) {
        auto row = force.row(i).array();
        row = self.parameter_jacobians_.row(i * count + p).array();
        for (Index j = 0; j < d; ++j) {
          row += self.jacobians_.row(i * d + j).array() * from.row(j).array();
        }
        row *= times;
        if (newtonian) to.row(i).array() = times * from.row(d + i).array();
      }
    }
  });
}

}  // namespace isochron::sundials
