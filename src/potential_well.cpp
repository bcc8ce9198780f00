#include "isochron/potential_well.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <numbers>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// f at a few positions at once. D = 1.
class ForceSamples {
 public:
  ForceSamples(const ForceField& field, ConstVectorRef theta, Index points)
      : at_(field.linearisation(points)), theta_(theta), q_(1, points), f_(1, points) {
    field.require_parameters(theta);
  }

  [[nodiscard]] Block& positions() { return q_; }

  /// At `positions()`.
  const Block& evaluate() {
    at_->force(theta_, q_, f_);
    return f_;
  }

  double operator()(double x) {
    q_.setConstant(x);
    return evaluate()(0, 0);
  }

 private:
  std::unique_ptr<Linearisation> at_;
  Eigen::Ref<const Vector> theta_;
  Block q_;
  Block f_;
};

template <class F>
double root(const F& f, double low, double high, double f_low, double f_high) {
  if (f_low == 0) return low;
  if (f_high == 0) return high;
  std::uintmax_t iterations = 2200;  // as many halvings as from the largest double to the smallest
  const auto bracket = boost::math::tools::toms748_solve(
      f, low, high, f_low, f_high, boost::math::tools::eps_tolerance<double>(52), iterations);
  return (bracket.first + bracket.second) / 2;
}

// ------------------------------------------------------------------------------ Chebyshev series

constexpr Index nodes = 24;  // of a series
using Series = Eigen::Matrix<double, nodes, 1>;
using Transform = Eigen::Matrix<double, nodes, nodes>;

/// Zeros of T_n, increasing.
const Series& chebyshev_nodes() {
  static const Series points = [] {
    Series t;
    for (Index j = 0; j < nodes; ++j) {
      t[j] = -std::cos(std::numbers::pi * (static_cast<double>(j) + 0.5) / nodes);
    }
    return t;
  }();
  return points;
}

/// From values at the nodes to coefficients.
const Transform& to_coefficients() {
  static const Transform matrix = [] {
    Transform c;
    for (Index k = 0; k < nodes; ++k) {
      for (Index j = 0; j < nodes; ++j) {
        const double angle = std::numbers::pi * (static_cast<double>(nodes - 1 - j) + 0.5) / nodes;
        c(k, j) = (k == 0 ? 1.0 : 2.0) / nodes * std::cos(static_cast<double>(k) * angle);
      }
    }
    return c;
  }();
  return matrix;
}

/// sum_k c_k T_k(t) by Clenshaw's recurrence.
template <class Coefficients>
double sum(const Coefficients& c, double t) {
  double b1 = 0;
  double b2 = 0;
  for (Index k = c.size() - 1; k > 0; --k) {
    const double b0 = c[k] + 2 * t * b1 - b2;
    b2 = b1;
    b1 = b0;
  }
  return c[0] + t * b1 - b2;
}

/// The series of the derivative.
Series derivative(const Series& c) {
  Series d = Series::Zero();
  for (Index k = nodes - 1; k > 0; --k) {
    const double above = k + 1 < nodes ? d[k + 1] : 0;
    d[k - 1] = above + 2 * static_cast<double>(k) * c[k];
  }
  d[0] /= 2;
  return d;
}

