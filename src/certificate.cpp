#include "isochron/certificate.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "certificate_fields.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

using std::numbers::pi;

constexpr Index curve_points = 200;
/// Of more visited energies only this many are examined, evenly chosen.
constexpr Index most_energies = 1000;

Vector thinned(Vector energies) {
  std::sort(energies.begin(), energies.end());
  const Index count = energies.size();
  if (count <= most_energies) return energies;
  Vector some(most_energies);
  for (Index i = 0; i < most_energies; ++i)
    some[i] = energies[i * (count - 1) / (most_energies - 1)];
  return some;
}

/// What both ways of asking have in common.
class Examination {
 public:
  Examination(const ForceField& field, ConstVectorRef theta, const CertificateOptions& options)
      : field_(field), theta_(theta), options_(options) {
    require(field.dimension() == 1, "a certificate needs a force of dimension 1");
    require(options.tolerance > 0, "the tolerance of a verdict must be > 0, not {:g}",
            options.tolerance);
    found_.tolerance = options.tolerance;
    found_.period = options.period;
  }

  Certificate of_states(ConstStatesRef states) {
    return decided([&] { return examine_states(states); });
  }

  Certificate of_center(double center, ConstVectorRef energies) {
    require(energies.size() > 0, "a certificate needs at least one energy");
    found_.trajectories = energies.size();
    found_.center = center;
    return decided([&] {
      return of_energies({energies, Vector::Constant(energies.size(), center)}, {center, center});
    });
  }

 private:
  /// Of orbits.
  struct Starts {
    Vector energies;
    Vector positions;
  };

  /// An examination that ends where a number is none.
  template <class Examine>
  Certificate decided(const Examine& examine) {
    try {
      return examine();
    } catch (const NumericalError& error) {
      Certificate undecided;
      undecided.verdict = Isochrony::undecided;
      undecided.reason = error.what();
      undecided.trajectories = found_.trajectories;
      for_each_certificate_number(undecided,
                                  [](const char*, const char*, const char*, auto& value) {
                                    if constexpr (std::is_same_v<decltype(value), double&>) {
                                      value = not_a_number;
                                    }
                                  });
      undecided.tolerance = options_.tolerance;
      if (options_.period > 0) undecided.period = options_.period;
      return undecided;
    }
  }

  Certificate examine_states(ConstStatesRef states) {
    require(states.rows() == 2 && states.cols() > 0,
            "a certificate needs states of two rows, x and v, at least one");
    mean_square_ = states.squaredNorm() / static_cast<double>(states.cols());
    found_.trajectories = states.cols();
    Interval sampled{states.row(0).minCoeff(), states.row(0).maxCoeff()};
    if (const auto& visited = options_.visited) {
      sampled = {std::min(sampled.left, visited->left), std::max(sampled.right, visited->right)};
    }
    if (!find_center(sampled)) {
      // All may have started on one side of the well.
      const double speed = states.row(1).cwiseAbs().maxCoeff();
      const Interval wider{sampled.left - speed, sampled.right + speed};
      if (!find_center(wider)) {
        require_finite_force(wider);
        return without_well(
            fmt::format("the force has no stable equilibrium from x = {:.4g} to {:.4g}", wider.left,
                        wider.right));
      }
    }
    Starts starts{states.row(1).transpose().cwiseAbs2() / 2 +
                      potentials(field_, theta_, *found_.center, states.row(0).transpose()),
                  states.row(0)};
    if (options_.half_orbits) starts = up_to_both_turning_points(starts, states.row(1));
    return of_energies(starts, sampled);
  }

  static Starts up_to_both_turning_points(const Starts& all, const Eigen::RowVectorXd& velocities) {
    double left = 0;
    double right = 0;
    for (Index i = 0; i < all.energies.size(); ++i) {
      double& side = velocities[i] < 0 ? left : right;
      side = std::max(side, all.energies[i]);
    }
    const double highest = std::min(left, right);
    if (highest == 0) return all;  // all on one side: there is no other range to tell of
    std::vector<Index> visited;
    for (Index i = 0; i < all.energies.size(); ++i) {
      if (all.energies[i] <= highest) visited.push_back(i);
    }
    return {all.energies(visited), all.positions(visited)};
  }

  /// Where no equilibrium is found, it may hide where the force is none.
  void require_finite_force(Interval range) const {
    constexpr Index samples = 2000;
    const Vector x = Vector::LinSpaced(samples, range.left, range.right);
    const Block force = field_.force(theta_, x.transpose());
    for (Index i = 0; i < samples; ++i) {
      if (!std::isfinite(force(0, i))) {
        throw NumericalError(fmt::format("the force at x = {:.4g} is not a finite number", x[i]));
      }
    }
  }

  /// The deepest stable equilibrium in a range.
  bool find_center(Interval range) {
    double deepest = infinity;
    found_.equilibria = equilibria(field_, theta_, range.left, range.right);
    for (const auto& [x, stable] : found_.equilibria) {
      if (!stable) continue;
      const double potential = potentials(field_, theta_, 0, Vector::Constant(1, x))[0];
      if (!std::isfinite(potential)) {
        throw NumericalError(fmt::format("the potential at x = {:.4g} is not a finite number", x));
      }
      if (potential < deepest) {
        deepest = potential;
        found_.center = x;
      }
    }
    return found_.center.has_value();
  }

