# check-gradient: agreement is 0, disagreement 1, and bad input 2.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

small=(--trajectories 10 --hidden 4,4)
succeeds check-gradient "${small[@]}"
prints 'all methods agree'
prints 'adjoint +adams, polynomial.*agrees'
prints 'adjoint +adams, hermite.*reported'
prints 'forward +adams .*agrees'
prints 'discrete +rkn8 .*agrees'
prints 'discrete +rk4, 100 steps.*reported'
prints 'difference .*agrees'
succeeds check-gradient "${small[@]}" --dynamics first-order --dimension 2 --period 2 --rtol 1e-8
prints 'discrete +rk8 .*agrees'
succeeds check-gradient "${small[@]}" --method bdf --rtol 1e-6
prints 'adjoint +bdf, polynomial.*agrees'
succeeds check-gradient "${small[@]}" --method rkn12
prints 'discrete +rkn12 .*agrees'

succeeds check-gradient "${small[@]}" --sensitivity-errors off --corrector simultaneous
succeeds check-gradient "${small[@]}" --backward-rtol 1e-11 --quadrature-rtol 1e-11
prints 'all methods agree'

# Three steps of rk4 are too few.
run check-gradient "${small[@]}" --method rk4 --steps 3
[[ $status -eq 1 ]] || fail "rk4 with 3 steps: exit status $status, not 1"
prints 'rk4, 3 steps.*DISAGREES'
prints 'the methods disagree'

# At a trained force, with the problem of its file.
succeeds train --trajectories 10 --hidden 4,4 --loss antiperiodic --gradient discrete --rtol 1e-8 \
  --iterations 60 --max-time 20 --quiet -o run.h5
succeeds check-gradient --at run.h5 --rtol 1e-8
prints 'network 1-4-4-1, N = 10, T = 6.28319, at run.h5'
prints 'all methods agree'

rejects 2 'run.h5 holds network 1-4-4-1.*keeps its architecture' check-gradient --at run.h5 --hidden 5
rejects 2 'missing.h5' check-gradient --at missing.h5
rejects 2 'has no parameters to train' check-gradient --force duffing
rejects 2 "option '--output' is only for" check-gradient --output x.h5
rejects 2 'rkn8 .* first-order' check-gradient --dynamics first-order --method rkn8

# Where nothing moves, all errors are 0; what is not finite, or not known, agrees with nothing.
echo '0 0' >rest.txt
succeeds check-gradient --initial-states rest.txt --symmetry odd --hidden 4
prints 'all methods agree'
! grep -q 'nan' "$out" || fail 'errors at rest are no numbers'
succeeds train --initial-states rest.txt --symmetry odd --hidden 4 --iterations 2 --quiet -o rest.h5
succeeds check-gradient --at rest.h5
succeeds check-gradient --initial-states rest.txt --hidden 4 --output-scale 0 --rtol 1e-8
echo '1e153 1e153' >huge.txt
rejects 3 'the loss is .* and its gradient inf' check-gradient --initial-states huge.txt --hidden 2
echo '1e300 1e300' >huge.txt
rejects 3 'the loss is inf' check-gradient --initial-states huge.txt --hidden 2
echo '1e100 1e100' >huge.txt
run check-gradient --initial-states huge.txt --hidden 4
[[ $status -eq 1 ]] || fail "differences that say nothing: exit status $status, not 1"
prints 'undecided: what the difference method may err by is unknown'
succeeds check-gradient --output-scale 1e-320 --hidden 1 --trajectories 1

finish
