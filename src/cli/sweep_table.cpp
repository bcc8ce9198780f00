#include "cli/sweep_table.hpp"

#include <utility>

namespace isochron::cli {
namespace {

namespace fs = std::filesystem;

/// A file that is named as seen from the folder of `before`, as it is seen from that of `now`.
std::string seen_from(const fs::path& now, const fs::path& before, const std::string& name) {
  if (name.empty()) return name;
  const auto folder = [](const fs::path& file) {
    return fs::weakly_canonical(fs::absolute(file)).parent_path();
  };
  return (folder(before) / name).lexically_relative(folder(now));
}

}  // namespace

void SweepTable::add(Outcome outcome) {
  const long run = outcome.run.run;
  outcomes_[run] = std::move(outcome);
}

void SweepTable::add(const SweepResults& stored, const fs::path& file, const fs::path& output) {
  for (const SweepRun& run : stored.runs) {
    Outcome& outcome = outcomes_[run.run] = {run, {}};
    outcome.run.file = seen_from(output, file, run.file);
  }
  for (const SweepConfiguration& configuration : stored.configurations) {
    for (std::size_t i = 0; i < configuration.runs.size(); ++i) {
      outcomes_.at(configuration.runs[i]).theta = configuration.theta.col(static_cast<Index>(i));
    }
  }
}

SweepResults SweepTable::assembled() const {
  SweepResults sweep = head_;
  std::vector<std::vector<const Vector*>> forces(sweep.configurations.size());
  for (const auto& [index, outcome] : outcomes_) {
    sweep.runs.push_back(outcome.run);
    if (outcome.theta.size() == 0) continue;
    const auto configuration = static_cast<std::size_t>(outcome.run.configuration);
    sweep.configurations[configuration].runs.push_back(index);
    forces[configuration].push_back(&outcome.theta);
  }
  for (std::size_t i = 0; i < forces.size(); ++i) {
    if (forces[i].empty()) continue;
    Eigen::MatrixXd& theta = sweep.configurations[i].theta;
    theta.resize(forces[i].front()->size(), static_cast<Index>(forces[i].size()));
    for (Index k = 0; k < theta.cols(); ++k) theta.col(k) = *forces[i][static_cast<std::size_t>(k)];
  }
  return sweep;
}

}  // namespace isochron::cli
