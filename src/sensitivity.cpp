#include "isochron/sensitivity.hpp"

#include <fmt/core.h>
#include <cmath>
#include <utility>

#include "central_differences.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sensitivity_workers.hpp"
#include "sentence.hpp"

namespace isochron {

const char* name(Interpolation interpolation) {
  return interpolation == Interpolation::polynomial ? "polynomial" : "hermite";
}

const char* name(GradientMethod method) {
  switch (method) {
    case GradientMethod::adjoint: return "adjoint";
    case GradientMethod::forward: return "forward";
    case GradientMethod::discrete: return "discrete";
    case GradientMethod::difference: return "difference";
  }
  return "";
}

namespace {
constexpr long longest_checkpoint_distance = 1000000000;
}

void SensitivityOptions::validate(const Dynamics& dynamics) const {
  integrator.validate(dynamics);
  const char* method = isochron::name(integrator.method);
  require(gradient != GradientMethod::discrete || !is_multistep(integrator.method),
          "gradient discrete differentiates a one-step method (rkn8, rkn12, rk8, rk4), not {}",
          method);
  const bool by_cvodes = gradient == GradientMethod::adjoint || gradient == GradientMethod::forward;
  require(!by_cvodes || is_multistep(integrator.method),
          "gradient {} is for the methods adams and bdf, not {}", isochron::name(gradient), method);
  require(checkpoint_distance >= 0 && checkpoint_distance <= longest_checkpoint_distance,
          "a checkpoint distance of {} steps is outside 0 .. 10^9", checkpoint_distance);
  for (const double rtol : {backward_rtol, quadrature_rtol}) {
    require(rtol == 0 || (rtol >= 1e-15 && rtol <= 1e-1),
            "a backward tolerance of {:g} is outside 1e-15 .. 1e-1", rtol);
  }
}

Sensitivity::Sensitivity(Dynamics dynamics, SensitivityOptions options) {
  options.validate(dynamics);
  workers_ = std::make_unique<Workers>(std::move(dynamics), std::move(options));
}
Sensitivity::~Sensitivity() = default;
Sensitivity::Sensitivity(Sensitivity&&) noexcept = default;
Sensitivity& Sensitivity::operator=(Sensitivity&&) noexcept = default;

const Dynamics& Sensitivity::dynamics() const { return workers_->dynamics; }
const SensitivityOptions& Sensitivity::options() const { return workers_->options; }
void Sensitivity::limit_steps(long max_steps) {
  workers_->options.integrator.max_steps = max_steps;
  workers_->integrator = Integrator(workers_->dynamics, workers_->options.integrator);
}

LossGradient Sensitivity::gradient(ConstVectorRef theta, const Ensemble& ensemble,
                                   const StateLoss& loss) {
  return workers_->evaluate(theta, ensemble, loss, true);
}

LossGradient Sensitivity::loss(ConstVectorRef theta, const Ensemble& ensemble,
                               const StateLoss& loss) {
  return workers_->evaluate(theta, ensemble, loss, false);
}

StateJacobian Sensitivity::jacobian(ConstVectorRef theta, const Ensemble& ensemble) {
  StateJacobian result = workers_->jacobian(theta, ensemble);
  workers_->grids.keep();
  return result;
}

StateJacobian Sensitivity::jacobian(ConstVectorRef theta, const Ensemble& ensemble,
                                    Index leaf_trajectories, const JacobianVisitor& visit) {
  StateJacobian result = workers_->jacobian(theta, ensemble, leaf_trajectories, visit);
  workers_->grids.keep();
  return result;
}

LossGradient Sensitivity::Workers::evaluate(ConstVectorRef theta, const Ensemble& ensemble,
                                            const StateLoss& loss, bool with_gradient) {
  if (options.gradient == GradientMethod::difference) {
    check_problem(dynamics, theta, ensemble);
    return difference_gradient(theta, ensemble, loss, with_gradient);
  }
  const auto blocks = prepare(theta, ensemble);
  auto sums = gradient_tree(static_cast<Index>(blocks.size()));
  LossGradient result = evaluate(theta, ensemble, loss, with_gradient, {blocks, 0, sums});
  result.loss = sums.root().loss;
  if (with_gradient) result.gradient = std::move(sums.root().gradient);
  grids.keep();
  return result;
}

LossGradient Sensitivity::Workers::evaluate(ConstVectorRef theta, const Ensemble& ensemble,
                                            const StateLoss& loss, bool with_gradient,
                                            const Summation& to) {
  const std::vector<BlockRange>& blocks = to.blocks;
  std::vector<BlockCounts> counts(blocks.size());
  LossGradient result;
  const Index observations = ensemble.observations();
  const Index rows = ensemble.initial_states.rows();
  result.states.resize(rows, observations * ensemble.size());
  States cotangents(rows, result.states.cols());
  // The block's own columns, which `gradient` may overwrite while it reads them.
  States initial(rows, observations > 1 && with_gradient ? ensemble.size() : 0);

  solvers.run(
      options.integrator, blocks,
      [&](BlockSensitivity& solver, std::size_t i, const BlockRange& block) {
        const Index first = observations * block.first;
        auto states = result.states.middleCols(first, observations * block.size);
        auto cotangent = cotangents.middleCols(first, states.cols());
        GradientSum sum;
        run_forward(solver, i, block, theta, ensemble, states, with_gradient);
        counts[i].forward = solver.forward_counts();
        sum.loss = loss(block.first, states, cotangent);
        if (with_gradient) {
          if (!cotangent.allFinite()) {
            throw NumericalError("the cotangents of the loss are not finite");
          }
          sum.gradient.resize(theta.size());
          run_gradient(
              solver, ensemble, cotangent, sum.gradient,
              (initial.size() > 0 ? initial : cotangents).middleCols(block.first, block.size));
          if (!sum.gradient.allFinite()) {
            throw NumericalError(fmt::format("the gradient is not finite ({}, method {})",
                                             isochron::name(options.gradient),
                                             isochron::name(options.integrator.method)));
          }
          counts[i].backward = solver.backward_counts();
          counts[i].stored_bytes = solver.stored_bytes();
        }
        to.sums.add(to.first + static_cast<Index>(i), std::move(sum));
      });

  result.blocks = static_cast<Index>(blocks.size());
  const bool knows_initial_cotangents =
      options.gradient != GradientMethod::forward || options.initial_states;
  if (with_gradient && knows_initial_cotangents) {
    result.initial_cotangents = std::move(initial.size() > 0 ? initial : cotangents);
  }
  for (const BlockCounts& done : counts) add(done, result);
  return result;
}

void Sensitivity::Workers::require_jacobian() const {
  require(options.gradient != GradientMethod::adjoint,
          "gradient adjoint gives no Jacobian; forward, discrete and difference give one");
}

StateJacobian Sensitivity::Workers::room_for_jacobian(Index trajectories, Index columns,
                                                      Index parameters) const {
  StateJacobian room;
  const Index states = dynamics.state_dimension();
  room.states.resize(states, columns * trajectories);
  room.jacobian.resize(states * room.states.cols(), parameters);
  if (options.initial_states) room.by_start.resize(room.jacobian.rows(), states);
  return room;
}

Sensitivity::Workers::BlockCounts Sensitivity::Workers::run_block(
    BlockSensitivity& solver, std::size_t number, const BlockRange& block, ConstVectorRef theta,
    const Ensemble& ensemble, Index first, StateJacobian& result) const {
  const Index columns = ensemble.observations();
  const Index rows = dynamics.state_dimension() * columns;
  const bool by_start = options.initial_states;
  run_forward(solver, number, block, theta, ensemble,
              result.states.middleCols(columns * first, columns * block.size), true);
  run_jacobian(
      solver, ensemble, result.jacobian.middleRows(rows * first, rows * block.size),
      result.by_start.middleRows(by_start ? rows * first : 0, by_start ? rows * block.size : 0));
  return {solver.forward_counts(), solver.backward_counts(), solver.stored_bytes()};
}

StateJacobian Sensitivity::Workers::jacobian(ConstVectorRef theta, const Ensemble& ensemble) {
  require_jacobian();
  const auto blocks = prepare(theta, ensemble);
  if (options.gradient == GradientMethod::difference) return difference_jacobian(theta, ensemble);
  const Index columns = ensemble.observations();  // of a trajectory
  StateJacobian result = room_for_jacobian(ensemble.size(), columns, theta.size());
  result.blocks = static_cast<Index>(blocks.size());
  std::vector<BlockCounts> counts(blocks.size());
  solvers.run(options.integrator, blocks,
              [&](BlockSensitivity& solver, std::size_t i, const BlockRange& block) {
                counts[i] = run_block(solver, i, block, theta, ensemble, block.first, result);
              });
  for (const BlockCounts& done : counts) add(done, result);
  return result;
}

StateJacobian Sensitivity::Workers::jacobian(ConstVectorRef theta, const Ensemble& ensemble,
                                             Index leaf_trajectories,
                                             const JacobianVisitor& visit) {
  require_jacobian();
  const auto blocks = prepare(theta, ensemble);
  const Index of_block = blocks.front().size;
  require(leaf_trajectories >= ensemble.size() ||
              (leaf_trajectories > 0 && leaf_trajectories % of_block == 0),
          "leaves of {} trajectories do not hold whole blocks of {}", leaf_trajectories, of_block);
  if (options.gradient == GradientMethod::difference) {
    return difference_jacobian(theta, ensemble, leaf_trajectories, visit);
  }
  std::vector<BlockRange> leaves;
  for (Index first = 0; first < ensemble.size(); first += leaf_trajectories) {
    leaves.push_back({first, std::min(leaf_trajectories, ensemble.size() - first)});
  }
  const Index columns = ensemble.observations();
  StateJacobian result;
  result.blocks = static_cast<Index>(blocks.size());
  result.states.resize(dynamics.state_dimension(), columns * ensemble.size());
  std::vector<BlockCounts> counts(blocks.size());
  solvers.run(options.integrator, leaves, of_block,
              [&](BlockSensitivity& solver, std::size_t i, const BlockRange& leaf) {
                StateJacobian of_leaf = room_for_jacobian(leaf.size, columns, theta.size());
                const auto end = static_cast<std::size_t>(leaf.first + leaf.size);
                for (auto b = static_cast<std::size_t>(leaf.first / of_block);
                     b < blocks.size() && static_cast<std::size_t>(blocks[b].first) < end; ++b) {
                  counts[b] = run_block(solver, b, blocks[b], theta, ensemble,
                                        blocks[b].first - leaf.first, of_leaf);
                  add(counts[b], of_leaf);
                  ++of_leaf.blocks;
                }
                result.states.middleCols(columns * leaf.first, columns * leaf.size) =
                    of_leaf.states;
                visit(static_cast<Index>(i), of_leaf);
              });
  for (const BlockCounts& done : counts) add(done, result);
  return result;
}

StateJacobian Sensitivity::Workers::difference_jacobian(ConstVectorRef theta,
                                                        const Ensemble& ensemble,
                                                        Index leaf_trajectories,
                                                        const JacobianVisitor& visit) {
  StateJacobian all = difference_jacobian(theta, ensemble);
  const Index columns = ensemble.observations();
  const Index rows = dynamics.state_dimension() * columns;
  for (Index first = 0, leaf = 0; first < ensemble.size(); first += leaf_trajectories, ++leaf) {
    const Index count = std::min(leaf_trajectories, ensemble.size() - first);
    StateJacobian of_leaf;
    of_leaf.jacobian = all.jacobian.middleRows(rows * first, rows * count);
    if (options.initial_states)
      of_leaf.by_start = all.by_start.middleRows(rows * first, rows * count);
    of_leaf.states = all.states.middleCols(columns * first, columns * count);
    visit(leaf, of_leaf);
  }
  all.jacobian.resize(0, 0);
  all.by_start.resize(0, 0);
  return all;
}

namespace {

/// The size of each component of the force along trajectories; where it is no more than rounding
/// errors, as at an equilibrium, of a force that would move the states by themselves.
Eigen::ArrayXd force_sizes(const Block& forces, const std::vector<States>& along,
                           const Vector& end_times) {
  constexpr double rounding = 1e-12;
  const Index d = forces.rows();
  const Eigen::ArrayXd sizes = forces.cwiseAbs().rowwise().maxCoeff();
  Eigen::ArrayXd rates = Eigen::ArrayXd::Zero(d);
  for (const States& states : along) {
    const Eigen::ArrayXXd rate =
        states.array().abs().rowwise() / end_times.transpose().array().abs();
    for (Index row = 0; row < states.rows(); row += d)
      rates = rates.max(rate.middleRows(row, d).rowwise().maxCoeff());
  }
  return (sizes > rounding * rates).select(sizes, rates);
}

}  // namespace

/// The errors of the final states at the options' tolerance, by how much they change at another
/// one.
struct Sensitivity::Workers::StateErrors {
  double absolute = 0;
  double relative = 0;
};

Sensitivity::Workers::StateErrors Sensitivity::Workers::state_errors(ConstVectorRef theta,
                                                                     ConstVectorRef units,
                                                                     const Ensemble& ensemble,
                                                                     const States& states) {
  constexpr double tightest = 1e-14;
  constexpr double few_tolerances = 10;
  constexpr double beside = 1e-2;
  const IntegratorOptions& asked = options.integrator;
  IntegratorOptions other = asked;
  const double factor = other.rtol >= 10 * tightest ? 0.1 : 10;
  other.rtol *= factor;
  other.atol = std::clamp(factor * other.atol, 1e-15, 1e-1);
  Integrator others(dynamics, other);
  const auto error_of = [&](ConstVectorRef at, const States& found) {
    return (found - others.integrate(at, ensemble).states).norm();
  };

  const double size = states.norm();
  const double least =
      few_tolerances *
      (asked.rtol * size + asked.atol * std::sqrt(static_cast<double>(states.size())));
  double error = std::max(error_of(theta, states), least);
  // An equilibrium is exact, and what the differences see beside it is not.
  try {
    const Vector moved = theta + beside * units;
    error = std::max(error, error_of(moved, integrator.integrate(moved, ensemble).states));
  } catch (const NumericalError&) {  // so far away there are no states, which says nothing
  }
  error += epsilon * size;
  return {error, size > 0 ? error / size : 1};
}

/// By how much each parameter must change to change the force along the trajectories by about
/// itself; at most by its own size, or 1, unless it has none or so little cannot be seen. From the
/// force alone, like all of this.
Vector Sensitivity::Workers::parameter_units(ConstVectorRef theta, const Ensemble& ensemble) {
  constexpr Index samples = 9;
  constexpr double part = 1e-3;
  constexpr double smallest = 1e-200;
  constexpr double longest = 1e30;
  constexpr double visible = 1e-8;  // of the force: less may be rounding errors of its terms
  const std::vector<States> along =
      integrator.sample(theta, ensemble, Vector::LinSpaced(samples, 0, 1)).trajectories.states;
  const auto forces = [&](ConstVectorRef at) {
    const Index n = ensemble.size();
    Block all(dynamics.dimension(), n * samples);
    for (Index k = 0; k < samples; ++k) {
      all.middleCols(k * n, n) =
          dynamics.field().force(at, along[static_cast<std::size_t>(k)].topRows(all.rows()));
    }
    return all;
  };
  const Eigen::ArrayXd sizes = force_sizes(forces(theta), along, ensemble.end_times);
  Vector units = theta.cwiseAbs().cwiseMax(1.0);
  Vector moved = theta;
  for (Index p = 0; p < theta.size(); ++p) {
    double step = theta[p] == 0 ? part : part * std::max(std::abs(theta[p]), smallest);
    for (; step < longest * units[p]; step /= part) {
      moved[p] = theta[p] + step;
      Block change = forces(moved);
      moved[p] = theta[p] - step;
      change -= forces(moved);
      if (!change.allFinite()) break;
      const Eigen::ArrayXd response = change.cwiseAbs().rowwise().maxCoeff() / 2;
      if (!(response > visible * sizes).any()) continue;
      const double unit =
          step * (response > 0.0 && sizes > 0.0).select(sizes / response, infinity).minCoeff();
      // Where nothing moves, no change is one by itself.
      if (!std::isfinite(unit)) break;
      units[p] = theta[p] == 0 || step > units[p] ? unit : std::min(units[p], unit);
      break;
    }
    moved[p] = theta[p];
  }
  return units;
}

/// The final states at other parameters, unless they are so different that a difference says
/// nothing of the slope: over a long time orbits return at another phase.
States Sensitivity::Workers::states_nearby(ConstVectorRef theta, const Ensemble& ensemble,
                                           const States& at_center, IntegrationCounts& counts) {
  constexpr double largest_change = 0.5;
  ObservedStates states = integrator.integrate(theta, ensemble);
  counts += states.counts;
  const double size = at_center.norm();
  if (size > 0 && (states.states - at_center).norm() > largest_change * size) {
    throw NumericalError("the steps of the differences change the final states by half or more");
  }
  return std::move(states.states);
}

/// dy/dy(0), all trajectories moved at once.
RowMatrix Sensitivity::Workers::differences_by_start(ConstVectorRef theta, const Ensemble& ensemble,
                                                     const States& at_center,
                                                     const StateErrors& errors,
                                                     IntegrationCounts& counts) {
  const States& initial = ensemble.initial_states;
  const auto value = [&](ConstVectorRef shift) -> Vector {
    Ensemble moved = ensemble;
    moved.initial_states = initial.colwise() + shift;
    return states_nearby(theta, moved, at_center, counts).reshaped();
  };
  const Vector units = initial.cwiseAbs().rowwise().maxCoeff().cwiseMax(1.0);
  return central_differences({value, errors.absolute, errors.relative},
                             Vector::Zero(initial.rows()), units)
      .columns;
}

LossGradient Sensitivity::Workers::difference_gradient(ConstVectorRef theta,
                                                       const Ensemble& ensemble,
                                                       const StateLoss& loss, bool with_gradient) {
  LossGradient result;
  ObservedStates center = integrator.integrate(theta, ensemble);
  result.forward = center.counts;
  States cotangents(center.states.rows(), center.states.cols());
  result.loss = loss(0, center.states, cotangents);
  if (with_gradient) {
    const Vector units = parameter_units(theta, ensemble);
    const StateErrors errors = state_errors(theta, units, ensemble, center.states);
    const double noise = cotangents.norm() * errors.absolute + epsilon * std::abs(result.loss);
    const auto value = [&](ConstVectorRef at) -> Vector {
      const States states = states_nearby(at, ensemble, center.states, result.forward);
      return Vector::Constant(1, loss(0, states, cotangents));
    };
    const Slopes slopes = central_differences({value, noise, errors.relative}, theta, units);
    result.gradient = slopes.columns.transpose();
    result.gradient_error = slopes.errors.norm();
    if (options.initial_states) {
      loss(0, center.states, cotangents);
      const RowMatrix by_start =
          differences_by_start(theta, ensemble, center.states, errors, result.forward);
      const Index rows = by_start.rows() / ensemble.size();
      result.initial_cotangents.resizeLike(ensemble.initial_states);
      for (Index i = 0; i < ensemble.size(); ++i) {
        result.initial_cotangents.col(i) =
            by_start.middleRows(i * rows, rows).transpose() *
            cotangents.middleCols(i * ensemble.observations(), ensemble.observations()).reshaped();
      }
    }
  }
  result.states = std::move(center.states);
  result.blocks =
      static_cast<Index>(cut_into_blocks(ensemble, dynamics, options.integrator).size());
  return result;
}

StateJacobian Sensitivity::Workers::difference_jacobian(ConstVectorRef theta,
                                                        const Ensemble& ensemble) {
  StateJacobian result;
  ObservedStates center = integrator.integrate(theta, ensemble);
  result.forward = center.counts;
  const Vector units = parameter_units(theta, ensemble);
  const StateErrors errors = state_errors(theta, units, ensemble, center.states);
  const auto value = [&](ConstVectorRef at) -> Vector {
    return states_nearby(at, ensemble, center.states, result.forward).reshaped();
  };
  result.jacobian =
      central_differences({value, errors.absolute, errors.relative}, theta, units).columns;
  if (options.initial_states) {
    result.by_start = differences_by_start(theta, ensemble, center.states, errors, result.forward);
  }
  result.states = std::move(center.states);
  result.blocks =
      static_cast<Index>(cut_into_blocks(ensemble, dynamics, options.integrator).size());
  return result;
}

}  // namespace isochron
