# Too little memory: refused beforehand, or one sentence and status 3; never a signal.
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

# limited KIB ARGUMENTS...: whatever the limit, the statuses are those of interface.
limited() {
  local limit=$1
  shift
  rm -f run.h5
  (
    ulimit -v "$limit"
    exec timeout -k 5 120 "$program" "$@"
  ) >"$out" 2>"$err"
  status=$?
  # 127: not even the libraries can be loaded.
  case $status in
    0 | 1 | 2 | 3 | 4 | 127) ;;
    *) fail "$* with $limit KiB: exit status $status" ;;
  esac
}

common=(--threads 1 --iterations 1 --quiet --overwrite -o run.h5)
for limit in 36000 50000 70000 100000 150000; do
  limited $limit train "${common[@]}" --period 60 --optimizer lbfgs
  limited $limit train "${common[@]}" --optimizer lbfgs --gradient forward --trajectories 150
  limited $limit train "${common[@]}" --optimizer lbfgs --gradient discrete --hidden 64,64
  limited $limit train "${common[@]}" --optimizer least-squares --hidden 64,64
  limited $limit simulate --force duffing --trajectories 20000 --times 20 --overwrite -o run.h5
  limited $limit check-gradient --trajectories 8 --period 1 --threads 1
done

# Fewer threads than asked for, and a word about it.
(
  ulimit -v 250000
  run train --threads 200 --trajectories 30000 --iterations 0 --quiet --optimizer lbfgs --max-time 3 -o threads.h5
  [[ $status =~ ^[0-4]$ ]] || fail "too many threads: exit status $status"
  exit "$failures"
) || failures=$((failures + $?))

finish
