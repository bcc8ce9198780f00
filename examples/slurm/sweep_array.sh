#!/usr/bin/env bash
# A sweep as a job array of Slurm, and a job that merges its parts once all of them have ended well:
#
#   examples/slurm/sweep_array.sh PARTS OUTPUT [OPTIONS OF isochron sweep]
#   examples/slurm/sweep_array.sh 16 sweep.h5 --config examples/04_what_the_loss_determines.ini
#
# What a cluster asks for goes into sbatch's own variables, such as SBATCH_ACCOUNT, SBATCH_PARTITION
# and SBATCH_TIMELIMIT. The program is `isochron` on the PATH, or what ISOCHRON names.
#
# A task that was killed, requeued or submitted again goes on with its part; whatever had ended is in the
# part's file. After a failure, the same command submits what is left to do.
set -euo pipefail

isochron=${ISOCHRON:-isochron}

# part_file OUTPUT NUMBER PARTS
part_file() { echo "${1%.h5}-$2-of-$3.h5"; }

submit() {
  local parts=$1 output=$2 array
  array=$(sbatch --parsable --job-name=isochron-sweep --array="1-$parts" --requeue --open-mode=append \
    "$0" part "$@")
  sbatch --job-name=isochron-merge --dependency="afterok:${array%%;*}" "$0" merge "$parts" "$output"
}

# What a task of the array does.
part() {
  local parts=$1 number=$SLURM_ARRAY_TASK_ID file
  file=$(part_file "$2" "$number" "$parts")
  shift 2
  local sweep=("$isochron" sweep --threads "${SLURM_CPUS_PER_TASK:-1}" --quiet)
  if [[ -e $file ]]; then
    srun "${sweep[@]}" --resume "$file"
  else
    srun "${sweep[@]}" "$@" --part "$number/$parts" --output "$file"
  fi
}

merge() {
  local parts=$1 output=$2 files=() number
  for ((number = 1; number <= parts; ++number)); do
    files+=("$(part_file "$output" "$number" "$parts")")
  done
  srun "$isochron" merge "${files[@]}" --output "$output"
}

case ${1-} in
  part | merge) "$@" ;;
  [1-9]*) submit "$@" ;;
  *)
    echo "usage: $0 PARTS OUTPUT [OPTIONS OF isochron sweep]" >&2
    exit 2
    ;;
esac
