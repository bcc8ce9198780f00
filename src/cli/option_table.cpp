#include "cli/option_table.hpp"

namespace isochron::cli {
namespace {

constexpr unsigned trainers = verb_train | verb_sweep;
constexpr unsigned writers = trainers | verb_simulate | verb_benchmark;
constexpr unsigned runs = writers | verb_check_gradient;
constexpr unsigned problems = trainers | verb_simulate | verb_check_gradient;
constexpr unsigned at_models = verb_check_gradient | verb_benchmark;

constexpr Spec table[] = {
    {"trajectories", "N", "100", runs, "Problem", "initial states drawn from N(0, I); 1 .. 10^7"},
    {"initial-states", "FILE", "", runs, "Problem",
     "read them instead: text with one state per row, columns x,v (q1.., v1..; y1..) unless a "
     "first "
     "line of names says otherwise, or HDF5 as FILE:/dataset (benchmark uses them only where N is "
     "their number)"},
    {"dimension", "D", "1", runs, "Problem", "dimension of the position; 1 .. 64"},
    {"dynamics", "NAME", "newtonian", runs, "Problem",
     "newtonian (q'' = f(q)) or first-order (y' = f(y))"},
    {"period", "T", "2pi", runs, "Problem", "period, dimensionless, > 0; 6.28, 2pi, pi/2, .."},
    {"loss", "NAME", "periodic", runs, "Problem",
     "periodic: mean |X(T) - X(0)|^2; antiperiodic: mean |X(T/2) + X(0)|^2; prescribed-period: "
     "mean |X_i(T_i) - X_i(0)|^2, the periods by --period-law; prescribed-half-period: mean "
     "|X_i(T_i/2) + X_i(0)|^2, for odd forces, which excludes f = 0; none: only what --hold asks "
     "for counts"},
    {"period-law", "LAW", "", problems, "Problem",
     "of prescribed periods: an analytic force, whose periods are prescribed, or a text file "
     "with an amplitude or energy and its period in each row"},
    {"law-params", "a=1,b=2", "", problems, "Problem",
     "parameters of an analytic --period-law: numbers by name"},
    {"law-range", "LOW,HIGH", "", problems, "Problem",
     "range of the amplitudes or energies of an analytic --period-law; --trajectories values in it "
     "are used, spaced as Chebyshev points in the amplitude or the square root of the energy"},
    {"period-by", "NAME", "amplitude", problems, "Problem",
     "amplitude: orbits released at rest at x = A; energy: two orbits from x = 0 with v = "
     "+-sqrt(2 E), and f(0) = 0 held unless --symmetry odd"},
    {"period-noise", "S", "0", problems, "Problem",
     "multiplies every period by 1 + S z, z from N(0, 1) by --data-seed; 0 .. 0.1"},
    {"hold", "FORCE", "", trainers, "Problem",
     "holds the force, adding --hold-weight times mean (f(x_k) - f*_k)^2 to the loss: at an "
     "analytic force over --hold-range, or at the rows x, f of a text file"},
    {"hold-params", "a=1,b=2", "", trainers, "Problem",
     "parameters of an analytic --hold: numbers by name"},
    {"hold-range", "A,B", "", trainers, "Problem",
     "where an analytic --hold applies: positions from A to B"},
    {"hold-points", "K", "200", trainers, "Problem",
     "number of equally spaced positions, ends included; 2 .. 100000"},
    {"hold-weight", "W", "1", trainers, "Problem", "of the held force in the loss; 1e-12 .. 1e12"},
    {"seed", "S", "0", runs, "Problem",
     "sets --data-seed and --weight-seed (sweep: those of its first start); 0 .. 2^64 - 1"},
    {"data-seed", "S", "0", runs & ~verb_sweep, "Problem", "seed of the initial states"},
    {"weight-seed", "S", "0", runs & ~verb_sweep, "Problem", "seed of the initial weights"},

    {"force", "NAME", "mlp", runs, "Force field",
     "mlp (simulate: untrained), or for simulate an analytic one: harmonic, isotonic, "
     "parabolic-shear, hyperbolic-shear, log-shear, split-harmonic, duffing, pendulum, morse, "
     "poschl-teller, tan2, power, double-well, cubic, toda"},
    {"force", "NAME", "", verb_analyze, "Force field",
     "in place of a results file: an analytic force (as simulate's), or a text file with a "
     "position "
     "and the force there in each row"},
    {"params", "a=1,b=2", "", runs | verb_analyze, "Force field",
     "parameters of an analytic force: numbers by name"},
    {"model", "FILE", "", verb_simulate, "Force field",
     "the force of a results file, and its problem as far as no option changes it"},
    {"at", "FILE", "", at_models, "Force field",
     "the network of a results file, and its problem as far as no option changes it"},
    {"hidden", "W,W,..", "16,16", runs, "Force field",
     "widths of the hidden layers; 1 .. 4096 each"},
    {"activation", "NAME", "tanh", runs, "Force field", "tanh"},
    {"symmetry", "NAME", "none", runs, "Force field",
     "none, or odd (no biases: f(-q) = -f(q) exactly)"},
    {"skip", "NAME", "none", runs, "Force field",
     "none, or linear: f(q) = A q + b + network, so that a harmonic force is represented exactly"},
    {"output-scale", "S", "1", runs, "Force field",
     "factor of the output layer's initial weights; 0 .. 10^6"},

    {"method", "NAME", "adams", runs, "Integration",
     "adams or bdf (CVODES), rkn8 or rkn12 (q'' = f(q) only), rk8 or rk4 with --steps (default: "
     "adams; with discrete gradients rkn8, or rk8 for first-order dynamics)"},
    {"steps", "K", "100", runs, "Integration",
     "steps of rk4, which has no error control; 1 .. 10^9; between samples of simulate at least "
     "one each"},
    {"rtol", "R", "1e-10", trainers, "Integration",
     "relative tolerance of every trajectory: auto (follows the loss), or 1e-15 .. 0.1 (default: "
     "auto; 1e-10 with --atol and with --optimizer lbfgs or adam)"},
    {"rtol", "R", "1e-10", runs & ~trainers, "Integration",
     "relative tolerance of every trajectory; 1e-15 .. 0.1"},
    {"atol", "A", "", runs, "Integration",
     "absolute tolerance, dimensionless; 1e-15 .. 1e-1 (default: as --rtol, which is 1e-10 where "
     "only this one is given)",
     true, "rtol"},
    {"max-step", "H", "", runs, "Integration",
     "longest step, in units of time; > 0 (default: T/12 for T up to 12, then 1, and T/200 from "
     "T = 200 on; one-step methods: twice that from stage to stage), so that no well that lies "
     "ahead is stepped over"},
    {"backward-rtol", "R", "", trainers | verb_check_gradient, "Integration",
     "relative tolerance of the adjoint; 1e-15 .. 1e-1 (default: as --rtol)"},
    {"quadrature-rtol", "R", "", trainers | verb_check_gradient, "Integration",
     "relative tolerance of the adjoint's gradient; 1e-15 .. 1e-1 (default: as --backward-rtol, by "
     "bdf a tenth of it)"},
    {"sensitivity-errors", "NAME", "on", trainers | verb_check_gradient, "Integration",
     "of forward sensitivities in the error test: on, or off (the steps are those of the states)"},
    {"corrector", "NAME", "staggered", trainers | verb_check_gradient, "Integration",
     "of forward sensitivities: staggered (after the states) or simultaneous"},
    {"times", "K", "201", verb_simulate, "Integration", "samples per trajectory; 2 .. 100000"},
    {"threads", "K", "", runs, "Integration",
     "threads; 1 .. 1024 (default: all cores); results do not depend on it", false},

    {"gradient", "NAME", "adjoint", trainers, "Training",
     "adjoint or forward (CVODES), or discrete: the exact derivative of a one-step method "
     "(default: adjoint; with a one-step --method and with --optimizer least-squares discrete)"},
    {"interpolation", "NAME", "polynomial", trainers, "Training",
     "of the forward solution in the adjoint: polynomial or hermite"},
    {"checkpoint-distance", "K", "unlimited", trainers, "Training",
     "steps of the forward solution between checkpoints of the adjoint, which bound its memory and "
     "cost a second forward solution; 1 .. 10^9, or unlimited: every step is kept"},
    {"optimizer", "NAME", "lbfgs+least-squares", trainers, "Training",
     "least-squares: Levenberg-Marquardt on the residuals, with the Jacobian by --gradient "
     "discrete "
     "or forward and rtol auto: 1e-2 sqrt(loss), 1e-6 .. 1e-14; lbfgs+least-squares: L-BFGS by "
     "--gradient until it is near, then that, by a discrete Jacobian; lbfgs: with rtol auto 1e-10, "
     "tightened to 1e-13 when it makes no more progress; adam: full batch, the note's baseline"},
    {"memory", "M", "100", trainers, "Training", "pairs that L-BFGS keeps; 3 .. 1000"},
    {"learning-rate", "R", "0.01", trainers, "Training", "Adam's step; 1e-12 .. 10"},
    {"iterations", "K", "unlimited", trainers, "Training",
     "0 .. 10^9, or unlimited; with --resume: so many more"},
    {"max-time", "S", "60", trainers, "Training",
     "wall time of this run in s, or as 90s, 1m, 2h; 0.001 .. 1e9; its verification, portraits and "
     "analysis get half as much again, or 5 s where that is more"},
    {"loss-tolerance", "L", "0", trainers, "Training", "stop at this loss; >= 0"},
    {"gradient-tolerance", "G", "0", trainers, "Training", "stop at this max |dL/dtheta|; >= 0"},
    {"restarts", "K", "1", trainers, "Training",
     "weight seeds tried, the best kept; 1 .. 1000; they share --max-time (default: 1; with "
     "--period-multiple 20)"},
    {"period-multiple", "n", "any", trainers, "Training",
     "take the first weight seed, of --restarts, whose orbits oscillate n times in T; 1 .. 1000, "
     "or "
     "any"},

    {"runs", "K", "100", verb_sweep, "Sweep",
     "starts of every configuration, with the seeds --seed, --seed + 1, ..; 1 .. 10^6"},
    {"grid", "LISTS", "", verb_sweep, "Sweep",
     "configurations: lists separated by ;, each the combinations of its key=value|value .., keys "
     "of "
     "these options: \"loss=periodic|antiperiodic; symmetry=odd\""},
    {"keep-runs", nullptr, "", verb_sweep, "Sweep",
     "write a complete results file of every run, too, into the folder OUTPUT.runs, and link it"},
    {"period", "T", "", verb_analyze, "Analysis",
     "period that the verdict is about (default: that of the run; of an analytic force the period "
     "at its median energy)"},
    {"energies", "E,E,..", "", verb_analyze, "Analysis",
     "energies of the orbits that are listed, above the bottom of the well (default: 12 over the "
     "visited range; of an analytic force up to 2, or 0.9 of its height)"},
    {"verify", nullptr, "", verb_analyze, "Analysis",
     "compare their periods with return times by CVODES; exit status 1 when they differ by 1e-8",
     false},
    {"store", nullptr, "", verb_analyze, "Analysis",
     "put the verdict into the results file, in the place of the one that is there", false},
    {"verdict-tolerance", "R", "1e-4", trainers | verb_analyze, "Analysis",
     "of the verdict: largest |n T(E)/T - 1| of an isochronous force, largest |S|/A of a harmonic "
     "one; 1e-15 .. 1; of a results file analyze takes the run's own"},

    {"quick", nullptr, "", verb_benchmark, "Benchmark", "few points, under a minute"},
    {"full", nullptr, "", verb_benchmark, "Benchmark", "all points, as long as it takes"},
    {"budget", "S", "", verb_benchmark, "Benchmark",
     "s that one evaluation may take, 0.001 .. 1e6 (default: 5, with --quick 1, with --full 1000)"},

    {"output", "FILE", "isochron.h5", writers, "Files",
     "results file; must not exist unless --overwrite or --resume", false},
    {"overwrite", nullptr, "", writers, "Files", "replace an existing output file", false},
    {"append", nullptr, "", verb_benchmark, "Files",
     "put the measurements into the file of --at, beside its run", false},
    {"resume", "FILE", "", trainers | verb_benchmark, "Files",
     "continue this file with its configuration, which options win over, into it or into --output "
     "(train: another one, when the problem changes)",
     false},
    {"checkpoint-interval", "S", "5", trainers, "Files", "s between checkpoints; 0.001 .. 1e6",
     false},
    {"config", "FILE", "", runs, "Files",
     "ini file: key = value, the keys of these options, which win; # begins a comment", false},

    {"json", nullptr, "", verb_show, "Output", "the same for programs", false},
    {"output", "FOLDER", ".", verb_plot, "Output", "folder for the figures; is created", false},
    {"format", "NAME", "table", verb_analyze, "Output",
     "table, csv (energy,x1,x2,period,width,shear with 17 digits) or json"},
    {"format", "LIST", "svg,png", verb_plot, "Output", "any of svg, png, pdf", false},

    {"quiet", nullptr, "", writers, "Output", "no progress on stderr", false},
    {"verbose", nullptr, "", runs, "Output", "also the configuration with its origins", false},
    {"help", nullptr, "", ~0U, "Output", "this text", false},
};

}  // namespace

std::span<const Spec> option_table() { return table; }

const Spec* find_option(const std::string& key, unsigned verbs) {
  for (const Spec& spec : table) {
    if ((spec.verbs & verbs) != 0 && key == spec.key) return &spec;
  }
  return nullptr;
}

std::vector<std::string> option_keys(Verb verb) {
  std::vector<std::string> result;
  for (const Spec& spec : table) {
    if ((spec.verbs & verb) != 0) result.emplace_back(spec.key);
  }
  return result;
}

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

isochron VERB --help lists the options of a verb, isochron --version the versions.
All quantities are dimensionless, for unit mass; wall time is in s.

exit status: 0 done, 1 a check disagreed, 2 bad input, 3 numerical failure, 4 a write failed,
130 or 143 interrupted by SIGINT or SIGTERM (train: after a complete file was written)
)";

