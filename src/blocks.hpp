#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "isochron/integrator.hpp"
#include "threads.hpp"

namespace isochron {

/// How an ensemble is cut: columns first .. first + size - 1.
struct BlockRange {
  Index first = 0;
  Index size = 0;
};

/// The blocks of an ensemble: of the size that the options ask for, or of block_size().
[[nodiscard]] std::vector<BlockRange> cut_into_blocks(const Ensemble& ensemble,
                                                      const Dynamics& dynamics,
                                                      const IntegratorOptions& options);

/// Throws InputError unless theta and the ensemble fit the dynamics and every number is finite.
void check_problem(const Dynamics& dynamics, ConstVectorRef theta, const Ensemble& ensemble);

/// Solvers for the threads, made when first needed and kept.
template <class Solver>
class SolverPool {
 public:
  /// Makes a solver for blocks of up to so many trajectories.
  using Factory = std::function<std::unique_ptr<Solver>(Index trajectories)>;

  explicit SolverPool(Factory factory) : factory_(std::move(factory)) {}

  /// Runs work(solver, index, block) for every block of the ensemble on the option's threads. Which
  /// thread gets which block is left to chance, so `work` must not depend on it. When blocks fail,
  /// the exception of the first of them (in block order, of those that ran) is rethrown.
  template <class Work>
  void run(const IntegratorOptions& integrator, const std::vector<BlockRange>& blocks,
           const Work& work) {
    run(integrator, blocks, blocks.front().size, work);
  }

  /// The same for ranges of several blocks, each of up to so many trajectories.
  template <class Work>
  void run(const IntegratorOptions& integrator, const std::vector<BlockRange>& blocks,
           Index trajectories, const Work& work) {
    const auto threads =
        std::min(static_cast<std::size_t>(std::max(1, integrator.threads)), blocks.size());
    prepare(threads, trajectories);
    std::atomic<std::size_t> next{0};
    std::vector<std::exception_ptr> errors(blocks.size());
    std::atomic<bool> failed{false};
    const auto serve = [&](Solver& solver) {
      for (std::size_t i = next++; i < blocks.size() && !failed; i = next++) {
        try {
          work(solver, i, blocks[i]);
        } catch (...) {
          errors[i] = std::current_exception();
          failed = true;
        }
      }
    };
    run_on_threads(threads, [&](std::size_t k) { serve(*solvers_[k]); });
    for (const auto& error : errors) {
      if (error) rethrow(error);
    }
  }

 private:
  /// A solver that ran out of memory may be half made.
  [[noreturn]] void rethrow(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
      solvers_.clear();
      throw;
    }
  }

  void prepare(std::size_t threads, Index trajectories) {
    if (trajectories != trajectories_) solvers_.clear();
    trajectories_ = trajectories;
    while (solvers_.size() < threads) {
      solvers_.push_back(factory_(trajectories));
    }
  }

  Factory factory_;
  Index trajectories_ = 0;
  std::vector<std::unique_ptr<Solver>> solvers_;
};

}  // namespace isochron