double magnitude(const Series& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// How much the last terms of a series still matter.
double tail(const Series& c) { return std::max(std::abs(c[nodes - 1]), std::abs(c[nodes - 2])); }

/// Whether the function that was expanded has been resolved: to 13 digits, since the last digits
/// of a force are rounding errors.
bool is_resolved(const Series& c) {
  constexpr double resolution = 1e-13;
  return tail(c) <= resolution * magnitude(c);
}

// -------------------------------------------------------------------------- around the bottom

/// From one series over both sides of the bottom, as large as one can resolve.
std::optional<SmallAmplitude> expand_bottom(ForceSamples& force, double bottom, double largest) {
  constexpr int halvings = 20;
  constexpr double least_curvature = 1e-8;  // relative: less is rounding errors
  double half_length = largest;
  for (int i = 0; i < halvings; ++i, half_length /= 2) {
    force.positions() = (bottom + half_length * chebyshev_nodes().transpose().array()).matrix();
    const Series gradient = -force.evaluate().row(0).transpose();
    const Series c = to_coefficients() * gradient;
    if (!gradient.allFinite() || !is_resolved(c)) continue;
    const Series second = derivative(c);
    const Series third = derivative(second);
    SmallAmplitude at_bottom;
    at_bottom.u2 = sum(second, 0) / half_length;
    at_bottom.u3 = sum(third, 0) / std::pow(half_length, 2);
    at_bottom.u4 = sum(derivative(third), 0) / std::pow(half_length, 3);
    const double steepest = magnitude(gradient) / half_length;
    const double all = at_bottom.u2 + at_bottom.u3 + at_bottom.u4 + at_bottom.period_slope();
    if (!(at_bottom.u2 > least_curvature * steepest && std::isfinite(all))) return std::nullopt;
    return at_bottom;
  }
  return std::nullopt;
}

using Integral = Eigen::Matrix<double, nodes + 1, 1>;

/// The series of half_length int_{-1}^t sum_k c_k T_k.
Integral integral(const Series& c, double half_length) {
  const auto at = [&](Index k) { return k < nodes ? c[k] : 0.0; };
  Integral d;
  d[0] = 0;
  for (Index k = 1; k <= nodes; ++k) {
    const double below = k == 1 ? 2 * at(0) : at(k - 1);
    d[k] = half_length * (below - at(k + 1)) / (2 * static_cast<double>(k));
  }
  d[0] = -sum(d, -1);
  return d;
}

// -------------------------------------------------------------------------------- along the line

/// U from `zero` outwards to one side: the integral of Chebyshev series of the force on panels.
///
/// Panels are short where the force is hard to resolve, and their lengths may grow in proportion to
/// the distance: what a potential costs depends on how much the force varies and on the logarithm
/// of the range, not on its length.
class OutwardPotential {
 public:
  /// `direction`: -1 to the left, +1 to the right. `last`: the farthest position.
  OutwardPotential(ForceSamples& force, double zero, double direction, double last)
      : force_(force), zero_(zero), direction_(direction) {
    double length = std::abs(last - zero);
    while (direction_ * (last - end()) > 0) {
      if (ends_.size() == most_panels) fail("its force varies too often to be integrated");
      length = add_panel(std::min(length, longest_at(end())), last);
    }
  }

  /// U at x, which is not beyond the farthest position.
  [[nodiscard]] double operator()(double x) {
    if (x == zero_) return 0;
    const auto nearer = [&](double a, double b) { return direction_ * a < direction_ * b; };
    const auto found = std::lower_bound(ends_.begin(), ends_.end(), x, nearer);
    const auto k = static_cast<std::size_t>(found - ends_.begin());
    // Of small distances, so that U has a small relative error there, too.
    if (k == 0) return sum(integral(to_coefficients() * gradient(zero_, x), (x - zero_) / 2), 1);
    const double from = ends_[k - 1];
    return starts_[k] + sum(integrals_[k], 2 * ((x - from) / (ends_[k] - from)) - 1);
  }

 private:
  static constexpr std::size_t most_panels = 100000;

  [[nodiscard]] double end() const { return ends_.empty() ? zero_ : ends_.back(); }

  /// Structures are near 0 and near the bottom of the well, and the smaller the nearer.
  [[nodiscard]] double longest_at(double x) const {
    return std::max(0.25, std::min(std::abs(x - zero_), std::abs(x)) / 16);
  }

  /// U' = -f at the nodes of a panel.
  Series gradient(double from, double to) {
    for (Index j = 0; j < nodes; ++j) {
      force_.positions()(0, j) = from + (to - from) * ((1 + chebyshev_nodes()[j]) / 2);
    }
    return -force_.evaluate().row(0).transpose();
  }

  /// The next panel, up to this long; returns how long the one after it may be.
  double add_panel(double length, double last) {
    const double from = end();
    const double shortest =
        std::max(0x1p-40 * std::min(length, longest_at(from)), 64 * epsilon * std::abs(from));
    for (;; length /= 2) {
      const bool is_last = direction_ * (last - from) <= length;
      const double to = is_last ? last : from + direction_ * length;
      const double half = (to - from) / 2;
      const Series slope = gradient(from, to);
      const double work = std::abs(half) * magnitude(slope);
      const bool finite = std::isfinite(work) && slope.allFinite();
      const Series c = to_coefficients() * slope;
      const bool shorter = std::abs(to - from) > shortest;
      if (shorter && !(finite && is_negligible_error(c, half, work))) continue;
      constexpr double jump = 1e3;  // no more than a pole does
      const bool at_pole = !is_resolved(c) && work_ > 0 && work > jump * work_;
      if (!finite || at_pole) fail("its force is not finite");
      starts_.push_back(u_);
      integrals_.push_back(integral(c, half));
      ends_.push_back(to);
      u_ += sum(integrals_.back(), 1);
      work_ += work;
      return 2 * length;
    }
  }

  /// Whether the series has the force to 13 digits, or to what rounding errors leave of it (those
  /// of the position, and of terms of order one that cancel), or U to its last digit.
  [[nodiscard]] bool is_negligible_error(const Series& c, double half, double work) const {
    double steepest = 0;  // bound of the derivative
    for (Index k = 1; k < nodes; ++k) steepest += static_cast<double>(k * k) * std::abs(c[k]);
    const double rounding =
        16 * epsilon * std::max(1.0, std::abs(end())) / std::abs(half) * steepest;
    return is_resolved(c) || tail(c) <= rounding ||
           std::abs(half) * tail(c) <= epsilon * (work_ + work);
  }

  [[noreturn]] void fail(const char* why) const {
    throw NumericalError(
        fmt::format("the potential cannot be followed beyond x = {:.6g}: {}", end(), why));
  }

  ForceSamples& force_;
  double zero_;
  double direction_;
  double u_ = 0;     // at the end
  double work_ = 0;  // int |f|, or somewhat more
  // Of each panel, outwards:
  std::vector<double> ends_;
  std::vector<double> starts_;  // U where it begins
  std::vector<Integral> integrals_;
};

}  // namespace

