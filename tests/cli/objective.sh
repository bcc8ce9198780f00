# Held forces and prescribed periods: what they find, what is stored, resuming, and bad input.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

short=(--hidden 8 --trajectories 8 --max-time 60 --threads 1 --quiet)

# --- prescribed periods ---------------------------------------------------------------------------

pendulum=(--loss prescribed-period --period-law pendulum)
succeeds train --trajectories 8 "${pendulum[@]}" --law-range 0,2 --symmetry odd \
  --loss-tolerance 1e-10 --max-time 60 --threads 1 --quiet -o law.h5
prints '^  loss verified '
asked law.h5 period-law pendulum
below law.h5 loss_verified 1.1e-10
[[ $(value law.h5 loss_validation) == absent:*prescribed* ]] || fail 'no reason for no validation'
[[ -z $(value law.h5 harmonic_n) ]] || fail 'a prescribed law is compared with a harmonic force'
succeeds show law.h5
shows 'T = 6\.3 \.\. 8\.. by amplitude as pendulum, prescribed-period loss, N = 8'
prints 'converged: every orbit has its period'

# The same file again: its orbits come from it, whatever the law has become.
succeeds train --resume law.h5 --iterations 2 --quiet --threads 1 --loss-tolerance 0
succeeds check-gradient --at law.h5 --rtol 1e-8 --threads 1
prints 'prescribed-period loss, .*N = 8'
prints 'all methods agree'
succeeds simulate --model law.h5 --threads 1 -o orbits.h5
below orbits.h5 mean_square_residual 1e-9
if command -v gnuplot >/dev/null; then succeeds plot law.h5 -o figures --format svg; fi
rejects 2 'loss prescribed-period is not measured.*--loss periodic' benchmark --at law.h5 --quick -o b.h5
succeeds simulate --model law.h5 --loss periodic --trajectories 5 --threads 1 -o drawn.h5
rejects 2 'initial-states is not for --loss prescribed-period' \
  train --resume law.h5 --initial-states law.h5:/run/data/initial_states

# Half a period: rest, which fulfils every period by amplitude, is no solution; nor are two
# oscillations, which --period-multiple leaves out for whole periods by energy.
succeeds train --trajectories 8 --loss prescribed-half-period --period-law duffing --law-range 0,1.5 \
  --symmetry odd --weight-seed 1 --loss-tolerance 1e-8 --max-time 60 --threads 1 --quiet -o half.h5
prints '^  verdict +converged: every orbit has its period'
succeeds show half.h5
prints 'converged: every orbit has its period'
succeeds train --resume half.h5 --iterations 1 --loss-tolerance 0 --quiet --threads 1
below half.h5 loss_verified 1e-8
succeeds simulate --model half.h5 --threads 1 -o half_orbits.h5
prints '.X\(T/2\) \+ X\(0\).\^2'
below half_orbits.h5 mean_square_residual 1e-8
succeeds train --trajectories 8 "${pendulum[@]}" --law-range 0,1.5 --period-by energy --symmetry odd \
  --period-multiple 1 --loss-tolerance 1e-8 --max-time 120 --threads 1 --quiet -o once.h5
prints '^  verdict +converged: every orbit has its period'

# The law's own force closes its orbits, by amplitude and by energy; another force does not.
for by in amplitude energy; do
  succeeds simulate --force pendulum "${pendulum[@]}" --law-range 0,1.9 --period-by $by --threads 1 \
    --trajectories 20 -o own.h5 --overwrite
  below own.h5 mean_square_residual 1e-15
done
succeeds simulate --force duffing "${pendulum[@]}" --law-range 0,1.9 --threads 1 --trajectories 20 -o other.h5
below other.h5 mean_square_residual 100
[[ $(value other.h5 mean_square_residual) != *e-* ]] || fail 'the periods of another force close orbits'

# A law in a file, in any order; N comes from it. By energy f(0) = 0 is held unless it is exact.
printf '0.5 6.5 # E T\n0.1, 6.3\n' >law.txt
succeeds train --hidden 8 --loss prescribed-period --period-law law.txt --period-by energy \
  --iterations 2 --quiet --threads 1 -o file.h5