  Certificate without_well(const std::string& why) {
    found_.center.reset();
    found_.verdict = options_.loss ? Isochrony::not_converged : Isochrony::not_isochronous;
    found_.reason = why + (options_.loss ? "; start from other weights (--restarts)" : "");
    return std::move(found_);
  }

  /// Nothing when the force, where it changes sign, is as good as none.
  [[nodiscard]] std::optional<PotentialWell> explore(double highest_energy) const {
    try {
      return PotentialWell(field_, theta_, *found_.center, {-infinity, infinity}, highest_energy);
    } catch (const InputError&) {
      return std::nullopt;
    }
  }

  /// `sampled`: positions that are visited anyway.
  Certificate of_energies(const Starts& starts, Interval sampled) {
    const auto& [energies, positions] = starts;
    if (!energies.allFinite()) {
      throw NumericalError("the energy of a trajectory is not a finite number");
    }
    found_.lowest_energy = energies.minCoeff();
    found_.highest_energy = energies.maxCoeff();
    const std::optional<PotentialWell> explored = explore(found_.highest_energy * (1 + 1e-9));
    if (!explored) {
      return without_well(fmt::format(
          "the force around its equilibrium at x = {:.4g} is too weak for a well", *found_.center));
    }
    const PotentialWell& well = *explored;
    found_.small_amplitude = well.small_amplitude();
    found_.energy_limit = std::min(well.energy_limit(), found_.highest_energy);
    const Interval extent = well.extent();
    found_.equilibria = equilibria(field_, theta_, std::min(sampled.left, extent.left),
                                   std::max(sampled.right, extent.right));
    std::vector<double> inside;
    for (Index i = 0; i < energies.size(); ++i) {
      const bool over_the_brim = energies[i] >= well.energy_limit();
      const bool beyond_it = positions[i] < extent.left || positions[i] > extent.right;
      if (over_the_brim || beyond_it) {
        ++found_.escaping;
      } else if (energies[i] > 0) {
        inside.push_back(energies[i]);
      }
    }
    if (!inside.empty()) {
      const Eigen::Map<Vector> held(inside.data(), static_cast<Index>(inside.size()));
      found_.lowest_energy = held.minCoeff();
      found_.highest_energy = held.maxCoeff();
      measure(well, thinned(held));
    }
    decide(well.energy_limit());
    return std::move(found_);
  }

  [[nodiscard]] WellOrbit orbit(const PotentialWell& well, double energy) const {
    if (options_.stop_requested && options_.stop_requested()) {
      throw Interrupted("the certificate was stopped on request");
    }
    return well.orbit(energy);
  }

  void measure(const PotentialWell& well, const Vector& energies) {
    std::vector<WellOrbit> orbits;
    for (const double energy : energies) orbits.push_back(orbit(well, energy));
    const double lowest = energies[0];
    const double highest = energies[energies.size() - 1];
    const Vector roots = Vector::LinSpaced(curve_points, std::sqrt(lowest), std::sqrt(highest));
    for (const double root : roots) {
      found_.curve.push_back(orbit(well, std::clamp(root * root, lowest, highest)));
    }
    found_.curve.front() = orbits.front();
    found_.curve.back() = orbits.back();
    count_periods(orbits);
    double period_sum = 0;
    double width_sum = 0;
    const double omega = found_.omega();
    for (const WellOrbit& orbit : orbits) {
      const double period = std::abs(omega * orbit.period / (2 * pi) - 1);
      const double amplitude = std::sqrt(2 * orbit.energy) / omega;
      const double width = std::abs(orbit.width() / (2 * amplitude) - 1);
      period_sum += period;
      width_sum += width;
      found_.period_deviation_max = std::max(found_.period_deviation_max, period);
      found_.width_deviation_max = std::max(found_.width_deviation_max, width);
      found_.shear_max = std::max(found_.shear_max, std::abs(orbit.shear()) / amplitude);
    }
    const auto count = static_cast<double>(orbits.size());
    found_.period_deviation_mean = period_sum / count;
    found_.width_deviation_mean = width_sum / count;
    for (const WellOrbit& orbit : found_.curve) {
      found_.period_deviation_between =
          std::max(found_.period_deviation_between, std::abs(omega * orbit.period / (2 * pi) - 1));
    }
    // Comparisons pass over what is no number; sums keep it.
    const double all = period_sum + width_sum + found_.shear_max + found_.period_deviation_max +
                       found_.width_deviation_max + found_.period_deviation_between + omega;
    if (!std::isfinite(all)) {
      throw NumericalError(fmt::format(
          "the orbits of energies {:.4g} to {:.4g} have no finite periods and widths relative to T",
          lowest, highest));
    }
  }

