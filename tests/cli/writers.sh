# Two processes and one file: one writes, the other one is refused in words before it works; files that
# other programs change meanwhile are left alone; a file keeps its mode. The third argument is the number
# of pairs.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

pairs=${3:-$((sanitized ? 3 : 6))}

train=(train --trajectories 10 --hidden 4 --quiet --threads 1)
succeeds "${train[@]}" --iterations 3 -o first.h5
succeeds sweep --hidden 4 --trajectories 8 --iterations 3 --runs 2 --quiet -o sweep.h5

# pair FILE COMMAND AND COMMAND: both at once, separated by a word 'and'.
pair() {
  local file=$1 first=() second=() good=0 result
  shift
  while [[ $1 != and ]]; do
    first+=("$1")
    shift
  done
  shift
  second=("$@")
  "$program" "${first[@]}" >first.out 2>first.err &
  local one=$!
  "$program" "${second[@]}" >second.out 2>second.err &
  local other=$!
  for run in "$one first" "$other second"; do
    # shellcheck disable=SC2086
    set -- $run
    wait "$1"
    result=$?
    cp "$2.out" "$out"
    cp "$2.err" "$err"
    [[ $result -eq 0 || $result -eq 2 ]] || fail "$file, $2 of a pair: exit status $result"
    [[ $result -ne 0 ]] || good=$((good + 1))
    if [[ $result -eq 2 ]]; then
      one_sentence "$file is being written by (another )?process|exists; give --overwrite" "$2 of a pair"
      [[ ! -s $out ]] || fail "$file, $2 of a pair: refused, and prints results"
    fi
  done
  [[ $good -ge 1 ]] || fail "$file: neither of a pair came to its end"
  succeeds show "$file"
}

for ((k = 0; k < pairs; ++k)); do
  case $((k % 6)) in
    0) pair f.h5 "${train[@]}" --max-time 0.5 --checkpoint-interval 0.001 --overwrite -o f.h5 and \
      "${train[@]}" --max-time 0.5 --checkpoint-interval 0.001 --overwrite --seed 1 -o ./f.h5 ;;
    1)
      cp first.h5 g.h5
      pair g.h5 train --resume g.h5 --iterations 20 --quiet and train --resume g.h5 --iterations 30 --quiet
      ;;
    2)
      cp first.h5 h.h5
      pair h.h5 train --resume h.h5 --iterations 20 --quiet and analyze h.h5 --store
      ;;
    3) pair s.h5 simulate --force harmonic --trajectories 200 --overwrite -o s.h5 and \
      simulate --force duffing --trajectories 200 --overwrite -o s.h5 ;;
    4)
      cp sweep.h5 t.h5
      pair t.h5 sweep --resume t.h5 --runs 12 --quiet --checkpoint-interval 0.001 and \
        sweep --resume t.h5 --runs 10 --quiet --checkpoint-interval 0.001
      [[ $("$program" show --json t.h5 | grep -c '"stop_reason"') -ge 10 ]] || fail 'runs are lost'
      ;;
    5)
      cp first.h5 b.h5
      pair b.h5 benchmark --at b.h5 --append --quick --budget 0.001 --quiet and \
        train --resume b.h5 --iterations 10 --quiet
      ;;
  esac
done
rm -f first.out first.err second.out second.err
[[ -z $(find . -name '.*' -type f) ]] || fail "leftovers: $(find . -name '.*' -type f)"

# While a run goes on: show names it, whatever would write is refused, and reading goes on.
cp first.h5 run.h5
"$program" train --resume run.h5 --iterations unlimited --max-time 1000 --loss-tolerance 0 \
  --optimizer adam --checkpoint-interval 0.05 --quiet >"$streams/running" 2>&1 &
pid=$!
appears .run.h5.lock
for _ in {1..600}; do
  [[ $(value run.h5 stop_reason) == running ]] && break
  sleep 0.1
done
succeeds show run.h5
prints "still running \(process $pid\): wait, or stop it before --resume"
refused() {
  run "$@"
  [[ $status -eq 2 && ! -s $out ]] || fail "$*: exit status $status, not 2, or results"
  one_sentence "run.h5 is being written by process $pid" "$*"
}
refused train --resume run.h5 --iterations 1
refused train -o run.h5 --overwrite
refused analyze run.h5 --store
refused benchmark --at run.h5 --append --quick
refused simulate --force harmonic -o run.h5 --overwrite
ln -s run.h5 link.h5
refused train -o link.h5 --overwrite
succeeds train --resume run.h5 --iterations 1 --quiet -o other.h5
kill -s KILL "$pid"
wait "$pid" 2>/dev/null
succeeds show run.h5
prints 'a checkpoint: the run was cut off'
succeeds train --resume run.h5 --optimizer lbfgs --iterations 1 --quiet
[[ -z $(find . -name '.*' -type f) ]] || fail "leftovers: $(find . -name '.*' -type f)"

