#include "one_step/hermite.hpp"

#include <algorithm>
#include <utility>

namespace isochron::one_step {

// The polynomial with y^(s)(t_j) = 1, and 0 for all others that are given, is
//
//   L_j^r x^s/s! T(x),   x = t - t_j,   T = L_j^-r up to x^(r - 1 - s)
//   L_j^-r = 1 - r S_1 x + (r^2 S_1^2 + r S_2) x^2/2 + ..,   S_k = sum_(i != j) (t_j - t_i)^-k,
//
// since L_j^r has r zeros at every other node.
Hermite::Hermite(std::vector<double> nodes, int known)
    : nodes_(std::move(nodes)),
      known_(known),
      inverse_distances_(nodes_.size() * nodes_.size(), 0),
      linear_(nodes_.size()),
      quadratic_(nodes_.size()) {
  const double r = known;
  double* inverse = inverse_distances_.data();
  for (std::size_t j = 0; j < nodes_.size(); ++j) {
    double first = 0, second = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i, ++inverse) {
      if (i == j) continue;
      *inverse = 1 / (nodes_[j] - nodes_[i]);
      first += *inverse;
      second += *inverse * *inverse;
    }
    linear_[j] = -r * first;
    quadratic_[j] = (r * r * first * first + r * second) / 2;
  }
}

void Hermite::weights(double t, double* values, double* slopes) const {
  const double r = known_;
  const double* inverse = inverse_distances_.data();
  for (std::size_t j = 0; j < nodes_.size(); ++j) {
    const double x = t - nodes_[j];
    double lagrange = 1, slope = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i, ++inverse) {
      const double factor = 1 + x * *inverse;
      slope = slope * factor + lagrange * *inverse;
      lagrange *= factor;
    }
    const double lower_power = known_ == 3 ? lagrange * lagrange : lagrange;
    const auto put = [&](double polynomial, double derivative) {
      *values++ = lower_power * lagrange * polynomial;
      *slopes++ = lower_power * (r * slope * polynomial + lagrange * derivative);
    };
    const double c = linear_[j], d = quadratic_[j];
    if (known_ == 3) {
      put(1 + x * (c + x * d), c + 2 * x * d);
      put(x * (1 + x * c), 1 + 2 * x * c);
      put(x * x / 2, x);
    } else {
      put(1 + x * c, c);
      put(x, 1);
    }
  }
}

Index first_of_nearest(Index n, Index count, Index all) {
  return std::clamp<Index>(n - (count - 1) / 2, 0, all - count);
}

}  // namespace isochron::one_step
