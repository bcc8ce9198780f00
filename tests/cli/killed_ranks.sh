# kill -9 of one rank at random moments of trainings and sweeps under mpirun: all ranks end, the file is
# complete or was not there yet, holds no less than before, and goes on. The third argument is the number
# of kills.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
"$program" --version | grep -q 'MPI [0-9]' || skip 'the program was built without MPI'
command -v mpirun >/dev/null || skip 'mpirun is not installed'
[[ $sanitized -eq 0 ]] || skip 'a killed process has nothing to tell sanitizers'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # containers run as root
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

kills=${3:-4}
met=0

# loses_a_rank ARGUMENTS...: three ranks, one of which is killed within three seconds.
loses_a_rank() {
  local job ranks victim start=$SECONDS
  timeout -k 5 60 mpirun -n 3 "$program" "$@" >"$out" 2>"$err" &
  job=$!
  sleep "$((RANDOM % 3)).$((RANDOM % 10))"
  mapfile -t ranks < <(pgrep -P "$(pgrep -P "$job" mpirun)" | sort -n)
  if [[ ${#ranks[@]} -eq 0 ]]; then # over already, or not there yet
    kill "$job" 2>/dev/null
    wait "$job"
    return
  fi
  victim=${ranks[$((RANDOM % ${#ranks[@]}))]}
  kill -s KILL "$victim" 2>/dev/null && met=$((met + 1))
  wait "$job"
  [[ $((SECONDS - start)) -lt 55 ]] || fail "$*: the other ranks go on"
}

# counted FILE: what it holds, which must not become less.
counted() {
  if [[ $1 == sweep.h5 ]]; then
    "$program" show --json "$1" | grep -c '"stop_reason"'
  else
    value "$1" iterations
  fi
}

train=(train --trajectories 200 --optimizer adam --checkpoint-interval 0.05 --max-time 600
  --iterations unlimited --loss-tolerance 0 --quiet)
sweep=(sweep --hidden 4 --trajectories 20 --iterations 40 --runs 100000 --checkpoint-interval 0.05 --quiet)
declare -A before=([train.h5]=0 [sweep.h5]=0)
for ((k = 1; k <= kills; ++k)); do
  file=train.h5
  command=("${train[@]}" -o train.h5)
  [[ ! -e train.h5 ]] || command=(train --resume train.h5 --checkpoint-interval 0.05 --max-time 600 --quiet)
  if [[ $((k % 2)) -eq 0 ]]; then
    file=sweep.h5
    command=("${sweep[@]}" -o sweep.h5)
    [[ ! -e sweep.h5 ]] || command=(sweep --resume sweep.h5 --checkpoint-interval 0.05 --quiet)
  fi
  loses_a_rank "${command[@]}"
  [[ -e $file ]] || continue
  succeeds show "$file"
  now=$(counted "$file")
  [[ $now =~ ^[0-9]+$ && $now -ge ${before[$file]} ]] || fail "kill $k: $file fell from ${before[$file]} to $now"
  before[$file]=$now
done
# The next run removes what a killed one was writing.
[[ ! -e train.h5 ]] || succeeds train --resume train.h5 --iterations 1 --quiet
[[ ! -e sweep.h5 ]] || timeout -s INT 5 "$program" sweep --resume sweep.h5 --quiet >"$out" 2>"$err" || true
[[ -z $(find . -name '.*.isochron-*' -o -name '.*.h5.lock') ]] || fail "leftovers: $(find . -name '.*' -type f)"
echo "$met of $kills kills met a rank; ${before[train.h5]} iterations and ${before[sweep.h5]} runs are left"
finish
