#include "memory.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "blocks.hpp"
#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "lanes.hpp"
#include "leaves.hpp"

namespace isochron {
namespace {

constexpr double bytes_of_number = sizeof(double);

// ---------------------------------------------------------------------------------- what there is

/// The number after `key` in a file of lines "key value", or the only number when there is no key.
/// Infinite where it says "max", NaN where there is none.
double read_number(const std::filesystem::path& file, const std::string& key = "") {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    if (!key.empty() && (!(words >> word) || word != key)) continue;
    if (!(words >> word)) break;
    return word == "max" ? infinity : std::strtod(word.c_str(), nullptr);
  }
  return not_a_number;
}

/// Of the machine.
double free_memory(const std::filesystem::path& root) {
  constexpr double kib = 1024;
  const double available = read_number(root / "proc/meminfo", "MemAvailable:");
  return available >= 0 ? kib * available : infinity;
}

double free_address_space(const std::filesystem::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return infinity;
  constexpr double kib = 1024;
  const double used = read_number(root / "proc/self/status", "VmSize:");
  return static_cast<double>(limit.rlim_cur) - (used > 0 ? kib * used : 0);
}

/// What one control group leaves; files in the cache do not count.
double free_of_group(const std::filesystem::path& folder, const char* limit_file,
                     const char* usage_file, const char* cache_key) {
  const double limit = read_number(folder / limit_file);
  const double usage = read_number(folder / usage_file);
  if (!(limit >= 0) || !(usage >= 0)) return infinity;
  const double cached = read_number(folder / "memory.stat", cache_key);
  return limit - usage + (cached > 0 ? cached : 0);
}

/// The least that the control groups of this process leave, from its own to the outermost.
double free_of_groups(const std::filesystem::path& root) {
  double least = infinity;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) continue;
    const std::filesystem::path top = root / (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    std::filesystem::path folder =
        std::filesystem::path(line.substr(second + 1)).relative_path().lexically_normal();
    for (;; folder = folder.parent_path()) {
      least = std::min(
          least, unified
                     ? free_of_group(top / folder, "memory.max", "memory.current", "inactive_file")
                     : free_of_group(top / folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                     "total_inactive_file"));
      if (folder.empty()) break;
    }
  }
  return least;
}

// ------------------------------------------------------------------------------- what is needed

std::string in_words(double bytes) {
  constexpr double giga = 1e9;
  return bytes < giga ? fmt::format("{:.0f} MB", bytes / 1e6)
                      : fmt::format("{:.1f} GB", bytes / giga);
}

/// CVODES keeps the history of a vector up to order 12 and some vectors more.
constexpr double vectors_of_a_history = 20;

/// Of a vector of SUNDIALS beside its numbers: most of it the table of its operations.
constexpr double vector_overhead = 750;

/// Steps of a solution over this time: what smooth forces take at rtol 1e-10 by multistep methods,
/// and by one-step methods.
double steps_over(double time, Method method) {
  constexpr double multistep = 20;
  constexpr double one_step = 3;
  return 10 + std::abs(time) * (is_multistep(method) ? multistep : one_step);
}

/// No block keeps more of its solution.
constexpr double largest_storage = 4.0 * 1024 * 1024 * 1024;

/// Of a linearisation at one point: a network keeps two numbers for every neuron, three where
/// slopes are not those of tanh.
double record_numbers(const ForceField& field) {
  const auto* network = dynamic_cast<const Mlp*>(&field);
  if (network == nullptr) {
    return real(field.linearisation(block_padding)->record_size()) / block_padding;
  }
  Index neurons = 0;
  for (const Index width : network->layers()) neurons += width;
  return (network->activation() == Activation::tanh ? 2 : 3) * real(neurons);
}

std::string of_solution(const char* what) { return std::string("the stored ") + what; }

}  // namespace

double available_memory(const std::filesystem::path& root) {
  const double least =
      std::min({free_memory(root), free_address_space(root), free_of_groups(root)});
  return std::max(0.0, least);
}

