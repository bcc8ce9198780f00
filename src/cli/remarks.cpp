#include "cli/remarks.hpp"

#include <algorithm>
#include <cmath>

#include "isochron/optimizer.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

std::optional<double> number(const Results& run, const std::string& name) {
  const auto found = run.summary.find(name);
  return found == run.summary.end() ? std::nullopt : std::optional(found->second.value);
}

std::string words(const Results& run, const std::string& name) {
  const auto found = run.summary_text.find(name);
  return found == run.summary_text.end() ? "" : found->second;
}

/// A limit that the options set, which a run can go on from.
std::string on_the_limit(const Results& run, const std::string& file) {
  const std::string reason = words(run, "stop_reason");
  const bool by_time = reason == describe(StopReason::wall_time);
  if (!by_time && reason != describe(StopReason::max_iterations)) return "";
  return std::string(by_time ? "time" : "the iterations") +
         " ended before training did; go on with: isochron train --resume " + shown(file) +
         (by_time ? " --max-time S" : " --iterations K");
}

/// Both losses are of the same orbits, so they differ by errors of integration alone. Below 1e-20
/// that is rounding.
std::string on_the_integration(const Results& run, const std::string& file) {
  constexpr double rounding = 1e-20;
  const auto loss = number(run, "loss");
  const auto verified = number(run, "loss_verified");
  const auto error = number(run, "loss_verified_error");
  if (!loss || !verified || !error) return "";
  const double larger = std::max(*loss, *verified);
  const bool agree = larger <= 2 * std::min(*loss, *verified) ||
                     std::abs(*loss - *verified) <= 3 * *error || !(larger > rounding);
  if (agree) return "";
  const std::string method = words(run, "integrated_by");
  const bool fixed_steps = method.rfind("rk4", 0) == 0;
  return sentence("the loss %.1e is of its integration", *loss) +
         (method.empty() ? "" : " by " + method) + sentence("; it is truly %.1e: ", *verified) +
         "train on more accurately with: isochron train --resume " + shown(file) +
         (fixed_steps ? " --steps K, more than that" : " --rtol R, smaller than that");
}

/// max |f(y)| T over the first thousand states, and the root mean square of these states.
std::pair<double, double> motion_and_size(const Results& run) {
  constexpr Index most = 1000;
  const Index count = std::min(run.initial_states.cols(), most);
  const States states = run.initial_states.leftCols(count);
  const Mlp network = run.model->network();
  const Block force = network.force(run.model->theta, states);
  const Eigen::RowVectorXd times = run.end_times.head(count).transpose();
  return {force.colwise().norm().cwiseProduct(times).maxCoeff(),
          std::sqrt(states.squaredNorm() / static_cast<double>(count))};
}

/// An orbit that closes in T moves at 2 d/T at least, somewhere, when it reaches the distance d.
/// One that closes because nothing moves is no oscillation.
std::string on_rest(const Results& run) {
  const bool asks_for_closed_orbits = run.summary.count("loss_verified") != 0 && run.model &&
                                      run.motion == Motion::first_order &&
                                      run.initial_states.size() > 0 && run.end_times.size() > 0;
  if (!asks_for_closed_orbits) return "";
  const auto [motion, size] = motion_and_size(run);
  constexpr double negligible = 0.1;
  if (!(motion <= negligible * size)) return "";
  return sentence(
      "nothing moves: |f(y)| T is at most %.1e, so orbits close because they rest; to exclude f = "
      "0 "
      "give --loss antiperiodic with --dimension 2 or more",
      motion);
}

std::string on_a_single_trajectory(const Results& run) {
  if (run.initial_states.cols() != 1) return "";
  return "one trajectory determines the force along its own orbit alone, and says nothing of "
         "others; give more --trajectories";
}

}  // namespace

std::optional<std::string> prescribed_periods_in_words(const Results& run) {
  const auto verified = number(run, "loss_verified");
  const auto fewest = number(run, "oscillations_min");
  const auto most = number(run, "oscillations_max");
  if (!run.has_period_law() || !verified || !fewest || !most) return std::nullopt;
  const double periodicity = number(run, "loss_periodicity").value_or(*verified);
  constexpr double small = 1e-8;
  if (!(periodicity <= small)) {
    return sentence("not converged: the orbits still miss their start, by %.2g (rms)",
                    std::sqrt(periodicity));
  }
  constexpr double once = 0.01;
  if (std::max(std::abs(*fewest - 1), std::abs(*most - 1)) <= once) {
    return "converged: every orbit has its period, as prescribed";
  }
  const auto hundredths = [](double n) { return std::round(100 * n) / 100 + 0.0; };
  return sentence(
      "every orbit returns after its period, but not after one oscillation: after %.2g to %.2g",
      hundredths(*fewest), hundredths(*most));
}

std::vector<std::string> remarks(const Results& run, const std::string& file) {
  std::vector<std::string> all = {on_the_limit(run, file), on_the_integration(run, file),
                                  on_rest(run), on_a_single_trajectory(run)};
  std::erase(all, "");
  return all;
}

}  // namespace isochron::cli
