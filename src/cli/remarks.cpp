#include "cli/remarks.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <tuple>

#include "cli/stored_run.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// A limit that the options set, which a run can go on from.
std::string on_the_limit(const Run& run, const std::string& file) {
  const bool by_time = run.stop_reason == describe(StopReason::wall_time);
  if (!by_time && run.stop_reason != describe(StopReason::max_iterations)) return "";
  return fmt::format("{} ended before training did; {}", by_time ? "time" : "the iterations",
                     how_to_go_on(run, file, by_time ? " --max-time S" : " --iterations K"));
}

/// Both losses are of the same orbits, so they differ by errors of integration alone. Below 1e-20
/// that is rounding.
std::string on_the_integration(const Run& run, const std::string& file) {
  constexpr double rounding = 1e-20;
  const double loss = run.state.loss;
  const auto& [verified, error] = std::tie(run.verification.loss, run.verification.error);
  if (std::isnan(loss + verified + error)) return "";
  const double larger = std::max(loss, verified);
  const bool agree = larger <= 2 * std::min(loss, verified) ||
                     std::abs(loss - verified) <= 3 * error || !(larger > rounding);
  if (agree) return "";
  const std::string& method = run.integrated_by;
  const bool fixed_steps = method.starts_with("rk4");
  return fmt::format(
      "the loss {:.1e} is of its integration{}; it is truly {:.1e}: train on more accurately with: "
      "isochron train --resume {} {}",
      loss, method.empty() ? "" : " by " + method, verified, shown(file),
      fixed_steps ? "--steps K, more than that" : "--rtol R, smaller than that");
}

/// max |f(y)| T over the first thousand states, and the root mean square of these states.
std::pair<double, double> motion_and_size(const Run& run) {
  constexpr Index most = 1000;
  const Index count = std::min(run.ensemble.size(), most);
  const States states = run.ensemble.initial_states.leftCols(count);
  const Block force = Mlp(*run.network).force(run.state.theta, states);
  const Eigen::RowVectorXd times = run.ensemble.end_times.head(count).transpose();
  return {force.colwise().norm().cwiseProduct(times).maxCoeff(),
          std::sqrt(states.squaredNorm() / static_cast<double>(count))};
}

/// An orbit that closes in T moves at 2 d/T at least, somewhere, when it reaches the distance d.
/// One that closes because nothing moves is no oscillation.
std::string on_rest(const Run& run) {
  const bool should_move = run.is_verified() && run.network && run.motion == Motion::first_order &&
                           run.loss && asks_for_closed_orbits(*run.loss);
  if (!should_move) return "";
  const auto [motion, size] = motion_and_size(run);
  constexpr double negligible = 0.1;
  if (!(motion <= negligible * size)) return "";
  return fmt::format(
      "nothing moves: |f(y)| T is at most {:.1e}, so orbits close because they rest; to exclude f "
      "= 0 give --loss antiperiodic with --dimension 2 or more",
      motion);
}

std::string on_a_single_trajectory(const Run& run) {
  if (run.ensemble.size() != 1) return "";
  return "one trajectory determines the force along its own orbit alone, and says nothing of "
         "others; give more --trajectories";
}

}  // namespace

std::string how_to_go_on(const Run& run, const std::string& file, const std::string& options) {
  return resumable(run)
             ? fmt::format("go on with: isochron train --resume {}{}", shown(file), options)
             : "go on with it by the library: objective_of(run, ..), then train";
}

std::optional<std::string> prescribed_periods_in_words(const Run& run) {
  const double fewest = run.character.fewest_oscillations;
  const double most = run.character.most_oscillations;
  const double periodicity =
      run.force_data ? run.verification.of_trajectories : run.verification.loss;
  if (!run.prescribes_periods() || std::isnan(periodicity + fewest + most)) return std::nullopt;
  constexpr double small = 1e-8;
  if (!(periodicity <= small)) {
    return fmt::format("not converged: the orbits still miss their start, by {:.2g} (rms)",
                       std::sqrt(periodicity));
  }
  constexpr double once = 0.01;
  if (std::max(std::abs(fewest - 1), std::abs(most - 1)) <= once) {
    return "converged: every orbit has its period, as prescribed";
  }
  const auto hundredths = [](double n) { return std::round(100 * n) / 100 + 0.0; };
  return fmt::format(
      "every orbit returns after its period, but not after one oscillation: after {:.2g} to {:.2g}",
      hundredths(fewest), hundredths(most));
}

std::vector<std::string> remarks(const Run& run, const std::string& file) {
  std::vector<std::string> all = {on_the_limit(run, file), on_the_integration(run, file),
                                  on_rest(run), on_a_single_trajectory(run)};
  std::erase(all, "");
  return all;
}

}  // namespace isochron::cli
