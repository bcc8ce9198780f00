# isochron sweep: a table of verdicts, the same for any number of threads, resumed, interrupted.
source "$(dirname "$0")/common.sh"

small=(--hidden 6 --trajectories 8 --loss-tolerance 1e-6 --max-time 20 --verdict-tolerance 0.1 --quiet)
grid='loss=periodic|antiperiodic; optimizer=adam iterations=3'

succeeds sweep "${small[@]}" --runs 3 --grid "$grid" --threads 2 -o two.h5
prints '^loss=antiperiodic: 3 runs$'
prints '^iterations=3 optimizer=adam: 3 runs$'
prints 'not converged +3  100.0 %'
[[ $(ls) == two.h5 ]] || fail "other files than two.h5: $(ls)"

# One row per run, in order, whatever the threads did; seeds 0, 1, 2 of each configuration.
runs() {
  succeeds show "$1" --json
  python3 - "$out" <<'PY'
import json, sys
for r in json.load(open(sys.argv[1]))["runs"]:
    print(r["run"], r["configuration"], r["seed"], r["status"], r["verdict"], r["n"],
          r["x0"], r["loss"], r["loss_verified"], r["shear_max"], r["iterations"])
PY
}
runs two.h5 >two.txt
cut -d ' ' -f 1-3 two.txt | tr '\n' ' ' >order.txt
[[ $(<order.txt) == '0 0 0 1 1 0 2 2 0 3 0 1 4 1 1 5 2 1 6 0 2 7 1 2 8 2 2 ' ]] ||
  fail "not the runs of the grid: $(<order.txt)"
succeeds sweep "${small[@]}" --runs 3 --grid "$grid" --threads 1 -o one.h5
runs one.h5 | diff - two.txt >/dev/null || fail 'the table depends on the threads'

# A row is what train finds with its options and seed.
succeeds train "${small[@]}" --loss antiperiodic --seed 1 --threads 1 -o run.h5
succeeds show run.h5 --json
verified=$(grep -o '"loss_verified": [^,]*' "$out" | cut -d ' ' -f 2)
grep -q "^4 1 1 ok .* $verified " two.txt || fail "no row with the loss that train finds: $verified"

# Complete files of the runs, as if they stood in the sweep.
succeeds sweep "${small[@]}" --runs 2 --keep-runs -o kept.h5
succeeds show kept.h5.runs/000001.h5
prints 'verdict '
if command -v h5dump >/dev/null; then
  h5dump -d /sweep/runs/1/analysis/verdict kept.h5 >"$out" 2>"$err" || fail 'no link to the runs'
fi
rm -r kept.h5.runs

# More runs go on from those that are there.
succeeds sweep "${small[@]}" --runs 1 --grid "$grid" -o part.h5
succeeds sweep --resume part.h5 --runs 3 --quiet
runs part.h5 | diff - two.txt >/dev/null || fail 'a resumed sweep is not the whole one'
succeeds sweep --resume part.h5 --quiet
prints '^part.h5: 3 starts of 3 configurations'

# With what was asked for, also where that is the default of another optimizer.
succeeds sweep "${small[@]}" --rtol 1e-10 --runs 1 --keep-runs -o asked.h5
succeeds sweep --resume asked.h5 --runs 2 --quiet
for run in 0 1; do asked asked.h5.runs/00000$run.h5 rtol 1e-10; done
rejects 2 '--runs 1 is less than what the sweep holds' sweep --resume asked.h5 --runs 1
rm asked.h5
rejects 2 'asked.h5.runs of --keep-runs is not empty' \
  sweep "${small[@]}" --runs 1 --keep-runs -o asked.h5
rm -r asked.h5*

# Interrupted, it keeps what it has.
"$program" sweep "${small[@]}" --runs 2000 --checkpoint-interval 0.01 -o cut.h5 >"$out" 2>"$err" &
job=$!
appears cut.h5
kill -INT "$job"
wait "$job"
[[ $? -eq 130 ]] || fail 'an interrupted sweep does not exit with 130'
grep -q 'go on with: isochron sweep --resume cut.h5' "$err" || fail 'no word on how to go on'
succeeds show cut.h5

# Two dimensions have no wells; a start that cannot be integrated is a row.
succeeds sweep "${small[@]}" --dimension 2 --iterations 1 --runs 1 -o plane.h5
prints 'none +1'
succeeds sweep "${small[@]}" --skip linear --output-scale 1e6 --period 1e6 --method rk4 \
  --gradient discrete --optimizer lbfgs --runs 2 -o failed.h5
prints 'failed +2  100.0 %'
succeeds show failed.h5 --json
prints '"status": "the loss cannot be evaluated .*method rk4'

if command -v gnuplot >/dev/null; then
  succeeds plot two.h5 -o figures --format svg
  grep -q '<svg' figures/verdicts.svg || fail 'no figure of the verdicts'
fi

rejects 2 "in --grid, 'loss' has no value" sweep --grid loss -o x.h5
rejects 2 "in --grid, 'seed=1' cannot vary" sweep --grid seed=1 -o x.h5
rejects 2 "in --grid, 'loss=none' is given twice" sweep --grid 'loss=periodic loss=none' -o x.h5
rejects 2 "option '--los' is unknown; the nearest one is" sweep --grid 'los=periodic' -o x.h5
rejects 2 '--loss perodic is not admissible' sweep --grid 'loss=perodic' -o x.h5
rejects 2 '--runs 0 is not admissible' sweep --runs 0 -o x.h5
rejects 2 "option '--data-seed' is only for" sweep --data-seed 3 -o x.h5
rejects 2 '--restarts and --period-multiple are for train' sweep --restarts 3 -o x.h5
rejects 2 '--loss cannot change when a sweep goes on' sweep --resume two.h5 --loss antiperiodic
rejects 2 "run.h5' holds no sweep" sweep --resume run.h5
rejects 2 "two.h5' holds a sweep, but no run" train --resume two.h5

finish
