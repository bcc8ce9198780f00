# isochron under mpirun: the same numbers on any number of ranks, and one file and one sentence whatever happens.
# A third argument --all takes more numbers of ranks, trainings, threads and limits on memory, and what is marked by $all.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
"$program" --version | grep -q 'MPI [0-9]' || skip 'the program was built without MPI'
command -v mpirun >/dev/null || skip 'mpirun is not installed'
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # containers run as root
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export LSAN_OPTIONS=detect_leaks=0 # those of Open MPI

# on RANKS ARGUMENTS...: the program on so many ranks; sets `status`, fills $out and $err.
on() {
  local ranks=$1
  shift
  timeout -k 5 300 mpirun -n "$ranks" "$program" "$@" >"$out" 2>"$err"
  status=$?
}
works_on() {
  on "$@"
  [[ $status -eq 0 ]] || fail "on $*: exit status $status"
}

# same_numbers A.h5 B.h5 GROUP: all data are equal to the last bit, but for times and the environment.
same_numbers() {
  /usr/bin/python3 - "$@" >"$out" 2>"$err" <<'PYTHON' || fail "$*: other numbers"
import sys, h5py, numpy as np
def data(name):
    found = {}
    def visit(path, node):
        words = ("time", "environment", "config", "started", "threads", "label", "reason")
        if isinstance(node, h5py.Dataset) and not any(word in path for word in words):
            found[path] = node[()]
    h5py.File(name)[sys.argv[3]].visititems(visit)
    return found
def same(x, y):
    if isinstance(x, np.ndarray) and x.dtype.names:
        return all(same(x[n], y[n]) for n in x.dtype.names if "time" not in n)
    x, y = np.asarray(x), np.asarray(y)
    return x.shape == y.shape and x.tobytes() == y.tobytes() if x.dtype.kind == "f" else np.array_equal(x, y)
one, other = data(sys.argv[1]), data(sys.argv[2])
wrong = [p for p in one if p not in other or not same(one[p], other[p])] + [p for p in other if p not in one]
print(wrong)
sys.exit(bool(wrong) or not one)
PYTHON
}

ranks_to_try=(3)
trainings_to_try=(0 2 4)
threads_to_try=()
memory_limits=(350000)
all=false
if [[ ${3:-} == --all ]]; then
  all=true
  ranks_to_try=(2 3 7)
  trainings_to_try=(0 1 2 3 4)
  threads_to_try=(2 7)
  memory_limits=(300000 350000 400000)
fi

# Trainings by all optimizers; the last has so many trajectories that ranks hold leaves of the Jacobian.
trainings=(
  '--optimizer lbfgs --gradient adjoint --trajectories 300 --hidden 6 --iterations 8'
  '--optimizer adam --gradient adjoint --trajectories 300 --hidden 4 --iterations 4'
  '--optimizer lbfgs+least-squares --trajectories 60 --hidden 6 --iterations 30'
  '--optimizer least-squares --gradient discrete --trajectories 60 --hidden 8,8 --iterations 12'
  '--optimizer least-squares --gradient discrete --trajectories 900 --hidden 3 --iterations 12')
for i in "${trainings_to_try[@]}"; do
  read -ra options <<<"${trainings[$i]}"
  options+=(--max-time 250 --quiet)
  succeeds train "${options[@]}" --threads 1 -o "train$i.h5"
  for threads in "${threads_to_try[@]}"; do
    succeeds train "${options[@]}" --threads "$threads" -o "threads$i.$threads.h5"
    same_numbers "train$i.h5" "threads$i.$threads.h5" run
  done
  for n in "${ranks_to_try[@]}"; do
    works_on "$n" train "${options[@]}" --threads $((1 + n % 2)) -o "train$i.$n.h5"
    same_numbers "train$i.h5" "train$i.$n.h5" run
  done
done

# A fit to observations, with unknown initial states; its simulation.
succeeds simulate --force duffing --trajectories 40 --times 12 --noise 0.02 --period 3 -o data.csv
fit=(train --data data.csv --noise 0.02 --fit-initial-states --hidden 4 --iterations 12 --max-time 250 --quiet)
succeeds "${fit[@]}" -o fit.h5
works_on 3 "${fit[@]}" -o fit.3.h5
same_numbers fit.h5 fit.3.h5 run
succeeds simulate --model train0.h5 --times 9 --trajectories 200 -o states.h5
works_on 3 simulate --model train0.h5 --times 9 --trajectories 200 -o states.3.h5
same_numbers states.h5 states.3.h5 run

