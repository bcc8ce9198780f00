#pragma once

#include <algorithm>
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

/// How many parts of at most `by` there are in `number`.
[[nodiscard]] constexpr Index divided_up(Index number, Index by) { return (number + by - 1) / by; }

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
        std::min(static_cast<std::size_t>(integrator.thread_count()), blocks.size());
    // The bits of a block depend on the room that its solver has: that of a whole block also where
    // there is only a shorter last one, as on one rank of many.
    prepare(threads, std::max(trajectories, integrator.block_size));
    try {
      share_on_threads(threads, blocks.size(), [&](std::size_t thread, std::size_t i) {
        work(*solvers_[thread], i, blocks[i]);
      });
    } catch (const std::bad_alloc&) {  // whose solver may be half made
      solvers_.clear();
      throw;
    }
  }

 private:
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