double SmallAmplitude::omega() const { return std::sqrt(u2); }

double SmallAmplitude::period_slope() const {
  return (5 * (u3 / u2) * (u3 / u2) - 3 * u4 / u2) / (24 * u2);  // without powers that overflow
}

std::vector<Equilibrium> equilibria(const ForceField& field, ConstVectorRef theta, double low,
                                    double high) {
  constexpr Index cells = 2000;
  const Vector x = Vector::LinSpaced(cells + 1, low, high);
  const Block f = field.force(theta, x.transpose());
  if (!(f.array() * 0.0 == 0.0).any()) {
    throw NumericalError(
        fmt::format("the force is not a finite number from x = {:.4g} to {:.4g}", low, high));
  }
  ForceSamples force(field, theta, 1);
  std::vector<Equilibrium> found;
  Index last = 0;  // the last sample that is not exactly 0
  while (last < cells && f(0, last) == 0) ++last;
  if (last > 0) found.push_back({x[0], f(0, last) < 0});
  for (Index i = last + 1; i <= cells; ++i) {
    const double before = f(0, last);
    const double now = f(0, i);
    if (now == 0 && i < cells) continue;
    if (!std::isfinite(before) || !std::isfinite(now)) {
      last = i;
      continue;
    }
    if (now == 0 || (before < 0) != (now < 0)) {
      const auto at = [&](double position) { return force(position); };
      found.push_back({root(at, x[last], x[i], before, now), before > 0});
    }
    last = i;
  }
  return found;
}

std::optional<double> nearest_bottom(const ForceField& field, ConstVectorRef theta, double low,
                                     double high) {
  std::optional<double> nearest;
  for (const auto& [x, stable] : equilibria(field, theta, low, high)) {
    if (stable && (!nearest || std::abs(x) < std::abs(*nearest))) nearest = x;
  }
  return nearest;
}

Vector potentials(const ForceField& field, ConstVectorRef theta, double zero,
                  ConstVectorRef positions) {
  if (positions.size() == 0) return {};
  if (!positions.allFinite()) throw NumericalError("a position is not finite");
  ForceSamples force(field, theta, nodes);
  OutwardPotential left(force, zero, -1, std::min(zero, positions.minCoeff()));
  OutwardPotential right(force, zero, 1, std::max(zero, positions.maxCoeff()));
  Vector potential(positions.size());
  for (Index i = 0; i < positions.size(); ++i) {
    potential[i] = positions[i] < zero ? left(positions[i]) : right(positions[i]);
  }
  return potential;
}

// ------------------------------------------------------------------------------------- one side

/// One side of a well as a function of the distance from its bottom: the pull p back to the bottom
/// (> 0 between bottom and brim) and U, its integral.
class PotentialWell::Side {
 public:
  /// `direction`: -1 left, +1 right. `reach`: distance to the end of the range.
  Side(ForceSamples& force, double bottom, double direction, double reach, double highest_energy)
      : force_(&force), bottom_(bottom), direction_(direction), reach_(reach) {
    add_core();
    // As good as any: beyond, there is no force to speak of, or it never gets smooth.
    constexpr std::size_t most_panels = 2000;
    while (!is_empty() && ends_.back() < reach_ && energies_.back() < highest_energy &&
           ends_.size() < most_panels && add_panel()) {
    }
    if (energies_.back() > highest_energy)
      limit_ = infinity;
    else
      limit_ = energies_.back();
    force_ = nullptr;
  }

