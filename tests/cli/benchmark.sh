# benchmark: sweeps, --at, --append, --resume after an interrupt, bad input; and the peers script.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $sanitized -eq 0 ]] || skip 'sanitizers would be what is measured'
quick=(--quick --hidden 4 --trajectories 8 --budget 0.05 --quiet --threads 2)
succeeds benchmark "${quick[@]}" -o bench.h5
prints '^parameters +random +adjoint +adams +gradient +25 '
prints '^parameters +random +forward +adams +jacobian .*(exceeds the budget of 0.05 s|e-[0-9]+)'
prints '^tolerance +random +discrete +rkn12 '
prints 'adjoint .adams, gradient.: cost grows as P\^'
prints 'recommended for a gradient'
succeeds show bench.h5
prints 'rkn12'
succeeds plot bench.h5 --output figures --format svg
[[ -s figures/work_precision.svg ]] || fail "no figure work_precision.svg"

# Beside a run, and at its force.
succeeds train "${quick[@]:1:4}" --gradient discrete --rtol 1e-7 --iterations 5 --quiet -o run.h5
cp run.h5 before.h5
succeeds benchmark "${quick[@]}" --at run.h5 --append
prints '^tolerance +trained +adjoint '
same_model run.h5 before.h5
rejects 2 'run.h5 exists' benchmark "${quick[@]}" --at run.h5 -o run.h5

# A run that is not finished may still replace its file.
"$program" train --max-time 20 --checkpoint-interval 0.01 --quiet -o running.h5 2>"$err" &
pid=$!
appears running.h5
kill -KILL "$pid"
wait "$pid" 2>/dev/null
rm -f .running.h5.* # what the killed one has left, which the next writer removes
rejects 2 "running.h5 belongs to a run that is not finished" benchmark --at running.h5 --append

# States from a file.
given() {
  printf '%s 0\n0 %s\n' "$1" "$1" >states.txt
  succeeds benchmark --quick --hidden 4 --budget 0.05 --quiet --initial-states states.txt "${@:2}"
  prints '^end_time +random +adjoint +adams +gradient +[0-9]+ +2 '
  steps=$(awk '/^end_time +random +adjoint/ { print $13; exit }' "$out")
}
given 0.1 -o small.h5
small_steps=$steps
given 30 -o large.h5
[[ $steps -ne $small_steps ]] || fail "the states of a file are not those measured"
rejects 2 'missing.txt' benchmark --initial-states missing.txt -o x.h5

# An interrupt keeps what was measured; --resume measures the rest, and only that.
"$program" benchmark "${quick[@]}" -o stopped.h5 >"$out" 2>"$err" &
pid=$!
appears stopped.h5
kill -INT "$pid"
wait "$pid"
status=$?
[[ $status -eq 130 || $status -eq 0 ]] || fail "interrupted: exit status $status"
succeeds benchmark --resume stopped.h5 --quiet
prints '^threads +random +discrete .* 2 '
grep -c '^parameters' "$out" | grep -qx 12 || fail "not every point once after --resume"

# Resumed, a benchmark keeps what was asked for beside the run that --at names.
succeeds benchmark "${quick[@]}" --at before.h5 --loss antiperiodic -o beside.h5
succeeds benchmark --resume beside.h5 --quiet
asked_by_benchmark() { h5dump -d /benchmark/config/data "$1" | grep -q "$2"; }
if command -v h5dump >/dev/null; then
  asked_by_benchmark beside.h5 'loss.*antiperiodic' || fail 'a resumed benchmark has another loss'
fi

rejects 2 '--budget 0 .* 0.001 to 1e' benchmark --budget 0
rejects 2 'quick and --full' benchmark --quick --full
rejects 2 'name it: isochron benchmark run.h5 --append' benchmark --append
rejects 2 'holds no network|no run and so no network' benchmark --at bench.h5
rejects 2 'bench.h5 exists' benchmark -o bench.h5
rejects 2 'rkn8 .* first-order' benchmark --dynamics first-order --method rkn8 -o x.h5
rejects 2 'missing.h5' benchmark --resume missing.h5
for change in '--seed 4' '--period 3' '--loss antiperiodic' '--output-scale 100' '--rtol 1e-7' '--hidden 5' \
  '--initial-states states.txt'; do
  # shellcheck disable=SC2086
  rejects 2 "$change changes the problem that stopped.h5 holds measurements of" \
    benchmark --resume stopped.h5 $change
done
rejects 2 'append adds to run.h5' benchmark --at run.h5 --append --output other.h5

# Another package's rows in the same table.
peers=$here/../../benchmarks/peers/peers.py
if /usr/bin/python3 -c 'import h5py, scipy' 2>"$err"; then
  /usr/bin/python3 "$peers" run.h5 --rtol 1e-8 --repeats 1 >"$out" 2>"$err" ||
    fail "peers.py: exit status $?"
  prints 'scipy [0-9.]+, forward, dop853: .* ms, error [0-9.]+e-(0[6-9]|1[0-9])'
  succeeds show run.h5
  prints 'dop853'
  same_model run.h5 before.h5
  /usr/bin/python3 "$peers" before.h5 >"$out" 2>"$err"
  [[ $? -eq 2 ]] || fail "peers.py on a file without a benchmark"
  complains 'holds no benchmark'
else
  printf 'skipped: peers.py (python3-h5py or python3-scipy is not installed)\n'
fi

finish
