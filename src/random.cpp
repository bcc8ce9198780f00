#include "isochron/random.hpp"

#include <cmath>

namespace isochron {

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double Random::normal() {
  if (has_kept_) {
    has_kept_ = false;
    return kept_;
  }
  double x = 0;
  double y = 0;
  double r2 = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    r2 = x * x + y * y;
  } while (r2 >= 1 || r2 == 0);
  const double scale = std::sqrt(-2 * std::log(r2) / r2);
  kept_ = y * scale;
  has_kept_ = true;
  return x * scale;
}

States normal_states(Index state_dimension, Index trajectories, std::uint64_t seed) {
  Random random(seed);
  States states(state_dimension, trajectories);
  for (double& value : states.reshaped()) value = random.normal();
  return states;
}

}  // namespace isochron