const char* usage(Verb verb) {
  switch (verb) {
    case verb_train:
      return "isochron train [options]\n\nLearns a force field and writes a results file.\n";
    case verb_simulate:
      return "isochron simulate (--model FILE | --force NAME) [options]\n\n"
             "Integrates initial states and writes data, orbits, energies and their drift.\n";
    case verb_check_gradient:
      return "isochron check-gradient [--at FILE] [options]\n\nCompares all gradient methods with "
             "the "
             "most accurate independent one; exit status 1\nwhen one differs by more than it "
             "may.\n";
    case verb_benchmark:
      return "isochron benchmark [--at FILE [--append]] [options]\n\nCost and accuracy of the "
             "gradient "
             "methods over parameters, trajectories,\ntolerance, end time and threads. The methods "
             "of "
             "CVODES are measured by adams\n(bdf with --method bdf), discrete ones by rkn8 or rk8 "
             "(or "
             "by --method).\n";
    case verb_analyze:
      return "isochron analyze (FILE | --force NAME) [options]\n\nThe well of a force, its orbits "
             "and how isochronous it is, by quadrature alone. FILE stays\nas it is, unless --store "
             "is given.\n";
    case verb_sweep:
      return "isochron sweep [options]\n\nTrains from many starts, one thread each, and writes a "
             "table of verdicts. --max-time is\nof each run.\n";
    case verb_show: return "isochron show FILE [--json]\n\nA results file on one screen.\n";
    case verb_plot: return "isochron plot FILE [options]\n\nDraws the figures of a results file.\n";
  }
  return "";
}

