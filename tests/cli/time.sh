# No run outlives its limits: far positions, forces that vary without end, --max-time.
# A third argument --all takes more of what is slow.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ $sanitized -eq 0 ]] || skip 'sanitizers take their time'

# within SECONDS STATUSES ARGUMENTS...: ends in this time with one of these statuses (a pattern).
within() {
  local limit=$1 statuses=$2 start took
  shift 2
  start=${EPOCHREALTIME/./}
  run "$@"
  took=$(((${EPOCHREALTIME/./} - start) / 1000))
  [[ $took -le $((1000 * limit)) ]] || fail "$*: took $took ms"
  [[ $status =~ ^($statuses)$ ]] || fail "$*: exit status $status"
}

# What is computed of positions does not depend on how far they are.
echo '1e8 0' >far.txt
within 20 0 simulate --force harmonic --times 11 --initial-states far.txt -o far.h5
prints 'E\(t\) - E\(0\)'
drift=$(value far.h5 energy_drift)
awk -v d="$drift" 'BEGIN { exit !(d + 0 < 1e-7 * 5e15) }' || fail "the energy drifts by $drift of 5e15"
within 20 0 simulate --force mlp --output-scale 1e3 --period 1000 --trajectories 5 --times 11 \
  --seed 1 --quiet -o fast.h5
printf '%s\n' '1e20 0' '0.1 1' '0.2 1' '0.3 1' >farther.txt
within 20 '0|3' train --max-time 2 --quiet --initial-states farther.txt -o farther.h5

# Where the potential cannot be had, the trajectories are there, and the reason.
echo '0 1e9' >rotor.txt
within 60 0 simulate --force pendulum --period 0.1 --times 3 --initial-states rotor.txt --rtol 1e-6 \
  --quiet -o rotor.h5
[[ $(value rotor.h5 energy) == absent:*varies* ]] || fail 'no reason for no energy'
shows 'energy absent: the potential cannot be followed beyond x = .*varies too often'
succeeds show rotor.h5

# --max-time holds for what follows the training, too: half as much again, or 5 s, and what is left
# out is made up for.
within 25 0 train --max-time 1 --output-scale 1e6 --hidden 64,64 --threads 1 --quiet -o stiff.h5
shows 'left out .*loss_verified.*--resume stiff.h5 --iterations 0'
[[ $(value stiff.h5 loss_verified) == 'absent: the time for it was over' ]] || fail 'no reason'
succeeds show stiff.h5
shows 'left out .*loss_verified.*: the time for it was over'
if [[ ${3:-} == --all ]]; then
  within 30 0 train --trajectories 200000 --max-time 1 --quiet --optimizer lbfgs -o many.h5
  within 25 0 train --optimizer least-squares --hidden 512,512 --max-time 1 --threads 1 --quiet -o wide.h5
  within 25 0 sweep --runs 2 --output-scale 1e6 --max-time 1 --quiet --threads 2 -o two_starts.h5
fi
within 25 '0|3' train --dynamics first-order --dimension 2 --output-scale 100 --max-time 1 --threads 1 --quiet \
  -o flow.h5
within 25 0 sweep --runs 1 --output-scale 1e6 --max-time 1 --quiet --threads 1 -o sweep.h5

# What time left out is done when there is time.
succeeds train --max-time 0.05 --trajectories 3000 --hidden 64,64 --quiet -o short.h5
succeeds train --resume short.h5 --iterations 0 --max-time 200 --quiet
[[ $(value short.h5 loss_verified) =~ ^[0-9] ]] || fail 'the loss is still not verified'
! grep -q 'left out' "$out" || fail 'something is still left out'
succeeds train --resume short.h5 --iterations 0 --max-time 200 --quiet

finish
