#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "build_info.hpp"
#include "cli/command_line.hpp"
#include "cli/help.hpp"
#include "cli/ranks.hpp"
#include "cli/signals.hpp"
#include "cli/stored_run.hpp"
#include "cli/verbs.hpp"
#include "environment.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace {

using namespace isochron;
using namespace isochron::cli;

enum Status { done = 0, bad_input = 2, numerical_failure = 3, write_failure = 4 };

/// The one door for errors: what users and files contribute to the sentence cannot leave its line,
/// control the terminal, or bury the rest.
int fail(int status, const std::string& words) {
  constexpr std::size_t longest = 2000;
  std::cerr << "isochron: " << shown(words, longest) << '\n';
  return status;
}

void print_version() {
  std::cout << "isochron " << build_info::version << " (" << build_info::git_revision << ", "
            << build_info::compiler << ", " << compiler_flags() << ")\n";
  for (const auto& [library, version] : library_versions()) {
    std::cout << "  " << library << ' ' << version << '\n';
  }
  std::cout << "  MPI " << mpi_version() << '\n';
}

const Verb& verb_of(const std::string& word) {
  std::vector<std::string> names;
  for (const auto& [verb, name] : verb_names) {
    if (word == name) return verb;
    names.emplace_back(name);
  }
  throw InputError(fmt::format("the verb {} is unknown; the nearest one is '{}'", quoted(word),
                               nearest(word, names)));
}

int print_help(const std::vector<std::string>& arguments) {
  require(arguments.size() <= 2, "help takes one verb, as in: isochron help train");
  const Verb* about = arguments.size() > 1 ? &verb_of(arguments[1]) : nullptr;
  const std::size_t width = terminal_width();
  std::cout << (about == nullptr ? help(width) : help(*about, Extent::essential, width));
  return done;
}

/// Verbs that look at a file take its name beside the options.
void check_files(const Configuration& configuration) {
  const std::string verb = name_of(configuration.verb);
  const std::vector<std::string>& files = configuration.files;
  if (configuration.verb == verb_merge) {
    require(!files.empty(),
            "merge needs the files of a sweep's parts: isochron merge 1.h5 2.h5 --output all.h5");
    return;
  }
  const bool needs_file = configuration.verb == verb_show || configuration.verb == verb_plot ||
                          configuration.verb == verb_report;
  const bool takes_file =
      needs_file || configuration.verb == verb_analyze || configuration.verb == verb_complete;
  if (!takes_file && !files.empty()) {
    require(files.front() != verb, "the verb {} is given twice", verb);
    require(files.front() != "help", "for help: isochron {} --help", verb);
    std::error_code ignored;
    const bool resumable = (configuration.verb == verb_train || configuration.verb == verb_sweep) &&
                           std::filesystem::is_regular_file(files.front(), ignored);
    throw InputError(
        fmt::format("{} is neither an option nor its value{}", quoted(files.front()),
                    resumable ? fmt::format("; to go on with that file: isochron {} --resume {}",
                                            verb, shown(files.front()))
                              : ""));
  }
  require(!needs_file || !files.empty(), "{0} needs a file: isochron {0} run.h5", verb);
  if (needs_file) std::for_each(files.begin(), files.end(), require_results_file);
  if (configuration.verb == verb_plot) return;  // runs are laid over each other
  require(files.size() <= 1, "{} takes one results file, not {}", verb, files.size());
}

int run(const Configuration& configuration) {
  switch (configuration.verb) {
    case verb_train: return train(configuration);
    case verb_simulate: return simulate(configuration);
    case verb_check_gradient: return check_gradient(configuration);
    case verb_benchmark: return benchmark(configuration);
    case verb_analyze: return analyze(configuration);
    case verb_abel: return abel(configuration);
    case verb_complete: return complete(configuration);
    case verb_sweep: return sweep(configuration);
    case verb_show: return show(configuration);
    case verb_plot: return plot(configuration);
    case verb_report: return report(configuration);
    case verb_merge: return merge(configuration);
  }
  return bad_input;
}

int run(const std::vector<std::string>& arguments) {
  require(!arguments.empty(),
          "a verb is missing: give train, simulate, check-gradient, benchmark, analyze, abel, "
          "complete, sweep, show, plot, report or merge, or --help");
  const std::string& word = arguments.front();
  if (word == "--help" || word == "-h" || word == "help") return print_help(arguments);
  if (word == "--version") {
    print_version();
    return done;
  }
  require(word != "--help-all", "--help-all comes after a verb, as in: isochron train --help-all");
  const Verb& verb = verb_of(word);
  const Configuration configuration =
      read_configuration(verb, {arguments.begin() + 1, arguments.end()});
  if (configuration.help || configuration.help_all) {
    const Extent extent = configuration.help_all ? Extent::all : Extent::essential;
    std::cout << help(verb, extent, terminal_width());
    return done;
  }
  check_files(configuration);
  return run(configuration);
}

/// What was printed must have arrived.
int flushed(int status) {
  std::cout.flush();
  if (std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return fail(write_failure,
              std::string("cannot write to the standard output: ") + std::strerror(errno));
}

/// Where one of the three streams is closed, the next file that is opened would take its place, and
/// what is printed would go into it. The stand-ins fail as the closed ones do.
void keep_standard_descriptors() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    static_cast<void>(open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

/// The status of the work, or of the sentence that says why it was not to be had.
int status_of(const std::function<int()>& work) {
  try {
    return work();
  } catch (const InputError& error) {
    return fail(bad_input, error.what());
  } catch (const NumericalError& error) {
    return fail(numerical_failure, error.what());
  } catch (const OutputError& error) {
    return fail(write_failure, error.what());
  } catch (const Interrupted&) {
    return fail(signal_status(), "interrupted; nothing was written");
  } catch (const std::bad_alloc&) {
    return fail(
        numerical_failure,
        "the memory is exhausted; ask for fewer --trajectories, smaller --hidden layers, "
        "fewer --threads, or, of train, fewer pairs by --memory or a --checkpoint-distance");
  } catch (const std::exception& error) {
    return fail(numerical_failure, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  // A file that grows too large is then a failed write, with a sentence.
  std::signal(SIGXFSZ, SIG_IGN);
  // So is what nobody reads: a run goes on without its progress.
  std::signal(SIGPIPE, SIG_IGN);
  join_ranks();
  const bool leads = !ranks() || ranks()->rank() == 0;
  const int status = status_of([&] {
    return leads ? flushed(run(std::vector<std::string>(argv + 1, argv + argc))) : serve_rank_0();
  });
  leave_ranks(status);
  return leads ? status : done;  // what mpirun returns is up to rank 0
}
