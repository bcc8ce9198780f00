# SIGINT and SIGTERM at any stage: over within 2 s, status 130 or 143, a complete file that goes on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# interrupts SIGNAL EXPECTED_STATUS WHEN ARGUMENTS...: sends the signal after WHEN seconds, or when
# WHEN stands on stderr.
interrupts() {
  local signal=$1 expected=$2 when=$3 start pid took
  shift 3
  "$program" "$@" >"$out" 2>"$err" &
  pid=$!
  if [[ $when =~ ^[0-9.]+$ ]]; then
    sleep "$when"
  else
    for _ in {1..600}; do
      grep -q "$when" "$err" && break
      sleep 0.1
    done
    sleep 0.2
  fi
  start=${EPOCHREALTIME/./}
  kill -s "$signal" "$pid" 2>/dev/null || fail "$*: over before the signal"
  wait "$pid"
  status=$?
  took=$((${EPOCHREALTIME/./} - start))
  [[ $status -eq $expected ]] || fail "$signal to $*: exit status $status, not $expected"
  [[ $took -le 2000000 ]] || fail "$signal to $*: took $((took / 1000)) ms"
}

# stored_by SIGNAL STATUS WHEN ARGUMENTS...: the same for a run that leaves run.h5.
stored_by() {
  rm -f run.h5
  interrupts "$@" -o run.h5
  complains 'interrupted; run.h5 is complete up to here, go on with: isochron train --resume run.h5'
  [[ $(ls) == run.h5 ]] || fail "other files than run.h5: $(ls)"
  is run.h5 stop_reason interrupted
  long_name=$(printf 'a%.0s' {1..100}).h5
  cp run.h5 "$long_name"
  succeeds show "$long_name"
  prints "^ +$long_name"
  rm "$long_name"
  succeeds show run.h5
  prints 'interrupted: the run is unfinished and not verified'
  ! grep -q 'loss verified' "$out" || fail 'an interrupted file is verified'
  succeeds train --resume run.h5 --trajectories 10 --rtol 1e-8 --iterations 1 --quiet -o more.h5
  is more.h5 stop_reason 'iteration limit reached'
  rm more.h5
}

stored_by INT 130 1 train --max-time 100 --quiet
stored_by TERM 143 1 train --max-time 100
stored_by INT 130 1 train --max-time 100 --quiet --restarts 3
stored_by INT 130 1 train --max-time 100 --quiet --optimizer adam

# Inside one long solve, before there is a single loss.
long=(--trajectories 20000 --rtol 1e-13 --max-time 1000 --threads 1 --quiet)
stored_by INT 130 0.5 train "${long[@]}"
stored_by TERM 143 0.5 train "${long[@]}" --method bdf

# While the loss is verified, after training.
stored_by INT 130 verifying train --trajectories 30000 --rtol 1e-4 --iterations 0 --threads 1

# A second signal ends at once what the first one has asked to end; the last checkpoint is complete.
for both in 'INT INT 130' 'TERM TERM 143' 'INT TERM 143'; do
  read -r one other expected <<<"$both"
  rm -f run.h5
  "$program" train --optimizer adam --checkpoint-interval 0.01 --max-time 100 --quiet -o run.h5 >"$out" 2>"$err" &
  pid=$!
  appears run.h5
  sleep "0.$((RANDOM % 10))"
  kill -s "$one" "$pid"
  kill -s "$other" "$pid" 2>/dev/null
  wait "$pid"
  status=$?
  [[ $status -eq $expected || $status -eq 130 ]] || fail "$both: exit status $status"
  succeeds show run.h5
  succeeds train --resume run.h5 --iterations 1 --quiet
  [[ $(find . -type f) == ./run.h5 ]] || fail "other files than run.h5: $(find . -type f)"
done

# simulate has nothing to keep.
rm -f run.h5
interrupts INT 130 0.5 simulate --force pendulum --method bdf --rtol 1e-13 --trajectories 20000 --threads 1 --times 2
one_sentence 'interrupted; nothing was written' simulate
[[ -z $(ls) ]] || fail "simulate leaves $(ls)"

# Whoever stops reading the progress does not stop the run.
("$program" train --hidden 8 --trajectories 10 --max-time 2 --optimizer adam -o unread.h5 2>&1) | head -n 1 >"$out"
for _ in {1..300}; do
  [[ $("$program" show unread.h5 2>"$err") == *'time limit reached'* ]] && break
  sleep 0.1
done
is unread.h5 stop_reason 'time limit reached'

finish