/// One option: its name on the left, the words on the right, wrapped at 100 columns.
std::string help_lines(const Spec& spec) {
  constexpr std::size_t indent = 30;
  constexpr std::size_t width = 70;
  const std::string key = spec.key;
  std::string left = key == "output" ? "  -o, --" : key == "help" ? "  -h, --" : "  --";
  left += key;
  std::string right = spec.help;
  if (spec.argument != nullptr) {
    left += std::string(" ") + spec.argument;
    // A default that depends on other options is told in words.
    const bool in_words = right.find("(default: ") != std::string::npos;
    if (*spec.standard != '\0' && !in_words) right += std::string(" [") + spec.standard + "]";
  }
  const std::string margin = '\n' + std::string(indent, ' ');
  std::string lines =
      left + (left.size() < indent ? std::string(indent - left.size(), ' ') : margin);
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
  std::string text = std::string("usage: ") + usage(*verb) +
                     "All quantities are dimensionless, for unit mass; wall time is in s. Defaults "
                     "stand in [].\n";
  std::string group;
  for (const Spec& spec : table) {
    if ((spec.verbs & *verb) == 0) continue;
    if (group != spec.group) {
      group = spec.group;
      text += '\n' + group + ":\n";
    }
    text += help_lines(spec);
  }
  return text;
}

}  // namespace isochron::cli
