# What a run's numbers do not say by themselves: in the summary of train and in show, with what to
# do next; and nothing where there is nothing to say.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# says FILE PATTERN / silent FILE: of the last training run and of its file.
says() {
  shows "note .*$2"
  succeeds show "$1"
  shows "note .*$2"
}
silent() {
  [[ $(grep -c '^  note' "$out") -eq 0 ]] || fail "train: a note on $1"
  succeeds show "$1"
  [[ $(grep -c '^  note' "$out") -eq 0 ]] || fail "show: a note on $1"
}
short=(--hidden 6 --trajectories 8 --max-time 60 --threads 1 --quiet)

succeeds train "${short[@]}" --loss-tolerance 1e-4 -o good.h5
silent good.h5

# Ten steps of rk4 in a period fit their own errors.
succeeds train "${short[@]}" --method rk4 --steps 10 --loss-tolerance 1e-6 --iterations 300 -o coarse.h5
says coarse.h5 'integration by rk4 with 10 steps.*truly.*--resume coarse.h5 --steps'
succeeds train --resume coarse.h5 --steps 200 --iterations 5 --quiet -o fine.h5
[[ $(grep -c 'of its integration' "$out") -eq 0 ]] || fail 'a note on sufficient steps'

# First-order dynamics close all orbits by f = 0; where that is excluded they oscillate.
succeeds train "${short[@]}" --dynamics first-order --loss-tolerance 1e-12 -o rest.h5
says rest.h5 'nothing moves.*--loss antiperiodic'
succeeds train "${short[@]}" --dynamics first-order --output-scale 0 --iterations 2 -o zero.h5
says zero.h5 'nothing moves.*0.0e\+00'
succeeds train "${short[@]}" --dynamics first-order --dimension 2 --loss antiperiodic \
  --loss-tolerance 1e-3 -o turning.h5
silent turning.h5

succeeds train --hidden 6 --trajectories 1 --loss-tolerance 1e-6 --threads 1 --quiet -o one.h5
says one.h5 'one trajectory.*--trajectories'

# Limits, and how to go on.
succeeds train "${short[@]}" --iterations 2 -o few.h5
says few.h5 'iterations ended.*--resume few.h5 --iterations K'
succeeds train --trajectories 100 --max-time 0.2 --quiet -o soon.h5
says soon.h5 'time ended.*--resume soon.h5 --max-time S'

# Prescribed periods are what the verdict is about; that they differ was asked for.
succeeds train --trajectories 8 --loss prescribed-period --period-law pendulum --law-range 0,2 \
  --symmetry odd --loss-tolerance 1e-10 --max-time 60 --threads 1 --quiet -o law.h5
prints '^  verdict +converged: every orbit has its period, as prescribed'
prints '^  isochrony +not isochronous'
succeeds show law.h5
prints '^  verdict +converged: every orbit has its period, as prescribed'
prints '^  isochrony +not isochronous'
succeeds analyze law.h5
prints '^  isochrony +not isochronous'
succeeds train --trajectories 8 --loss prescribed-period --period-law pendulum --law-range 0,2 \
  --symmetry odd --iterations 1 --threads 1 --quiet -o early.h5
prints '^  verdict +not converged'

# The help says what happens when nothing is given.
succeeds train --help-all
tr -s '\n ' ' ' <"$out" >"$err"
complains 'rtol R relative tolerance of every trajectory: auto .follows the loss.*default: auto;'
succeeds train "${short[@]}" --iterations 0 -o default.h5
asked default.h5 rtol auto
succeeds train "${short[@]}" --iterations 0 --optimizer lbfgs -o lbfgs.h5
asked lbfgs.h5 rtol 1e-10
succeeds help train
prints '^usage: isochron train'
finish
