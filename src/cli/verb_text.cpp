#include "cli/verb_text.hpp"

#include <algorithm>
#include <iterator>

namespace isochron::cli {
namespace {

constexpr VerbText texts[] = {
    {verb_train, "[options]", "learn a force field, write a results file",
     "Learns a force field, from a loss or from data, and writes a results file."},
    {verb_simulate, "(FILE | --force NAME) [options]",
     "integrate initial states through a learned or analytic force",
     "Integrates initial states through the force of a results file, FILE, or through an analytic "
     "one, and writes trajectories, orbits, energies and their drift."},
    {verb_check_gradient, "[FILE] [options]",
     "compare gradient methods with each other and with differences",
     "Compares all gradient methods with the most accurate independent one, at the initial weights "
     "or at the network of a results file, FILE. Exit status 1 when one differs by more than it "
     "may."},
    {verb_benchmark, "[FILE [--append]] [options]", "cost and accuracy of the gradient methods",
     "Cost and accuracy of the gradient methods over parameters, trajectories, tolerance, end time "
     "and threads, at initial weights and at the network of a results file, FILE. The methods of "
     "CVODES are measured by adams (bdf with --method bdf), discrete ones by rkn8 or rk8 (or by "
     "--method)."},
    {verb_analyze, "(FILE | --force NAME) [options]", "equilibria, potential, periods, verdict",
     "The well of a force, its orbits and how isochronous it is, by quadrature alone. The results "
     "file FILE stays as it is, unless --store is given."},
    {verb_abel, "(FILE | --period-law NAME) [options]", "the symmetric well that has given periods",
     "The force and the potential of the symmetric well with given periods T(E), by Abel's "
     "inversion, with the uncertainties that noise of the periods leaves. FILE is a text file with "
     "an energy and its period in each row. T(E) of the well is computed again, by quadrature."},
    {verb_complete, "(FILE | --force NAME) [options]",
     "the right half that makes half a well isochronous",
     "The right half that makes the left half of a well isochronous: the well's width at every U "
     "is that of the harmonic one. The left half is that of the force of a results file, FILE, of "
     "an analytic force or of a text file. T(E) of the whole well is computed by quadrature."},
    {verb_sweep, "[options]", "many runs of one configuration or of a grid, and their verdicts",
     "Trains from many starts, one thread each, and writes a table of verdicts. --max-time is of "
     "each run. --part i/n makes one of n parts, which isochron merge puts together."},
    {verb_show, "FILE [--json]", "a results file on one screen (--json: the same for programs)",
     "A results file on one screen."},
    {verb_plot, "FILE.. [options]", "figures from a results file, or of several runs",
     "Draws all figures that a results file has numbers for, and writes their captions to "
     "captions.txt beside them. Several runs are laid over each other: loss, force, potential, "
     "isochrony, residuals. A run that was interrupted has its figures, too. docs/figures.md says "
     "what each kind shows."},
    {verb_report, "FILE [options]", "one page that tells all about a results file",
     "Writes a page of HTML that needs nothing else: verdict and what it means, figures, numbers, "
     "configuration, and the command that repeats it."},
    {verb_merge, "FILE.. [options]", "parts of a sweep (sweep --part) into one file",
     "One file of all parts of a sweep, FILE.., which sweep --part has made: the same as one sweep "
     "writes. sweep --resume goes on with it."},
};
static_assert(std::size(texts) == std::size(verb_names));

}  // namespace

const VerbText& text_of(Verb verb) {
  return *std::find_if(std::begin(texts), std::end(texts),
                       [&](const VerbText& text) { return text.verb == verb; });
}

}  // namespace isochron::cli
