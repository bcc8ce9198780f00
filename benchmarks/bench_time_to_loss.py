#!/usr/bin/env python3
"""How long does training take to a given loss, and from how many seeds?

    benchmarks/bench_time_to_loss.py build/release/isochron --output time_to_loss.csv --figure FILE.png

Trains every optimizer on every problem from every seed (one thread), reads the history of each run,
and writes one row per run: the seconds to each loss (empty: not reached) and the loss verified at
the end by another integration method. A time counts only when the run's last loss agrees with the
verified one within a factor of 2. Then it prints medians over the seeds and, with --figure, draws
them (gnuplot). Needs h5py.
"""

import argparse
import csv
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py

TARGETS = [1e-3, 1e-6, 1e-9, 1e-12, 1e-16, 1e-20, 1e-21, 1e-22]
PROBLEMS = {
    "periodic": [],
    "antiperiodic": ["--loss", "antiperiodic"],
    "periodic, odd": ["--symmetry", "odd"],
    "antiperiodic, linear skip": ["--loss", "antiperiodic", "--skip", "linear"],
    "antiperiodic, linear skip, output scale 0": [
        "--loss", "antiperiodic", "--skip", "linear", "--output-scale", "0"],
}
OPTIMIZERS = {
    "lbfgs+least-squares": [],
    "least-squares": ["--optimizer", "least-squares"],
    "lbfgs": ["--optimizer", "lbfgs", "--rtol", "auto"],
    "lbfgs, discrete": ["--optimizer", "lbfgs", "--rtol", "auto", "--gradient", "discrete"],
    "adam": ["--optimizer", "adam"],
}
NUMBERS = ["loss", "loss_verified", "loss_validation", "loss_validation_median",
           "loss_validation_inside", "harmonic_n", "harmonic_deviation", "wall_time"]


