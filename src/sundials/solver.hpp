#pragma once

#include <exception>

#include "block_solver.hpp"
#include "isochron/error.hpp"
#include "sundials/block_jacobian.hpp"
#include "sundials/context.hpp"
#include "sundials/vector.hpp"

namespace isochron::sundials {

/// Keeps an exception while C frames are unwound by return codes: a numerical failure is
/// recoverable (+1, the solver tries a shorter step), everything else is not (-1).
class ErrorTrap {
 public:
  template <class F>
  int run(F&& f) noexcept {
    try {
      f();
      return 0;
    } catch (const NumericalError&) {
      error_ = std::current_exception();
      return 1;
    } catch (...) {
      error_ = std::current_exception();
      return -1;
    }
  }

  /// Rethrows what was kept, and forgets it.
  void rethrow();
  void clear() { error_ = nullptr; }

 private:
  std::exception_ptr error_;
};

class ForwardSensitivity;

/// Absolute tolerances of a block, by component: atol times the units.
[[nodiscard]] VectorHandle absolute_tolerances(const VectorShape& shape, SUNContext context,
                                               double atol, const Vector& units);

/// What the forward and the backward problem of a block share: the bound dynamics and the
/// callbacks' guards.
struct BlockProblem {
  BlockProblem(const Dynamics& model, Index stride, const IntegratorOptions& integrator);

  /// Runs a right-hand side that writes `out`, as CVODES wants it: counts it, keeps what it throws,
  /// and fails when the caller wants to stop (Interrupted) or `out` is not finite (NumericalError).
  template <class F>
  int evaluate(ConstBlockRef out, F&& f) noexcept {
    ++evaluations;
    return trap.run([&] {
      f();
      guard(out);
    });
  }

  BlockDynamics dynamics;
  const IntegratorOptions& options;
  Vector lengths;      // of the segment that is being solved, T_b [stride]
  Vector whole_times;  // of all segments together [stride]
  ErrorTrap trap;
  ForwardSensitivity* sensitivity = nullptr;  // that rides on this problem, if any
  long evaluations = 0;  // of right-hand sides since the last start, forward or backward

 private:
  void guard(ConstBlockRef out) const;
};

/// One block of trajectories as one CVODES problem in scaled time tau in [0, 1]. Owns all solver
/// memory and is used again and again: `start` re-initialises, nothing is re-created.
///
/// The way can be gone in segments, each from and to a time of every trajectory's own, so that
/// trajectories that are observed at different times reach them together: tau then runs from 0 to 1
/// in every segment.
class ForwardSolver final : public BlockSolver {
 public:
  /// Room for blocks of up to `stride` trajectories (a multiple of block_padding). `options` is
  /// referred to, not copied.
  ForwardSolver(const Dynamics& dynamics, const IntegratorOptions& options, Index stride);

  void start(const double* theta, ConstStatesRef states, ConstVectorRef end_times) override;
  void advance(double tau) override;
  void read(StatesRef states) const override;
  [[nodiscard]] IntegrationCounts counts() const override;

  /// One step towards tau = 1; returns the tau reached. Throws like `advance`.
  double step();

  /// The first segment, over the times 0 .. `to` [B]; `whole_times`: how long trajectories take in
  /// all.
  void start_segments(const double* theta, ConstStatesRef states, ConstVectorRef to,
                      ConstVectorRef whole_times);
  /// The next one, from where the last one ended. Everything is counted on.
  void start_segment(ConstVectorRef from, ConstVectorRef to);

  /// Makes tau that of a segment of the loaded block, for the backward problem or a restart.
  void enter_segment(ConstVectorRef from, ConstVectorRef to);

  /// Starts the loaded block again at tau, from state(). The evaluations are counted on.
  void restart(double tau);

  /// Lets CVODES run towards tau in one of its modes, with all steps since the start counted;
  /// returns its flag, and in `reached` where it is.
  int run(double tau, int mode, double& reached);

  [[nodiscard]] void* memory() const { return memory_.get(); }
  [[nodiscard]] SUNContext context() const { return context_.get(); }
  [[nodiscard]] N_Vector state() const { return state_.get(); }
  [[nodiscard]] const VectorShape& shape() const { return shape_; }
  [[nodiscard]] BlockProblem& problem() { return problem_; }

  /// After a call that integrated: unless all went well, rethrows what a callback threw, or throws
  /// std::bad_alloc, or a NumericalError saying what failed where.
  void verify(int flag, const char* problem, double tau);

 private:
  void attach_corrector();
  void attach_newton();

  Context context_;
  BlockProblem problem_;
  VectorShape shape_;
  VectorHandle state_;
  NonlinearSolver corrector_;
  Matrix matrix_;
  LinearSolver linear_solver_;
  CvodeMemory memory_;
  IntegrationCounts earlier_counts_;  // of the segments before, but for evaluations
  double earlier_time_ = 0;           // of the first trajectory, when the segment begins
};

/// Settings that forward and backward problems share; see performance notes in solver.cpp.
void tune(void* memory);

[[nodiscard]] int multistep_family(Method method);

/// Steps of a CVODES memory since its (re-)initialisation.
[[nodiscard]] long count_steps(void* memory);

/// The tau that the steps of a CVODES memory have reached.
[[nodiscard]] double current_time(void* memory);

/// Steps and failures of a CVODES memory since its (re-)initialisation, beside `evaluations`.
[[nodiscard]] IntegrationCounts read_counts(void* memory, Method method, long evaluations);

}  // namespace isochron::sundials
