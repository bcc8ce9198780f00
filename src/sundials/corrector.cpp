#include "sundials/corrector.hpp"

#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <limits>

#include "sundials/vector.hpp"

namespace isochron::sundials {
namespace {

constexpr int max_evaluations = 5;
constexpr int solves_between_measurements = 20;
constexpr double divergence_ratio = 2;

struct SplitCorrector {
  SplitSystem system;
  VectorHandle change;
  double stiffness = 0;  // contraction per evaluation, divided by gamma^2
  int solves_since_measured = 0;

  /// A new problem: what was measured on the last one says nothing.
  void forget() {
    stiffness = std::numeric_limits<double>::max();
    solves_since_measured = solves_between_measurements;
  }
};

SplitCorrector& content(SUNNonlinearSolver solver) {
  return *static_cast<SplitCorrector*>(solver->content);
}

/// Writes the correction of one half: gamma derivative - rl1 zn1.
template <class Out, class Derivative, class History>
void correct(Out&& out, double gamma, const Derivative& derivative, double rl1,
             const History& zn1) {
  out.array() = gamma * derivative.array() - rl1 * zn1.array();
}

int solve(SUNNonlinearSolver solver, N_Vector, N_Vector correction, N_Vector weights,
          sunrealtype tolerance, Boolean, void* memory) {
  SplitCorrector& self = content(solver);
  const SplitSystem& s = self.system;
  double tau = 0;
  double gamma = 0;
  double rl1 = 0;
  N_Vector predicted = nullptr;
  N_Vector state = nullptr;
  N_Vector derivative = nullptr;
  N_Vector zn1 = nullptr;
  void* user = nullptr;
  const int flag = CVodeGetNonlinearSystemData(memory, &tau, &predicted, &state, &derivative,
                                               &gamma, &rl1, &zn1, &user);
  if (flag != CV_SUCCESS) return flag;

  const auto y_p = as_block(predicted);
  const auto history = as_block(zn1);
  auto c = as_block(correction);
  auto y = as_block(state);
  auto f = as_block(derivative);
  auto change = as_block(self.change.get());
  const Eigen::Map<const Eigen::ArrayXd> t(s.end_times, y.cols());
  const auto near_from_far = [&] {
    auto far = y_p.middleRows(s.far_row, s.rows) + c.middleRows(s.far_row, s.rows);
    correct(c.middleRows(s.near_row, s.rows), s.sign * gamma, far.array().rowwise() * t.transpose(),
            rl1, history.middleRows(s.near_row, s.rows));
  };

  const bool measure = self.solves_since_measured >= solves_between_measurements;
  self.solves_since_measured = measure ? 0 : self.solves_since_measured + 1;
  double previous_size = 0;
  near_from_far();
  for (int m = 0; m < max_evaluations; ++m) {
    y.middleRows(s.near_row, s.rows) =
        y_p.middleRows(s.near_row, s.rows) + c.middleRows(s.near_row, s.rows);
    auto g = f.middleRows(s.far_row, s.rows);
    if (const int failed = s.far_derivative(tau, y.middleRows(s.near_row, s.rows), g)) {
      // CVODES counts only failures that it knows; of others it would try ever shorter steps.
      return failed > 0 ? SUN_NLS_CONV_RECVR : CV_RHSFUNC_FAIL;
    }
    auto d = change.middleRows(s.far_row, s.rows);
    correct(d, gamma, g, rl1, history.middleRows(s.far_row, s.rows));
    d -= c.middleRows(s.far_row, s.rows);
    c.middleRows(s.far_row, s.rows) += d;
    near_from_far();

    const double size = N_VWrmsNorm(self.change.get(), weights);
    if (m > 0) {
      const double ratio = previous_size > 0 ? size / previous_size : 0;
      if (ratio > divergence_ratio) break;
      self.stiffness = ratio / (gamma * gamma);
    }
    const double rate = std::min(1.0, self.stiffness * gamma * gamma);
    if ((m > 0 || !measure) && size * rate <= tolerance) return SUN_NLS_SUCCESS;
    if (size == 0) return SUN_NLS_SUCCESS;
    previous_size = size;
  }
  self.forget();
  return SUN_NLS_CONV_RECVR;
}

}  // namespace

NonlinearSolver make_fixed_point(N_Vector like, SUNContext context, int count) {
  return NonlinearSolver(check_handle(count == 0
                                          ? SUNNonlinSol_FixedPoint(like, 0, context)
                                          : SUNNonlinSol_FixedPointSens(count, like, 0, context)));
}

NonlinearSolver make_split_corrector(SplitSystem system, N_Vector like, SUNContext context) {
  NonlinearSolver solver(check_handle(SUNNonlinSolNewEmpty(context)));
  solver->ops->gettype = [](SUNNonlinearSolver) { return SUNNONLINEARSOLVER_FIXEDPOINT; };
  solver->ops->initialize = [](SUNNonlinearSolver s) {
    content(s).forget();
    return 0;
  };
  solver->ops->solve = solve;
  solver->ops->setsysfn = [](SUNNonlinearSolver, SUNNonlinSolSysFn) { return 0; };
  solver->ops->free = [](SUNNonlinearSolver s) {
    delete static_cast<SplitCorrector*>(s->content);
    s->content = nullptr;
    SUNNonlinSolFreeEmpty(s);
    return 0;
  };
  auto content = std::make_unique<SplitCorrector>();
  content->system = std::move(system);
  content->change = VectorHandle(check_handle(N_VClone(like)));
  N_VConst(0, content->change.get());
  solver->content = content.release();
  return solver;
}

}  // namespace isochron::sundials
