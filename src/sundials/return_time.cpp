#include "isochron/return_time.hpp"

#include <fmt/core.h>

#include "isochron/error.hpp"
#include "sentence.hpp"
#include "sundials/solver.hpp"

namespace isochron {
namespace {

int velocity(sunrealtype, N_Vector y, sunrealtype* events, void*) {
  events[0] = sundials::as_block(y)(1, 0);
  return 0;
}

}  // namespace

double return_time(const Dynamics& dynamics, ConstVectorRef theta, double position, double latest,
                   const IntegratorOptions& options) {
  options.validate(dynamics);
  dynamics.field().require_parameters(theta);
  require(dynamics.motion() == Motion::newtonian && dynamics.dimension() == 1,
          "a return time needs newtonian dynamics of dimension 1");
  require(is_multistep(options.method), "a return time needs the method adams or bdf, not {}",
          name(options.method));
  sundials::ForwardSolver solver(dynamics, options, block_padding);
  solver.start(theta.data(), States(Eigen::Vector2d(position, 0)), Vector::Constant(1, latest));
  void* memory = solver.memory();
  sundials::check(CVodeRootInit(memory, 1, velocity), "CVodeRootInit");
  sundials::check(CVodeSetStopTime(memory, 1), "CVodeSetStopTime");
  double tau = 0;
  // At rest: on the far side, and back. An event at the start itself is passed over by CVODES.
  for (int rests = 0; rests < 2; ++rests) {
    const int flag = solver.run(1, CV_NORMAL, tau);
    solver.verify(flag, "forward", tau);
    if (flag != CV_ROOT_RETURN) {
      throw NumericalError(fmt::format(
          "the orbit at rest at x = {:g} has not come back by t = {:g} ({} at rtol {:g})", position,
          latest, name(options.method), options.rtol));
    }
  }
  return tau * latest;
}

}  // namespace isochron
