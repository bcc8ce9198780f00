# Too little memory: refused beforehand, or one sentence and status 3; never a signal. A third argument --all
# takes more limits.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ $sanitized -eq 0 ]] || skip 'sanitizers reserve all the address space'
ulimit -c 0

# Refused with what helps; nothing is written.
(
  ulimit -v 4000000
  rejects 2 'needs about .* of memory .* for the 100 pairs of L-BFGS.* by --memory' \
    train --hidden 4096,4096 --threads 1 --optimizer lbfgs -o wide.h5
  rejects 2 'needs about .* for the Jacobian .*--trajectories' \
    train --hidden 512,512 --trajectories 3000 --threads 1 --optimizer least-squares -o jacobian.h5
  exit "$failures"
) || failures=$((failures + $?))
(
  ulimit -v 300000
  rejects 2 'needs about .* for the stored forward solution.*--checkpoint-distance' \
    train --period 20000 --symmetry odd --optimizer lbfgs --threads 1 -o long.h5
  exit "$failures"
) || failures=$((failures + $?))

# The least with which the program starts at all; below, loading its libraries ends it before main.
least=20000
until (ulimit -v "$least" && exec "$program" --version) >"$out" 2>"$err"; do
  least=$((least + 1000))
  [[ $least -lt 200000 ]] || { fail "does not start with $least KiB" && break; }
done

# limited KIB ARGUMENTS...: whatever more than the least there is, the statuses are those of interface.
limited() {
  local limit=$((least + $1))
  shift
  rm -f run.h5
  (
    ulimit -v "$limit"
    exec timeout -k 5 120 "$program" "$@"
  ) >"$out" 2>"$err"
  status=$?
  case $status in
    0 | 1 | 2 | 3 | 4) ;;
    *) fail "$* with $limit KiB: exit status $status" ;;
  esac
}

# No more than these, so that nothing is validated on others.
/usr/bin/awk 'BEGIN { for (i = 0; i < 60; ++i) print rand(), rand() }' >states.txt
common=(--initial-states states.txt --threads 1 --iterations 1 --quiet --overwrite -o run.h5)
limits=(14000 84000)
[[ ${3:-} != --all ]] || limits=(1000 4000 14000 34000 84000 200000)
for more in "${limits[@]}"; do
  limited $more train "${common[@]}" --period 60 --optimizer lbfgs
  limited $more train "${common[@]}" --optimizer lbfgs --gradient forward
  limited $more train "${common[@]}" --optimizer lbfgs --gradient discrete --hidden 64,64
  limited $more train "${common[@]}" --optimizer least-squares --hidden 64,64
  limited $more simulate --force duffing --trajectories 20000 --times 20 --overwrite -o run.h5
  limited $more check-gradient --trajectories 8 --period 1 --threads 1
done

# Fewer threads than asked for, and a word about it.
(
  ulimit -v 250000
  run train --threads 200 --trajectories 30000 --iterations 0 --quiet --optimizer lbfgs --max-time 3 -o threads.h5
  [[ $status =~ ^[0-4]$ ]] || fail "too many threads: exit status $status"
  exit "$failures"
) || failures=$((failures + $?))

finish
