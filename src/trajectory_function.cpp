#include "trajectory_function.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "field_message.hpp"
#include "sensitivity_workers.hpp"
#include "shared_integration.hpp"

namespace isochron {
namespace {

std::vector<BlockRange> blocks_of(const Objective& objective, const SensitivityOptions& options) {
  return cut_into_blocks(objective.ensemble(), objective.dynamics(), options.integrator);
}

SensitivityOptions for_one_rank(SensitivityOptions options, Index of_block) {
  options.integrator = isochron::for_one_rank(std::move(options.integrator), of_block);
  return options;
}

std::uint64_t next_name() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace

template <class Archive, Is<SensitivityOptions> T>
void transfer(Archive& archive, T& options) {
  archive(options.integrator, options.gradient, options.interpolation, options.backward_rtol,
          options.quadrature_rtol, options.checkpoint_distance, options.sensitivity_error_control,
          options.staggered, options.initial_states, options.freeze_steps);
}

template <class Archive, Is<Observations> T>
void transfer(Archive& archive, T& observations) {
  archive(observations.value, observations.weight, observations.error_model, observations.robust);
}

TrajectoryFunction::TrajectoryFunction(Objective objective, SensitivityOptions options)
    : objective_(std::move(objective)),
      options_(std::move(options)),
      ensemble_(objective_.ensemble()),
      of_block_(blocks_of(objective_, options_).front().size),
      blocks_(static_cast<Index>(blocks_of(objective_, options_).size())),
      // Differences are those of an integrator, which shares its work by itself.
      is_shared_(options_.gradient != GradientMethod::difference &&
                 isochron::is_shared(options_.integrator.communicator, blocks_)),
      sensitivity_(objective_.dynamics(),
                   is_shared_ ? for_one_rank(options_, of_block_) : options_) {}

TrajectoryFunction::~TrajectoryFunction() {
  if (name_ == 0) return;
  tell(*options_.integrator.communicator, Task::forget, [&](MessageWriter& to) { to(name_); });
}

void TrajectoryFunction::limit_steps(long max_steps) {
  options_.integrator.max_steps = max_steps;
  sensitivity_.limit_steps(max_steps);
}

// --------------------------------------------------------------------------- by all ranks

LossGradient TrajectoryFunction::loss(ConstVectorRef theta, const States& starts) {
  return evaluate(Task::loss, theta, starts);
}

LossGradient TrajectoryFunction::gradient(ConstVectorRef theta, const States& starts) {
  return evaluate(Task::gradient, theta, starts);
}

LossGradient TrajectoryFunction::evaluate(Task task, ConstVectorRef theta, const States& starts) {
  ensemble_.initial_states = starts;
  if (!is_shared_) {
    const StateLoss loss = [this](Index first, ConstStatesRef states, StatesRef cotangents) {
      return objective_.trajectory_loss(first, states, cotangents);
    };
    return task == Task::loss ? sensitivity_.loss(theta, ensemble_, loss)
                              : sensitivity_.gradient(theta, ensemble_, loss);
  }
  Share share = shared(task, theta);
  auto sums = gradient_tree(blocks_);
  for (auto& [node, sum] : share.sums) sums.add(node, std::move(sum));
  LossGradient result;
  result.loss = sums.root().loss;
  result.gradient = std::move(sums.root().gradient);
  result.states = std::move(share.states);
  result.initial_cotangents = std::move(share.initial_cotangents);
  result.forward = share.forward;
  result.backward = share.backward;
  result.blocks = blocks_;
  result.stored_bytes = share.stored_bytes;
  return result;
}

StateJacobian TrajectoryFunction::jacobian(ConstVectorRef theta, const States& starts) {
  ensemble_.initial_states = starts;
  if (!is_shared_) return sensitivity_.jacobian(theta, ensemble_);
  sensitivity_.workers_->require_jacobian();
  Share share = shared(Task::jacobian, theta);
  StateJacobian result;
  result.jacobian = std::move(share.jacobian);
  result.by_start = std::move(share.by_start);
  result.states = std::move(share.states);
  result.forward = share.forward;
  result.backward = share.backward;
  result.blocks = blocks_;
  result.stored_bytes = share.stored_bytes;
  return result;
}

StateJacobian TrajectoryFunction::jacobian(ConstVectorRef theta, const States& starts,
                                           Index leaf_trajectories, const JacobianVisitor& visit) {
  ensemble_.initial_states = starts;
  return sensitivity_.jacobian(theta, ensemble_, leaf_trajectories, visit);
}

Share TrajectoryFunction::shared(Task task, ConstVectorRef theta) {
  check_problem(objective_.dynamics(), theta, ensemble_);
  Communicator& communicator = *options_.integrator.communicator;
  if (name_ == 0) {
    name_ = next_name();
    tell(communicator, Task::make, [&](MessageWriter& to) {
      to(name_);
      write(to);
    });
  }
  const bool last_succeeded = std::exchange(last_succeeded_, false);
  keep_steps(last_succeeded);
  const auto write_request = [&](MessageWriter& to) {
    to(name_, options_.integrator.max_steps, last_succeeded, Vector(theta),
       objective_.fits_initial_states() ? ensemble_.initial_states : States());
  };
  Share all = share_work(communicator, task, write_request,
                         [&] { return part(communicator, task, theta); });
  last_succeeded_ = true;
  return all;
}

// --------------------------------------------------------------------------- by one of them

void TrajectoryFunction::keep_steps(bool last_succeeded) {
  if (last_succeeded) sensitivity_.workers_->grids.keep();
}

Share TrajectoryFunction::part(const Communicator& communicator, Task task, ConstVectorRef theta) {
  Share share;
  const BlockRange range = isochron::blocks_of(communicator, blocks_);
  if (range.size == 0) return share;
  const Ensemble ensemble = part_of(ensemble_, range, of_block_);
  Sensitivity::Workers& workers = *sensitivity_.workers_;
  if (task == Task::jacobian) {
    StateJacobian found = workers.jacobian(theta, ensemble);
    share.jacobian = std::move(found.jacobian);
    share.by_start = std::move(found.by_start);
    share.states = std::move(found.states);
    share.forward = found.forward;
    share.backward = found.backward;
    share.stored_bytes = found.stored_bytes;
    return share;
  }
  const Index before = range.first * of_block_;
  const StateLoss loss = [&](Index first, ConstStatesRef states, StatesRef cotangents) {
    return objective_.trajectory_loss(before + first, states, cotangents);
  };
  auto sums = gradient_tree(blocks_);
  const auto blocks = workers.prepare(theta, ensemble);
  LossGradient found =
      workers.evaluate(theta, ensemble, loss, task == Task::gradient, {blocks, range.first, sums});
  share.sums = sums.take();
  share.states = std::move(found.states);
  share.initial_cotangents = std::move(found.initial_cotangents);
  share.forward = found.forward;
  share.backward = found.backward;
  share.stored_bytes = found.stored_bytes;
  return share;
}

Share TrajectoryFunction::part(const Communicator& communicator, Task task, MessageReader& request,
                               const std::function<bool()>& stop_requested) {
  const auto max_steps = request.next<long>();
  if (max_steps != options_.integrator.max_steps) limit_steps(max_steps);
  keep_steps(request.next<bool>());
  const auto theta = request.next<Vector>();
  const auto starts = request.next<States>();
  if (starts.size() > 0) ensemble_.initial_states = starts;
  stop_requested_ = stop_requested;
  return part(communicator, task, theta);
}

// -------------------------------------------------------------------------------- in messages

void TrajectoryFunction::write(MessageWriter& to) const {
  const Dynamics& dynamics = objective_.dynamics();
  FieldWriter field(to);
  field(dynamics.shared_field());
  to(dynamics.motion(), objective_.loss(), objective_.fits_initial_states(),
     for_one_rank(options_, of_block_));
  if (objective_.loss() == Loss::own) return;
  if (objective_.loss() == Loss::observations) {
    to(objective_.ensemble(), objective_.observations());
  } else {
    to(objective_.whole_periods(), objective_.period());
  }
}

namespace {

Objective read_objective(MessageReader& from, Dynamics dynamics, Loss loss, const Objective* own) {
  if (loss == Loss::own) {
    if (own == nullptr || own->loss() != Loss::own) {
      throw InputError(
          "the loss is one of your own; hand the objective with the same one to serve() on all "
          "other ranks");
    }
    return own->with(dynamics.shared_field());
  }
  auto ensemble = from.next<Ensemble>();
  if (loss == Loss::observations) {
    return {std::move(dynamics), std::move(ensemble), from.next<Observations>()};
  }
  const auto period = from.next<double>();
  if (prescribes_periods(loss)) return {std::move(dynamics), std::move(ensemble), loss};
  return {std::move(dynamics), loss, std::move(ensemble.initial_states), period};
}

}  // namespace

std::unique_ptr<TrajectoryFunction> TrajectoryFunction::read(MessageReader& from,
                                                             const Objective* own) {
  ForceFieldPtr field =
      read_field(from, own == nullptr ? std::vector<ForceFieldPtr>()
                                      : own_fields(own->dynamics().shared_field()));
  Dynamics dynamics(std::move(field), from.next<Motion>());
  const auto loss = from.next<Loss>();
  const auto fits_initial_states = from.next<bool>();
  auto options = from.next<SensitivityOptions>();
  Objective objective = read_objective(from, std::move(dynamics), loss, own);
  if (fits_initial_states) objective = objective.fitting_initial_states();
  // The function asks the request that it answers.
  const auto stop = std::make_shared<std::function<bool()>*>(nullptr);
  options.integrator.stop_requested = [stop] { return *stop != nullptr && (**stop)(); };
  auto function = std::make_unique<TrajectoryFunction>(std::move(objective), std::move(options));
  *stop = &function->stop_requested_;
  return function;
}

}  // namespace isochron
