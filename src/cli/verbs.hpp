#pragma once

#include "cli/configuration.hpp"

namespace isochron::cli {

// The verbs. Each returns an exit status and throws isochron's errors.
int train(const Configuration& given);
int simulate(const Configuration& given);
int check_gradient(const Configuration& given);
int benchmark(const Configuration& given);
int analyze(const Configuration& given);
int abel(const Configuration& given);
int complete(const Configuration& given);
int sweep(const Configuration& given);
int show(const Configuration& given);
int plot(const Configuration& given);
int report(const Configuration& given);
int merge(const Configuration& given);

}  // namespace isochron::cli
