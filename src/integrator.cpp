#include "isochron/integrator.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "blocks.hpp"
#include "isochron/error.hpp"
#include "lanes.hpp"
#include "one_step/solver.hpp"
#include "sentence.hpp"
#include "shared_integration.hpp"
#include "sundials/solver.hpp"
#include "threads.hpp"

namespace isochron {

const char* name(Method method) {
  switch (method) {
    case Method::adams: return "adams";
    case Method::bdf: return "bdf";
    case Method::rkn8: return "rkn8";
    case Method::rkn12: return "rkn12";
    case Method::rk8: return "rk8";
    case Method::rk4: return "rk4";
  }
  return "";
}

void IntegratorOptions::validate(const Dynamics& dynamics) const {
  const bool nystrom = method == Method::rkn8 || method == Method::rkn12;
  require(!nystrom || dynamics.motion() == Motion::newtonian,
          "method {} is for q'' = f(q) only; first-order dynamics take adams, bdf, rk8 or rk4",
          name(method));
  require(rtol >= 1e-15 && rtol <= 1e-1, "rtol = {:g} is outside 1e-15 .. 1e-1", rtol);
  require(atol >= 1e-15 && atol <= 1e-1, "atol = {:g} is outside 1e-15 .. 1e-1", atol);
  require(state_units.size() == 0 || (state_units.size() == dynamics.state_dimension() &&
                                      state_units.allFinite() && state_units.minCoeff() > 0),
          "the units of a state must be {} positive numbers", dynamics.state_dimension());
  require(steps >= 1, "steps = {} must be at least 1", steps);
  require(max_steps > 0, "max_steps = {} must be positive", max_steps);
  require(max_step >= 0 && std::isfinite(max_step),
          "max_step = {:g} must be 0 (by the end times) or positive", max_step);
  require(block_size >= 0, "block_size = {} must be 0 (automatic) or positive", block_size);
  require(threads >= 0, "threads = {} must be 0 (all processors) or positive", threads);
}

int IntegratorOptions::thread_count() const {
  return threads == 0 ? available_processors() : threads;
}

IntegrationCounts& IntegrationCounts::operator+=(const IntegrationCounts& other) {
  steps += other.steps;
  right_hand_sides += other.right_hand_sides;
  jacobians += other.jacobians;
  error_test_failures += other.error_test_failures;
  convergence_failures += other.convergence_failures;
  return *this;
}

Index block_size(Index trajectories, const Dynamics& dynamics, Method method) {
  // About 128 numbers per component and state half: what keeps the vector units busy and the
  // activations of a block in the second-level cache.
  // One-step methods have little to do beside the network: in the shortest blocks every few
  // trajectories take their own steps, and the activations of all stages stay in the caches.
  if (!is_multistep(method)) return block_padding;
  const Index largest = std::max<Index>(16, 128 / dynamics.dimension());
  const Index blocks = std::max<Index>(1, divided_up(trajectories, largest));
  return padded(divided_up(trajectories, blocks));
}

double longest_step(double end_time) {
  constexpr double fewest_steps = 12;
  constexpr double most_steps = 200;
  const double time = std::abs(end_time);
  return time / std::clamp(time, fewest_steps, most_steps);
}

std::vector<BlockRange> cut_into_blocks(const Ensemble& ensemble, const Dynamics& dynamics,
                                        const IntegratorOptions& options) {
  const Index size = options.block_size > 0 ? options.block_size
                                            : block_size(ensemble.size(), dynamics, options.method);
  std::vector<BlockRange> blocks;
  for (Index first = 0; first < ensemble.size(); first += size) {
    blocks.push_back({first, std::min(size, ensemble.size() - first)});
  }
  return blocks;
}

namespace {

/// That observation times go on from 0 to the end times.
void check_times(const Ensemble& ensemble) {
  const Eigen::MatrixXd& earlier = ensemble.earlier_times;
  if (earlier.size() == 0) return;
  require(earlier.cols() == ensemble.size(),
          "{} columns of observation times do not fit {} trajectories", earlier.cols(),
          ensemble.size());
  for (Index i = 0; i < earlier.cols(); ++i) {
    double before = 0;
    for (Index k = ensemble.observes_start() ? 1 : 0; k < earlier.rows(); ++k) {
      const double fraction = earlier(k, i) / ensemble.end_times[i];
      require(fraction > before && fraction < 1,
              "observation time {:g} of trajectory {} does not lie between the one before and the "
              "end time {:g}",
              earlier(k, i), i, ensemble.end_times[i]);
      before = fraction;
    }
  }
}

}  // namespace

Ensemble Ensemble::observed_at(States states, const Eigen::MatrixXd& times) {
  require(times.rows() > 0, "an ensemble needs at least one observation time");
  const Index last = times.rows() - 1;
  Ensemble ensemble(std::move(states), Vector(times.row(last)));
  ensemble.earlier_times = times.topRows(last);
  return ensemble;
}

void check_problem(const Dynamics& dynamics, ConstVectorRef theta, const Ensemble& ensemble) {
  const States& states = ensemble.initial_states;
  dynamics.field().require_parameters(theta);
  require(states.rows() == dynamics.state_dimension(),
          "initial states have {} components, the dynamics need {}", states.rows(),
          dynamics.state_dimension());
  require(states.cols() > 0, "an ensemble needs at least one trajectory");
  require(ensemble.end_times.size() == states.cols(), "{} end times do not fit {} trajectories",
          ensemble.end_times.size(), states.cols());
  require(states.allFinite(), "an initial state is not finite");
  require(ensemble.end_times.allFinite() && (ensemble.end_times.array() != 0).all(),
          "an end time is zero or not finite");
  check_times(ensemble);
  if (!theta.allFinite()) throw NumericalError("a parameter of the force field is not finite");
}

struct Integrator::Workers {
  Workers(Dynamics model, IntegratorOptions asked)
      : dynamics(std::move(model)), options(std::move(asked)) {}

