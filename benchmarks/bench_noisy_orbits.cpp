// How well a force is found from noisy orbits: the settings of Greydanus et al. 2019, "Hamiltonian
// Neural Networks", arXiv 1906.01563, for its spring and its pendulum.
//
//   bench_noisy_orbits [seeds]
//
// Errors of the learned force from 100 states with |q|, |p| from U(0.2, 1), over t in [0, 20]: mean
// square of the energy's deviation from the true orbit's, with q^2 + p^2 as the energy (the
// paper's, also for the pendulum, which does not conserve it) and with H; and of the period, at the
// energies of these states, rms. Published: 3.8e-4 and 2.5e-2. The last row of each system fits the
// two parameters of the truth's own form: what noise leaves to be found.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/random.hpp"
#include "noisy_orbits.hpp"

namespace {

using namespace isochron;
using namespace noisy_orbits;
using Seconds = std::chrono::duration<double>;

constexpr double long_end = 20;
constexpr Index tests = 100, samples = 201;

struct Errors {
  double paper = 0, energy = 0, period = 0;
};

Errors errors_of(const System& system, const ForceField& field, const Vector& theta,
                 const Dynamics& learned) {
  Random random(5);
  States start(2, tests);
  for (double& x : start.reshaped()) {
    const double size = 0.2 + 0.8 * random.uniform();
    x = random.uniform() < 0.5 ? -size : size;
  }
  start.row(1) *= 2;
  const Ensemble ensemble(start, long_end);
  const Vector tau = Vector::LinSpaced(samples, 0, 1);
  const auto paths = [&](const Dynamics& dynamics, const Vector& at) {
    return Integrator(dynamics, tight()).sample(at, ensemble, tau).trajectories.states;
  };
  const auto energy = [&](bool as_in_paper, const States& y) -> Eigen::ArrayXd {
    const Eigen::ArrayXd q = y.row(0), p = y.row(1) / 2;
    if (as_in_paper || system.is_spring) return q.square() + p.square();
    return 3 * (1 - q.cos()) + p.square();
  };
  const ForceFieldPtr true_field = truth(system);
  const std::vector<States> found = paths(learned, theta);
  const std::vector<States> exact = paths(Dynamics(true_field), Vector(0));
  Errors errors;
  for (std::size_t k = 0; k < found.size(); ++k) {
    for (const bool as_in_paper : {true, false}) {
      const Eigen::ArrayXd off = energy(as_in_paper, found[k]) - energy(as_in_paper, exact[k]);
      (as_in_paper ? errors.paper : errors.energy) += off.square().mean() / samples;
    }
  }
  constexpr double highest = 10;
  const auto well_of = [&](const ForceField& force, ConstVectorRef at) {
    const double bottom = nearest_bottom(force, at, -2, 2).value_or(0);
    return PotentialWell(force, at, bottom, {-20, 20}, highest);
  };
  const PotentialWell well = well_of(field, theta);
  const PotentialWell true_well = well_of(*true_field, Vector(0));
  double squares = 0;
  for (Index i = 0; i < tests; ++i) {
    const double e = start(1, i) * start(1, i) / 2 + true_well.potential(start(0, i));
    const double period = well.orbit(e).period;
    squares += std::pow(period / true_well.orbit(e).period - 1, 2) / tests;
  }
  errors.period = std::sqrt(squares);
  return errors;
}

Vector initial_parameters_of(const Objective& objective, std::uint64_t seed) {
  return initial_parameters(objective, seed);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Fits and prints the errors of a force; theta(objective, seed): where a fit starts.
template <class Theta>
void run(const System& system, const char* name, const ForceFieldPtr& force, const Theta& theta,
         std::uint64_t seeds) {
  std::vector<double> paper, energy, period, excess, seconds;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const Objective objective = noisy(system, force, seed);
    const auto begin = std::chrono::steady_clock::now();
    const ObservationFit fit = fit_observations(objective, theta(objective, seed));
    seconds.push_back(Seconds(std::chrono::steady_clock::now() - begin).count());
    const Errors errors = errors_of(system, objective.dynamics().field(), fit.training.state.theta,
                                    objective.dynamics());
    paper.push_back(errors.paper);
    energy.push_back(errors.energy);
    period.push_back(errors.period);
    excess.push_back(std::abs(fit.chi_squared - fit.degrees_of_freedom) /
                     std::sqrt(2 * fit.degrees_of_freedom));
  }
  std::printf("| %s | %s | %.1e | %.1e | %.2f%% | %.1f | %.2f | %.2f |\n", system.name, name,
              median(paper), median(energy), 100 * median(period),
              *std::max_element(excess.begin(), excess.end()), median(seconds),
              *std::max_element(seconds.begin(), seconds.end()));
}

}  // namespace

int main(int argc, char** argv) try {
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5;
  std::printf("medians of %d noise seeds; one thread\n", static_cast<int>(seeds));
  std::printf(
      "| system | network | energy (paper) | energy H | period | largest excess of chi^2 "
      "(sigma) | s | longest |\n|---|---|---|---|---|---|---|---|\n");
  for (const System& system : systems) {
    for (const Shape& shape : shapes) {
      run(system, shape.name, network(shape), &initial_parameters_of, seeds);
    }
    const Vector start = 1.1 * true_parameters(system);
    run(
        system, "its own form", true_form(system), [&](const auto&...) { return start; }, seeds);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_noisy_orbits: %s\n", error.what());
  return 1;
}
