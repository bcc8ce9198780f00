#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "build_info.hpp"
#include "cli/option_table.hpp"
#include "cli/options.hpp"
#include "cli/run.hpp"
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
            << build_info::compiler << ", " << build_info::flags << ")\n";
  for (const auto& [library, version] : library_versions()) {
    std::cout << "  " << library << ' ' << version << '\n';
  }
}

int run(const std::vector<std::string>& arguments) {
  struct Entry {
    Verb verb;
    int (*run)(const Options&);
  };
  const std::map<std::string, Entry> verbs = {
      {"train", {verb_train, train}},
      {"simulate", {verb_simulate, simulate}},
      {"check-gradient", {verb_check_gradient, check_gradient}},
      {"benchmark", {verb_benchmark, benchmark}},
      {"analyze", {verb_analyze, analyze}},
      {"sweep", {verb_sweep, sweep}},
      {"show", {verb_show, show}},
      {"plot", {verb_plot, plot}},
  };
  std::vector<std::string> names;
  for (const auto& [name, entry] : verbs) names.push_back(name);
  if (arguments.empty()) {
    throw InputError(
        "a verb is missing: give train, simulate, check-gradient, benchmark, analyze, sweep, "
        "show or plot, or --help");
  }
  const std::string& verb = arguments.front();
  if (verb == "--version") {
    print_version();
    return done;
  }
  if (verb == "--help" || verb == "-h" || verb == "help") {
    const auto about = arguments.size() > 1 ? verbs.find(arguments[1]) : verbs.end();
    if (arguments.size() > 2 || (arguments.size() == 2 && about == verbs.end())) {
      throw InputError("help takes one verb, as in: isochron help train");
    }
    std::cout << help(about == verbs.end() ? std::nullopt : std::optional(about->second.verb));
    return done;
  }
  const auto found = verbs.find(verb);
  if (found == verbs.end()) {
    throw InputError("the verb " + quoted(verb) + " is unknown; the nearest one is '" +
                     nearest(verb, names) + "'");
  }
  const Options options(found->second.verb, {arguments.begin() + 1, arguments.end()});
  if (options.flag("help")) {
    std::cout << help(found->second.verb);
    return done;
  }
  const std::vector<std::string>& words = options.positional();
  const Verb which = found->second.verb;
  const bool needs_file = which == verb_show || which == verb_plot;
  const bool takes_file = needs_file || which == verb_analyze;
  if (!takes_file && !words.empty()) {
    throw InputError(words.front() == verb
                         ? "the verb " + verb + " is given twice"
                         : quoted(words.front()) + " is neither an option nor its value");
  }
  if (needs_file && words.empty()) {
    throw InputError(verb + " needs a file: isochron " + verb + " run.h5");
  }
  if (words.size() > 1) {
    throw InputError(verb + " takes one results file, not " + std::to_string(words.size()));
  }
  return found->second.run(options);
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

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  // A file that grows too large is then a failed write, with a sentence.
  std::signal(SIGXFSZ, SIG_IGN);
  // So is what nobody reads: a run goes on without its progress.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return flushed(run(std::vector<std::string>(argv + 1, argv + argc)));
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
