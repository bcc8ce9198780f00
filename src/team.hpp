#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "blocks.hpp"
#include "clock.hpp"
#include "isochron/communicator.hpp"
#include "isochron/integrator.hpp"
#include "leaf_task.hpp"
#include "message.hpp"
#include "reduction_tree.hpp"

namespace isochron {

/// The sum of losses and gradients over some blocks.
struct GradientSum {
  double loss = 0;
  Vector gradient;
};

/// Sums over blocks, in a tree that is fixed by their number.
[[nodiscard]] ReductionTree<GradientSum> gradient_tree(Index blocks);

/// Why a rank has not done its part.
struct Failure {
  enum Kind { input, numerical, interrupted, output, memory, other } kind = other;
  std::string words;
};

/// The exception that is being handled, as a value; and back.
[[nodiscard]] Failure current_failure();
[[noreturn]] void raise(const Failure& failure);

template <class Archive, Is<Failure> T>
void transfer(Archive& archive, T& failure) {
  archive(failure.kind, failure.words);
}

/// What is found about successive trajectories, by one rank or by successive ones; of what an
/// evaluation does not ask for nothing.
struct Share {
  std::optional<Failure> failure;  ///< then all else is worthless
  States states;                   ///< at the observation times
  States initial_cotangents;
  std::map<TreeNode, GradientSum> sums;
  std::map<TreeNode, LeafSum> leaf_sums;
  std::vector<OwnSegment> own;  ///< parameters of leaves
  RowMatrix jacobian;
  RowMatrix by_start;
  std::vector<States> samples;  ///< at each time
  IntegrationCounts forward;
  IntegrationCounts backward;
  double stored_bytes = 0;

  /// Adds that of the trajectories after these.
  void append(Share next);
};

/// What rank 0 asks all others for.
enum class Task {
  integrate,  ///< states at the observation times
  sample,     ///< trajectories at given times
  make,       ///< a function of theta, for the next five
  forget,
  loss,
  gradient,
  jacobian,
  leaves,  ///< a task in all leaves of the Jacobian
  sweep,   ///< starts, until there are no more
  end,
};

/// How a request begins.
struct Request {
  Task task = Task::end;
  std::uint64_t number = 0;  ///< which other message is about it
};

/// Whether there is anybody to share work with, and more than one unit of it.
[[nodiscard]] bool is_shared(const CommunicatorPtr& communicator, Index units);

/// The successive units, blocks or leaves, that belong to a rank.
[[nodiscard]] BlockRange units_of(const Communicator& communicator, Index units);

/// The part of an ensemble that is a range of its units of so many trajectories.
[[nodiscard]] Ensemble part_of(const Ensemble& ensemble, const BlockRange& units, Index of_unit);

/// On rank 0: sends a request to all ranks, does its own part, and joins what all have found. When
/// its own part fails, or it is asked to stop while it waits, the others are stopped; the failure
/// of the first of them is thrown. `write`: what follows Request{task, ..} in the message.
[[nodiscard]] Share share_work(Communicator& communicator, Task task,
                               const std::function<void(MessageWriter&)>& write,
                               const std::function<bool()>& stop_requested,
                               const std::function<Share()>& own_part);

/// The same without an answer. Returns the number of the request.
std::uint64_t tell(Communicator& communicator, Task task,
                   const std::function<void(MessageWriter&)>& write = {});

/// On rank 0: tells all others to give up what the request with this number asks for.
void stop_others(Communicator& communicator, std::uint64_t number);

/// On the others, whether rank 0 has. Only the thread that made it looks for messages, now and
/// then; all see what it found.
class GivenUp {
 public:
  GivenUp(Communicator& communicator, std::uint64_t number)
      : communicator_(communicator), number_(number) {}

  [[nodiscard]] bool operator()();

 private:
  Communicator& communicator_;
  std::uint64_t number_;
  std::thread::id thread_ = std::this_thread::get_id();
  Clock::time_point last_look_ = Clock::now();
  std::atomic<bool> given_up_ = false;
};

/// On all other ranks: the next request.
[[nodiscard]] Bytes next_request(Communicator& communicator);

/// On all other ranks: does the part, whose failure is an answer, too, and sends what was found.
/// `part` gets what says whether rank 0 has given up.
void answer(Communicator& communicator, std::uint64_t number,
            const std::function<Share(const std::function<bool()>& stop_requested)>& part);

template <class Archive, Is<Request> T>
void transfer(Archive& archive, T& request) {
  archive(request.task, request.number);
}

template <class Archive, Is<IntegratorOptions> T>
void transfer(Archive& archive, T& options) {
  archive(options.method, options.rtol, options.atol, options.state_units, options.steps,
          options.max_steps, options.max_step, options.block_size, options.threads);
}

template <class Archive, Is<Ensemble> T>
void transfer(Archive& archive, T& ensemble) {
  archive(ensemble.initial_states, ensemble.end_times, ensemble.earlier_times);
}

}  // namespace isochron
