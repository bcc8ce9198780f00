#include "cli/help.hpp"

#include <fmt/core.h>

#include "cli/option_table.hpp"

namespace isochron::cli {
namespace {

constexpr const char* program_help =
    R"(isochron learns force fields by training neural ODEs to high accuracy.

usage: isochron VERB [options]

  train      learn a force field, write a results file
  simulate   integrate initial states through a learned or analytic force
  check-gradient
             compare gradient methods with each other and with differences
  benchmark  cost and accuracy of the gradient methods
  analyze    equilibria, potential, periods, verdict
  sweep      many runs of one configuration or of a grid, and their verdicts
  show       a results file on one screen (--json: the same for programs)
  plot       figures from a results file
  merge      parts of a sweep (sweep --part) into one file

isochron VERB --help lists the options of a verb, isochron --version the versions.
All quantities are dimensionless, for unit mass; wall time is in s.

exit status: 0 done, 1 a check disagreed, 2 bad input, 3 numerical failure, 4 a write failed,
130 or 143 interrupted by SIGINT or SIGTERM (train: after a complete file was written)
)";

const char* usage(Verb verb) {
  switch (verb) {
    case verb_train:
      return R"(isochron train [options]

Learns a force field and writes a results file.
)";
    case verb_simulate:
      return R"(isochron simulate (--model FILE | --force NAME) [options]

Integrates initial states and writes data, orbits, energies and their drift.
)";
    case verb_check_gradient:
      return R"(isochron check-gradient [--at FILE] [options]

Compares all gradient methods with the most accurate independent one; exit status 1
when one differs by more than it may.
)";
    case verb_benchmark:
      return R"(isochron benchmark [--at FILE [--append]] [options]

Cost and accuracy of the gradient methods over parameters, trajectories,
tolerance, end time and threads. The methods of CVODES are measured by adams
(bdf with --method bdf), discrete ones by rkn8 or rk8 (or by --method).
)";
    case verb_analyze:
      return R"(isochron analyze (FILE | --force NAME) [options]

The well of a force, its orbits and how isochronous it is, by quadrature alone. FILE stays
as it is, unless --store is given.
)";
    case verb_sweep:
      return R"(isochron sweep [options]

Trains from many starts, one thread each, and writes a table of verdicts. --max-time is
of each run. --part i/n makes one of n parts, which isochron merge puts together.
)";
    case verb_merge:
      return R"(isochron merge FILE.. [options]

One file of all parts of a sweep, FILE.., which sweep --part has made: the same as one sweep
writes. sweep --resume goes on with it.
)";
    case verb_show: return "isochron show FILE [--json]\n\nA results file on one screen.\n";
    case verb_plot:
      return R"(isochron plot FILE [options]

Draws the figures of a results file. Of a fit to observations they are the data with the
fit and its 90% band, residuals, force, potential and periods with bands, data held out;
of simulate --model with such a fit, predictions with bands.
)";
  }
  return "";
}

/// One option: its name on the left, the words on the right, wrapped at 100 columns.
std::string help_lines(const Option& option) {
  constexpr std::size_t indent = 30;
  constexpr std::size_t width = 70;
  const std::string key = option.key;
  std::string left = key == "output" ? "  -o, --" : key == "help" ? "  -h, --" : "  --";
  left += key;
  std::string right = option.help();
  if (option.argument != nullptr) {
    left += std::string(" ") + option.argument;
    const std::string standard = option.setting.write(Configuration());
    // A default that depends on other options is told in words.
    const bool in_words = right.find("(default: ") != std::string::npos;
    if (!standard.empty() && !in_words) right += " [" + standard + "]";
  }
  const std::string margin = fmt::format("\n{:{}}", "", indent);
  std::string lines = left.size() < indent ? fmt::format("{:{}}", left, indent) : left + margin;
  while (right.size() > width) {
    const auto cut = right.rfind(' ', width);
    lines += right.substr(0, cut) + margin;
    right.erase(0, cut + 1);
  }
  return lines + right + '\n';
}

}  // namespace

std::string help(std::optional<Verb> verb) {
  if (!verb) return program_help;
  std::string text = fmt::format(
      "usage: {}All quantities are dimensionless, for unit mass; wall time is in s. Defaults stand "
      "in [].\n",
      usage(*verb));
  std::string group;
  for (const Option* option : options_of(*verb)) {
    if (group != option->group) {
      group = option->group;
      text += fmt::format("\n{}:\n", group);
    }
    text += help_lines(*option);
  }
  return text;
}

}  // namespace isochron::cli
