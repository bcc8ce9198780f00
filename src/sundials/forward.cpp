#include "sundials/forward.hpp"

#include <algorithm>

#include "floating_point.hpp"
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
      count_(parameter_count_ + (options.initial_states ? dynamics.state_dimension() : 0)),
      solver_(dynamics, options.integrator, stride),
      sensitivities_(count_ == 0 ? nullptr
                                 : check_handle(N_VCloneVectorArray(static_cast<int>(count_),
                                                                    solver_.state())),
                     VectorsDeleter{static_cast<int>(count_)}),
      derivative_(check_handle(N_VClone(solver_.state()))),
      jacobians_(dynamics.dimension() * dynamics.dimension(), stride),
      parameter_jacobians_(dynamics.dimension() * dynamics.parameters(), stride) {
  solver_.problem().sensitivity = this;
  void* memory = solver_.memory();
  if (count_ == 0) return;  // CVODES wants at least one
  check(CVodeSensInit(memory, static_cast<int>(count_), corrector_flag(options),
                      sensitivity_derivatives, sensitivities_.get()),
        "CVodeSensInit");
  check(CVodeSetSensErrCon(memory, options.sensitivity_error_control ? 1 : 0),
        "CVodeSetSensErrCon");
  if (options.integrator.method == Method::adams) attach_corrector();  // BDF has its Newton
}