  Dynamics dynamics;
  IntegratorOptions options;
  std::unique_ptr<Integrator> of_this_rank;  // where ranks share the blocks
  SolverPool<BlockSolver> solvers{[this](Index trajectories) -> std::unique_ptr<BlockSolver> {
    if (is_multistep(options.method)) {
      return std::make_unique<sundials::ForwardSolver>(dynamics, options, padded(trajectories));
    }
    return std::make_unique<one_step::OneStepSolver>(dynamics, options, in_lanes(trajectories));
  }};

  /// By all ranks.
  Share shared(const Integrator& all, ConstVectorRef theta, const Ensemble& ensemble,
               Index of_block, const Vector* tau) {
    if (!of_this_rank || of_this_rank->options().block_size != of_block) {
      of_this_rank = std::make_unique<Integrator>(dynamics, for_one_rank(options, of_block));
    }
    return integrate_by_ranks(all, *of_this_rank, theta, ensemble, tau);
  }
};

Integrator::Integrator(Dynamics dynamics, IntegratorOptions options) {
  options.validate(dynamics);
  workers_ = std::make_unique<Workers>(std::move(dynamics), std::move(options));
}
Integrator::~Integrator() = default;
Integrator::Integrator(Integrator&&) noexcept = default;
Integrator& Integrator::operator=(Integrator&&) noexcept = default;

const Dynamics& Integrator::dynamics() const { return workers_->dynamics; }
const IntegratorOptions& Integrator::options() const { return workers_->options; }

namespace {

/// Counts the samples of all blocks.
class SampleCount {
 public:
  SampleCount(const std::function<void(double)>& progress, std::size_t blocks, Index times)
      : progress_(progress), all_(static_cast<double>(blocks) * static_cast<double>(times)) {}

  void add() {
    const Index done = ++done_;
    if (progress_) progress_(static_cast<double>(done) / all_);
  }

