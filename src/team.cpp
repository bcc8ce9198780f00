#include "team.hpp"

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

#include "clock.hpp"
#include "isochron/error.hpp"

namespace isochron {

// ------------------------------------------------------------------------------- what is found

ReductionTree<GradientSum> gradient_tree(Index blocks) {
  return {blocks, [](GradientSum left, const GradientSum& right) {
            left.loss += right.loss;
            left.gradient += right.gradient;
            return left;
          }};
}

template <class Archive, Is<IntegrationCounts> T>
void transfer(Archive& archive, T& counts) {
  archive(counts.steps, counts.right_hand_sides, counts.jacobians, counts.error_test_failures,
          counts.convergence_failures);
}
template <class Archive, Is<GradientSum> T>
void transfer(Archive& archive, T& sum) {
  archive(sum.loss, sum.gradient);
}
template <class Archive, Is<Share> T>
void transfer(Archive& archive, T& share) {
  archive(share.failure, share.states, share.initial_cotangents, share.sums, share.leaf_sums,
          share.own, share.jacobian, share.by_start, share.samples, share.forward, share.backward,
          share.stored_bytes);
}

namespace {

void append_columns(States& to, const States& next) {
  if (next.size() == 0) return;
  const Index before = to.size() > 0 ? to.cols() : 0;
  to.conservativeResize(next.rows(), before + next.cols());
  to.rightCols(next.cols()) = next;
}

void append_rows(RowMatrix& to, const RowMatrix& next) {
  if (next.size() == 0) return;
  const Index before = to.size() > 0 ? to.rows() : 0;
  to.conservativeResize(before + next.rows(), next.cols());
  to.bottomRows(next.rows()) = next;
}

/// A failure as a value.
Share attempt(const std::function<Share()>& part) {
  try {
    return part();
  } catch (...) {
    Share failed;
    failed.failure = current_failure();
    return failed;
  }
}

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const Interrupted& error) {
    return {Failure::interrupted, error.what()};
  } catch (const NumericalError& error) {
    return {Failure::numerical, error.what()};
  } catch (const InputError& error) {
    return {Failure::input, error.what()};
  } catch (const OutputError& error) {
    return {Failure::output, error.what()};
  } catch (const std::bad_alloc& error) {
    return {Failure::memory, error.what()};
  } catch (const std::exception& error) {
    return {Failure::other, error.what()};
  }
}

void raise(const Failure& failure) {
  switch (failure.kind) {
    case Failure::interrupted: throw Interrupted(failure.words);
    case Failure::numerical: throw NumericalError(failure.words);
    case Failure::input: throw InputError(failure.words);
    case Failure::output: throw OutputError(failure.words);
    case Failure::memory: throw std::bad_alloc();
    case Failure::other: break;
  }
  throw Error(failure.words);
}

void Share::append(Share next) {
  if (failure) return;
  if (next.failure) {
    *this = std::move(next);
    return;
  }
  append_columns(states, next.states);
  append_columns(initial_cotangents, next.initial_cotangents);
  append_rows(jacobian, next.jacobian);
  append_rows(by_start, next.by_start);
  if (samples.size() < next.samples.size()) samples.resize(next.samples.size());
  for (std::size_t k = 0; k < next.samples.size(); ++k) append_columns(samples[k], next.samples[k]);
  sums.merge(next.sums);
  leaf_sums.merge(next.leaf_sums);
  own.insert(own.end(), next.own.begin(), next.own.end());
  forward += next.forward;
  backward += next.backward;
  stored_bytes = std::max(stored_bytes, next.stored_bytes);
}

// ------------------------------------------------------------------------- from rank to rank

