#include "trajectory_function.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "field_message.hpp"
#include "joints.hpp"
#include "sensitivity_workers.hpp"
#include "sentence.hpp"
#include "shared_integration.hpp"
#include "threads.hpp"

namespace isochron {
namespace {

Index block_of(const Objective& objective, const SensitivityOptions& options) {
  return cut_into_blocks(objective.ensemble(), objective.dynamics(), options.integrator)
      .front()
      .size;
}

/// Trajectories that one rank does together: a block; or a leaf, where the same function is asked
/// for leaves, so that each block keeps to its rank.
Index unit_of(const Objective& objective, const SensitivityOptions& options) {
  const Leaves leaves = cut_into_leaves(objective, options.integrator);
  const bool has_leaves = options.gradient != GradientMethod::adjoint &&
                          objective.residual_count() > 0 && are_many(leaves);
  return has_leaves ? leaves.trajectories : block_of(objective, options);
}

/// The options of what one rank does by itself.
SensitivityOptions for_one_rank(SensitivityOptions options, Index of_block) {
  options.integrator = isochron::for_one_rank(std::move(options.integrator), of_block);
  return options;
}

/// What the solvers did.
template <class From, class To>
void take_counts(const From& from, To& to) {
  to.forward = from.forward;
  to.backward = from.backward;
  to.stored_bytes = from.stored_bytes;
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

template <class Archive, Is<Joints> T>
void transfer(Archive& archive, T& joints) {
  archive(joints.windows, joints.weight, joints.known_starts);
}

template <class Archive, Is<Observations> T>
void transfer(Archive& archive, T& observations) {
  archive(observations.value, observations.weight, observations.error_model, observations.robust);
}

TrajectoryFunction::TrajectoryFunction(const Objective& objective,
                                       const SensitivityOptions& options)
    : TrajectoryFunction(objective, options, unit_of(objective, options)) {}

TrajectoryFunction::TrajectoryFunction(Objective objective, SensitivityOptions options, Index unit)
    : objective_(std::move(objective)),
      options_(std::move(options)),
      ensemble_(objective_.ensemble()),
      of_block_(block_of(objective_, options_)),
      leaves_(cut_into_leaves(objective_, options_.integrator)),
      unit_(unit),
      // Differences are those of an integrator, which shares its work by itself.
      is_shared_(options_.gradient != GradientMethod::difference &&
                 isochron::is_shared(options_.integrator.communicator,
                                     divided_up(ensemble_.size(), unit_))),
      sensitivity_(objective_.dynamics(),
                   is_shared_ ? for_one_rank(options_, of_block_) : options_) {}

TrajectoryFunction::~TrajectoryFunction() {
  if (name_ == 0) return;
  try {
    tell(*options_.integrator.communicator, Task::forget, [&](MessageWriter& to) { to(name_); });
  } catch (...) {
    // Ranks that are broken off keep what nobody asks for any more.
  }
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
  Share share =
      shared(task, theta, {}, [&](const BlockRange& range) { return part(task, theta, range); });
  auto sums = gradient_tree(blocks());
  for (auto& [node, sum] : share.sums) sums.add(node, std::move(sum));
  LossGradient result;
  result.loss = sums.root().loss;
  result.gradient = std::move(sums.root().gradient);
  result.states = std::move(share.states);
  result.initial_cotangents = std::move(share.initial_cotangents);
  take_counts(share, result);
  result.blocks = blocks();
  return result;
}

namespace {

StateJacobian jacobian_of(Share share, Index blocks) {
  StateJacobian result;
  result.jacobian = std::move(share.jacobian);
  result.by_start = std::move(share.by_start);
  result.states = std::move(share.states);
  take_counts(share, result);
  result.blocks = blocks;
  return result;
}

}  // namespace

StateJacobian TrajectoryFunction::jacobian(ConstVectorRef theta, const States& starts) {
  ensemble_.initial_states = starts;
  if (!is_shared_) return sensitivity_.jacobian(theta, ensemble_);
  sensitivity_.workers_->require_jacobian();
  Share share = shared(Task::jacobian, theta, {},
                       [&](const BlockRange& range) { return part(Task::jacobian, theta, range); });
  return jacobian_of(std::move(share), blocks());
}

StateJacobian TrajectoryFunction::visit(ConstVectorRef theta, const States& starts,
                                        const LeafVisitor& visit) {
  require(!is_shared_,
          "leaves cannot be visited where ranks share them; leave the communicator out");
  ensemble_.initial_states = starts;
  return sensitivity_.jacobian(
      theta, ensemble_, leaves_.trajectories,
      [&](Index number, const StateJacobian& at) { visit(leaf_of(number, at)); });
}

StateJacobian TrajectoryFunction::reduce(ConstVectorRef theta, const States& starts,
                                         const LeafTask& task, ReductionTree<LeafSum>& tree,
                                         std::vector<OwnSegment>& own) {
  require(!is_shared_ || unit_ == leaves_.trajectories,
          "the Jacobian has {} leaves, too few to be shared by ranks", tree.count());
  ensemble_.initial_states = starts;
  Share share;
  if (is_shared_) {
    share = shared(
        Task::leaves, theta, [&](MessageWriter& to) { to(tree.count(), task); },
        [&](const BlockRange& range) { return part(task, tree.count(), theta, range); });
  } else {
    share = part(task, tree.count(), theta, {0, divided_up(ensemble_.size(), unit_)});
    keep_steps(true);
  }
  for (auto& [node, sum] : share.leaf_sums) tree.add(node, std::move(sum));
  own.insert(own.end(), share.own.begin(), share.own.end());
  return jacobian_of(std::move(share), blocks());
}

Index TrajectoryFunction::blocks() const { return divided_up(ensemble_.size(), of_block_); }

Share TrajectoryFunction::shared(Task task, ConstVectorRef theta,
                                 const std::function<void(MessageWriter&)>& write,
                                 const std::function<Share(const BlockRange&)>& own_part) {
  check_problem(objective_.dynamics(), theta, ensemble_);
  Communicator& communicator = *options_.integrator.communicator;
  if (name_ == 0) {
    name_ = next_name();
    tell(communicator, Task::make, [&](MessageWriter& to) {
      to(name_);
      this->write(to);
    });
  }
  const bool last_succeeded = std::exchange(last_succeeded_, false);
  keep_steps(last_succeeded);
  const auto write_request = [&](MessageWriter& to) {
    to(name_, options_.integrator.max_steps, last_succeeded, Vector(theta),
       objective_.fits_initial_states() ? ensemble_.initial_states : States());
    if (write) write(to);
  };
  const BlockRange range = units_of(communicator, divided_up(ensemble_.size(), unit_));
  Share all = share_work(communicator, task, write_request, options_.integrator.stop_requested,
                         [&] { return own_part(range); });
  last_succeeded_ = true;
  return all;
}

// --------------------------------------------------------------------------- by one of them

void TrajectoryFunction::keep_steps(bool last_succeeded) {
  if (last_succeeded && has_new_steps_) sensitivity_.workers_->grids.keep();
  has_new_steps_ = false;
}

Share TrajectoryFunction::part(Task task, ConstVectorRef theta, const BlockRange& range) {
  Share share;
  if (range.size == 0) return share;
  const Ensemble ensemble = part_of(ensemble_, range, unit_);
  Sensitivity::Workers& workers = *sensitivity_.workers_;
  has_new_steps_ = true;
  if (task == Task::jacobian) {
    StateJacobian found = workers.jacobian(theta, ensemble);
    share.jacobian = std::move(found.jacobian);
    share.by_start = std::move(found.by_start);
    share.states = std::move(found.states);
    take_counts(found, share);
    return share;
  }
  const Index before = range.first * unit_;
  const StateLoss loss = [&](Index first, ConstStatesRef states, StatesRef cotangents) {
    return objective_.trajectory_loss(before + first, states, cotangents);
  };
  auto sums = gradient_tree(blocks());
  const auto of_part = workers.prepare(theta, ensemble);
  LossGradient found = workers.evaluate(theta, ensemble, loss, task == Task::gradient,
                                        {of_part, before / of_block_, sums});
  share.sums = sums.take();
  share.states = std::move(found.states);
  share.initial_cotangents = std::move(found.initial_cotangents);
  take_counts(found, share);
  return share;
}

/// What least squares see of the trajectories of a leaf.
JacobianLeaf TrajectoryFunction::leaf_of(Index number, const StateJacobian& at) const {
  const Index first = number * leaves_.trajectories;
  const Index trajectories = at.states.cols() / ensemble_.observations();
  const Objective share = objective_.share(first, trajectories);
  const Index rows = share.residual_count() + gaps_before(share, trajectories);
  JacobianLeaf leaf;
  leaf.number = number;
  leaf.first_row = objective_.residuals_before(first) + gaps_before(objective_, first);
  leaf.first_group = objective_.fits_initial_states() ? first : 0;
  leaf.residuals.resize(rows);
  leaf.jacobian.shared.resize(rows, at.jacobian.cols());
  residuals_at(share, at, ensemble_.initial_states.middleCols(first, trajectories), leaf.residuals,
               leaf.jacobian);
  return leaf;
}

Share TrajectoryFunction::part(const LeafTask& task, Index leaves, ConstVectorRef theta,
                               const BlockRange& range) {
  Share share;
  if (range.size == 0) return share;
  const std::function<bool()>& stop = sensitivity_.options().integrator.stop_requested;
  ReductionTree<LeafSum> tree = leaf_tree(leaves, stop);
  std::mutex mutex;
  const auto work = [&](const JacobianLeaf& leaf) {
    auto [sum, own] = work_on(leaf, task, stop);
    tree.add(leaf.number, std::move(sum));
    const std::lock_guard lock(mutex);
    share.own.push_back(std::move(own));
  };
  if (task.is_held && task.point == held_.point) {
    share_on_threads(static_cast<std::size_t>(options_.integrator.thread_count()),
                     held_.leaves.size(),
                     [&](std::size_t, std::size_t i) { work(held_.leaves[i]); });
  } else {
    visit_part(task, theta, range, work, share);
  }
  share.leaf_sums = tree.take();
  return share;
}

/// Evaluates the leaves of a part, and keeps them where the task says so.
void TrajectoryFunction::visit_part(const LeafTask& task, ConstVectorRef theta,
                                    const BlockRange& range, const LeafVisitor& visit,
                                    Share& share) {
  const Ensemble ensemble = part_of(ensemble_, range, unit_);
  const Index first_leaf = range.first * unit_ / leaves_.trajectories;
  const Index count = divided_up(ensemble.size(), leaves_.trajectories);
  held_ = {};
  std::vector<JacobianLeaf> held(task.is_held ? static_cast<std::size_t>(count) : 0);
  has_new_steps_ = true;
  StateJacobian found = sensitivity_.workers_->jacobian(
      theta, ensemble, leaves_.trajectories, [&](Index number, const StateJacobian& at) {
        JacobianLeaf leaf = leaf_of(first_leaf + number, at);
        visit(leaf);
        if (task.is_held) held[static_cast<std::size_t>(number)] = std::move(leaf);
      });
  if (task.is_held) held_ = {task.point, std::move(held)};
  if (task.is_at_new_point()) share.states = std::move(found.states);
  take_counts(found, share);
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
  const BlockRange range = units_of(communicator, divided_up(ensemble_.size(), unit_));
  if (task != Task::leaves) return part(task, theta, range);
  const auto leaves = request.next<Index>();
  return part(request.next<LeafTask>(), leaves, theta, range);
}

// -------------------------------------------------------------------------------- in messages

void TrajectoryFunction::write(MessageWriter& to) const {
  const Dynamics& dynamics = objective_.dynamics();
  FieldWriter field(to);
  field(dynamics.shared_field());
  to(dynamics.motion(), objective_.loss(), objective_.fits_initial_states(), objective_.joints(),
     for_one_rank(options_, of_block_), unit_);
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
  auto joints = from.next<std::optional<Joints>>();
  auto options = from.next<SensitivityOptions>();
  const auto unit = from.next<Index>();
  Objective objective = read_objective(from, std::move(dynamics), loss, own);
  if (fits_initial_states) objective = objective.fitting_initial_states();
  if (joints) objective = objective.with(std::move(*joints));
  // The function asks the request that it answers.
  const auto stop = std::make_shared<std::function<bool()>*>(nullptr);
  options.integrator.stop_requested = [stop] { return *stop != nullptr && (**stop)(); };
  std::unique_ptr<TrajectoryFunction> function(
      new TrajectoryFunction(std::move(objective), std::move(options), unit));
  *stop = &function->stop_requested_;
  return function;
}

}  // namespace isochron