def train(program, options, max_time, folder):
    """One run: its history, and its summary as numbers."""
    file = folder / "run.h5"
    command = [program, "train", *options, "--threads", "1", "--max-time", str(max_time),
               "--loss-tolerance", str(TARGETS[-1] / 10), "--quiet", "--overwrite",
               "--output", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return [], {"stop_reason": done.stderr.strip()}
    with h5py.File(file) as opened:
        run = opened["run"]
        history = list(zip(run["training/wall_time"][:], run["training/loss"][:]))
        summary = {name: run[f"summary/{name}"][()] for name in NUMBERS if name in run["summary"]}
        summary["stop_reason"] = run["summary/stop_reason"][()].decode()
    return history, summary


def time_to(history, summary, target):
    """Seconds to the first loss at or below the target; NaN when it is not reached."""
    loss, verified = summary.get("loss", math.nan), summary.get("loss_verified", math.nan)
    if not 0.5 * loss <= verified <= 2 * loss + 1e-26:
        return math.nan
    return next((t for t, value in history if value <= target), math.nan)


def median(values):
    """The median with NaN as later than everything."""
    return statistics.median_high([math.inf if math.isnan(v) else v for v in values])


def draw(rows, figure):
    """Loss over the median time to it, one panel per problem and architecture. Colours are those
    that colour-blind readers tell apart (Okabe and Ito), as in the program's own figures."""
    colours = {"lbfgs+least-squares": "#0072b2", "least-squares": "#009e73", "lbfgs": "#d55e00",
               "lbfgs, discrete": "#cc79a7", "adam": "#e69f00"}
    panels = sorted({(r["problem"], r["hidden"]) for r in rows})
    height = math.ceil(len(panels) / 2)
    lines = [f"set terminal pngcairo size 1900,{700 * height} fontscale 1.8 linewidth 3 pointscale 2",
             f"set output '{figure}'", f"set multiplot layout {height},2", "set logscale xy",
             "set format '10^{%L}'", "set xlabel 'median wall time (s)'", "set ylabel 'loss'",
             "set border 15 lw 0.8 lc rgb '#404040'", "set tics nomirror out", "unset mytics",
             "set grid xtics ytics back lt 1 lw 0.5 lc rgb '#d8d8d8'",
             "set key outside top center horizontal Left reverse samplen 2 maxcols 2",
             "set xrange [0.005:60]", "set yrange [1e-23:1]", "set ytics 1e-20,1e5"]
    for problem, hidden in panels:
        curves = []
        for optimizer, colour in colours.items():
            runs = [r for r in rows
                    if (r["problem"], r["hidden"], r["optimizer"]) == (problem, hidden, optimizer)]
            points = [(median([r[f"time_to_{t:g}"] for r in runs]), t) for t in TARGETS if runs]
            points = [p for p in points if math.isfinite(p[0])]
            if not points:
                continue
            name = f"$curve{len(lines)}"
            lines += [f"{name} << EOD", *(f"{x} {y}" for x, y in points), "EOD"]
            curves.append(f"{name} using 1:2 with linespoints pt 7 lc rgb '{colour}' "
                          f"title '{optimizer}'")
        if curves:
            lines += [f"set title '{problem}, 1-{hidden.replace(',', '-')}-1'",
                      "plot " + ", ".join(curves)]
    subprocess.run(["gnuplot"], input="\n".join(lines), text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("time_to_loss.csv"))
    parser.add_argument("--append", action="store_true", help="to the rows of an earlier --output")
    parser.add_argument("--figure", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--max-time", type=float, default=10)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--optimizers", nargs="*", default=list(OPTIMIZERS),
                        choices=list(OPTIMIZERS))
    parser.add_argument("--hidden", nargs="*", default=["16,16", "16"])
    parser.add_argument("--more", nargs="*", default=[], metavar="KEY=VALUE",
                        help="further options of every run, such as trajectories=400")
    arguments = parser.parse_args()
    more = [word for pair in arguments.more for word in (f"--{pair.split('=')[0]}",
                                                         pair.split("=")[1])]
    rows = []
    if arguments.append and arguments.output.exists():
        with arguments.output.open() as earlier:
            rows = [as_numbers(row) for row in csv.DictReader(earlier)]
    with tempfile.TemporaryDirectory() as folder, arguments.output.open("w") as output:
        fields = ["problem", "hidden", "optimizer", "seed", *(f"time_to_{t:g}" for t in TARGETS),
                  *NUMBERS, "stop_reason"]
        writer = csv.DictWriter(output, fields)
        writer.writeheader()
        writer.writerows(rows)
        for problem in arguments.problems:
            for hidden in arguments.hidden:
                for optimizer in arguments.optimizers:
                    for seed in range(arguments.seeds):
                        options = [*PROBLEMS[problem], *OPTIMIZERS[optimizer], *more,
                                   "--hidden", hidden, "--seed", str(seed)]
                        history, summary = train(arguments.program, options, arguments.max_time,
                                                 pathlib.Path(folder))
                        row = {"problem": problem, "hidden": hidden, "optimizer": optimizer,
                               "seed": seed, **summary}
                        for target in TARGETS:
                            row[f"time_to_{target:g}"] = time_to(history, summary, target)
                        writer.writerow(row)
                        output.flush()
                        rows.append(row)
                    report([r for r in rows if (r["problem"], r["hidden"], r["optimizer"]) ==
                            (problem, hidden, optimizer)])
    if arguments.figure:
        draw(rows, arguments.figure)


def as_numbers(row):
    """A row read back: everything but words as a number."""
    words = ("problem", "hidden", "optimizer", "stop_reason")
    return {key: value if key in words else float(value or "nan") for key, value in row.items()}


def report(runs):
    """A line: median seconds (reached/runs) to each target."""
    words = []
    for target in TARGETS:
        times = [r[f"time_to_{target:g}"] for r in runs]
        reached = sum(math.isfinite(t) for t in times)
        words.append(f"{target:g}: {median(times):.2f} s ({reached}/{len(runs)})")
    first = runs[0]
    print(f"{first['problem']}, {first['hidden']}, {first['optimizer']}: " + "; ".join(words))
    for name in NUMBERS[1:7]:
        values = sorted(r[name] for r in runs if name in r)
        if values:
            print(f"    {name}: median {statistics.median(values):.2e}, "
                  f"from {values[0]:.2e} to {values[-1]:.2e}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