# Gradients, but for the time that they take.
gradients() { sed -E 's/ +[0-9.]+  (reported|agrees)/ \1/' "$out"; }
succeeds check-gradient --trajectories 200 --hidden 4
expected=$(gradients)
for n in "${ranks_to_try[@]}"; do
  works_on "$n" check-gradient --trajectories 200 --hidden 4
  [[ $(gradients) == "$expected" ]] || fail "check-gradient finds other numbers on $n ranks"
done

# Benchmarks: errors of gradients and counts of steps, whose bits are those of the losses. Rows that took more
# than the time of a point in one of them are left out.
# same_measurements FILE FILE ROWS: and in more than that many.
same_measurements() {
  /usr/bin/python3 - "$@" <<'PYTHON'
import sys, h5py
key = ("sweep", "task", "method", "start", "parameters", "trajectories", "rtol", "threads", "end_time")
numbers = ("error", "error_of_terms", "steps_forward")
def measured(path):
    rows = [row for row in h5py.File(path)["benchmark/table"][()] if row["status"] == b"ok"]
    return {tuple(row[c] for c in key): [row[c].tobytes() for c in numbers] for row in rows}
one, other = map(measured, sys.argv[1:3])
both = one.keys() & other.keys()
wrong = [row for row in both if one[row] != other[row]]
print(len(both), "rows in both, others:", wrong)
sys.exit(1 if wrong or len(both) <= int(sys.argv[3]) else 0)
PYTHON
}
benchmark=(benchmark --quick --trajectories 40 --hidden 4 --threads 1)
if $all; then
  succeeds "${benchmark[@]}" -o cost.h5
  for n in "${ranks_to_try[@]}"; do
    works_on "$n" "${benchmark[@]}" -o "cost.$n.h5"
    same_measurements cost.h5 "cost.$n.h5" $((sanitized == 0 ? 20 : 4)) >"$out" 2>"$err" ||
      fail "benchmark finds other numbers on $n ranks"
  done
fi

# Sweeps: whichever rank makes which start.
sweep=(sweep --hidden 4 --trajectories 10 --iterations 6 --runs 4 --grid 'symmetry=none|odd' --quiet)
succeeds "${sweep[@]}" -o sweep.h5
for n in "${ranks_to_try[@]}"; do
  works_on "$n" "${sweep[@]}" --threads 2 -o "sweep.$n.h5"
  same_sweep sweep.h5 "sweep.$n.h5"
done

# More ranks than starts, and starts that fail, on whichever rank.
failing=(sweep --hidden 4 --trajectories 10 --iterations 2 --runs 3 --quiet --skip linear --period 1e6
  --method rk4 --gradient discrete --optimizer lbfgs --grid 'output-scale=1|1e6')
succeeds "${failing[@]}" -o failing.h5
works_on 8 "${failing[@]}" --threads 1 -o failing.8.h5
same_sweep failing.h5 failing.8.h5
/usr/bin/python3 - >"$out" 2>"$err" <<'PYTHON' || fail 'no start has failed'
import h5py, sys
verdicts = list(h5py.File("failing.8.h5")["sweep/table"]["status"])
print(verdicts)
sys.exit(not any(b"cannot be evaluated" in v for v in verdicts))
PYTHON
works_on 3 "${sweep[@]}" --keep-runs -o kept.h5
[[ $(find kept.h5.runs -name '*.h5' | wc -l) -eq 8 ]] || fail 'not every run is kept'
for i in 1 2; do works_on 2 "${sweep[@]}" --part "$i/2" -o "part$i.h5"; done
succeeds merge part1.h5 part2.h5 -o merged.h5
same_sweep sweep.h5 merged.h5

# Bad input: one sentence, and the status of rank 0.
on 3 train --trajectories 0 -o none.h5
[[ $status -eq 2 ]] || fail "a wrong option on three ranks: exit status $status"
[[ $(grep -c '^isochron: ' "$err") -eq 1 ]] || fail 'a wrong option: not one sentence'
[[ ! -e none.h5 ]] || fail 'a rejected command has written a file'

on 3 train --trajectories 300 --hidden 4 --iterations 1 --quiet -o no/such/folder/run.h5
[[ $status -eq 2 ]] || fail "a folder that is missing, on three ranks: exit status $status"
[[ $(grep -c '^isochron: ' "$err") -eq 1 ]] || fail 'a folder that is missing: not one sentence'
if mkdir disk && mount -t tmpfs -o size=20k tmpfs disk 2>/dev/null; then
  on 3 train --trajectories 300 --hidden 4 --iterations 1 --quiet -o disk/run.h5
  leftovers=$(ls disk)
  [[ $status -eq 4 ]] || fail "a full disk, on three ranks: exit status $status"
  [[ -z $leftovers ]] || fail "a full disk has kept $leftovers"
  mount -o remount,size=80k disk
  on 3 sweep --hidden 4 --trajectories 10 --iterations 6 --runs 3000 --quiet -o disk/sweep.h5
  [[ $status -eq 4 ]] || fail "a full disk, in a sweep on three ranks: exit status $status"
  [[ $(grep -c '^isochron: ' "$err") -eq 1 ]] || fail 'a full disk, in a sweep: not one sentence'
  succeeds show disk/sweep.h5
  umount disk