  void count_periods(const std::vector<WellOrbit>& orbits) {
    const double median = orbits[orbits.size() / 2].period;
    if (found_.period == 0) found_.period = median;
    found_.median_multiple = found_.period / median;
    const double n = std::round(found_.median_multiple);
    const bool decided =
        n >= 1 && std::all_of(orbits.begin(), orbits.end(), [&](const auto& orbit) {
          return std::abs(found_.period / orbit.period - n) < 0.1;
        });
    found_.n = decided ? static_cast<int>(n) : 0;
  }

  void decide(double height) {
    const auto wells = std::count_if(found_.equilibria.begin(), found_.equilibria.end(),
                                     [](const Equilibrium& e) { return e.stable; });
    const double tolerance = found_.tolerance;
    if (wells > 1) {
      found_.verdict = Isochrony::several_wells;
      found_.reason = fmt::format("{} stable equilibria are visited", wells);
      for (const auto& [x, stable] : found_.equilibria) {
        if (stable)
          found_.reason += fmt::format("{} x = {:.4g}", found_.reason.back() == 'd' ? ":" : ",", x);
      }
    } else if (found_.escaping > 0) {
      found_.verdict = Isochrony::not_isochronous;
      found_.reason = fmt::format("{} of {} trajectories are not held by the well", found_.escaping,
                                  found_.trajectories);
      if (std::isfinite(height)) found_.reason += fmt::format(", whose height is {:.4g}", height);
    } else if (found_.n == 0 || found_.period_deviation_max > tolerance) {
      found_.verdict = Isochrony::not_isochronous;
      found_.reason =
          found_.n == 0
              ? fmt::format("T/T(E) = {:.4g} at the median energy, and T(E) varies by {:.1e}",
                            found_.median_multiple, found_.period_deviation_max)
              : fmt::format("max |n T(E)/T - 1| = {:.1e} at the visited energies, above {:.1e}",
                            found_.period_deviation_max, tolerance);
    } else if (found_.period_deviation_between > tolerance) {
      found_.verdict = Isochrony::at_samples_only;
      found_.reason = fmt::format(
          "max |n T(E)/T - 1| = {:.1e} at the visited energies, {:.1e} between them (above {:.1e})",
          found_.period_deviation_max, found_.period_deviation_between, tolerance);
    } else {
      found_.verdict = found_.shear_max > tolerance ? Isochrony::sheared : Isochrony::harmonic;
      found_.reason =
          fmt::format("max |n T(E)/T - 1| = {:.1e} and max |S|/A = {:.1e}, tolerance {:.1e}",
                      std::max(found_.period_deviation_max, found_.period_deviation_between),
                      found_.shear_max, tolerance);
    }
    if (wells <= 1) compare_with_loss();
  }

  /// A period that is off by d leaves residuals of about 2 pi d times the size of the states; where
  /// they are larger than the tolerance allows, training has not converged, whatever the well is
  /// like.
  void compare_with_loss() {
    if (!options_.loss) return;
    const double residual = std::sqrt(*options_.loss / mean_square_);
    if (residual <= 2 * pi * found_.tolerance) return;
    found_.verdict = Isochrony::not_converged;
    found_.reason +=
        fmt::format(", and the loss is still {:.1e}{}", *options_.loss, advice(residual));
  }

  [[nodiscard]] std::string advice(double residual) const {
    // Along f = -omega^2 x the periodic loss has local minima at omega T/(2 pi) = 1/2, 5/2, 7/2, ..
    // and the antiperiodic loss at 2, 4, ..: with T = 2 pi and normal states both are 8.
    constexpr double trapped = 0.1;
    const bool half =
        std::abs(found_.median_multiple - std::floor(found_.median_multiple) - 0.5) < trapped;
    if (residual < trapped) return "; train on (--resume)";
    if (half) {
      return fmt::format(
          ": the local minimum at omega T/(2 pi) = {:.1f}; start from other weights (--restarts)",
          std::floor(found_.median_multiple) + 0.5);
    }
    return "; train on (--resume) or start from other weights (--restarts)";
  }

  const ForceField& field_;
  Eigen::Ref<const Vector> theta_;
  const CertificateOptions& options_;
  double mean_square_ = 1;
  Certificate found_;
};

}  // namespace

const char* name(Isochrony isochrony) {
  switch (isochrony) {
    case Isochrony::harmonic: return "harmonic";
    case Isochrony::sheared: return "isochronous, sheared";
    case Isochrony::at_samples_only: return "isochronous at the samples only";
    case Isochrony::several_wells: return "several wells";
    case Isochrony::not_isochronous: return "not isochronous";
    case Isochrony::not_converged: return "not converged";
    case Isochrony::undecided: return "undecided";
  }
  return "";
}

double Certificate::omega() const {
  return 2 * pi * (n > 0 ? static_cast<double>(n) : median_multiple) / period;
}

Certificate certify(const ForceField& field, ConstVectorRef theta, ConstStatesRef states,
                    const CertificateOptions& options) {
  return Examination(field, theta, options).of_states(states);
}

Certificate certify(const ForceField& field, ConstVectorRef theta, double center,
                    ConstVectorRef energies, const CertificateOptions& options) {
  return Examination(field, theta, options).of_center(center, energies);
}

}  // namespace isochron
