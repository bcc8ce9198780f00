#pragma once

#include <memory>
#include <optional>
#include <vector>

namespace isochron {

class Objective;

/// Processes, ranks 0 to size - 1, that share the blocks of trajectories of every evaluation: an
/// option of integrators (IntegratorOptions::communicator). Rank 0 runs the program: it optimises,
/// reads clocks and signals, prints and writes; the others `serve` it. What is computed is the same
/// to the last bit for any number of ranks and threads.
///
/// This is all that isochron asks of a way to send messages; mpi.hpp has that of MPI. Messages from
/// one rank to another on one channel arrive in their order. Used by one thread at a time.
class Communicator {
 public:
  using Bytes = std::vector<char>;

  /// What the messages belong to.
  enum Channel : int {
    work,   ///< an evaluation: what is to be done on the way down, what was found on the way up
    stop,   ///< from rank 0: to give up the evaluation with this number
    start,  ///< of a sweep: starts on the way down, rows on the way up
  };

  /// A message, and the rank that sent it.
  struct Received {
    int from = 0;
    Bytes bytes;
  };

  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  /// May wait until the other rank takes the message.
  virtual void send(int to, Channel channel, const Bytes& bytes) = 0;
  /// The next message of a rank on a channel, if one has come; of any rank when `from` is negative.
  [[nodiscard]] virtual std::optional<Received> take(int from, Channel channel) = 0;

  /// That a message could not be taken or sent, for want of memory: what the others have sent or
  /// wait for is not known any more. Evaluations then throw, and whoever started the ranks has to
  /// end them, as MPI_Abort does.
  void break_off() noexcept { is_broken_ = true; }
  [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }

 private:
  bool is_broken_ = false;
};

using CommunicatorPtr = std::shared_ptr<Communicator>;

/// What ranks other than 0 do: their part of whatever rank 0 evaluates, until it dismisses them.
/// Networks, analytic forces and what is made of them arrive in messages. `own` has what cannot: a
/// force field of callables or a class of one's own, which must be the same as on rank 0, and the
/// callable of an own loss. Returns the status that rank 0 gave to `dismiss`. Throws when messages
/// fail, as std::bad_alloc: rank 0 then waits for this rank, which has to end the job.
int serve(Communicator& communicator, const Objective* own = nullptr);

/// Ends the service of all other ranks; to be called on rank 0, once, when all that evaluates has
/// been destroyed. Does nothing where messages have failed (Communicator::is_broken).
void dismiss(Communicator& communicator, int status = 0);

}  // namespace isochron
