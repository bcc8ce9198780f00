#include "isochron/period_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "isochron/random.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// The energy of the orbit whose right turning point is `amplitude`.
double energy_at(const Well& well, double amplitude) {
  const double energy = well.potential(amplitude);
  // Beyond a barrier U falls again.
  constexpr double rounding = 1e-6;
  const bool turns_there =
      energy > 0 && energy < well.energy_limit() &&
      std::abs(well.turning_points(energy).right - amplitude) <= rounding * amplitude;
  require(turns_there,
          "the well {} has no periodic orbit of amplitude A = {:g}: it lies at or beyond the edge "
          "of the well",
          well.name(), amplitude);
  return energy;
}

/// The width of the well at some of the energies (increasing), where T is linear from one to the
/// next and constant below the first:
///
///   x2(U) - x1(U) = int_0^U T(E) dE/sqrt(U - E)/(sqrt(2) pi) = (sqrt(2)/pi) int T dr,
///
/// r = sqrt(U - E), T = T(U) - slope r^2.
Vector widths(const Vector& energy, const Vector& period, const std::vector<Index>& at) {
  Vector width(static_cast<Index>(at.size()));
  for (Index n = 0; n < width.size(); ++n) {
    const Index k = at[static_cast<std::size_t>(n)];
    const auto root = [&](Index i) { return std::sqrt(energy[k] - energy[i]); };
    double area = period[0] * (std::sqrt(energy[k]) - root(0));
    for (Index i = 0; i < k; ++i) {
      if (energy[i] == energy[i + 1]) continue;
      const double slope = (period[i + 1] - period[i]) / (energy[i + 1] - energy[i]);
      const double at_r_0 = period[i] + slope * (energy[k] - energy[i]);
      const double from = root(i + 1);
      const double to = root(i);
      area += at_r_0 * (to - from) - slope * (to * to * to - from * from * from) / 3;
    }
    width[n] = std::numbers::sqrt2 / std::numbers::pi * area;
  }
  return width;
}

/// All of `count` where they are few, or else some, evenly among them, the last included: what
/// widths() takes grows with their number times `count`.
std::vector<Index> looked_at(Index count) {
  constexpr Index most_terms = 100000000;
  const Index fitting = std::min(count, std::max<Index>(2, most_terms / count));
  std::vector<Index> some;
  for (Index n = 1; n <= fitting; ++n) some.push_back(n * count / fitting - 1);
  return some;
}

}  // namespace

const char* name(PeriodBy by) { return by == PeriodBy::amplitude ? "amplitude" : "energy"; }

void PeriodLaw::validate() const {
  require(argument.size() > 0 && period.size() == argument.size(),
          "a period law needs at least one period, and as many arguments as periods");
  for (Index i = 0; i < argument.size(); ++i) {
    require(
        argument[i] > 0 && period[i] > 0 && std::isfinite(argument[i]) && std::isfinite(period[i]),
        "a period law has {} {:g} with period {:g}; both must be positive and finite", name(by),
        argument[i], period[i]);
  }
}

void PeriodLaw::require_well() const {
  if (by == PeriodBy::amplitude) return;
  constexpr double noise = 0.1;
  std::vector<Index> order(static_cast<std::size_t>(argument.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(),
            [&](Index i, Index j) { return argument[i] < argument[j]; });
  const Vector energy = argument(order);
  const std::vector<Index> at = looked_at(energy.size());
  const Vector width = widths(energy, period(order), at);
  Index widest = 0;
  for (Index k = 1; k < width.size(); ++k) {
    if (width[k] > width[widest]) widest = k;
    require(width[k] >= (1 - noise) * width[widest],
            "no well has these periods: they fall so fast between E = {:g} and {:g} that its width "
            "would shrink from {:g} to {:g}",
            energy[at[static_cast<std::size_t>(widest)]], energy[at[static_cast<std::size_t>(k)]],
            width[widest], width[k]);
  }
}

Ensemble PeriodLaw::orbits() const {
  const Index m = argument.size();
  if (by == PeriodBy::amplitude) {
    States states = States::Zero(2, m);
    states.row(0) = argument.transpose();
    return {std::move(states), period};
  }
  const Vector speed = (2 * argument).cwiseSqrt();
  States states = States::Zero(2, 2 * m);
  states.row(1) << speed.transpose(), -speed.transpose();
  Vector end_times(2 * m);
  end_times << period, period;
  return {std::move(states), std::move(end_times)};
}

Vector law_arguments(PeriodBy by, double low, double high, Index count) {
  require(low >= 0 && low < high && std::isfinite(high) && count >= 1,
          "the range of a period law is {:g} to {:g}; it must begin at 0 or above, and end above "
          "its beginning",
          low, high);
  const bool by_energy = by == PeriodBy::energy;
  const double first = by_energy ? std::sqrt(low) : low;
  const double last = by_energy ? std::sqrt(high) : high;
  Vector arguments(count);
  for (Index k = 1; k <= count; ++k) {
    const double angle =
        static_cast<double>(2 * k - 1) * std::numbers::pi / static_cast<double>(4 * count);
    const double at = first + (last - first) * std::cos(angle);
    arguments[count - k] = by_energy ? at * at : at;
  }
  return arguments;
}

PeriodLaw period_law(const Well& well, PeriodBy by, Vector argument) {
  PeriodLaw law{by, std::move(argument), {}};
  law.period = law.argument.unaryExpr([&](double value) {
    return well.period(by == PeriodBy::energy ? value : energy_at(well, value));
  });
  law.validate();
  return law;
}

PeriodLaw with_noise(PeriodLaw law, double noise, std::uint64_t seed) {
  Random random(seed);
  for (double& period : law.period) period *= 1 + noise * random.normal();
  law.validate();
  return law;
}

}  // namespace isochron
