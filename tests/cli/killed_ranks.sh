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
  # Open MPI waits for ever for a rank that dies while it connects to mpirun.
  grep -q 'PMIX ERROR.*ptl_base_connection_hdlr' "$err" || [[ $((SECONDS - start)) -lt 55 ]] || fail "$*: the other ranks go on"
}

# counted FILE: what it holds, which must not become less.
counted() {
  if [[ $1 == sweep.h5 ]]; then
    "$program" show --json "$1" | grep -c '"stop_reason"'
  else
    value "$1" iterations
  fi
}

declare -A begin=(
  [train.h5]='train --trajectories 200 --optimizer adam --iterations unlimited --loss-tolerance 0 --max-time 600'
  [sweep.h5]='sweep --hidden 4 --trajectories 20 --iterations 40 --runs 100000')
declare -A go_on=([train.h5]='train --max-time 600' [sweep.h5]=sweep)
declare -A before=([train.h5]=0 [sweep.h5]=0)

# next FILE: sets `command` to what goes on with it, or begins it.
next() {
  if [[ -e $1 ]]; then
    read -ra command <<<"${go_on[$1]} --resume $1"
  else
    read -ra command <<<"${begin[$1]} -o $1"
  fi
  command+=(--checkpoint-interval 0.05 --quiet)
}

for ((k = 1; k <= kills; ++k)); do
  file=train.h5
  [[ $((k % 2)) -ne 0 ]] || file=sweep.h5
  next "$file"
  loses_a_rank "${command[@]}"
  [[ -e $file ]] || continue
  succeeds show "$file"
  now=$(counted "$file")
  [[ $now =~ ^[0-9]+$ && $now -ge ${before[$file]} ]] || fail "kill $k: $file fell from ${before[$file]} to $now"
  before[$file]=$now
done
# The next run removes what a killed one was writing, and its lock, also if the file never came to be.
# (In the foreground, or timeout signals twice: the program, and the group that it belongs to.)
for file in train.h5 sweep.h5; do
  next "$file"
  timeout --foreground -s INT 3 "$program" "${command[@]}" >"$out" 2>"$err"
  [[ $? -eq 124 && -e $file ]] || fail "${command[*]}: does not go on"
done
[[ -z $(find . -name '.*.isochron-*' -o -name '.*.h5.lock') ]] || fail "leftovers: $(find . -name '.*' -type f)"
echo "$met of $kills kills met a rank; ${before[train.h5]} iterations and ${before[sweep.h5]} runs are left"
finish
