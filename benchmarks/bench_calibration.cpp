// Whether 90% bands hold the truth in 90 of 100 fits: of the force at 41 positions and of the
// period at 20 energies, within 5 to 95% of those that the noisy orbits of noisy_orbits.hpp visit.
//
//   bench_calibration FILE [FIRST LAST]
//
// Fits the noise seeds FIRST .. LAST - 1 (0 500), adds a row for each to FILE, and prints how often
// the bands of all rows in FILE held the truth. Seeds with a row there are not fitted again: what
// was stopped goes on, and files of several ranges, fitted at the same time, may be joined.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "isochron/bands.hpp"
#include "isochron/error.hpp"
#include "isochron/potential_well.hpp"
#include "noisy_orbits.hpp"

namespace {

using namespace isochron;
using namespace noisy_orbits;

constexpr double band_width = 1.6448536269514722;  // of 90%, in standard errors
constexpr Index positions = 41, energies = 20;

struct Case {
  const System& system;
  const Shape& shape;
};
const Case cases[] = {{systems[0], shapes[1]}, {systems[1], shapes[2]}};

/// Even steps from the 5th to the 95th percentile.
Vector middle_range(Vector values, Index points) {
  std::sort(values.begin(), values.end());
  const Index count = values.size();
  return Vector::LinSpaced(points, values[count / 20], values[count - 1 - count / 20]);
}

/// Where bands are looked at, and the truth there.
struct Truth {
  Vector position, force;
  Vector energy, period;
};

Truth truth_of(const System& system) {
  constexpr std::uint64_t seeds = 40;  // more would not move the percentiles
  const ForceFieldPtr field = truth(system);
  const PotentialWell well(*field, Vector(0), 0, {-3, 3}, 100);
  Vector visited(0), reached(0);
  const auto append = [](Vector& all, const Vector& more) {
    const Index before = all.size();
    all.conservativeResize(before + more.size());
    all.tail(more.size()) = more;
  };
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    append(visited, exact_states(system, seed).row(0).transpose());
    const States start = starts(system, seed);
    append(reached, start.row(1).transpose().cwiseAbs2() / 2 +
                        potentials(*field, Vector(0), 0, start.row(0).transpose()));
  }
  Truth exact;
  exact.position = middle_range(visited, positions);
  exact.force = field->force(Vector(0), Block(exact.position.transpose())).transpose();
  exact.energy = middle_range(reached, energies);
  exact.period = exact.energy;
  for (double& value : exact.period) value = well.orbit(value).period;
  return exact;
}

/// A fit's row: 1 where its band holds the truth, otherwise 0, for the positions and then the
/// energies.
std::string row_of(const Case& a_case, const Truth& exact, std::uint64_t seed) {
  const Objective objective = noisy(a_case.system, network(a_case.shape, {16, 16}), seed);
  const ObservationFit fit = fit_observations(objective, initial_parameters(objective, seed));
  std::string row(static_cast<std::size_t>(positions + energies), '0');
  if (!fit.posterior) return row;
  const ForceField& field = objective.dynamics().field();
  const Vector& theta = fit.training.state.theta;
  const auto mark = [&](Index place, double found, double error, double expected) {
    const bool holds = std::abs(found - expected) <= band_width * error;
    row[static_cast<std::size_t>(place)] = holds ? '1' : '0';
  };
  const Block x = exact.position.transpose();
  const Block force = field.force(theta, x);
  const Block force_error = force_errors(field, theta, *fit.posterior, x);
  for (Index i = 0; i < positions; ++i) mark(i, force(0, i), force_error(0, i), exact.force[i]);
  const std::optional<double> bottom = nearest_bottom(field, theta, -2, 2);
  if (!bottom) return row;
  const PeriodCurve found = period_curve(field, theta, *fit.posterior, *bottom, exact.energy);
  for (Index i = 0; i < found.energy.size(); ++i) {
    mark(positions + i, found.period[i], found.error[i], exact.period[i]);
  }
  return row;
}

using Rows = std::map<std::tuple<std::string, std::string, std::uint64_t>, std::string>;

Rows read_rows(const char* file) {
  Rows rows;
  std::ifstream lines(file);
  std::string system, shape, row;
  std::uint64_t seed = 0;
  while (lines >> system >> shape >> seed >> row) {
    const bool is_whole = static_cast<Index>(row.size()) == positions + energies;
    if (is_whole) rows[{system, shape, seed}] = row;
  }
  return rows;
}

/// Of the columns first .. first + count - 1 of all rows: the mean share of ones, and the lowest of
/// a column.
std::pair<double, double> coverage(const std::vector<std::string>& rows, Index first, Index count) {
  double sum = 0;
  double lowest = 1;
  for (Index i = first; i < first + count; ++i) {
    const auto holding = std::count_if(rows.begin(), rows.end(), [&](const std::string& row) {
      return row[static_cast<std::size_t>(i)] == '1';
    });
    const double share = static_cast<double>(holding) / static_cast<double>(rows.size());
    sum += share / static_cast<double>(count);
    lowest = std::min(lowest, share);
  }
  return {sum, lowest};
}

void print(const Rows& rows) {
  std::printf("| system | network | fits | f: mean | f: lowest | T(E): mean | T(E): lowest |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const auto& [system, shape] : cases) {
    std::vector<std::string> of_case;
    for (const auto& [key, row] : rows) {
      const auto& [its_system, its_shape, seed] = key;
      if (its_system == system.name && its_shape == shape.name) of_case.push_back(row);
    }
    if (of_case.empty()) continue;
    const auto [force, lowest_force] = coverage(of_case, 0, positions);
    const auto [period, lowest_period] = coverage(of_case, positions, energies);
    std::printf("| %s | %s | %zu | %.1f%% | %.1f%% | %.1f%% | %.1f%% |\n", system.name, shape.name,
                of_case.size(), 100 * force, 100 * lowest_force, 100 * period, 100 * lowest_period);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw InputError("give a file for the rows, and perhaps the first and last seeds");
  const char* file = argv[1];
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const std::uint64_t last = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 500;
  Rows rows = read_rows(file);
  std::ofstream out(file, std::ios::app);
  for (const Case& a_case : cases) {
    const Truth exact = truth_of(a_case.system);
    for (std::uint64_t seed = first; seed < last; ++seed) {
      std::string& row = rows[{a_case.system.name, a_case.shape.name, seed}];
      if (!row.empty()) continue;
      row = row_of(a_case, exact, seed);
      out << a_case.system.name << ' ' << a_case.shape.name << ' ' << seed << ' ' << row
          << std::endl;
      std::fprintf(stderr, "%s %s: seed %d of %d .. %d\r", a_case.system.name, a_case.shape.name,
                   static_cast<int>(seed), static_cast<int>(first), static_cast<int>(last - 1));
    }
    std::fprintf(stderr, "\n");
  }
  print(rows);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_calibration: %s\n", error.what());
  return 1;
}
