// What does the loss determine? Many starts of three losses, and what each trained force is.
//
//   periodic       mean |X(T) - X(0)|^2      every isochronous well, wherever its centre, sheared
//   antiperiodic   mean |X(T/2) + X(0)|^2    f = -(2 pi n/T)^2 x, n odd, and nothing else
//   odd            periodic, f(-x) = -f(x)   f = -(2 pi n/T)^2 x
//
// The certificate knows only the force: period and turning points by quadrature, no ODE solver.
// A symmetric isochronous well is harmonic (Landau and Lifshitz, Mechanics, section 12).
//
// Expect: all periodic starts "isochronous, sheared", all others "harmonic". `isochron sweep` does
// the same with 1,000 starts each; see 04_what_the_loss_determines.ini. --quick: 2 starts each.

#include <cstdio>
#include <cstring>
#include <numbers>

#include "isochron/certificate.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"

namespace {

using namespace isochron;

struct Question {
  const char* name;
  Loss loss;
  Symmetry symmetry;
  Isochrony expected;
};

constexpr Question questions[] = {
    {"periodic", Loss::periodic, Symmetry::none, Isochrony::sheared},
    {"antiperiodic", Loss::antiperiodic, Symmetry::none, Isochrony::harmonic},
    {"odd", Loss::periodic, Symmetry::odd, Isochrony::harmonic}};

/// What a start of this seed leads to.
Certificate train_and_certify(const Question& question, std::uint64_t seed) {
  constexpr double period = 2 * std::numbers::pi;
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1}, question.symmetry);
  const Dynamics dynamics(network);
  const Objective objective(dynamics, question.loss, normal_states(2, 100, seed), period);

  TrainingOptions options;
  options.optimizer.loss_tolerance = 9e-13;
  options.max_time = 20;
  const TrainingResult result = train(objective, network->initial_parameters(seed), options);
  const Vector& theta = result.state.theta;
  const double loss = verify_loss(objective, result).loss;
  const Certificate found =
      certify(*network, theta, objective.ensemble().initial_states,
              {.period = period, .loss = loss, .half_orbits = question.loss == Loss::antiperiodic});
  std::printf("%-13s seed %llu: loss %.1e, %s, n = %d, x0 = %+.2e, |S|/A up to %.1e\n",
              question.name, static_cast<unsigned long long>(seed), loss, name(found.verdict),
              found.n, found.center.value_or(0), found.shear_max);
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const std::uint64_t starts = quick ? 2 : 20;
  std::uint64_t as_expected = 0;
  for (const Question& question : questions) {
    for (std::uint64_t seed = 0; seed < starts; ++seed) {
      if (train_and_certify(question, seed).verdict == question.expected) ++as_expected;
    }
  }
  std::printf("%llu of %llu starts are what theory says\n",
              static_cast<unsigned long long>(as_expected),
              static_cast<unsigned long long>(3 * starts));
  return as_expected == 3 * starts ? 0 : 1;
}
