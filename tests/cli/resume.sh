# Resuming: into the file or another one, n iterations more, the stored configuration, the same level.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run_options=(--trajectories 20 --seed 3 --rtol 1e-9 --period pi --iterations 4 --quiet)
succeeds train "${run_options[@]}" -o run.h5
cp run.h5 original.h5

# The limit of iterations counts from the beginning: nothing is left, nothing is touched.
before=$(snapshot)
succeeds train --resume run.h5
prints '^nothing left to do: run.h5 has its 4 iterations'
succeeds train --resume run.h5 --iterations 0
prints '^nothing left to do'
[[ $(snapshot) == "$before" ]] || fail 'a run with nothing left to do touches files'

# n more, into itself, with the stored configuration; leftovers of a killed run do not matter.
echo garbage >.run.h5.isochron-abc123
echo '1 elsewhere' >.run.h5.lock
succeeds train --resume run.h5 --iterations 3
complains 'resuming at iteration 4; the memory of the optimizer starts afresh'
[[ -z $(find . -name '.*' -type f) ]] || fail "leftovers: $(find . -name '.*' -type f)"
is run.h5 iterations 7
for pair in 'trajectories 20' 'seed 3' 'data-seed 3' 'weight-seed 3' 'rtol 1e-9' 'atol 1e-9' 'period pi'; do
  # shellcheck disable=SC2086
  asked run.h5 $pair
done
asked run.h5 iterations 7 # the sum
succeeds train --resume run.h5
prints '^nothing left to do: run.h5 has its 7 iterations'

# Into another file, which must not exist; the first one stays.
before=$(sha256sum run.h5)
succeeds train --resume run.h5 --iterations 2 --quiet -o other.h5
is other.h5 iterations 9
rejects 2 'other.h5 exists; give --overwrite' train --resume run.h5 --iterations 2 -o other.h5
succeeds train --resume run.h5 --iterations 1 --quiet -o other.h5 --overwrite
is other.h5 iterations 8
[[ $(sha256sum run.h5) == "$before" ]] || fail 'the resumed file was touched'

# Options win over what is stored; what follows another option still does.
succeeds train --resume run.h5 --iterations 1 --rtol 1e-7 --verbose -o options.h5
complains 'rtol *= 1e-7  \(command line\)'
complains 'atol *= 1e-7  \(as --rtol\)'
complains 'period *= pi  \(stored file\)'
succeeds train --resume run.h5 --iterations 1 --trajectories 5 --quiet -o fewer.h5
asked fewer.h5 trajectories 5
succeeds train --resume run.h5 --iterations 1 --seed 9 --quiet -o reseeded.h5
asked reseeded.h5 data-seed 9
succeeds train --resume run.h5 --iterations unlimited --max-time 0.2 --quiet -o unlimited.h5
is unlimited.h5 stop_reason 'time limit reached'

# What only a new run can use is refused, unless it is as it was; a default is no wish.
succeeds train --resume run.h5 --iterations 1 --restarts 1 --output-scale 1 --quiet -o same.h5
for option in 'restarts 3' 'period-multiple 1' 'output-scale 2' 'weight-seed 5'; do
  # shellcheck disable=SC2086
  rejects 2 "--$option is for a new run" train --resume run.h5 --iterations 1 --$option -o x.h5
done
asked reseeded.h5 weight-seed 3
rejects 2 '--weight-seed 0 is for a new run' train --resume run.h5 --weight-seed 0 -o x.h5
succeeds train --trajectories 8 --iterations 1 --hidden 4 --quiet -o auto.h5
asked auto.h5 rtol auto
succeeds train --resume auto.h5 --iterations 1 --atol 1e-9 --quiet
asked auto.h5 rtol 1e-10
asked auto.h5 atol 1e-9
succeeds train --resume run.h5 --optimizer least-squares --iterations 1 --quiet -o squares.h5
asked squares.h5 gradient discrete

# States from a file need not be there any more.
printf '1 0\n0.5 0.5\n' >states.txt
succeeds train --initial-states states.txt --iterations 2 --quiet -o states.h5
rm states.txt
succeeds train --resume states.h5 --iterations 2 --seed 7 --quiet
asked states.h5 trajectories 2
same_states() { h5diff -q "$1" "$2" /run/data/initial_states; }
if command -v h5diff >/dev/null; then
  succeeds train --resume states.h5 --iterations 1 --seed 8 --quiet -o kept.h5
  same_states states.h5 kept.h5 || fail 'a seed alone draws other states than those of the file'
  succeeds train --resume states.h5 --iterations 1 --data-seed 0 --quiet -o drawn.h5
  ! same_states states.h5 drawn.h5 || fail '--data-seed 0 draws no states'
fi

# Another problem goes into another file: what was verified of the one says nothing about it.
cp run.h5 kept.h5
for option in '--loss antiperiodic' '--period 2pi' '--trajectories 19' '--data-seed 4' '--seed 4' \
  '--initial-states states.h5:/run/data/initial_states' '--hold harmonic --hold-range -1,1'; do
  # shellcheck disable=SC2086
  rejects 2 "^isochron: $option changes the problem that kept.h5 holds.*give another file by --output" \
    train --resume kept.h5 --iterations 1 $option
done
rejects 2 'loss antiperiodic changes the problem' train --resume kept.h5 --loss antiperiodic -o ./kept.h5 --overwrite
succeeds train --resume kept.h5 --iterations 1 --loss antiperiodic --quiet -o antiperiodic.h5
asked antiperiodic.h5 loss antiperiodic
succeeds train --resume kept.h5 --iterations 1 --loss periodic --period 3.141592653589793 \
  --trajectories 20 --quiet
is kept.h5 iterations "$(($(value run.h5 iterations) + 1))"

# Training goes on to where it would have gone.
well=(--symmetry odd --loss antiperiodic --trajectories 20 --seed 1 --loss-tolerance 3e-9
  --max-time 100 --quiet)
succeeds train "${well[@]}" --iterations 20 -o well.h5
is well.h5 stop_reason 'iteration limit reached'
succeeds train --resume well.h5 --iterations unlimited --quiet
is well.h5 stop_reason 'loss tolerance reached'
below well.h5 loss 3e-9
below well.h5 loss_verified 4e-9

# Another seed of restarts, a first-order system, bdf: each goes on with its own.
succeeds train --trajectories 8 --iterations 2 --restarts 2 --quiet -o restarts.h5
succeeds train --resume restarts.h5 --iterations 1 --quiet
succeeds show restarts.h5
prints 'loss of weight seed 1 '
succeeds train --trajectories 8 --iterations 2 --dynamics first-order --dimension 2 --method bdf \
  --hidden 8 --quiet -o plane.h5
succeeds train --resume plane.h5 --iterations 2 --quiet
asked plane.h5 method bdf
is plane.h5 iterations 4

finish