# A file that another program changes, protects or removes while its run goes on is left alone.
meddled() {
  local act=$1 words=$2
  rm -f run*.h5
  cp first.h5 run.h5
  "$program" train --resume run.h5 --iterations unlimited --max-time 1000 --loss-tolerance 0 \
    --optimizer adam --checkpoint-interval 0.05 --quiet >"$out" 2>"$err" &
  local pid=$!
  for _ in {1..600}; do
    cmp -s first.h5 run.h5 || break
    sleep 0.1
  done
  eval "$act"
  appears run-1.h5
  kill -s INT "$pid"
  wait "$pid"
  [[ $? -eq 130 ]] || fail "$act: exit status"
  complains "warning: run.h5 $words while this run went on and is left alone; the results go to run-1.h5"
  complains 'interrupted; run-1.h5 is complete up to here'
  [[ $(value run-1.h5 iterations) -gt 3 ]] || fail "$act: the new work is lost"
}
meddled 'cp first.h5 run.h5' 'was changed by another program'
cmp -s first.h5 run.h5 || fail 'a file of another program was overwritten'
meddled 'rm run.h5' 'was removed'
[[ ! -e run.h5 ]] || fail 'a removed file is back'
meddled 'chmod a-w run.h5' 'was write-protected'

# The mode stays; what is write-protected is not replaced.
succeeds train "${quick[@]}" -o mode.h5
for mode in 600 640 664; do
  chmod "$mode" mode.h5
  for verb in 'train --resume mode.h5 --iterations 1 --quiet' 'analyze mode.h5 --store' \
    'simulate --force harmonic -o mode.h5 --overwrite' 'train --iterations 1 --quiet -o mode.h5 --overwrite'; do
    # shellcheck disable=SC2086
    succeeds $verb
    [[ $(stat -c %a mode.h5) == "$mode" ]] || fail "$verb: mode $(stat -c %a mode.h5), not $mode"
  done
done
chmod 444 mode.h5
for verb in 'train --resume mode.h5 --iterations 1' 'analyze mode.h5 --store' 'train -o mode.h5 --overwrite' \
  'simulate --force harmonic -o mode.h5 --overwrite' 'benchmark --at mode.h5 --append --quick'; do
  # shellcheck disable=SC2086
  rejects 2 'mode.h5 is write-protected; permit it by chmod u\+w' $verb
done

# Where the file system has no locks: a warning, nobody is kept out, and nothing is guessed.
if [[ $sanitized -eq 0 && -e ${ISOCHRON_NO_LOCKS:-} ]]; then
  without_locks() { LD_PRELOAD=$ISOCHRON_NO_LOCKS "$program" "$@" >"$out" 2>"$err"; }
  echo '1 elsewhere' >.lockless.h5.lock
  without_locks train "${quick[@]}" -o lockless.h5 || fail 'no run without locks'
  one_sentence 'warning: the file system of lockless.h5 has no locks' 'train without locks'
  without_locks train --resume lockless.h5 --iterations 1 --quiet || fail 'no resumed run without locks'
  [[ -z $(find . -name '.*' -type f) ]] || fail "leftovers: $(find . -name '.*' -type f)"
  succeeds show lockless.h5
fi

# Names that only look like temporary ones are a user's.
echo precious >mine.h5.tmp
succeeds simulate --force harmonic --trajectories 2 --times 2 -o mine.h5
[[ $(cat mine.h5.tmp) == precious ]] || fail 'mine.h5.tmp is gone'

# Closed streams: nothing that is printed gets into a file.
"$program" train "${quick[@]}" -o closed.h5 <&- >&- 2>&-
succeeds show closed.h5
"$program" train "${quick[@]}" -o closed.h5 --overwrite <&- >"$out" 2>"$err"
succeeds show closed.h5

# The longest name that a file may have leaves no room for a number; and without descriptors there is
# no file at all.
longest=$(printf 'x%.0s' {1..252}).h5
"$program" train --hidden 8 --threads 1 --max-time 3 --optimizer adam --checkpoint-interval 0.1 --quiet -o "$longest" \
  >"$out" 2>"$err" &
pid=$!
appears "$longest"
touch "$longest"
wait "$pid" || fail 'the longest name: exit status'
complains 'was changed by another program while this run went on and is left alone; the results go to'
for descriptors in 4 5 6 7; do
  (
    ulimit -n "$descriptors"
    exec timeout -k 5 60 "$program" train "${quick[@]}" -o few.h5 --overwrite
  ) >"$out" 2>"$err"
  status=$?
  [[ $status =~ ^[0-4]$ || $status -eq 127 ]] || fail "$descriptors descriptors: exit status $status"
done

finish
