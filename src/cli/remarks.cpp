#include "cli/remarks.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <tuple>

#include "cli/stored_run.hpp"
#include "run_fields.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

bool is_ended_by_time(const Run& run) { return run.stop_reason == describe(StopReason::wall_time); }

/// A limit that the options set, which a run can go on from.
bool is_ended_by_limit(const Run& run) {
  return is_ended_by_time(run) || run.stop_reason == describe(StopReason::max_iterations);
}

std::string on_the_limit(const Run& run, const std::string& file) {
  if (!is_ended_by_limit(run)) return "";
  const bool by_time = is_ended_by_time(run);
  return fmt::format("{} ended before training did; {}", by_time ? "time" : "the iterations",
                     how_to_go_on(run, file, by_time ? " --max-time S" : " --iterations K"));
}

/// Both losses are of the same orbits, so they differ by errors of integration alone. Below 1e-20
/// that is rounding. (A fit that is cut short may have the loss of a part: a horizon, windows, or
/// data without the orbits that are to close.)
std::string on_the_integration(const Run& run, const std::string& file) {
  if (run.loss == Loss::observations && is_ended_by_limit(run)) return "";
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
  const Block force = run.field()->force(run.state.theta, states);
  const Eigen::RowVectorXd times = run.ensemble.end_times.head(count).transpose();
  return {force.colwise().norm().cwiseProduct(times).maxCoeff(),
          std::sqrt(states.squaredNorm() / static_cast<double>(count))};
}

/// An orbit that closes in T moves at 2 d/T at least, somewhere, when it reaches the distance d.
/// One that closes because nothing moves is no oscillation.
std::string on_rest(const Run& run) {
  const bool should_move = run.is_verified() && run.field() && run.motion == Motion::first_order &&
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

/// chi^2 has a mean of its degrees of freedom and twice that as its variance, where the noise is
/// known and the model right.
std::string on_chi_squared(const Run& run) {
  constexpr double too_far = 4;
  const FitQuality& fit = run.fit;
  if (std::isnan(fit.chi_squared) || run.estimates_noise || fit.degrees_of_freedom < 1) return "";
  const double chi_squared = fit.chi_squared * static_cast<double>(number_of_data(run));
  const double excess =
      (chi_squared - fit.degrees_of_freedom) / std::sqrt(2 * fit.degrees_of_freedom);
  if (std::abs(excess) <= too_far) return "";
  const std::string found = fmt::format(
      "chi^2 is {:.4g} for {:.4g} degrees of freedom, {:.0f} standard deviations {}: ", chi_squared,
      fit.degrees_of_freedom, std::abs(excess), excess > 0 ? "above" : "below");
  if (excess < 0) return found + "the noise is smaller than it is said to be";
  return found + (run.fits_initial_states
                      ? "the noise is larger than it is said to be, or the force none of these"
                      : "the first observations are taken as exact; if they are not, give "
                        "--fit-initial-states");
}

/// Of data that the force follows, too, chi^2 per datum is that of the data fitted, or 1.
std::string on_held_out_data(const Run& run) {
  constexpr double too_far = 4;
  const FitQuality& fit = run.fit;
  if (!run.held_out || std::isnan(fit.chi_squared_holdout)) return "";
  const double expected = std::max(1.0, fit.chi_squared);
  const double deviation = expected * std::sqrt(2 / static_cast<double>(run.held_out->size()));
  if (!(fit.chi_squared_holdout - expected > too_far * deviation)) return "";
  return fmt::format(
      "chi^2 of the data held out is {:.3g} per datum, of those fitted {:.3g}: they go where no "
      "data were fitted, or the fit follows the noise; give more data there, or all of them "
      "(without --holdout)",
      fit.chi_squared_holdout, fit.chi_squared);
}

/// Residuals of a model that misses something stay on one side for a while.
std::string on_correlated_residuals(const Run& run) {
  constexpr double too_far = 4;
  const double correlation = run.fit.autocorrelation;
  const double data = static_cast<double>(number_of_data(run));
  if (std::isnan(correlation) || !(std::abs(correlation) * std::sqrt(data) > too_far)) return "";
  return fmt::format(
      "successive residuals are correlated, {:.2f}, where noise alone would give 0 +- {:.2f}: the "
      "model misses something",
      correlation, 1 / std::sqrt(data));
}

std::string on_a_single_trajectory(const Run& run) {
  if (run.ensemble.size() != 1 || run.loss == Loss::observations) return "";
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
  std::vector<std::string> all = {
      on_the_limit(run, file),     on_the_integration(run, file), on_rest(run),
      on_a_single_trajectory(run), on_chi_squared(run),           on_correlated_residuals(run),
      on_held_out_data(run)};
  std::erase(all, "");
  return all;
}

}  // namespace isochron::cli
