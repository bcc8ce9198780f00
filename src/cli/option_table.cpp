#include "cli/option_table.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <map>
#include <stdexcept>

#include "cli/codec.hpp"
#include "cli/force_option.hpp"
#include "floating_point.hpp"
#include "isochron/well.hpp"

namespace isochron::cli {
namespace {

using C = Configuration;

constexpr unsigned trainers = verb_train | verb_sweep;
constexpr unsigned writers = trainers | verb_simulate | verb_benchmark;
constexpr unsigned theories = verb_abel | verb_complete;
constexpr unsigned file_makers = writers | verb_merge | theories;
constexpr unsigned of_runs = writers | verb_check_gradient;
constexpr unsigned problems = trainers | verb_simulate | verb_check_gradient;
constexpr unsigned at_models = verb_check_gradient | verb_benchmark;
constexpr unsigned differentiators = trainers | verb_check_gradient;

template <class T>
Setting setting(T Configuration::*member, const Codec<T>& codec) {
  return {[=](Configuration& configuration, const std::string& text) {
            auto value = codec.parse(text);
            if (value) configuration.*member = std::move(*value);
            return value.has_value();
          },
          [=](const Configuration& configuration) { return codec.write(configuration.*member); },
          [=](Configuration& to, const Configuration& from) { to.*member = from.*member; },
          codec.wanted,
          codec.range,
          codec.choices};
}

Names<FigureFormat> figure_formats() {
  Names<FigureFormat> names;
  for (const auto format : {FigureFormat::svg, FigureFormat::png, FigureFormat::pdf}) {
    names.emplace_back(extension(format), format);
  }
  return names;
}

/// Times, or full: none before the whole.
Codec<std::vector<double>> horizons() {
  const Codec<std::vector<double>> list = numbers(1e-300, 1e300);
  return {[=](const std::string& text) {
            return text == "full" ? std::optional<std::vector<double>>(std::in_place)
                                  : list.parse(text);
          },
          [=](const std::vector<double>& times) {
            return times.empty() ? std::string("full") : list.write(times);
          },
          list.wanted + ", or full",
          list.range,
          {"full"}};
}

std::vector<Option> make_table() {
  const Codec<double> tolerance = number(1e-15, 1e-1);
  return {
      {"trajectories", "N", of_runs, "Problem",
       setting(&C::trajectories, whole<Index>(1, 10000000)),
       "number of initial states, drawn from N(0, I); {}"},
      {"initial-states", "FILE", of_runs, "Problem", setting(&C::initial_states, any_text()),
       "read them instead: text with one state per row, columns x,v (q1.., v1..; y1..) unless a "
       "first line of names says otherwise, or HDF5 as FILE:/dataset; benchmark uses them where it "
       "has as many trajectories"},
      {"dimension", "D", of_runs, "Problem", setting(&C::dimension, whole<Index>(1, 64)),
       "dimension of the position; {}"},
      {"dynamics", "NAME", of_runs, "Problem",
       setting(&C::motion, one_of<Motion>({{"newtonian", Motion::newtonian},
                                           {"first-order", Motion::first_order}})),
       "newtonian (q'' = f(q)) or first-order (y' = f(y))"},
      {"period", "T", of_runs & ~verb_simulate, "Problem", setting(&C::period, time()),
       "period, {}; 6.28, 2pi, pi/2, .."},
      {"period", "T", verb_simulate, "Problem", setting(&C::period, time()),
       "trajectories go from t = 0 to T, {}; 6.28, 2pi, pi/2, .."},
      {"loss", "NAME", of_runs, "Problem",
       setting(&C::loss, one_of(named({Loss::periodic, Loss::antiperiodic, Loss::prescribed_period,
                                       Loss::prescribed_half_period, Loss::none}))),
       "periodic: mean |X(T) - X(0)|^2; antiperiodic: mean |X(T/2) + X(0)|^2; prescribed-period: "
       "mean |X_i(T_i) - X_i(0)|^2, the periods by --period-law; prescribed-half-period: mean "
       "|X_i(T_i/2) + X_i(0)|^2, for odd forces, which excludes f = 0; none: only what --hold asks "
       "for counts"},
      {"period-law", "LAW", problems, "Problem",
       setting(&C::period_law, name_or_file(well_names())),
       "the prescribed periods: those of an analytic force, or of a text file with an amplitude or "
       "energy and its period in each row"},
      {"period-law", "LAW", verb_abel, "Periods",
       setting(&C::period_law, name_or_file(well_names())),
       "the same as FILE alone, or an analytic force, whose periods are taken"},
      {"law-params", "a=1,b=2", problems, "Problem", setting(&C::law_parameters, parameters()),
       "parameters of an analytic --period-law: numbers by name"},
      {"law-range", "LOW,HIGH", problems, "Problem", setting(&C::law_range, optional(interval())),
       "range of the amplitudes or energies of an analytic --period-law; --trajectories values in "
       "it are used, spaced as Chebyshev points in the amplitude or the square root of the energy"},
      {"law-params", "a=1,b=2", verb_abel, "Periods", setting(&C::law_parameters, parameters()),
       "parameters of an analytic --period-law: numbers by name"},
      {"law-range", "LOW,HIGH", verb_abel, "Periods", setting(&C::law_range, optional(interval())),
       "range of the energies of an analytic --period-law"},
      {"samples", "M", verb_abel, "Periods", setting(&C::law_samples, whole<Index>(4, 100000)),
       "number of periods of an analytic --period-law, spaced as Chebyshev points in the square "
       "root of the energy; {}"},
      {"period-by", "NAME", problems, "Problem",
       setting(&C::period_by, one_of(named({PeriodBy::amplitude, PeriodBy::energy}))),
       "amplitude: orbits released at rest at x = A; energy: two orbits from x = 0 with v = "
       "+-sqrt(2 E), and f(0) = 0 held unless --symmetry odd"},
      {"period-noise", "S", problems, "Problem", setting(&C::period_noise, number(0, 0.1)),
       "multiplies every period by 1 + S z, z from N(0, 1) by --data-seed; {}"},
      {"period-noise", "S", verb_abel, "Periods", setting(&C::period_noise, number(0, 0.1)),
       "multiplies every period by 1 + S z, z from N(0, 1) by --data-seed; {}"},
      {"data-seed", "S", verb_abel, "Periods", setting(&C::data_seed, cli::seed()),
       "seed of --period-noise"},
      {"hold", "FORCE", trainers, "Problem", setting(&C::hold, name_or_file(well_names())),
       "holds the force, adding --hold-weight times mean (f(x_k) - f*_k)^2 to the loss: at an "
       "analytic force over --hold-range, or at the rows x, f of a text file"},
      {"hold-params", "a=1,b=2", trainers, "Problem", setting(&C::hold_parameters, parameters()),
       "parameters of an analytic --hold: numbers by name"},
      {"hold-range", "A,B", trainers, "Problem", setting(&C::hold_range, optional(interval())),
       "where an analytic --hold applies: positions from A to B"},
      {"hold-points", "K", trainers, "Problem", setting(&C::hold_points, whole<Index>(2, 100000)),
       "number of equally spaced positions, ends included; {}"},
      {"hold-weight", "W", trainers, "Problem", setting(&C::hold_weight, number(1e-12, 1e12)),
       "weight of the force data in the loss; {}"},
      {"data", "FILE", verb_train, "Problem", setting(&C::data, any_text()),
       "observations to fit, alone or beside a --loss on closed orbits that is given, too: text "
       "with a line of names (columns trajectory, t, "
       "q or q1.., v or v1.., first-order y1..; standard errors NAME_error; nan: missing), or HDF5 "
       "as FILE:/group"},
      {"observe", "NAME=y1,..", verb_train, "Problem", setting(&C::observe, any_text()),
       "which components the columns of --data with other names hold: hare=y1,lynx=y2"},
      {"noise", "S,..", verb_train, "Problem",
       setting(&C::noise, or_else("auto", numbers(1e-300, 1e300))),
       "standard error of --data, one for all or one for each component that is observed, where "
       "the "
       "file has none; {}; auto: estimated with the fit"},
      {"error-model", "NAME", verb_train, "Problem",
       setting(&C::error_model, one_of(named({ErrorModel::additive, ErrorModel::lognormal}))),
       "distribution of the errors of --data: additive, or lognormal (values are positive, and all "
       "standard errors are those of their natural logarithms)"},
      {"robust", "NAME", verb_train, "Problem",
       setting(&C::robust, one_of(named({Robust::none, Robust::huber}))),
       "huber: residuals in --data beyond 1.345 standard errors count by their size, not by its "
       "square, so that outliers do little"},
      {"fit-initial-states", nullptr, verb_train, "Problem",
       setting(&C::fit_initial_states, flag()),
       "initial states of --data are parameters; otherwise the first observation of each "
       "trajectory "
       "is exact and must be complete"},
      {"holdout", "F", verb_train, "Problem", setting(&C::holdout, number(0, 0.9)),
       "part of the trajectories of --data that is kept for validation, by --data-seed (of one "
       "trajectory its last times); {}"},
      {"closed-weight", "W", verb_train, "Problem",
       setting(&C::closed_weight, number(1e-300, 1e300)),
       "weight of a --loss on closed orbits beside --data: W times this loss is added to chi^2 per "
       "datum, so that W = 1/d^2 makes orbits that miss their start by d (rms) cost as much as "
       "data "
       "that miss the fit by a standard error each; {}"},
      {"noise", "S", verb_simulate, "Problem", setting(&C::simulated_noise, number(0, 1e300)),
       "adds S z to the trajectories that are written, z from N(0, 1) by --data-seed; {}"},
      {"seed", "S", of_runs, "Problem", setting(&C::seed, cli::seed()),
       "sets --data-seed and --weight-seed (sweep: those of its first start); {}"},
      {"data-seed", "S", of_runs & ~verb_sweep, "Problem", setting(&C::data_seed, cli::seed()),
       "seed of the initial states"},
      {"weight-seed", "S", of_runs & ~verb_sweep, "Problem", setting(&C::weight_seed, cli::seed()),
       "seed of the initial weights"},

      {"force", "NAME", of_runs, "Force field", setting(&C::force, force_name()),
       "mlp (simulate: untrained), an analytic force, or both, as harmonic+mlp (the sum). Analytic "
       "ones, for simulate or with --fit: harmonic, isotonic, parabolic-shear, hyperbolic-shear, "
       "log-shear, split-harmonic, duffing, pendulum, morse, poschl-teller, tan2, power, "
       "double-well, cubic, toda, linear (A q: a11, a12, ..), lotka-volterra (first-order)"},
      {"force", "FORCE", verb_analyze | verb_complete, "Force field",
       setting(&C::analyzed_force, name_or_file(well_names())),
       "in place of a results file: an analytic force of one dimension (harmonic .. toda), or a "
       "text file with a position and the force there in each row"},
      {"params", "a=1,b=2", of_runs | verb_analyze | verb_complete, "Force field",
       setting(&C::parameters, cli::parameters()),
       "parameters of an analytic force: numbers by name; of those that are fitted, where the fit "
       "starts"},
      {"fit", "a,b", problems & ~verb_sweep, "Force field", setting(&C::fitted, parameter_names()),
       "parameters of an analytic --force that are fitted; the others are held"},
      {"bounds", "a=0:1", problems & ~verb_sweep, "Force field", setting(&C::bounds, bounds()),
       "bounds of fitted parameters, low:high by name, which are never left; either may be absent, "
       "as in a=0:"},
      {"log", "a,b", problems & ~verb_sweep, "Force field",
       setting(&C::logarithmic, parameter_names()),
       "fitted parameters whose logarithm is fitted, so that they stay positive"},
      {"model", "FILE", verb_simulate, "Force field", setting(&C::model, any_text()),
       "the same as FILE alone: the force of a results file, and its problem as far as no option "
       "changes it"},
      {"at", "FILE", at_models, "Force field", setting(&C::at, any_text()),
       "the same as FILE alone: the network of a results file, and its problem as far as no option "
       "changes it"},
      {"hidden", "W,W,..", of_runs, "Force field", setting(&C::hidden, widths(4096)),
       "widths of the hidden layers; {} each"},
      {"activation", "NAME", of_runs, "Force field",
       setting(&C::activation, one_of(named({Activation::tanh, Activation::softplus,
                                             Activation::sin, Activation::gelu}))),
       "function of the hidden layers: tanh, softplus (log(1 + e^z)), sin, or gelu (z Phi(z))"},
      {"symmetry", "NAME", of_runs, "Force field",
       setting(&C::symmetry, one_of(named({Symmetry::none, Symmetry::odd}))),
       "none, or odd (no biases: f(-q) = -f(q) exactly)"},
      {"skip", "NAME", of_runs, "Force field",
       setting(&C::skip, one_of(named({Skip::none, Skip::linear}))),
       "none, or linear: f(q) = A q + b + network, so that a harmonic force is represented "
       "exactly"},
      {"output-scale", "S", of_runs, "Force field", setting(&C::output_scale, number(0, 1e6)),
       "factor of the output layer's initial weights; {}"},

      {"method", "NAME", of_runs, "Integration",
       setting(&C::method, one_of(named({Method::adams, Method::bdf, Method::rkn8, Method::rkn12,
                                         Method::rk8, Method::rk4}))),
       "adams or bdf (CVODES), rkn8 or rkn12 (q'' = f(q) only), rk8 or rk4 with --steps (default: "
       "adams; with discrete gradients and with --data rkn8, or rk8 for first-order dynamics)"},
      {"steps", "K", of_runs, "Integration", setting(&C::steps, whole<long>(1, 1000000000)),
       "steps of rk4, which has no error control; {}; between samples of simulate at least one "
       "each"},
      {"rtol", "R", trainers, "Integration", setting(&C::rtol, or_else("auto", tolerance)),
       "relative tolerance of every trajectory: auto (follows the loss), or {} (default: auto; "
       "1e-10 with --atol and with --optimizer lbfgs or adam)"},
      {"rtol", "R", of_runs & ~trainers, "Integration",
       setting(&C::rtol, or_else("auto", tolerance)), "relative tolerance of every trajectory; {}"},
      {"atol", "A", of_runs, "Integration", setting(&C::atol, optional(tolerance)),
       "absolute tolerance, dimensionless; {} (default: as --rtol, which is 1e-10 where only this "
       "one is given)",
       true, "rtol"},
      {"max-step", "H", of_runs, "Integration",
       setting(&C::max_step, optional(number(1e-12, 1e12))),
       "longest step, in units of time; {} (default: T/12 for T up to 12, then 1, and T/200 from T "
       "= 200 on; one-step methods: twice that from stage to stage), so that no well that lies "
       "ahead is stepped over"},
      {"backward-rtol", "R", differentiators, "Integration",
       setting(&C::backward_rtol, optional(tolerance)),
       "relative tolerance of the adjoint; {} (default: as --rtol)"},
      {"quadrature-rtol", "R", differentiators, "Integration",
       setting(&C::quadrature_rtol, optional(tolerance)),
       "relative tolerance of the adjoint's gradient; {} (default: as --backward-rtol, by bdf a "
       "tenth of it)"},
      {"sensitivity-errors", "NAME", differentiators, "Integration",
       setting(&C::sensitivity_errors, one_of<bool>({{"on", true}, {"off", false}})),
       "whether forward sensitivities count in the error test: on, or off (the steps are those of "
       "the states)"},
      {"corrector", "NAME", differentiators, "Integration",
       setting(&C::staggered, one_of<bool>({{"staggered", true}, {"simultaneous", false}})),
       "correction of forward sensitivities: staggered (after the states) or simultaneous"},
      {"times", "K", verb_simulate, "Integration", setting(&C::times, whole<Index>(2, 100000)),
       "samples per trajectory, evenly spaced from 0 to --period, both ends included; {}"},
      {"threads", "K", of_runs, "Integration", setting(&C::threads, optional(whole(1, 1024))),
       "threads; {} (default: all cores it may use); results do not depend on it", false},

      {"gradient", "NAME", trainers, "Training",
       setting(&C::gradient, one_of(named({GradientMethod::adjoint, GradientMethod::forward,
                                           GradientMethod::discrete}))),
       "adjoint or forward (CVODES), or discrete: the exact derivative of a one-step method "
       "(default: adjoint; with a one-step --method and with --optimizer least-squares, and with "
       "--data, discrete)"},
      {"interpolation", "NAME", trainers, "Training",
       setting(&C::interpolation, one_of<Interpolation>({{"polynomial", Interpolation::polynomial},
                                                         {"hermite", Interpolation::hermite}})),
       "interpolation of the forward solution in the adjoint: polynomial or hermite"},
      {"checkpoint-distance", "K", trainers, "Training",
       setting(&C::checkpoint_distance, or_else("unlimited", whole<long>(1, 1000000000))),
       "steps of the forward solution between checkpoints of the adjoint, which bound its memory "
       "and cost a second forward solution; {}, or unlimited: every step is kept"},
      {"optimizer", "NAME", trainers, "Training",
       setting(&C::optimizer,
               one_of(named({OptimizerKind::lbfgs, OptimizerKind::least_squares,
                             OptimizerKind::lbfgs_least_squares, OptimizerKind::adam}))),
       "least-squares: Levenberg-Marquardt on the residuals, with the Jacobian by --gradient "
       "discrete or forward and rtol auto: 1e-2 sqrt(loss), 1e-6 .. 1e-14; lbfgs+least-squares: "
       "L-BFGS by --gradient until it is near, then that, by a discrete Jacobian; lbfgs: with rtol "
       "auto 1e-10, tightened to 1e-13 when it makes no more progress; adam: all trajectories "
       "at once, for comparison; with --data least-squares alone"},
      {"memory", "M", trainers, "Training", setting(&C::memory, whole(3, 1000)),
       "pairs that L-BFGS keeps; {}"},
      {"learning-rate", "R", trainers, "Training", setting(&C::learning_rate, number(1e-12, 10)),
       "Adam's step; {}"},
      {"iterations", "K", trainers, "Training",
       setting(&C::iterations, or_else("unlimited", whole<long>(0, 1000000000))),
       "number of iterations, {} or unlimited; with --resume that many more"},
      {"max-time", "S", trainers, "Training", setting(&C::max_time, duration(1e-3, 1e9)),
       "limit of the wall time of this run in s, or as 90s, 1m, 2h; {}; its verification, "
       "portraits "
       "and analysis get half as much again, or 5 s where that is more"},
      {"max-time", "S", verb_simulate, "Integration", setting(&C::max_time, duration(1e-3, 1e9)),
       "limit of the wall time in s, or as 90s, 1m, 2h, for the standard errors of predictions by "
       "a "
       "fit; {}; beyond it they are left out"},
      {"loss-tolerance", "L", trainers, "Training",
       setting(&C::loss_tolerance, number(0, infinity)), "stop at this loss; {}"},
      {"gradient-tolerance", "G", trainers, "Training",
       setting(&C::gradient_tolerance, number(0, infinity)), "stop at this max |dL/dtheta|; {}"},
      {"horizon", "T,T,..", verb_train, "Training",
       setting(&C::horizons, or_else("auto", horizons())),
       "times up to which --data are fitted first, one after the other; auto: parts of the whole, "
       "or --windows where there are many times; full: the whole at once"},
      {"windows", "K", verb_train, "Training",
       setting(&C::windows, or_else("auto", whole<Index>(1, 10000))),
       "windows of each trajectory in --data, with initial states of their own, that are joined "
       "before the whole is fitted; {}; auto: of about ten observations, unless --horizon is "
       "given"},
      {"ridge", "R", verb_train, "Training", setting(&C::ridge, or_else("auto", number(0, 1e300))),
       "weight of |theta|^2 beside the sum of chi^2 of --data, in units of the data's size; {}; "
       "auto: where the evidence is largest"},
      {"restarts", "K", trainers, "Training", setting(&C::restarts, whole<std::int64_t>(1, 1000)),
       "weight seeds tried, the best kept; {}; they share --max-time (default: 1; with "
       "--period-multiple 20)"},
      {"period-multiple", "n", trainers, "Training",
       setting(&C::period_multiple, or_else("any", whole(1, 1000))),
       "take the first weight seed, of --restarts, whose orbits oscillate n times in T; {}, or "
       "any"},

      {"runs", "K", verb_sweep, "Sweep", setting(&C::runs, whole<long>(1, 1000000)),
       "starts of every configuration, with the seeds --seed, --seed + 1, ..; {}"},
      {"grid", "LISTS", verb_sweep, "Sweep", setting(&C::grid, any_text()),
       "configurations: key=value|value .. of train's options; blanks between keys: all "
       "combinations, ;: another list: \"loss=periodic|antiperiodic symmetry=none|odd; "
       "optimizer=adam\""},
      {"keep-runs", nullptr, verb_sweep, "Sweep", setting(&C::keep_runs, flag()),
       "write a complete results file of every run, too, into the folder OUTPUT.runs, and link it"},
      {"part", "i/n", verb_sweep, "Sweep", setting(&C::part, part()),
       "only the i-th of n parts of the runs, for a job array; {}; isochron merge makes one file "
       "of "
       "all parts"},

      {"period", "T", verb_analyze, "Analysis", setting(&C::analyzed_period, optional(time())),
       "period that the verdict is about (default: that of the run; of an analytic force the "
       "period at its median energy)"},
      {"energies", "E,E,..", verb_analyze, "Analysis",
       setting(&C::energies, optional(numbers(1e-300, 1e300))),
       "energies of the orbits that are listed, above the bottom of the well (default: 12 over the "
       "visited range; of an analytic force up to 2, or 0.9 of its height)"},
      {"verify", nullptr, verb_analyze, "Analysis", setting(&C::verify, flag()),
       "compare their periods with return times by CVODES; exit status 1 when they differ by 1e-8",
       false},
      {"store", nullptr, verb_analyze, "Analysis", setting(&C::store, flag()),
       "put the verdict into the results file, in the place of the one that is there", false},
      {"verdict-tolerance", "R", trainers | verb_analyze, "Analysis",
       setting(&C::verdict_tolerance, number(1e-15, 1)),
       "tolerance of the verdict: largest |n T(E)/T - 1| of an isochronous force, largest |S|/A of "
       "a "
       "harmonic one; {}; of a results file analyze takes the run's own"},

      {"period", "T", verb_complete, "Well", setting(&C::analyzed_period, optional(time())),
       "period of the whole well (default: that of the run, otherwise 2pi)"},
      {"leftmost", "X", verb_complete, "Well", setting(&C::leftmost, optional(number(-1e12, 1e12))),
       "position where the left half begins (default: of a run as far left as its orbits went, of "
       "a "
       "table its first position, of an analytic force -1 or half way to the edge of its domain)"},
      {"points", "K", theories, "Well", setting(&C::points, whole<Index>(21, 1000001)),
       "number of positions of the force that is written; {}"},

      {"quick", nullptr, verb_benchmark, "Benchmark", setting(&C::quick, flag()),
       "few points, under a minute"},
      {"full", nullptr, verb_benchmark, "Benchmark", setting(&C::full, flag()),
       "all points, as long as it takes"},
      {"budget", "S", verb_benchmark, "Benchmark",
       setting(&C::budget, optional(duration(1e-3, 1e6))),
       "time that one evaluation may take, in s or as 90s, 1m, 2h; {} (default: 5, with --quick 1, "
       "with --full 1000)"},

      {"output", "FILE", verb_simulate, "Files", setting(&C::output, any_text()),
       "results file, or with the ending .csv a table as train --data reads it; must not exist "
       "unless --overwrite (default: simulate.h5, with a number where that exists)",
       false},
      {"output", "FILE", writers & ~verb_simulate, "Files", setting(&C::output, any_text()),
       "results file; must not exist unless --overwrite or --resume (default: the verb's name, as "
       "train.h5, with a number where that exists)",
       false},
      {"output", "FILE", verb_merge, "Files", setting(&C::output, any_text()),
       "results file of the whole sweep; must not exist unless --overwrite (default: merge.h5, "
       "with "
       "a number where that exists)",
       false},
      {"output", "FILE", theories, "Files", setting(&C::output, any_text()),
       "results file, or with the ending .csv a table of x and f, as --hold and analyze --force "
       "read "
       "it; must not exist unless --overwrite (default: the verb's name, as abel.h5, with a number "
       "where that exists)",
       false},
      {"overwrite", nullptr, file_makers, "Files", setting(&C::overwrite, flag()),
       "replace an existing output file", false},
      {"append", nullptr, verb_benchmark, "Files", setting(&C::append, flag()),
       "put the measurements into FILE, beside its run", false},
      {"resume", "FILE", trainers | verb_benchmark, "Files", setting(&C::resume, any_text()),
       "continue this file with its configuration, which options win over, into it or into "
       "--output (train: another one, when the problem changes)",
       false},
      {"checkpoint-interval", "S", verb_train, "Files",
       setting(&C::checkpoint_interval, duration(1e-3, 1e6)),
       "time between checkpoints in s, or as 90s, 1m, 2h; {}", false},
      {"checkpoint-interval", "S", verb_sweep, "Files",
       setting(&C::sweep_interval, or_else("auto", duration(1e-3, 1e6))),
       "time between savings in s, or as 90s, 1m, 2h; {}; auto: each run as soon as it has ended, "
       "before the next one begins; or a tenth of the time, where that would delay short runs",
       false},
      {"config", "FILE", of_runs | theories, "Files", setting(&C::config, any_text()),
       "ini file: key = value, the keys of these options, which win; # begins a comment", false},

      {"json", nullptr, verb_show, "Output", setting(&C::json, flag()), "the same for programs",
       false},
      {"output", "FOLDER", verb_plot, "Output", setting(&C::figures, any_text()),
       "folder for the figures; is created", false},
      {"output", "FILE", verb_report, "Output", setting(&C::page, any_text()),
       "the page; one that is there is replaced", false},
      {"format", "NAME", verb_analyze, "Output",
       setting(&C::analysis_format, one_of<AnalysisFormat>({{"table", AnalysisFormat::table},
                                                            {"csv", AnalysisFormat::csv},
                                                            {"json", AnalysisFormat::json}})),
       "table, csv (energy,x1,x2,period,width,shear with 17 digits) or json"},
      {"format", "LIST", verb_plot, "Output", setting(&C::figure_formats, any_of(figure_formats())),
       "any of svg, png, pdf", false},
      {"quiet", nullptr, writers, "Output", setting(&C::quiet, flag()), "no progress on stderr",
       false},
      {"verbose", nullptr, of_runs | theories, "Output", setting(&C::verbose, flag()),
       "also the configuration with its origins", false},
      {"help", nullptr, ~0U, "Output", setting(&C::help, flag()), "the options that most runs need",
       false},
      {"help-all", nullptr, ~0U, "Output", setting(&C::help_all, flag()), "all options", false},
  };
}

/// What most runs need of the verbs with many options.
const std::vector<std::string>& essential_keys(Verb verb) {
  static const std::map<Verb, std::vector<std::string>> keys = {
      {verb_train,
       {"trajectories", "period", "loss", "data", "seed", "force", "hidden", "symmetry", "threads",
        "optimizer", "max-time", "loss-tolerance", "output", "overwrite", "resume"}},
      {verb_simulate,
       {"trajectories", "initial-states", "period", "noise", "seed", "force", "params", "method",
        "rtol", "max-step", "times", "threads", "output", "overwrite", "quiet"}},
      {verb_check_gradient,
       {"trajectories", "initial-states", "dimension", "dynamics", "period", "loss", "seed",
        "force", "hidden", "symmetry", "method", "rtol", "atol", "threads", "verbose"}},
      {verb_benchmark,
       {"trajectories", "period", "loss", "seed", "hidden", "symmetry", "method", "rtol", "threads",
        "quick", "full", "budget", "output", "append", "resume"}},
      {verb_sweep,
       {"trajectories", "period", "loss", "seed", "hidden", "symmetry", "threads", "max-time",
        "loss-tolerance", "runs", "grid", "part", "output", "overwrite", "resume"}},
  };
  static const std::vector<std::string> none;
  const auto found = keys.find(verb);
  return found == keys.end() ? none : found->second;
}

}  // namespace

std::string Option::help() const { return fmt::format(fmt::runtime(words), setting.range); }

const std::vector<Option>& option_table() {
  static const std::vector<Option> table = make_table();
  return table;
}

const Option* find_option(const std::string& key, unsigned verbs) {
  for (const Option& option : option_table()) {
    if ((option.verbs & verbs) != 0 && key == option.key) return &option;
  }
  return nullptr;
}

const Option& option_named(const std::string& key, unsigned verbs) {
  if (const Option* option = find_option(key, verbs)) return *option;
  throw std::logic_error("there is no option --" + key);
}

std::vector<const Option*> options_of(Verb verb) {
  std::vector<const Option*> result;
  for (const Option& option : option_table()) {
    if ((option.verbs & verb) != 0) result.push_back(&option);
  }
  return result;
}

bool is_essential(const Option& option, Verb verb) {
  const std::vector<std::string>& keys = essential_keys(verb);
  return keys.empty() || std::find(keys.begin(), keys.end(), option.key) != keys.end();
}

}  // namespace isochron::cli
