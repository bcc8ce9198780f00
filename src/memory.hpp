#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "isochron/training.hpp"

namespace isochron {

/// Bytes that this process can still get: what its limit of address space, the limits of its
/// control groups (versions 1 and 2) and the memory of the machine leave, whichever is least.
/// Infinite where nothing is known. `root`: where /proc and /sys are.
[[nodiscard]] double available_memory(const std::filesystem::path& root = "/");

/// The memory that a computation needs at its peak, in parts, estimated beforehand.
class MemoryNeed {
 public:
  /// `what`: "the 100 pairs of L-BFGS"; `remedy`: "fewer --memory".
  void add(const std::string& what, double bytes, const std::string& remedy);

  [[nodiscard]] double total() const;

  /// Throws InputError when `copies` of it are more than `available`, naming the largest part and
  /// its remedy.
  void require(double available, double copies = 1) const;

 private:
  struct Part {
    std::string what;
    double bytes;
    std::string remedy;
  };
  std::vector<Part> parts_;
};

/// Of a training from its start to its file. Nothing in it depends on the machine.
[[nodiscard]] MemoryNeed training_memory(const Objective& objective,
                                         const TrainingOptions& options);

/// Of derivatives by one method, also without a training; `jacobian`: of the final states.
void add_derivative_memory(MemoryNeed& need, const Dynamics& dynamics, const Ensemble& ensemble,
                           const SensitivityOptions& options, bool jacobian);

/// Of trajectories at so many times, their energies and their file.
[[nodiscard]] MemoryNeed sampling_memory(const Dynamics& dynamics, Index trajectories, Index times);

}  // namespace isochron