void MemoryNeed::add(const std::string& what, double bytes, const std::string& remedy) {
  parts_.push_back({what, bytes, remedy});
}

double MemoryNeed::total() const {
  double sum = 0;
  for (const Part& part : parts_) sum += part.bytes;
  return sum;
}

void MemoryNeed::require(double available, double copies) const {
  const double needed = copies * total();
  if (needed <= available) return;
  const auto largest = std::max_element(
      parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.bytes < b.bytes; });
  throw InputError(fmt::format(
      "the computation needs about {} of memory ({} for {}) and {} are available; give {}",
      in_words(needed), in_words(copies * largest->bytes), largest->what, in_words(available),
      largest->remedy));
}

void add_derivative_memory(MemoryNeed& need, const Dynamics& dynamics, const Ensemble& ensemble,
                           const SensitivityOptions& options, bool jacobian) {
  const auto blocks = cut_into_blocks(ensemble, dynamics, options.integrator);
  const double columns = real(padded(blocks.front().size));
  const double rows = real(dynamics.state_dimension());
  const double parameters = real(dynamics.parameters());
  const double threads =
      std::min(real(options.integrator.thread_count()), static_cast<double>(blocks.size()));
  const double time = ensemble.end_times.cwiseAbs().maxCoeff();
  const double steps = steps_over(time, options.integrator.method);
  // One sum over the lanes per parameter.
  need.add("the derivatives by the parameters, of each thread",
           threads * parameters * sizeof(Lanes), "narrower --hidden layers or fewer --threads");
  if (!jacobian) {
    need.add("the gradients of all blocks",
             real(static_cast<Index>(blocks.size())) * parameters * bytes_of_number,
             "fewer --trajectories or narrower --hidden layers");
  }
  switch (options.gradient) {
    case GradientMethod::adjoint: {
      const double kept = options.checkpoint_distance > 0
                              ? std::min(steps, real(options.checkpoint_distance) + 100) +
                                    steps / real(options.checkpoint_distance)
                              : std::max(2000.0, steps);
      const double vectors = options.interpolation == Interpolation::hermite ? 2 : 1;
      need.add(
          of_solution("forward solution"),
          threads * std::min(largest_storage,
                             kept * vectors * (rows * columns * bytes_of_number + vector_overhead)),
          "a --checkpoint-distance, best some hundred steps");
      need.add("the histories of the gradient, of each thread",
               threads * vectors_of_a_history * parameters * bytes_of_number,
               "fewer --threads or narrower --hidden layers");
      break;
    }
    case GradientMethod::forward:
      need.add("the forward sensitivities",
               threads * (vectors_of_a_history + 4) * parameters *
                   (rows * columns * bytes_of_number + vector_overhead),
               "narrower --hidden layers, fewer --threads or, in a training, --gradient adjoint");
      break;
    case GradientMethod::discrete: {
      constexpr double stages = 13;
      const double record = record_numbers(dynamics.field());
      const double cotangents = jacobian ? rows : 1;
      const double of_a_stage = record + cotangents * real(dynamics.dimension());
      need.add(of_solution("stages of the discrete solution"),
               threads * std::min(largest_storage,
                                  steps * stages * of_a_stage * columns * bytes_of_number),
               "--gradient adjoint, fewer --threads or narrower --hidden layers");
      break;
    }
    case GradientMethod::difference: break;
  }
}

