#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// The verbs. Each returns an exit status and throws isochron's errors.
int train(const Options& given);
int simulate(const Options& given);
int check_gradient(const Options& given);
int benchmark(const Options& given);
int analyze(const Options& options);
int sweep(const Options& given);
int show(const Options& options);
int plot(const Options& options);

/// The names of enumerators, as options take them.
template <class Choice>
std::vector<std::string> names(std::initializer_list<Choice> choices) {
  std::vector<std::string> result;
  for (const Choice choice : choices) result.emplace_back(isochron::name(choice));
  return result;
}

/// SIGINT and SIGTERM ask the running verb to stop; the second one kills.
void catch_signals();
[[nodiscard]] bool signalled();
/// 130 or 143.
[[nodiscard]] int signal_status();

/// What is asked of a force field.
struct Problem {
  Motion motion = Motion::newtonian;
  Loss loss = Loss::periodic;
  double period = 0;
};
/// Checks the seeds and the number of trajectories too, before any file is looked at.
[[nodiscard]] Problem read_problem(const Options& options);

/// Throws InputError when the options ask for a force that has no parameters to train.
void require_trainable(const Options& options);

/// The network that the options describe.
[[nodiscard]] std::shared_ptr<const Mlp> read_network(const Options& options);
/// Its parameters before training, by --weight-seed and --output-scale.
[[nodiscard]] Vector initial_parameters(const Options& options, const Mlp& network);
/// Its widths: "1-16-16-1".
[[nodiscard]] std::string widths(const std::vector<Index>& layers);

/// The initial states that the options ask for: drawn, read from a file, or, when they ask for
/// nothing, those of `stored`. Columns are trajectories. Settles what the options leave open.
[[nodiscard]] States initial_states(Options& options, Index state_dimension,
                                    const std::optional<Results>& stored);
/// Whether those states come from N(0, I) rather than from a file.
[[nodiscard]] bool states_are_drawn(const Options& options);

[[nodiscard]] IntegratorOptions integrator_options(const Options& options);

/// How the adjoint and the forward sensitivities of CVODES are computed.
void read_cvodes_options(const Options& options, SensitivityOptions& sensitivity);

/// The integrator and the way to the gradient. Settles the one that follows from the other.
[[nodiscard]] SensitivityOptions sensitivity_options(Options& options, Motion motion);

/// Versions, compiler, processor and threads of this run.
[[nodiscard]] std::map<std::string, std::string> run_environment(const Options& options);

/// Results that say who makes them: start time, environment, configuration; and of what.
[[nodiscard]] Results new_results(const std::string& verb, const Options& options,
                                  const Objective& objective);

/// A results file with a network. Throws InputError when it holds none.
[[nodiscard]] Results read_model(const std::string& file);
/// The run that the option `key` names, if it does; its problem and its network become options.
[[nodiscard]] std::optional<Results> read_trained(Options& options, const std::string& key = "at");

/// Throws InputError when the options ask for another network or motion than `stored` holds.
void check_architecture(const Mlp& network, Motion motion, const Results& stored,
                        const std::string& file);

/// Name and version of every library.
[[nodiscard]] std::map<std::string, std::string> library_versions();

void set_summary(Results& results, const std::string& name, double value, const std::string& what,
                 const std::string& units = "1");
/// Runs `compute`. Where it fails, or is ended because its time is over, the text `name` of the
/// summary says so: "absent: ..". Throws Interrupted after a signal.
void compute_or_explain(Results& results, const std::string& name,
                        const std::function<void()>& compute);
/// What is absent because the time for it was over.
[[nodiscard]] std::vector<std::string> left_out(const Results& results);
/// Of a run's summary; absent at a checkpoint.
[[nodiscard]] std::optional<double> verified_loss_of_trajectories(const Results& run);
/// What `problem` asks of its force, as far as that is one period: T, and `loss`, by how much
/// trajectories miss it. Nothing where each orbit has its own period.
[[nodiscard]] CertificateOptions certificate_options(const Problem& problem,
                                                     std::optional<double> loss);
/// Counts of the `direction` forward or backward.
void set_counts(Results& results, const std::string& direction, const IntegrationCounts& counts);
[[nodiscard]] IntegrationCounts stored_counts(const Results& results, const std::string& direction);

/// U, f, phase portraits and orbits of a force into the results, as far as its dimension has them.
/// The portraits run over whole periods from the initial states of `objective`. What cannot be had
/// is absent, with the reason; throws Interrupted after a signal.
void add_portraits(Results& results, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator);

}  // namespace isochron::cli