asked file.h5 trajectories 2
is file.h5 hold_weight 1
rm law.txt
succeeds train --resume file.h5 --iterations 2 --quiet --threads 1
is file.h5 iterations 4
is file.h5 hold_weight 1
printf '0.5 6.5\n0.1 6.3\n' >law.txt
succeeds train --hidden 8 --loss prescribed-period --period-law law.txt --period-by energy \
  --symmetry odd --iterations 2 --quiet --threads 1 -o odd.h5
[[ -z $(value odd.h5 hold_weight) ]] || fail 'f(0) = 0 is held although it is exact'

# Noise is decided by the data seed.
noisy=("${short[@]}" "${pendulum[@]}" --law-range 0,2 --period-noise 0.01 --iterations 3)
succeeds train "${noisy[@]}" --data-seed 3 -o a.h5
succeeds train "${noisy[@]}" --data-seed 3 -o b.h5
succeeds train "${noisy[@]}" --data-seed 4 -o c.h5
[[ $(value a.h5 loss) == "$(value b.h5 loss)" ]] || fail 'one data seed, two noises'
[[ $(value a.h5 loss) != "$(value c.h5 loss)" ]] || fail 'two data seeds, one noise'

law=(train --loss prescribed-period)
rejects 2 'prescribed-period needs --period-law' "${law[@]}"
rejects 2 'period-law pendulm is neither an analytic force \(harmonic, .*nor a file' \
  "${law[@]}" --period-law pendulm --law-range 0,1
rejects 2 'pendulum needs --law-range LOW,HIGH' "${law[@]}" --period-law pendulum
for range in 1 1,1 2,1 1,2,3 a,b nan,1 0,inf ''; do
  rejects 2 'law-range' "${law[@]}" --period-law pendulum --law-range "$range"
done
rejects 2 'law-range -1,1 is not.*at 0 or above' "${law[@]}" --period-law pendulum --law-range=-1,1
rejects 2 'law-range 0,3 does not fit: .*pendulum.*energy E = .*0 < E < 2' \
  "${law[@]}" --period-law pendulum --law-range 0,3 --period-by energy
rejects 2 'law-range 0,4 does not fit: .*pendulum.*amplitude A = .*edge of the well' \
  "${law[@]}" --period-law pendulum --law-range 0,4
rejects 2 "duffing.*'gamma'.*beta" \
  "${law[@]}" --period-law duffing --law-params gamma=1 --law-range 0,1
rejects 2 'period-by .* amplitude, energy' "${law[@]}" --period-law pendulum --law-range 0,1 --period-by time
for s in -0.1 0.2 x; do
  rejects 2 'period-noise .* from 0 to 0.1' \
    "${law[@]}" --period-law pendulum --law-range 0,1 --period-noise="$s"
done
for option in period-law=1 law-params=a=1 law-range=0,1 period-by=energy period-noise=0.1; do
  rejects 2 "${option%%=*} is for --loss prescribed-period" train "--$option"
done
rejects 2 'period is not for --loss prescribed-period' "${law[@]}" --period-law pendulum --law-range 0,1 --period 6
rejects 2 'prescribed-period is for newtonian .* --dimension 1' \
  "${law[@]}" --dimension 2 --period-law pendulum --law-range 0,1
rejects 2 'prescribed-period is for newtonian' \
  "${law[@]}" --dynamics first-order --period-law pendulum --law-range 0,1
rejects 2 'law-range is for an analytic --period-law; law.txt is a file' \
  "${law[@]}" --period-law law.txt --law-range 0,1
rejects 2 'trajectories 3 does not fit law.txt, which holds 2' \
  "${law[@]}" --period-law law.txt --trajectories 3
for row in '1 -6' '1 0' '-1 6' '0 6'; do
  echo "$row" >bad.txt
  rejects 2 'in bad.txt, .*must be positive and finite' "${law[@]}" --period-law bad.txt
done
# A width that shrinks; by amplitude there is no such thing.
printf '%s\n' '0.1 6.3' '1 6' '2 0.5' >falling.txt
rejects 2 'in falling.txt, no well has these periods: .*between E = 1 and 2 .*width would shrink' \
  "${law[@]}" --period-law falling.txt --period-by energy
