#pragma once

#include "isochron/integrator.hpp"

namespace isochron {

/// The minimal period of the orbit of q'' = f(q), D = 1, that starts at rest at `position`: the
/// time of its second rest, found by the root finding of CVODES (event v = 0) on its interpolant.
/// Independent of any quadrature of the potential. `method` is adams or bdf; `latest` > 0 is when
/// to give up.
///
/// Throws NumericalError when the orbit does not come back by then or the integration fails,
/// InputError when the options, D or the dynamics do not fit.
[[nodiscard]] double return_time(const Dynamics& dynamics, ConstVectorRef theta, double position,
                                 double latest, const IntegratorOptions& options);

}  // namespace isochron