void ForwardSensitivity::attach_corrector() {
  const auto count = static_cast<int>(count_);
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
/// all derivatives are small, and may err by as much less. Derivatives by the states at the start
/// are 1 there.
void ForwardSensitivity::set_tolerances(const double* theta) {
  constexpr double smallest = 1e-200;
  Vector tolerances = Vector::Constant(count_, options_.integrator.atol);
  if (parameters() > 0) {
    const Eigen::Map<const Vector> values(theta, parameters());
    const Eigen::ArrayXd units = values.array().abs().max(1.0);
    const double atol = options_.integrator.atol * std::min(1.0, derivative_size(units));
    tolerances.head(parameters()) = (atol / units).max(smallest);
  }
  const Vector& state_units = options_.integrator.state_units;
  const double rtol = options_.integrator.rtol;
  if (state_units.size() == 0) {
    check(CVodeSensSStolerances(solver_.memory(), rtol, tolerances.data()),
          "CVodeSensSStolerances");
    return;
  }
  tolerances.tail(count_ - parameters()).array() /= state_units.head(count_ - parameters()).array();
  const std::unique_ptr<N_Vector[], VectorsDeleter> by_component(
      check_handle(N_VCloneVectorArray(static_cast<int>(count_), solver_.state())),
      VectorsDeleter{static_cast<int>(count_)});
  for (Index p = 0; p < count_; ++p) {
    as_block(by_component[static_cast<std::size_t>(p)]).colwise() = tolerances[p] * state_units;
  }
  check(CVodeSensSVtolerances(solver_.memory(), rtol, by_component.get()), "CVodeSensSVtolerances");
}

/// The size of the largest derivative, by parameters in these units, if the force were the same
/// everywhere: T |dF/dtheta_p|, and T times that for positions. At least that of the rounding
/// errors of the states; 1 where no parameter is felt.
double ForwardSensitivity::derivative_size(const Eigen::ArrayXd& units) {
  BlockProblem& problem = solver_.problem();
  const Block states = as_block(solver_.state());
  problem.dynamics.linearise(states);
  problem.dynamics.parameter_jacobians(parameter_jacobians_);
  Eigen::ArrayXd slopes = parameter_jacobians_.cwiseAbs().rowwise().maxCoeff();
  const Vector& state_units = options_.integrator.state_units;
  if (state_units.size() > 0) {  // of the components that are driven, the last ones
    const Index d = problem.dynamics.dynamics().dimension();
    for (Index i = 0; i < d; ++i)
      slopes.segment(i * units.size(), units.size()) /= state_units.tail(d)[i];
  }
  const double slope = (slopes * units.replicate(slopes.size() / units.size(), 1)).maxCoeff();
  if (slope == 0) return 1;
  const double time = problem.lengths.cwiseAbs().maxCoeff();
  const bool is_newtonian = problem.dynamics.dynamics().motion() == Motion::newtonian;
  const double rounding = epsilon * states.cwiseAbs().maxCoeff();
  return std::max(rounding, slope * (is_newtonian ? std::min(time, time * time) : time));
}

void ForwardSensitivity::start_sensitivities(const double* theta) {
  for (Index p = 0; p < count_; ++p) {
    N_VConst(0, sensitivity(p));
    if (p >= parameters()) as_block(sensitivity(p)).row(p - parameters()).setOnes();
  }
  set_tolerances(theta);
  check(CVodeSensReInit(solver_.memory(), corrector_flag(options_), sensitivities_.get()),
        "CVodeSensReInit");
}

void ForwardSensitivity::forward(Index, const double* theta, ConstStatesRef states,
                                 ConstVectorRef end_times, ConstStatesRef earlier_times,
                                 StatesRef observed, bool) {
  solver_.start(theta, states, end_times);
  if (count_ > 0) start_sensitivities(theta);
  observations_ = earlier_times.rows() + 1;
  if (observations_ == 1) {
    solver_.advance(1);
  } else {
    observe_earlier(end_times, earlier_times, observed);
  }
  observed(Eigen::all, Eigen::seqN(observations_ - 1, states.cols(), observations_)) =
      as_block(solver_.state()).leftCols(states.cols());
  if (count_ == 0) return;
  double reached = 0;
  check(CVodeGetSens(solver_.memory(), &reached, sensitivities_.get()), "CVodeGetSens");
}

/// Goes to the end, and observes everything on the way.
void ForwardSensitivity::observe_earlier(ConstVectorRef end_times, ConstStatesRef earlier_times,
                                         StatesRef observed) {
  std::vector<Observation> all;
  for (Index b = 0; b < end_times.size(); ++b) {
    for (Index k = 0; k < earlier_times.rows(); ++k) {
      all.push_back({earlier_times(k, b) / end_times[b], b, b * observations_ + k});
    }
  }
  const auto comes_first = [](const auto& a, const auto& b) { return a.tau < b.tau; };
  std::stable_sort(all.begin(), all.end(), comes_first);
  earlier_.setZero(count_, observed.rows() * static_cast<Index>(all.size()));
  auto next = all.begin();
  for (double tau = 0; tau < 1;) {
    tau = solver_.step();
    const auto passed = next;
    next = std::find_if(passed, all.end(), [tau](const auto& o) { return o.tau > tau; });
    if (passed != next) expand(tau, {passed, next}, observed);
  }
}

/// States and sensitivities at observations that the last step to tau has passed: by their Taylor
/// polynomials in tau, of the order of the step.
void ForwardSensitivity::expand(double tau, std::span<const Observation> passed,
                                StatesRef observed) {
  void* memory = solver_.memory();
  const auto derivative = as_block(derivative_.get());
  const Index rows = derivative.rows();
  int order = 0;
  check(CVodeGetLastOrder(memory, &order), "CVodeGetLastOrder");
  for (const Observation& o : passed) observed.col(o.column).setZero();
  Vector weights = Vector::Ones(static_cast<Index>(passed.size()));  // (tau_o - tau)^j/j!
  for (int j = 0; j <= order; ++j) {
    const auto add = [&](const auto& column_of) {
      auto weight = weights.begin();
      for (const Observation& o : passed) column_of(o) += *weight++ * derivative.col(o.point);
    };
    check(CVodeGetDky(memory, tau, j, derivative_.get()), "CVodeGetDky");
    add([&](const Observation& o) { return observed.col(o.column); });
    for (Index p = 0; p < count_; ++p) {
      check(CVodeGetSensDky1(memory, tau, j, static_cast<int>(p), derivative_.get()),
            "CVodeGetSensDky1");
      auto row = earlier_.row(p);
      add([&](const Observation& o) {
        return row.segment((o.column - o.point) * rows, rows).transpose();
      });
    }
    auto weight = weights.begin();
    for (const Observation& o : passed) *weight++ *= (o.tau - tau) / (j + 1);
  }
}

IntegrationCounts ForwardSensitivity::forward_counts() const {
  IntegrationCounts counts = solver_.counts();
  if (count_ == 0) return counts;
  long evaluations = 0;
  check(CVodeGetSensNumRhsEvals(solver_.memory(), &evaluations), "CVodeGetSensNumRhsEvals");
  counts.right_hand_sides += evaluations;
  return counts;
}

void ForwardSensitivity::gradient(ConstStatesRef cotangents, VectorRef gradient,
                                  StatesRef initial_cotangents) {
  const Index points = initial_cotangents.cols();
  const Index rows = cotangents.rows();
  const Index before_end = observations_ - 1;
  const Block lambda = cotangents(Eigen::all, Eigen::seqN(before_end, points, observations_));
  Vector earlier(rows * before_end * points);
  for (Index b = 0; b < points; ++b) {
    earlier.segment(b * rows * before_end, rows * before_end) =
        cotangents.middleCols(b * observations_, before_end).reshaped();
  }
  for (Index p = 0; p < parameters(); ++p) {
    const auto s = as_block(sensitivity(p));
    gradient[p] = s.leftCols(points).cwiseProduct(lambda).sum();
    if (before_end > 0) gradient[p] += earlier_.row(p).dot(earlier);
  }
  if (!options_.initial_states) {
    initial_cotangents.setConstant(not_a_number);
    return;
  }
  for (Index j = 0; j < rows; ++j) {
    const Index p = parameters() + j;
    const auto y = as_block(sensitivity(p));
    initial_cotangents.row(j) = y.leftCols(points).cwiseProduct(lambda).colwise().sum();
    for (Index b = 0; b < points && before_end > 0; ++b) {
      const Index first = b * rows * before_end;
      initial_cotangents(j, b) += earlier_.row(p)
                                      .segment(first, rows * before_end)
                                      .dot(earlier.segment(first, rows * before_end));
    }
  }
}

void ForwardSensitivity::jacobian(RowMatrixRef rows, RowMatrixRef by_start) {
  const Index states = as_block(solver_.state()).rows();
  const Index before_end = states * (observations_ - 1);  // rows of a trajectory
  const Index all = before_end + states;
  const Index points = rows.rows() / all;
  const auto fill = [&](Index p, auto&& column) {
    const auto s = as_block(sensitivity(p));
    for (Index b = 0; b < points; ++b) {
      if (before_end > 0) {
        column.segment(b * all, before_end) =
            earlier_.row(p).segment(b * before_end, before_end).transpose();
      }
      column.segment(b * all + before_end, states) = s.col(b);
    }
  };
  for (Index p = 0; p < rows.cols(); ++p) fill(p, rows.col(p));
  if (by_start.rows() == 0) return;
  for (Index j = 0; j < states; ++j) fill(parameters() + j, by_start.col(j));
}

int ForwardSensitivity::sensitivity_derivatives(int count, sunrealtype, N_Vector y, N_Vector,
                                                N_Vector* s, N_Vector* out, void* user, N_Vector,
                                                N_Vector) {
  auto& problem = *static_cast<BlockProblem*>(user);
  auto& self = *problem.sensitivity;
  return problem.trap.run([&] {
    problem.dynamics.linearise(as_block(y));
    problem.dynamics.jacobians(self.jacobians_);
    const Index parameters = self.parameters();
    if (parameters > 0) problem.dynamics.parameter_jacobians(self.parameter_jacobians_);
    const Index d = problem.dynamics.dynamics().dimension();
    const bool newtonian = problem.dynamics.dynamics().motion() == Motion::newtonian;
    const auto times = problem.lengths.transpose().array();
    for (int p = 0; p < count; ++p) {
      const auto from = as_block(s[p]);
      auto to = as_block(out[p]);
      auto force = to.bottomRows(d);
      for (Index i = 0; i < d; ++i) {
        auto row = force.row(i).array();
        if (p < parameters) {
          row = self.parameter_jacobians_.row(i * parameters + p).array();
        } else {
          row.setZero();
        }
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
