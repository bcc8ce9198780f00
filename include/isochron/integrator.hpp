#pragma once

#include <functional>
#include <memory>
#include <string>

#include "isochron/communicator.hpp"
#include "isochron/dynamics.hpp"

namespace isochron {

/// The linear multistep methods of CVODES, and explicit one-step methods.
enum class Method {
  adams,  ///< variable-order Adams (1..12), functional iteration: smooth problems
  bdf,    ///< variable-order BDF (1..5), Newton on the analytic block-diagonal Jacobian: stiff ones
  rkn8,   ///< Runge-Kutta-Nystrom 8(6), for q'' = f(q) only
  rkn12,  ///< Runge-Kutta-Nystrom 12(10), for q'' = f(q) only
  rk8,    ///< Prince and Dormand's Runge-Kutta 8(7)
  rk4,    ///< the textbook Runge-Kutta method, with a fixed number of steps
};

/// Whether CVODES provides it.
[[nodiscard]] constexpr bool is_multistep(Method method) {
  return method == Method::adams || method == Method::bdf;
}

/// The one-step methods of the highest order, and those of the eighth.
[[nodiscard]] constexpr Method highest_order(Motion motion) {
  return motion == Motion::newtonian ? Method::rkn12 : Method::rk8;
}
[[nodiscard]] constexpr Method eighth_order(Motion motion) {
  return motion == Motion::newtonian ? Method::rkn8 : Method::rk8;
}

/// "adams", "rkn8", ..
[[nodiscard]] const char* name(Method method);

/// How y' = F(y; theta) is solved.
struct IntegratorOptions {
  Method method = Method::adams;
  double rtol = 1e-10;       ///< relative tolerance of each trajectory, 1e-15 .. 1e-1
  double atol = 1e-10;       ///< absolute tolerance, > 0
  Vector state_units = {};   ///< [state_dimension] > 0, the units of components in which atol is;
                             ///< empty: 1
  long steps = 100;          ///< of rk4, which has no error control
  long max_steps = 1000000;  ///< per block and direction; exceeding it is a NumericalError
  double max_step = 0;   ///< longest step, in units of time; 0: by the end times, longest_step()
  Index block_size = 0;  ///< trajectories solved together; 0: from N, D and P (block_size())
  /// Blocks run on so many threads; 0: as many as the process may use processors, on each rank
  /// those of its own. Results do not depend on it.
  int threads = 1;
  /// Ranks that share the blocks; results do not depend on it. Null: all are done here.
  CommunicatorPtr communicator = {};

  /// Polled at every right-hand side, by all threads at once; true ends the computation with
  /// Interrupted.
  std::function<bool()> stop_requested;
  /// Told which part of Integrator::sample is done, 0 .. 1, by all threads at once.
  std::function<void(double)> progress = {};

  /// Throws InputError naming the first field out of range, or the method if it is not for
  /// `dynamics`.
  void validate(const Dynamics& dynamics) const;

  /// `threads`, as a number from 1.
  [[nodiscard]] int thread_count() const;
};

/// What the solver did, summed over blocks.
struct IntegrationCounts {
  long steps = 0;
  long right_hand_sides = 0;
  long jacobians = 0;
  long error_test_failures = 0;
  long convergence_failures = 0;

  IntegrationCounts& operator+=(const IntegrationCounts& other);
};

/// Trajectories: where they start, and when they are observed. Trajectory i runs to its own end
/// time (!= 0), where it is observed, and may be observed K - 1 times on the way there. The states
/// of trajectory i at its k-th time, k = 0..K-1, are column i K + k wherever states of all times
/// stand side by side. Dimensionless.
struct Ensemble {
  States initial_states;          ///< state_dimension x N
  Vector end_times;               ///< [N]
  Eigen::MatrixXd earlier_times;  ///< (K - 1) x N, each column strictly between 0 and its end time,
                                  ///< its first row perhaps 0 for all trajectories; empty: K = 1

  Ensemble() = default;
  Ensemble(States states, double end_time)
      : initial_states(std::move(states)),
        end_times(Vector::Constant(initial_states.cols(), end_time)) {}
  Ensemble(States states, Vector times)
      : initial_states(std::move(states)), end_times(std::move(times)) {}
  /// `times`: K x N, the end times in the last row.
  [[nodiscard]] static Ensemble observed_at(States states, const Eigen::MatrixXd& times);

  [[nodiscard]] Index size() const { return initial_states.cols(); }
  /// K.
  [[nodiscard]] Index observations() const { return earlier_times.rows() + 1; }
  /// Whether the first observation of all trajectories is where they start.
  [[nodiscard]] bool observes_start() const {
    return earlier_times.rows() > 0 && (earlier_times.row(0).array() == 0).all();
  }
};

/// The states at which trajectories are observed.
struct ObservedStates {
  States states;  ///< at the observation times: state_dimension x (N K)
  IntegrationCounts counts;
};

/// Trajectories over their whole lengths.
struct SampledTrajectories {
  Trajectories trajectories;
  IntegrationCounts counts;
};

/// Solves y' = F(y; theta) for an ensemble, block by block. Keeps its solver memory from call to
/// call: make one and use it often. Not for use by two threads at once.
///
/// The error norm of a block is the largest over its trajectories of each one's WRMS norm, so every
/// trajectory gets the tolerance it was promised, whatever company it keeps.
class Integrator {
 public:
  /// Throws InputError when an option is out of range. Does not solve.
  Integrator(Dynamics dynamics, IntegratorOptions options);
  ~Integrator();
  Integrator(Integrator&&) noexcept;
  Integrator& operator=(Integrator&&) noexcept;

  /// The states at the observation times. Throws NumericalError (time, method, tolerance; also for
  /// a theta that is not finite), Interrupted, or InputError when shapes do not fit, a state or an
  /// end time is not finite, or times do not increase.
  [[nodiscard]] ObservedStates integrate(ConstVectorRef theta, const Ensemble& ensemble);

  /// The trajectories at the fractions tau[k] of their end times, increasing, in [0, 1]: by the
  /// interpolant of CVODES (of the accuracy of its steps), or by steps that end there.
  [[nodiscard]] SampledTrajectories sample(ConstVectorRef theta, const Ensemble& ensemble,
                                           ConstVectorRef tau);

  [[nodiscard]] const Dynamics& dynamics() const;
  [[nodiscard]] const IntegratorOptions& options() const;

 private:
  struct Workers;
  std::unique_ptr<Workers> workers_;
};

/// Trajectories per block unless options say otherwise: as even as possible, at most about 128
/// for one dimension, 8 for one-step methods; never depends on the threads.
[[nodiscard]] Index block_size(Index trajectories, const Dynamics& dynamics,
                               Method method = Method::adams);

/// The longest step to an end time of T, in units of time, unless options say otherwise: T/12 for
/// T up to 12, then 1, and T/200 from T = 200 on. A solver sees the force only where its steps end:
/// over a region without a force they grow until a well that lies ahead falls between two of them.
/// Steps along orbits that go around in a time of the order of T, or of 1, are shorter than this.
/// A one-step method sees the force at every stage, and may go twice as far from stage to stage.
[[nodiscard]] double longest_step(double end_time);

/// "6.4.1": of the SUNDIALS that isochron was compiled with.
[[nodiscard]] std::string sundials_version();

}  // namespace isochron
