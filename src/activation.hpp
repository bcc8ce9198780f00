#pragma once

#include "isochron/mlp.hpp"
#include "lanes.hpp"

namespace isochron {

/// a_i = sigma(z_i) in place of z_i, and sigma'(z_i) unless `slopes` is null. All but tanh are made
/// of functions of SLEEF, each within 1.5 ulp.
void activate(Activation activation, Lanes* values, Index count, Lanes* slopes);

}  // namespace isochron
