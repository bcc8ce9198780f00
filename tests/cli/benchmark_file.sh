# Files with measurements, alone and beside a run: show, plot, and what takes only a run.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$make_files" benchmark bench.h5 || fail 'no file with measurements'

succeeds show bench.h5
prints '^bench.h5: made-up measurements$'
prints '^  parameters: N = 100, T = 6.283, rtol 1e-10, threads 1, start random'
prints '^ *method +integrator +task +P +width +ms +error'
prints '^ *discrete +rkn8 +gradient +321 +2 x 16 +0\.62'
prints '^ *difference +adams +gradient +16897 .* - .*left out: it would take too long$'
prints '^  The discrete adjoint is the fastest.$'
succeeds show --json bench.h5
prints '^  "benchmark": \{$'
[[ $(grep -c '"method": "' "$out") -eq 160 ]] || fail 'show --json leaves points out'
prints '"seconds": [0-9.e-]+,$'
prints '"Forward sensitivities cost time in proportion to the parameters."$'

rejects 2 "bench.h5' holds a benchmark, but no run and so no network" train --resume bench.h5
rejects 2 "bench.h5' holds a benchmark, but no run and so no network" simulate --model bench.h5
rejects 2 "is missing" train --initial-states bench.h5:/run/data/initial_states
rejects 2 'output file bench.h5 exists' train -o bench.h5

# Beside a run, which is not touched; a resumed run keeps it.
succeeds train "${quick[@]}" -o run.h5
cp run.h5 before.h5
"$make_files" benchmark run.h5 || fail 'no measurements beside a run'
if command -v h5diff >/dev/null; then
  h5diff -q before.h5 run.h5 /run || fail 'measurements touch the run beside them'
fi
succeeds show run.h5
prints '^run.h5: periodic loss'
prints '^run.h5: made-up measurements$'
succeeds show --json run.h5
prints '^  "summary": \{$'
prints '^  "benchmark": \{$'
same_model before.h5 run.h5
succeeds train --resume run.h5 --iterations 2 --quiet
is run.h5 iterations 5
succeeds show run.h5
prints '^run.h5: made-up measurements$'
succeeds simulate --model run.h5 --quiet -o orbits.h5
succeeds train "${quick[@]}" -o run.h5 --overwrite
succeeds show run.h5
grep -q measurements "$out" && fail '--overwrite keeps a benchmark'

if command -v gnuplot >/dev/null; then
  for format in svg png; do
    succeeds plot bench.h5 --format $format -o figures
    for name in cost_over_parameters cost_over_trajectories work_precision; do
      [[ -s figures/$name.$format ]] || fail "no figure $name.$format"
    done
  done
  for label in 'forward adams' 'discrete rkn8' 'relative error' 'time per evaluation (s)'; do
    grep -Fq "$label" figures/work_precision.svg || fail "work_precision.svg lacks $label"
  done
  [[ $(wc -l <"$out") -eq 3 ]] || fail 'plot does not name its three figures'
fi

finish