fi

# A failure of one rank's part is rank 0's.
if $all; then
  on 3 train --trajectories 300 --hidden 4 --max-step 1e-9 --max-time 1 --quiet -o late.h5
  [[ $status -eq 0 || $status -eq 3 ]] || fail "a training without time: exit status $status"
fi

# A rank without memory ends all, and leaves none that waits.
simulation=(simulate --model train0.h5 --trajectories 200000 --times 20 --threads 1 --overwrite --quiet -o large.h5)
for limit in "${memory_limits[@]}"; do
  [[ $sanitized -eq 0 ]] || break
  timeout -k 5 120 mpirun -n 1 "$program" "${simulation[@]}" : \
    -n 1 bash -c "ulimit -v $limit; exec \"\$@\"" - "$program" "${simulation[@]}" : \
    -n 1 "$program" "${simulation[@]}" >"$out" 2>"$err"
  [[ $? -ne 124 ]] || fail "a rank with $limit kB: the others wait"
  ! grep -q 'terminate called' "$err" || fail "a rank with $limit kB: it is terminated"
done

# Where ranks are bound to processors, threads are as many.
if [[ $sanitized -eq 0 ]]; then
  taskset -c 0 "$program" train "${quick[@]}" -o bound.h5 >"$out" 2>"$err" || fail 'taskset'
  succeeds show bound.h5
  prints ', 1 thread'
fi

# ended_by SIGNAL SECONDS: what a training leaves when mpirun gets it, which kills it a second later. On a machine
# that is busy with other tests that may be too early, but not three times.
ended_by() {
  local job
  for _ in 1 2 3; do
    rm -f interrupted.h5
    mpirun -n 3 "$program" train --trajectories 2000 --max-time 100 --quiet -o interrupted.h5 >"$out" 2>"$err" &
    job=$!
    sleep "$2"
    kill -s "$1" "$job"
    wait "$job"
    status=$?
    [[ $status -eq 1 ]] || fail "SIG$1: mpirun returns $status"
    ! grep -q '^isochron: interrupted' "$err" || break
  done
  complains '^isochron: interrupted; interrupted.h5 is complete up to here'
  ! pgrep -f "$program train --trajectories 2000" >/dev/null || fail "SIG$1: ranks are left"
  succeeds show interrupted.h5
  prints 'interrupted: the run is unfinished'
}
if [[ $sanitized -eq 0 ]]; then
  ended_by TERM 3
fi
if $all; then
  ended_by INT 3

  # A rank dies (killed_ranks.sh kills one at any moment): all end, every finished row is there once, and the sweep goes on.
  mpirun -n 3 "$program" sweep --hidden 4 --trajectories 20 --iterations 40 --runs 100 --quiet -o killed.h5 >"$out" 2>"$err" &
  job=$!
  appears killed.h5
  ranks=($(pgrep -f "$program sweep --hidden 4 --trajectories 20" | sort -n))
  kill -9 "${ranks[-1]}"
  wait "$job" && fail 'a rank was killed: exit status 0'
  succeeds sweep --resume killed.h5 --quiet
  /usr/bin/python3 - >"$out" 2>"$err" <<'PYTHON' || fail 'runs are lost or there twice'
import h5py, sys
runs = list(h5py.File("killed.h5")["sweep/table"]["run"])
sys.exit(runs != list(range(100)))
PYTHON

  # Rank 0 dies, which writes: what is in its file is whole, and the sweep goes on.
  mpirun -n 3 "$program" sweep --hidden 4 --trajectories 20 --iterations 40 --runs 100 --quiet -o writer.h5 >"$out" 2>"$err" &
  job=$!
  appears writer.h5
  for rank in $(pgrep -f "$program sweep --hidden 4 --trajectories 20"); do
    grep -qz '^OMPI_COMM_WORLD_RANK=0$' "/proc/$rank/environ" && kill -9 "$rank"
  done
  wait "$job" && fail 'rank 0 was killed: exit status 0'
  succeeds show writer.h5
  succeeds sweep --resume writer.h5 --quiet
  [[ $("$program" show --json writer.h5 | grep -c '"stop_reason"') -eq 100 ]] || fail 'rank 0 was killed: runs are lost'
fi

finish