  [[nodiscard]] double limit() const { return limit_; }
  [[nodiscard]] double extent() const { return ends_.back(); }
  [[nodiscard]] bool is_empty() const { return energies_.back() <= 0; }

  /// Around the bottom p = distance * (a series) and U = distance^2 * (a series), so that both have
  /// small relative errors at small distances, too.
  [[nodiscard]] double pull(double distance) const {
    const std::size_t k = panel_at(distance);
    const double value = sum(pulls_[k], local(k, distance));
    return k == 0 ? distance * value : value;
  }
  [[nodiscard]] double potential(double distance) const {
    const std::size_t k = panel_at(distance);
    const double value = sum(potentials_[k], local(k, distance));
    return k == 0 ? distance * distance * value : start_energy(k) + value;
  }

  [[nodiscard]] double turning_point(double energy) const {
    const auto found = std::upper_bound(energies_.begin(), energies_.end(), energy);
    const auto k = std::min(static_cast<std::size_t>(found - energies_.begin()), ends_.size() - 1);
    return root([&](double d) { return potential(d) - energy; }, start(k), ends_[k],
                start_energy(k) - energy, energies_[k] - energy);
  }

  struct Duration {
    double value;
    double error;
  };

  /// Time from the bottom to the turning point at `distance`, and its error: that of a lower
  /// order. The outermost part is chosen so small that both orders agree.
  [[nodiscard]] Duration quarter(double energy, double distance) const {
    constexpr double enough = 1e-13;
    constexpr int halvings = 40;
    Duration inner{0, 0};
    double from = 0;
    double outermost = distance / 2;
    for (int i = 0;; ++i, outermost /= 2) {
      add_inner(inner, energy, distance, from, distance - outermost);
      from = distance - outermost;
      const Duration outer = of_two_orders(last_part<fine>(distance, outermost),
                                           last_part<coarse>(distance, outermost));
      if (i == halvings || outer.error <= enough * (inner.value + outer.value)) {
        const double time = inner.value + outer.value;
        return {time, inner.error + outer.error + time * roundoff(energy, distance)};
      }
    }
  }

 private:
  /// Relative error of a time when E - U errs by dE, a few units in the last place of E, or of the
  /// terms of the innermost series: the turning point moves by dE/p, and p there by p' dE/p.
  [[nodiscard]] double roundoff(double energy, double distance) const {
    const double step = 1e-4 * distance;
    const double p = pull(distance);
    const double slope = (p - pull(distance - step)) / step;
    const double terms = panel_at(distance) == 0
                             ? distance * distance * potentials_.front().lpNorm<1>() / energy
                             : 1;
    return 16 * epsilon * std::max(1.0, terms) * (1 + energy * std::abs(slope) / (p * p));
  }

  [[nodiscard]] double start(std::size_t k) const { return k == 0 ? 0 : ends_[k - 1]; }
  [[nodiscard]] double start_energy(std::size_t k) const { return k == 0 ? 0 : energies_[k - 1]; }
  [[nodiscard]] std::size_t panel_at(double distance) const {
    const auto found = std::lower_bound(ends_.begin(), ends_.end(), distance);
    return std::min(static_cast<std::size_t>(found - ends_.begin()), ends_.size() - 1);
  }
  [[nodiscard]] double local(std::size_t k, double distance) const {
    return 2 * (distance - start(k)) / (ends_[k] - start(k)) - 1;
  }

  // ------------------------------------------------------------------------------ construction

  /// p at the nodes of a panel.
  Series sample(double from, double to) {
    for (Index j = 0; j < nodes; ++j) {
      force_->positions()(0, j) = bottom_ + direction_ * distance_at(from, to, j);
    }
    return -direction_ * force_->evaluate().row(0).transpose();
  }
  static double distance_at(double from, double to, Index node) {
    return from + (to - from) * (1 + chebyshev_nodes()[node]) / 2;
  }