succeeds train --hidden 8 --loss prescribed-half-period --symmetry odd --period-law falling.txt \
  --iterations 2 --quiet --threads 1 -o falling.h5
echo '1 2 3' >bad.txt
rejects 2 'in bad.txt, line 1 has 3 columns; period laws need 2, A, T' \
  "${law[@]}" --period-law bad.txt
echo '1 x' >bad.txt
rejects 2 "in bad.txt, line 1, column 2: 'x' is not a number" "${law[@]}" --period-law bad.txt

# --- force data -----------------------------------------------------------------------------------

shear=(--hold hyperbolic-shear --hold-params kappa=0.5,c=1 --hold-range=-1,0)
succeeds train "${short[@]}" "${shear[@]}" --hold-weight 10 --iterations 60 -o held.h5
shows 'force data max .*the trajectories. part of the loss'
is held.h5 hold_weight 10
[[ -n $(value held.h5 loss_periodicity) ]] || fail 'loss_periodicity is not stored'
asked held.h5 hold-points 200
succeeds show held.h5
prints 'force data +max .f - f\*. = .*weight 10'
succeeds train --resume held.h5 --iterations 5 --quiet --threads 1
is held.h5 iterations 65
is held.h5 hold_weight 10
succeeds train --resume held.h5 --iterations 1 --hold-weight 20 --quiet --threads 1 -o heavier.h5
is heavier.h5 hold_weight 20

# Alone: no trajectory counts, but how far they miss is told.
succeeds train "${short[@]}" "${shear[@]}" --loss none --iterations 100 -o alone.h5
is alone.h5 forward_steps 0
below alone.h5 hold_misfit 1e-4
[[ $(value alone.h5 loss_validation) == absent:* ]] || fail 'unseen states of trajectories that do not count'
succeeds show alone.h5
[[ $(grep -c 'verdict.*every orbit' "$out") -eq 0 ]] || fail 'a verdict on orbits that were not trained'
succeeds simulate --model alone.h5 --threads 1 -o missed.h5
rejects 2 'loss none .*--loss periodic' check-gradient --at alone.h5

# From a file, which is not needed again.
printf '%s\n' '-1 1' '0 0' '1 -1' >force.txt
succeeds train "${short[@]}" --hold force.txt --iterations 2 -o rows.h5
rm force.txt
succeeds train --resume rows.h5 --iterations 1 --quiet --threads 1
is rows.h5 iterations 3

rejects 2 'hold shear is neither an analytic force .*nor a file' train --hold shear --hold-range=-1,0
rejects 2 'harmonic needs --hold-range A,B' train --hold harmonic
for range in 1 0,0 0,-1 x,0; do
  rejects 2 'hold-range .*two numbers in increasing order' train --hold harmonic --hold-range="$range"
done
rejects 2 'hold-range -2,0 leaves the domain of the isotonic force, -1 < x' \
  train --hold isotonic --hold-params a=1 --hold-range=-2,0
for option in hold-params=a=1 hold-range=0,1 hold-points=2 hold-weight=1; do
  rejects 2 "${option%%=*} .*give --hold" train "--$option"
done
for k in 1 0 x; do
  rejects 2 'hold-points .* from 2 to 100000' train --hold harmonic --hold-range=-1,1 --hold-points="$k"
done
for w in 0 -1 nan x; do
  rejects 2 'hold-weight .* from 1e-12 to 1e\+12' train --hold harmonic --hold-range=-1,1 --hold-weight="$w"
done
rejects 2 'loss none .*give --hold' train --loss none
rejects 2 'period-multiple needs .* not --loss none' \
  train --loss none --hold harmonic --hold-range=-1,1 --period-multiple 1
rejects 2 'hold is for newtonian .* --dimension 1' train --hold harmonic --hold-range=-1,1 --dimension 2
rejects 2 'hold is for newtonian' train --hold harmonic --hold-range=-1,1 --dynamics first-order
rejects 2 "'--hold' is only for train" simulate --hold harmonic
printf '1 2\n' >force.txt
rejects 2 'hold-range is for an analytic --hold; force.txt is a file' \
  train --hold force.txt --hold-range=-1,1

finish
