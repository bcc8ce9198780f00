#!/usr/bin/env bash
# One MPI job of Slurm:
#
#   sbatch --ntasks 32 examples/slurm/mpi.sh sweep --runs 1000 --output sweep.h5
#   sbatch --ntasks 8 --cpus-per-task 4 examples/slurm/mpi.sh train --trajectories 100000 --output run.h5
#
# The program is `isochron` on the PATH, or what ISOCHRON names. A job that was killed or requeued goes on
# where its file ends. Slurm's time limit sends SIGTERM first: then the file is whole, too.
#SBATCH --job-name=isochron
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

isochron=${ISOCHRON:-isochron}
arguments=("$@")
for ((i = 0; i + 1 < $#; ++i)); do
  # An output that is there already is gone on with.
  if [[ ${arguments[i]} =~ ^(-o|--output)$ && -e ${arguments[i + 1]} ]]; then
    arguments=("$1" --resume "${arguments[i + 1]}")
    break
  fi
done
exec srun "$isochron" "${arguments[@]}"
