#pragma once

#include <limits>

#include "isochron/observation_fit.hpp"
#include "isochron/training.hpp"

/// Options without a limit on time: no machine is too slow for a test, nor are sanitizers.
inline isochron::TrainingOptions unlimited_training() {
  isochron::TrainingOptions options;
  options.max_time = std::numeric_limits<double>::infinity();
  return options;
}

inline isochron::FitOptions unlimited_fit() {
  isochron::FitOptions options;
  options.training = unlimited_training();
  return options;
}
