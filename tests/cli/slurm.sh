# examples/slurm/sweep_array.sh, by stubs in the place of Slurm: sbatch runs each task of an array at once,
# from a copy of the script as Slurm does, and a dependent job only if all of them have ended well.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
script=$here/../../examples/slurm/sweep_array.sh
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'

mkdir bin
cat >bin/sbatch <<'STUB'
#!/usr/bin/env bash
tasks=1
while [[ $1 == --* ]]; do
  case $1 in
    --array=1-*) tasks=${1#--array=1-} ;;
    --dependency=afterok:17) [[ ! -e failed ]] || exit 0 ;;
    --dependency=*) exit 1 ;;
  esac
  shift
done
cp "$1" spooled
shift
rm -f failed
for ((task = 1; task <= tasks; ++task)); do
  # The third task of the first submission is killed at once.
  [[ $task -ne 3 || -e killed ]] || { touch killed failed; continue; }
  SLURM_ARRAY_TASK_ID=$task bash spooled "$@" >>slurm.out 2>&1 || touch failed
done
echo '17;cluster'
STUB
printf '#!/bin/sh\nexec "$@"\n' >bin/srun
chmod +x bin/*
export PATH=$PWD/bin:$PATH ISOCHRON=$program

small=(--hidden 4 --trajectories 8 --iterations 3)
grid='loss=periodic|antiperiodic'
array() { bash "$script" 4 all.h5 "${small[@]}" --runs 5 --grid "$grid" >"$out" 2>"$err"; }

array || fail 'the script fails'
[[ -e all-4-of-4.h5 && ! -e all-3-of-4.h5 && ! -e all.h5 ]] || fail 'a task that is killed does not hold up the merge'
array || fail 'the script fails when it is submitted again'
succeeds sweep "${small[@]}" --runs 5 --grid "$grid" --quiet -o one.h5
same_runs one.h5 all.h5

bash "$script" >"$out" 2>"$err"
[[ $? -eq 2 ]] || fail 'no word on how to use it'
complains 'usage: .*sweep_array.sh PARTS OUTPUT'

# One MPI job: srun is what launches ranks, where there is MPI two; the second submission goes on with the file.
if "$program" --version | grep -q 'MPI [0-9]' && command -v mpirun >/dev/null; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
  export LSAN_OPTIONS=detect_leaks=0 # those of Open MPI
  printf '#!/bin/sh\nexec mpirun -n 2 "$@"\n' >bin/srun
fi
job=$(dirname "$script")/mpi.sh
for submission in 1 2; do
  bash "$job" train --hidden 4 --trajectories 8 --iterations 3 --quiet --output job.h5 >"$out" 2>"$err" ||
    fail "submission $submission of an MPI job fails"
done
succeeds show job.h5
prints ' iterations'

finish
