// What ranks and threads bring: the note's problem with N trajectories, one gradient (adams at
// 1e-10), one Jacobian's worth of least squares (rkn8 at 1e-7), and what goes through messages.
//
//   bench_ranks N [THREADS] [gradient|least-squares]         one process
//   mpirun -n R bench_ranks N [THREADS] [gradient|least-squares]
//
// Prints for rank 0 the shortest time of five gradients, or of all iterations but the first three
// of twelve, the loss (the same to the last bit for any R and THREADS), messages and bytes that
// rank 0 has sent and taken for each evaluation, and the largest memory of a process in MB.
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <numbers>
#include <string>

#include "isochron/mlp.hpp"
#include "isochron/mpi.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"

using namespace isochron;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Index large = 100000;  // trajectories, whose evaluations take long enough to be few

/// Counts what goes through another one.
class Counted final : public Communicator {
 public:
  explicit Counted(CommunicatorPtr through) : through_(std::move(through)) {}

  [[nodiscard]] int rank() const override { return through_->rank(); }
  [[nodiscard]] int size() const override { return through_->size(); }
  void send(int to, Channel channel, const Bytes& message) override {
    ++messages;
    bytes += message.size();
    through_->send(to, channel, message);
  }
  [[nodiscard]] std::optional<Received> take(int from, Channel channel) override {
    auto received = through_->take(from, channel);
    if (received) {
      ++messages;
      bytes += received->bytes.size();
    }
    return received;
  }

  std::size_t messages = 0;
  std::size_t bytes = 0;

 private:
  CommunicatorPtr through_;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of this process, MB.
double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Measured {
  double seconds = std::numeric_limits<double>::infinity();
  double loss = 0;
  long evaluations = 0;
};

Measured gradients(const Objective& objective, const Vector& theta, SensitivityOptions options) {
  ObjectiveFunction function(objective, std::move(options));
  Vector gradient(theta.size());
  Measured best;
  const int runs = objective.ensemble().size() < large ? 6 : 2;
  for (int run = 0; run < runs; ++run) {
    const auto start = Clock::now();
    best.loss = function.value(theta, gradient);
    if (run > 0)
      best.seconds = std::min(best.seconds, seconds_since(start));  // the first allocates
    ++best.evaluations;
  }
  return best;
}

Measured iterations(const Objective& objective, const Vector& theta, SensitivityOptions options) {
  TrainingOptions training;
  training.kind = OptimizerKind::least_squares;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rkn8;
  options.integrator.rtol = options.integrator.atol = 1e-7;
  options.freeze_steps = true;
  training.sensitivity = std::move(options);
  training.auto_tolerance = false;
  training.optimizer.max_iterations = objective.ensemble().size() < large ? 12 : 5;
  training.max_time = 1e5;
  const TrainingResult result = train(objective, theta, training);
  const History& history = result.state.history;
  Measured best;
  for (std::size_t i = 4; i < history.size(); ++i) {
    best.seconds = std::min(best.seconds, history.wall_time[i] - history.wall_time[i - 1]);
  }
  best.loss = history.loss.back();
  best.evaluations = history.evaluations.back();
  return best;
}

void measure(const std::shared_ptr<Counted>& ranks, Index trajectories, int threads,
             const std::string& what) {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Objective objective(Dynamics(network), Loss::periodic, normal_states(2, trajectories, 0),
                            2 * std::numbers::pi);
  const Vector theta = network->initial_parameters(0);
  SensitivityOptions options;
  options.integrator.threads = threads;
  options.integrator.communicator = ranks;
  const Measured best = what == "gradient" ? gradients(objective, theta, options)
                                           : iterations(objective, theta, options);
  const auto evaluations = static_cast<double>(best.evaluations);
  fmt::print(
      "{} N {} ranks {} threads {}: {:.1f} ms, loss {:.17g}, {:.1f} messages and {:.0f} kB "
      "an evaluation, {:.0f} MB\n",
      what, trajectories, ranks->size(), threads, 1e3 * best.seconds, best.loss,
      static_cast<double>(ranks->messages) / evaluations,
      static_cast<double>(ranks->bytes) / 1024 / evaluations, peak_memory());
}

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  {
    const auto ranks = std::make_shared<Counted>(mpi_communicator(MPI_COMM_WORLD));
    if (ranks->rank() != 0) {
      serve(*ranks);
    } else {
      const Index trajectories = argc > 1 ? std::stol(argv[1]) : 10000;
      const int threads = argc > 2 ? std::stoi(argv[2]) : 1;
      for (const char* what : {"gradient", "least-squares"}) {
        if (argc <= 3 || std::string(argv[3]) == what) measure(ranks, trajectories, threads, what);
      }
      dismiss(*ranks);
    }
  }
  MPI_Finalize();
}
