#include "cli/verdict.hpp"

namespace isochron::cli {

bool moves_on_a_line(const Dynamics& dynamics) {
  return dynamics.dimension() == 1 && dynamics.motion() == Motion::newtonian;
}

std::optional<double> verified_loss_of_trajectories(const Results& run) {
  const auto found = run.summary.find(run.force_data ? "loss_periodicity" : "loss_verified");
  if (found == run.summary.end()) return std::nullopt;
  return found->second.value;
}

CertificateOptions certificate_options(Loss loss, double period, std::optional<double> missed_by) {
  CertificateOptions asked;
  if (prescribes_periods(loss)) return asked;
  asked.period = period;
  asked.half_orbits = loss == Loss::antiperiodic;
  if (loss != Loss::none) asked.loss = missed_by;
  return asked;
}

}  // namespace isochron::cli