  /// The panel at the bottom: as large as one series of p/distance can resolve, or, where that is
  /// not analytic, so small that it does not matter.
  void add_core() {
    constexpr double first_try = 1;
    constexpr double smallest = 0x1p-40;
    for (double end = std::min(first_try, reach_); end > 0; end /= 2) {
      Series stiffness = sample(0, end);
      for (Index j = 0; j < nodes; ++j) stiffness[j] /= distance_at(0, end, j);
      const bool usable =
          stiffness.allFinite() && *std::min_element(stiffness.begin(), stiffness.end()) > 0;
      const Series c = to_coefficients() * stiffness;
      if (end > smallest && !(usable && is_resolved(c))) continue;
      if (!stiffness.allFinite()) {
        throw NumericalError(fmt::format(
            "the force around its equilibrium at x = {:.6g} is not finite, or too steep for "
            "double precision",
            bottom_));
      }
      if (!usable) {
        ends_ = {end};
        energies_ = {0};
        return;
      }
      // U/distance^2 = int_0^1 u p(u distance)/(u distance) du.
      Series mean;
      for (Index j = 0; j < nodes; ++j) {
        const double at = (1 + chebyshev_nodes()[j]) / 2;
        mean[j] = boost::math::quadrature::gauss<double, 15>::integrate(
            [&](double u) { return u * sum(c, 2 * u * at - 1); }, 0.0, 1.0);
      }
      append(end, c, to_coefficients() * mean, 0);
      energies_.back() = potential(end);
      return;
    }
  }

  /// The next panel, up to as long as what has been covered; false at the end of the domain or at
  /// the brim.
  bool add_panel() {
    const double from = ends_.back();
    double to = std::min(2 * from, reach_);
    bool at_brim = false;
    for (;;) {
      if (to - from <= 64 * epsilon * from) return false;
      const Series p = sample(from, to);
      if (!p.allFinite()) {
        to = from + (to - from) / 2;
        continue;
      }
      if (*std::min_element(p.begin(), p.end()) <= 0) {
        if (at_brim) return false;
        to = brim(from, to, p);
        at_brim = true;
        continue;
      }
      const Series c = to_coefficients() * p;
      if (!is_resolved(c) && to - from > 1e-9 * from) {
        to = from + (to - from) / 2;
        at_brim = false;
        continue;
      }
      append(to, c, integral(c, (to - from) / 2), energies_.back());
      energies_.back() += sum(potentials_.back(), 1);
      return !at_brim;
    }
  }

  /// The first zero of p, known to lie in a panel with these values.
  double brim(double from, double to, const Series& p) {
    double low = from;
    double p_low = pull(from);
    if (p_low <= 0) return from;
    for (Index j = 0; j < nodes; ++j) {
      const double high = distance_at(from, to, j);
      if (p[j] <= 0) {
        const auto at = [&](double d) { return -direction_ * (*force_)(bottom_ + direction_ * d); };
        return root(at, low, high, p_low, p[j]);
      }
      low = high;
      p_low = p[j];
    }
    return to;
  }

  template <class Potential>
  void append(double end, const Series& pull_series, const Potential& potential_series,
              double energy) {
    ends_.push_back(end);
    energies_.push_back(energy);
    pulls_.push_back(pull_series);
    Integral padded_series = Integral::Zero();
    padded_series.head(potential_series.size()) = potential_series;
    potentials_.push_back(padded_series);
  }

  // ----------------------------------------------------------------------------------- times

  /// Points of the two orders.
  static constexpr unsigned fine = 25;
  static constexpr unsigned coarse = 15;

  template <unsigned points, class F>
  static double integrate(const F& f, double from, double to) {
    return boost::math::quadrature::gauss<double, points>::integrate(f, from, to);
  }
  static Duration of_two_orders(double of_fine, double of_coarse) {
    return {of_fine, std::abs(of_fine - of_coarse)};
  }

  /// The times over the panels between two distances, all of them at least as far from the turning
  /// point as they are long.
  void add_inner(Duration& sum, double energy, double turning_point, double from, double to) const {
    for (std::size_t k = panel_at(from); from < to; ++k) {
      while (from < std::min(to, ends_[k])) {
        const double longest = (turning_point - from) / 2;
        const double end = std::min({to, ends_[k], from + longest});
        const auto slowness = [&](double d) { return 1 / std::sqrt(2 * (energy - potential(d))); };
        const Duration part = of_two_orders(integrate<fine>(slowness, from, end),
                                            integrate<coarse>(slowness, from, end));
        sum.value += part.value;
        sum.error += part.error;
        from = end;
      }
      if (k + 1 == ends_.size()) break;
    }
  }

