#include "block_solver.hpp"

#include <fmt/core.h>
#include <algorithm>

namespace isochron {

void fill_block(ConstStatesRef states, BlockRef block) {
  const Index used = states.cols();
  block.leftCols(used) = states;
  block.rightCols(block.cols() - used).colwise() = states.col(used - 1);
}

void fill_times(ConstVectorRef end_times, VectorRef padded_times) {
  const Index used = end_times.size();
  padded_times.head(used) = end_times;
  padded_times.tail(padded_times.size() - used).setConstant(end_times[used - 1]);
}

void poll_stop(const IntegratorOptions& options) {
  if (options.stop_requested && options.stop_requested()) {
    throw Interrupted("the integration was stopped on request");
  }
}

double longest_step(const IntegratorOptions& options, ConstVectorRef whole_times,
                    ConstVectorRef lengths, double widest_gap) {
  const double whole = whole_times.cwiseAbs().maxCoeff();
  const double step = options.max_step > 0 ? options.max_step : longest_step(whole) / widest_gap;
  return std::min(1.0, step / lengths.cwiseAbs().maxCoeff());
}

std::string too_many_steps(const IntegratorOptions& options) {
  // In a stiff problem the steps of all other methods are as short as its shortest time.
  const bool explicit_method = options.method != Method::bdf;
  return fmt::format("more than {} steps{}", options.max_steps,
                     explicit_method ? "; for a stiff problem take the method bdf" : "");
}

NumericalError integration_failure(const char* problem, double time, double end_time,
                                   const IntegratorOptions& options, const std::string& reason) {
  return NumericalError(fmt::format(
      "the {} integration failed at t = {:.6g} of {:.6g} (method {}, rtol {:.1e}, atol {:.1e}): {}",
      problem, time, end_time, name(options.method), options.rtol, options.atol, reason));
}

}  // namespace isochron