 private:
  const std::function<void(double)>& progress_;
  double all_;
  std::atomic<Index> done_ = 0;
};

/// The states of a block that has been started, at fractions (K x B) of its end times.
void observe(BlockSolver& solver, const Eigen::MatrixXd& fractions, StatesRef observed) {
  std::vector<double> distinct(fractions.reshaped().begin(), fractions.reshaped().end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  States states(observed.rows(), fractions.cols());
  for (const double tau : distinct) {
    if (tau > 0) solver.advance(tau);
    solver.read(states);
    for (Index at = 0; at < fractions.size(); ++at) {
      if (fractions.reshaped()[at] == tau) observed.col(at) = states.col(at / fractions.rows());
    }
  }
}

}  // namespace

ObservedStates Integrator::integrate(ConstVectorRef theta, const Ensemble& ensemble) {
  check_problem(dynamics(), theta, ensemble);
  const Index k = ensemble.observations();
  Eigen::MatrixXd fractions = Eigen::MatrixXd::Ones(k, ensemble.size());
  for (Index i = 0; i < ensemble.size() && k > 1; ++i) {
    fractions.col(i).head(k - 1) = ensemble.earlier_times.col(i) / ensemble.end_times[i];
  }
  const auto blocks = cut_into_blocks(ensemble, dynamics(), options());
  if (is_shared(options().communicator, static_cast<Index>(blocks.size()))) {
    Share found = workers_->shared(*this, theta, ensemble, blocks.front().size, nullptr);
    return {std::move(found.states), found.forward};
  }
  ObservedStates result;
  result.states.resize(ensemble.initial_states.rows(), k * ensemble.size());
  std::vector<IntegrationCounts> counts(blocks.size());
  workers_->solvers.run(
      options(), blocks, [&](BlockSolver& solver, std::size_t i, const BlockRange& block) {
        solver.start(theta.data(), ensemble.initial_states.middleCols(block.first, block.size),
                     ensemble.end_times.segment(block.first, block.size));
        observe(solver, fractions.middleCols(block.first, block.size),
                result.states.middleCols(k * block.first, k * block.size));
        counts[i] = solver.counts();
      });
  for (const auto& c : counts) result.counts += c;
  return result;
}

SampledTrajectories Integrator::sample(ConstVectorRef theta, const Ensemble& ensemble,
                                       ConstVectorRef tau) {
  check_problem(dynamics(), theta, ensemble);
  const bool sorted = std::is_sorted(tau.begin(), tau.end()) && tau.size() > 0;
  require(sorted && tau[0] >= 0 && tau[tau.size() - 1] <= 1,
          "sample times must increase from 0 to 1 at most, in units of the end time");

  const auto blocks = cut_into_blocks(ensemble, dynamics(), options());
  SampledTrajectories result;
  result.trajectories.tau = tau;
  if (is_shared(options().communicator, static_cast<Index>(blocks.size()))) {
    Share found =
        workers_->shared(*this, theta, ensemble, blocks.front().size, &result.trajectories.tau);
    result.trajectories.states = std::move(found.samples);
    result.counts = found.forward;
    return result;
  }
  result.trajectories.states.assign(static_cast<std::size_t>(tau.size()), ensemble.initial_states);
  std::vector<IntegrationCounts> counts(blocks.size());
  SampleCount count(options().progress, blocks.size(), tau.size());

  workers_->solvers.run(
      options(), blocks, [&](BlockSolver& solver, std::size_t i, const BlockRange& block) {
        solver.start(theta.data(), ensemble.initial_states.middleCols(block.first, block.size),
                     ensemble.end_times.segment(block.first, block.size));
        for (Index k = 0; k < tau.size(); ++k) {
          count.add();
          if (tau[k] == 0) continue;  // the initial states are there already
          solver.advance(tau[k]);
          solver.read(result.trajectories.states[static_cast<std::size_t>(k)].middleCols(
              block.first, block.size));
        }
        counts[i] = solver.counts();
      });
  for (const auto& c : counts) result.counts += c;
  return result;
}

}  // namespace isochron
