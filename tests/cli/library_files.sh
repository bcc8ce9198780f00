# Files that programs of one's own write with the library are full citizens.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
for kind in run own-force own-loss; do "$make_files" "$kind" "$kind.h5" || fail "make_files $kind"; done

# A network: everything works, with the problem and the options of the library's run.
succeeds show run.h5
shows 'antiperiodic loss, N = 10'
shows 'T = 3,'
succeeds show --json run.h5
succeeds analyze run.h5
succeeds analyze run.h5 --store
succeeds simulate --model run.h5 -o orbits.h5
asked orbits.h5 period 3
asked orbits.h5 loss antiperiodic
[[ $(value orbits.h5 mean_square_residual | cut -c 1-7) == $(value run.h5 loss_verified | cut -c 1-7) ]] ||
  fail "simulate does not find the loss of the library's run"
succeeds check-gradient --at run.h5
prints 'antiperiodic loss, network 1-4-1, N = 10, T = 3, at run.h5'
succeeds train --resume run.h5
prints '^nothing left to do: run.h5 has its 5 iterations'
succeeds train --resume run.h5 --iterations 2 --quiet
is run.h5 iterations 7
asked run.h5 loss antiperiodic
asked run.h5 hidden 4
succeeds show run.h5
shows 'loss validation absent: the initial states were given'
rejects 2 'changes the problem that run.h5 holds' train --resume run.h5 --iterations 1 --loss periodic
if command -v gnuplot >/dev/null; then
  succeeds plot run.h5 --format svg --output figures
  succeeds plot own-force.h5 --format svg --output own
  [[ -s own/force.svg ]] || fail 'the force of a field of the user is not drawn'
fi

# A field of one's own: what it was is shown; what needs it is refused.
succeeds show own-force.h5
shows 'iterations ended before training did; go on with it by the library'
shows 'of the user.s own, 2 parameters'
shows 'loss verified'
for verb in 'analyze' 'simulate --model' 'check-gradient --at' 'train --resume'; do
  # shellcheck disable=SC2086
  rejects 2 'own-force.h5 holds a force of another kind than a network' $verb own-force.h5
done

# A loss of one's own: its force can be used, but the loss only by its program.
succeeds show own-loss.h5
shows 'own loss, N = 10'
succeeds analyze own-loss.h5
succeeds simulate --model own-loss.h5 -o force.h5
rejects 2 'own-loss.h5 holds a run with the loss own' train --resume own-loss.h5
rejects 2 'loss none has no trajectories' check-gradient --at own-loss.h5

finish