namespace {

/// The next message of work from a rank; `meanwhile` is called now and then.
Bytes wait_for(Communicator& communicator, int from, const std::function<void()>& meanwhile) {
  // Answers come soon, and the next request may take as long as rank 0 thinks.
  constexpr auto at_once = std::chrono::microseconds(200);
  constexpr auto between_looks = std::chrono::microseconds(50);
  const auto begin = Clock::now();
  for (;;) {
    if (auto received = communicator.take(from, Communicator::work)) {
      return std::move(received->bytes);
    }
    if (Clock::now() - begin < at_once) {
      std::this_thread::yield();
    } else {
      if (meanwhile) meanwhile();
      std::this_thread::sleep_for(between_looks);
    }
  }
}

// Messages go along a binomial tree: rank r passes them on to r + 2^k for all 2^k below its lowest
// bit, and each of these stands for the 2^k successive ranks from it on.

/// The lowest bit of a rank, of rank 0 the next power of 2 from the size on.
int lowest_bit(const Communicator& communicator) {
  int bit = 1;
  while (bit < communicator.size() && (communicator.rank() & bit) == 0) bit *= 2;
  return bit;
}

void pass_on(Communicator& communicator, const Bytes& bytes) {
  for (int bit = lowest_bit(communicator) / 2; bit > 0; bit /= 2) {
    const int to = communicator.rank() + bit;
    if (to < communicator.size()) communicator.send(to, Communicator::work, bytes);
  }
}

/// What this rank and those that it stands for have found.
Share joined(Communicator& communicator, Share own, const std::function<void()>& meanwhile = {}) {
  for (int bit = 1; bit < lowest_bit(communicator); bit *= 2) {
    const int from = communicator.rank() + bit;
    if (from >= communicator.size()) break;
    const Bytes bytes = wait_for(communicator, from, meanwhile);
    own.append(MessageReader(bytes).next<Share>());
  }
  return own;
}

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

/// What exchanges messages: when it throws, nobody knows which of them have arrived.
template <class Exchange>
auto unbroken(Communicator& communicator, const Exchange& exchange) {
  if (communicator.is_broken()) throw Error("the messages between the ranks have failed before");
  try {
    return exchange();
  } catch (...) {
    communicator.break_off();
    throw;
  }
}

std::uint64_t send_request(Communicator& communicator, Task task,
                           const std::function<void(MessageWriter&)>& write) {
  const Request request{task, next_number()};
  MessageWriter message;
  message(request);
  if (write) write(message);
  const Bytes bytes = message.take();
  unbroken(communicator, [&] { pass_on(communicator, bytes); });
  return request.number;
}

}  // namespace

void stop_others(Communicator& communicator, std::uint64_t number) {
  MessageWriter message;
  message(number);
  const Bytes bytes = message.take();
  for (int rank = 1; rank < communicator.size(); ++rank) {
    communicator.send(rank, Communicator::stop, bytes);
  }
}

bool GivenUp::operator()() {
  constexpr auto between_looks = std::chrono::milliseconds(1);
  if (std::this_thread::get_id() == thread_ && Clock::now() - last_look_ > between_looks) {
    while (const auto message = communicator_.take(0, Communicator::stop)) {
      // One that came too late is about an earlier evaluation.
      if (MessageReader(message->bytes).next<std::uint64_t>() == number_) given_up_ = true;
    }
    last_look_ = Clock::now();
  }
  return given_up_;
}

bool is_shared(const CommunicatorPtr& communicator, Index units) {
  return communicator != nullptr && communicator->size() > 1 && units > 1;
}

BlockRange units_of(const Communicator& communicator, Index units) {
  const Index first = units * communicator.rank() / communicator.size();
  return {first, units * (communicator.rank() + 1) / communicator.size() - first};
}

Ensemble part_of(const Ensemble& ensemble, const BlockRange& units, Index of_unit) {
  const Index first = std::min(units.first * of_unit, ensemble.size());
  const Index count = std::min(units.size * of_unit, ensemble.size() - first);
  Ensemble part;
  part.initial_states = ensemble.initial_states.middleCols(first, count);
  part.end_times = ensemble.end_times.segment(first, count);
  if (ensemble.earlier_times.size() > 0) {
    part.earlier_times = ensemble.earlier_times.middleCols(first, count);
  }
  return part;
}

Share share_work(Communicator& communicator, Task task,
                 const std::function<void(MessageWriter&)>& write,
                 const std::function<bool()>& stop_requested,
                 const std::function<Share()>& own_part) {
  const std::uint64_t number = send_request(communicator, task, write);
  Share all = unbroken(communicator, [&] {
    Share own = attempt(own_part);
    bool has_stopped = false;
    const auto stop_if = [&](bool stops) {
      if (stops && !has_stopped) stop_others(communicator, number);
      has_stopped = has_stopped || stops;
    };
    stop_if(own.failure.has_value());
    return joined(communicator, std::move(own),
                  [&] { stop_if(stop_requested && stop_requested()); });
  });
  if (all.failure) raise(*all.failure);
  return all;
}

std::uint64_t tell(Communicator& communicator, Task task,
                   const std::function<void(MessageWriter&)>& write) {
  return send_request(communicator, task, write);
}

Bytes next_request(Communicator& communicator) {
  const int from = communicator.rank() - lowest_bit(communicator);
  Bytes bytes = wait_for(communicator, from, {});
  pass_on(communicator, bytes);
  return bytes;
}

void answer(Communicator& communicator, std::uint64_t number,
            const std::function<Share(const std::function<bool()>& stop_requested)>& part) {
  GivenUp given_up(communicator, number);
  Share own = attempt([&] { return part([&given_up] { return given_up(); }); });
  MessageWriter message;
  message(joined(communicator, std::move(own)));
  communicator.send(communicator.rank() - lowest_bit(communicator), Communicator::work,
                    message.take());
}

}  // namespace isochron
