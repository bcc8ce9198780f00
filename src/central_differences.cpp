#include "central_differences.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "floating_point.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

struct Slope {
  Vector value;
  double noise = infinity;
  double error = infinity;
  bool is_noisy = false;  // even by the longest steps, so that longer ones may do better
};

/// The differences by one parameter.
class Differences {
 public:
  Differences(const NoisyFunction& function, ConstVectorRef theta, Index parameter)
      : function_(function), moved_(theta), parameter_(parameter), center_(theta[parameter]) {}

  /// `unit` is the change of the parameter that changes the function by about itself.
  [[nodiscard]] Slope find(double unit) {
    constexpr int most_trials = 15;
    constexpr double growth = 10;
    constexpr double visible = 1e4;  // a slope over its noise
    // Noise and truncation, some 100 (h/unit)^4, are about the same.
    double h = unit / 2 * std::pow(std::clamp(function_.relative_noise, epsilon, 0.1), 0.2);
    Slope best;
    for (int trial = 0; trial < most_trials; ++trial) {
      Slope slope;
      try {
        slope = search(h);
      } catch (const NumericalError&) {
        if (best.value.size() > 0) break;
        if (trial + 1 == most_trials) throw;
        h /= growth;
        continue;
      }
      // Steps so long that they contradict what shorter ones have found have left the place.
      const bool contradicts =
          best.value.size() > 0 && (slope.value - best.value).norm() > best.error + slope.error;
      if (contradicts || !(slope.error < best.error)) break;
      best = std::move(slope);
      const double size = best.value.norm();
      if (!best.is_noisy || size == 0 || size >= visible * best.noise) break;
      h *= growth;
      if (h > unit) break;
    }
    return best;
  }

 private:
  /// From steps 2h, h and shorter ones.
  [[nodiscard]] Slope search(double h) {
    constexpr int most_halvings = 30;
    constexpr double part_of_noise = 1.5;  // in R(h), where all errors have the worst signs
    Vector wide = difference(2 * h);
    Vector narrow = difference(h);
    Vector coarse = (4 * narrow - wide) / 3;
    Slope best;
    for (int i = 0; i < most_halvings; ++i) {
      h /= 2;
      wide = std::exchange(narrow, difference(h));
      Vector fine = (4 * narrow - wide) / 3;
      const double noise_of_fine = part_of_noise * function_.noise / h;
      if (noise_of_fine >= best.error) break;
      const double truncation = (fine - coarse).norm();
      coarse = fine;
      const double error = std::hypot(truncation, noise_of_fine);
      const bool is_noisy = truncation <= noise_of_fine;
      if (error < best.error) best = {std::move(fine), noise_of_fine, error, is_noisy && i == 0};
      if (is_noisy) break;
    }
    return best;
  }

  /// The step is the one that the rounded parameters make.
  [[nodiscard]] Vector difference(double h) {
    const double step = std::max(h, 1e3 * epsilon * std::abs(center_));
    const double above = center_ + step;
    const double below = center_ - step;
    moved_[parameter_] = above;
    const Vector values = function_.values(moved_);
    moved_[parameter_] = below;
    Vector slope = (values - function_.values(moved_)) / (above - below);
    if (!slope.allFinite()) throw NumericalError("a difference is not finite");
    return slope;
  }

  const NoisyFunction& function_;
  Vector moved_;
  Index parameter_;
  double center_;
};

}  // namespace

Slopes central_differences(const NoisyFunction& function, ConstVectorRef theta,
                           ConstVectorRef units) {
  Slopes slopes;
  slopes.errors.resize(theta.size());
  if (theta.size() == 0) slopes.columns.resize(function.values(theta).size(), 0);
  for (Index p = 0; p < theta.size(); ++p) {
    const Slope slope = Differences(function, theta, p).find(units[p]);
    if (p == 0) slopes.columns.resize(slope.value.size(), theta.size());
    slopes.columns.col(p) = slope.value;
    slopes.errors[p] = slope.error;
  }
  return slopes;
}

}  // namespace isochron
