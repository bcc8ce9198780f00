#include "shared_integration.hpp"

#include "field_message.hpp"

namespace isochron {
namespace {

/// At the observation times, or at fractions tau of the end times.
Share part_of_rank(const Communicator& communicator, Integrator& integrator, ConstVectorRef theta,
                   const Ensemble& ensemble, const Vector* tau) {
  Share share;
  const Index of_block = integrator.options().block_size;
  const Index blocks = divided_up(ensemble.size(), of_block);
  const BlockRange range = units_of(communicator, blocks);
  if (range.size == 0) return share;
  const Ensemble part = part_of(ensemble, range, of_block);
  if (tau == nullptr) {
    ObservedStates found = integrator.integrate(theta, part);
    share.states = std::move(found.states);
    share.forward = found.counts;
  } else {
    SampledTrajectories found = integrator.sample(theta, part, *tau);
    share.samples = std::move(found.trajectories.states);
    share.forward = found.counts;
  }
  return share;
}

}  // namespace

IntegratorOptions for_one_rank(IntegratorOptions options, Index of_block) {
  options.communicator = nullptr;
  options.block_size = of_block;
  return options;
}

Share integrate_by_ranks(const Integrator& integrator, Integrator& own, ConstVectorRef theta,
                         const Ensemble& ensemble, const Vector* tau) {
  Communicator& communicator = *integrator.options().communicator;
  const auto write = [&](MessageWriter& to) {
    FieldWriter field(to);
    field(integrator.dynamics().shared_field());
    to(integrator.dynamics().motion(), own.options(), Vector(theta), ensemble);
    if (tau != nullptr) to(*tau);
  };
  return share_work(communicator, tau == nullptr ? Task::integrate : Task::sample, write,
                    own.options().stop_requested,
                    [&] { return part_of_rank(communicator, own, theta, ensemble, tau); });
}

Share part_of_integration(const Communicator& communicator, Task task, MessageReader& request,
                          const std::vector<ForceFieldPtr>& own,
                          const std::function<bool()>& stop_requested) {
  ForceFieldPtr field = read_field(request, own);
  const Dynamics dynamics(std::move(field), request.next<Motion>());
  auto options = request.next<IntegratorOptions>();
  options.stop_requested = stop_requested;
  const auto theta = request.next<Vector>();
  const auto ensemble = request.next<Ensemble>();
  Integrator integrator(dynamics, std::move(options));
  if (task == Task::integrate) {
    return part_of_rank(communicator, integrator, theta, ensemble, nullptr);
  }
  const auto tau = request.next<Vector>();
  return part_of_rank(communicator, integrator, theta, ensemble, &tau);
}

}  // namespace isochron