namespace {

/// Of least squares that take the Jacobian in leaves: each thread has one, and the tree its
/// triangles.
void add_leaves(MemoryNeed& need, const Objective& objective, const Leaves& leaves, int threads) {
  const double parameters = real(objective.dynamics().parameters());
  const double all_rows = real(objective.residual_count());
  const double rows = all_rows / real(objective.ensemble().size()) * real(leaves.trajectories);
  const double at_once = std::min(real(std::max(1, threads)), real(leaves.count));
  constexpr double copies_of_leaf = 5;  // of states, of residuals, own parameters out, factors
  constexpr double triangles = 10;      // of the last and this point, scaled, damped
  constexpr double triangles_of_thread = 4;
  need.add("the leaves of the Jacobian of least squares, of each thread",
           at_once * copies_of_leaf * rows * parameters * bytes_of_number,
           "fewer --threads, narrower --hidden layers or --optimizer lbfgs");
  need.add("the triangles of least squares",
           (triangles + triangles_of_thread * at_once + std::log2(real(leaves.count))) *
               parameters * parameters * bytes_of_number,
           "narrower --hidden layers or --optimizer lbfgs");
  constexpr double copies_of_residuals = 12;  // at this point and the trial, and in between
  need.add("the residuals", copies_of_residuals * all_rows * bytes_of_number,
           "fewer --trajectories");
}

}  // namespace

MemoryNeed training_memory(const Objective& objective, const TrainingOptions& options) {
  MemoryNeed need;
  const Dynamics& dynamics = objective.dynamics();
  const Ensemble& ensemble = objective.ensemble();
  const double states = real(ensemble.initial_states.size() * ensemble.observations());
  const double parameters = real(dynamics.parameters());
  constexpr double copies_of_states = 8;       // start, end, residuals, verified, in the file, ..
  constexpr double copies_of_parameters = 60;  // snapshots, and while they are written
  need.add(fmt::format("the states of {} trajectories", ensemble.size()),
           copies_of_states * states * bytes_of_number, "fewer --trajectories");
  need.add("snapshots of the parameters", copies_of_parameters * parameters * bytes_of_number,
           "narrower --hidden layers");
  const OptimizerKind kind = options.kind;
  if (kind == OptimizerKind::lbfgs || kind == OptimizerKind::lbfgs_least_squares) {
    need.add(fmt::format("the {} pairs of L-BFGS", options.optimizer.memory),
             2 * options.optimizer.memory * parameters * bytes_of_number,
             "fewer of them by --memory, narrower --hidden layers or --optimizer adam");
  }
  const bool counts = objective.counts_trajectories();
  if (counts && kind != OptimizerKind::least_squares) {
    add_derivative_memory(need, dynamics, ensemble, options.sensitivity, false);
  }
  if (!fits_residuals(kind)) return need;
  SensitivityOptions jacobian = options.jacobian.value_or(options.sensitivity);
  if (!options.jacobian) {
    jacobian.gradient = GradientMethod::discrete;
    jacobian.integrator.method = highest_order(dynamics.motion());
  }
  const Leaves leaves = cut_into_leaves(objective, jacobian.integrator);
  const bool in_leaves = is_too_large_to_hold(objective, leaves);
  if (in_leaves) add_leaves(need, objective, leaves, jacobian.integrator.thread_count());
  const auto& data = objective.force_data();
  Index residuals =
      (in_leaves ? 0 : objective.residual_count()) + (data ? data->position.size() : 0);
  for (const WeightedObjective& part : objective.others()) {
    residuals += part.objective.residual_count();
  }
  const double rows = real(residuals);
  constexpr double copies_of_jacobian = 4;  // of the last and this point, scaled, its factors
  need.add("the Jacobian of least squares and its factors",
           copies_of_jacobian * rows * parameters * bytes_of_number,
           "fewer --trajectories, narrower --hidden layers or --optimizer lbfgs");
  if (counts) add_derivative_memory(need, dynamics, ensemble, jacobian, true);
  return need;
}

MemoryNeed sampling_memory(const Dynamics& dynamics, Index trajectories, Index times) {
  MemoryNeed need;
  constexpr double copies = 4;  // states, positions, energies, in the file
  need.add("the samples",
           copies * real(trajectories) * real(times) * real(dynamics.state_dimension()) *
               bytes_of_number,
           "fewer --trajectories or --times");
  return need;
}

}  // namespace isochron