  /// The time over the last `length` before the turning point.
  template <unsigned points>
  [[nodiscard]] double last_part(double turning_point, double length) const {
    const auto mean_pull = [&](double s) {
      const auto at = [&](double u) { return pull(turning_point - length * s * s * u); };
      return integrate<points>(at, 0.0, 1.0);
    };
    const auto slowness = [&](double s) { return 1 / std::sqrt(mean_pull(s)); };
    return std::sqrt(2 * length) * integrate<points>(slowness, 0.0, 1.0);
  }

  ForceSamples* force_;  // while it is constructed
  double bottom_;
  double direction_;
  double reach_;
  double limit_ = infinity;
  // Of each panel, outwards:
  std::vector<double> ends_;      // distances
  std::vector<double> energies_;  // U there
  std::vector<Series> pulls_;
  std::vector<Integral> potentials_;  // above the panel's start
};

// ------------------------------------------------------------------------------------- the well

PotentialWell::PotentialWell(const ForceField& field, ConstVectorRef theta, double equilibrium,
                             Interval range, double highest_energy)
    : bottom_(equilibrium), highest_energy_(highest_energy) {
  require(field.dimension() == 1, "a potential well needs a force of dimension 1");
  require(range.left < bottom_ && bottom_ < range.right,
          "the bottom of a well must lie within its range: {:.6g} < {:.6g} < {:.6g}", range.left,
          bottom_, range.right);
  ForceSamples force(field, theta, nodes);
  left_ = std::make_unique<Side>(force, bottom_, -1, bottom_ - range.left, highest_energy);
  right_ = std::make_unique<Side>(force, bottom_, 1, range.right - bottom_, highest_energy);
  require(!left_->is_empty() && !right_->is_empty(),
          "the force has no well at x = {:.6g}: it does not drive back from both sides", bottom_);
  small_amplitude_ = expand_bottom(force, bottom_, std::min(left_->extent(), right_->extent()));
}

PotentialWell::~PotentialWell() = default;
PotentialWell::PotentialWell(PotentialWell&&) noexcept = default;
PotentialWell& PotentialWell::operator=(PotentialWell&&) noexcept = default;

double PotentialWell::energy_limit() const { return std::min(left_->limit(), right_->limit()); }

Interval PotentialWell::extent() const {
  return {bottom_ - left_->extent(), bottom_ + right_->extent()};
}

double PotentialWell::potential(double x) const {
  const auto [left, right] = extent();
  require(x >= left && x <= right,
          "the potential is known from x = {:.6g} to {:.6g}, not at {:.6g}", left, right, x);
  return x < bottom_ ? left_->potential(bottom_ - x) : right_->potential(x - bottom_);
}

void PotentialWell::require_inside(double energy) const {
  const double limit = energy_limit();
  if (energy > 0 && energy < limit && energy <= highest_energy_) return;
  const bool escapes = limit <= highest_energy_;
  const Side& lower = left_->limit() < right_->limit() ? *left_ : *right_;
  const double brim = &lower == left_.get() ? bottom_ - lower.extent() : bottom_ + lower.extent();
  throw InputError(fmt::format(
      "the well at x = {:.6g} has no orbit of energy {:.6g}: admissible is 0 < E < {:.6g}, {}",
      bottom_, energy, escapes ? limit : highest_energy_,
      escapes ? fmt::format("its height at x = {:.6g}", brim) : "up to where it was followed"));
}

Interval PotentialWell::turning_points(double energy) const {
  require_inside(energy);
  return {bottom_ - left_->turning_point(energy), bottom_ + right_->turning_point(energy)};
}

WellOrbit PotentialWell::orbit(double energy) const {
  require_inside(energy);
  const double left = left_->turning_point(energy);
  const double right = right_->turning_point(energy);
  const auto left_time = left_->quarter(energy, left);
  const auto right_time = right_->quarter(energy, right);
  WellOrbit orbit;
  orbit.energy = energy;
  orbit.left = -left;
  orbit.right = right;
  orbit.period = 2 * (left_time.value + right_time.value);
  orbit.period_error = 2 * (left_time.error + right_time.error);
  orbit.mean_g = std::sqrt(energy) * (1 / left_->pull(left) + 1 / right_->pull(right)) / 2;
  const double all = orbit.width() + orbit.period + orbit.period_error + orbit.mean_g;
  if (!std::isfinite(all) || orbit.period <= 0) {
    throw NumericalError(fmt::format(
        "the orbit of energy {:.6g} in the well at x = {:.6g} has no finite period: the force "
        "or the energy is too large or too small for double precision",
        energy, bottom_));
  }
  return orbit;
}

}  // namespace isochron
