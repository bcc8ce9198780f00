# What train promises: files that can be read, configuration and its origins, all variants.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A run, shown to people and to programs.
succeeds train "${quick[@]}" -o run.h5
[[ ! -s $err ]] || fail '--quiet is not quiet'
prints '^  state +stopped: iteration limit reached$'
prints '^  loss verified '
cp "$out" report.txt
[[ $(ls) == $'report.txt\nrun.h5' ]] || fail "other files than run.h5: $(ls)"
succeeds show run.h5
cmp -s "$out" report.txt || fail 'show and train show different screens'
rm report.txt
[[ $(wc -l <"$out") -le 28 && $(wc -L <"$out") -le 110 ]] || fail 'show does not fit on a screen'
[[ $(grep -n 'loss verified' "$out" | cut -d: -f1) -le 4 ]] || fail 'show begins with something else'
prints 'n = [0-9]+, max'
prints 'forward [0-9]+ steps, [0-9]+ right-hand sides'
succeeds show --json run.h5
if command -v python3 >/dev/null; then
  python3 - "$out" <<'PYTHON' || fail 'show --json is not sound'
import json, sys
run = json.load(open(sys.argv[1]))
assert run["config"]["options"]["trajectories"] == 10
assert run["config"]["origin"]["trajectories"] == "command line"
assert run["summary"]["iterations"] == 3
assert run["summary"]["loss_verified"] > 0
assert run["model"]["layers"] == [1, 16, 16, 1] and run["model"]["parameters"] == 321
PYTHON
else
  prints '^\{$'
  prints '^\}$'
fi

# --overwrite, and the old file otherwise.
before=$(sha256sum run.h5)
rejects 2 'exists; give --overwrite' train "${quick[@]}" -o run.h5
[[ $(sha256sum run.h5) == "$before" ]] || fail 'an existing file was touched'
succeeds train --trajectories 11 --iterations 3 --quiet -o run.h5 --overwrite
asked run.h5 trajectories 11

# A tolerance that was asked for is kept, whichever it is.
succeeds train "${quick[@]}" --atol 1e-9 -o atol.h5
asked atol.h5 atol 1e-9
asked atol.h5 rtol 1e-10

# A configuration file, below the command line, with the same keys; origins are told and stored.
cat >run.ini <<'INI'
# a comment
trajectories = 12
period = 3*pi/4   # another
rtol = 1e-8
seed = 5
iterations = 2
quiet = true
INI
succeeds train --config run.ini --trajectories 13 --verbose -o ini.h5
complains 'trajectories *= 13  \(command line\)'
complains 'period *= 3\*pi/4  \(file\)'
complains 'rtol *= 1e-8  \(file\)'
complains 'atol *= 1e-8  \(as --rtol\)'
complains 'hidden *= 16,16  \(default\)'
complains 'weight-seed *= 5  \(file\)'
asked ini.h5 trajectories 13
asked ini.h5 seed 5
asked ini.h5 data-seed 5
asked ini.h5 weight-seed 5
asked ini.h5 atol 1e-8
asked ini.h5 iterations 2
succeeds train --config run.ini --seed 6 -o seed.h5
asked seed.h5 data-seed 6
succeeds train "${quick[@]}" --seed 6 --data-seed 7 -o seeds.h5
asked seeds.h5 data-seed 7
asked seeds.h5 weight-seed 6

# Periods; 1e1 is a whole number.
for period in 2pi pi pi/2 3*pi/4 '2 * pi / 3' 6.28 6.283185307179586 1e0; do
  succeeds train --trajectories 1e1 --iterations 1 --quiet --period "$period" -o run.h5 --overwrite
done

# Every variant runs and is stored.
variant() {
  succeeds train --trajectories 8 --iterations 2 --quiet -o variant.h5 --overwrite "$@"
  succeeds show variant.h5
}
variant --optimizer adam --learning-rate 0.05
variant --symmetry odd --hidden 8
asked variant.h5 symmetry odd
variant --method bdf --rtol 1e-6
variant --loss antiperiodic
prints 'antiperiodic loss'
variant --interpolation hermite --memory 5
variant --optimizer lbfgs --checkpoint-distance unlimited
asked variant.h5 checkpoint-distance unlimited
whole=$(value variant.h5 loss)
variant --optimizer lbfgs --checkpoint-distance 10
asked variant.h5 checkpoint-distance 10
awk -v a="$(value variant.h5 loss)" -v b="$whole" 'BEGIN { exit !(a > 0 && (a / b - 1)^2 < 1e-12) }' ||
  fail "--checkpoint-distance makes the loss $(value variant.h5 loss), not $whole"
variant --optimizer lbfgs --backward-rtol 1e-9 --quadrature-rtol 1e-8
variant --gradient forward --hidden 4 --sensitivity-errors off --corrector simultaneous
variant --rtol auto
asked variant.h5 rtol auto
variant --optimizer least-squares
asked variant.h5 rtol auto
asked variant.h5 gradient discrete
asked variant.h5 method rkn8
variant --optimizer least-squares --method bdf --rtol 1e-6
asked variant.h5 gradient forward
variant --optimizer least-squares --method rkn12
asked variant.h5 gradient discrete
variant --optimizer lbfgs --rtol auto
variant --skip linear --output-scale 0
prints 'beside linear .*: 0 before'
asked variant.h5 skip linear
variant --skip linear --symmetry odd
variant --dynamics first-order --dimension 2
variant --dynamics first-order
variant --force mlp --activation tanh --gradient adjoint
for activation in softplus sin gelu; do
  variant --activation $activation
  asked variant.h5 activation $activation
  prints "network .*, $activation, symmetry"
done
variant --activation sin --symmetry odd
variant --loss-tolerance 1e6
is variant.h5 stop_reason 'loss tolerance reached'
variant --gradient-tolerance 1e6
is variant.h5 stop_reason 'gradient tolerance reached'
succeeds train --trajectories 8 --iterations 0 --quiet -o nothing.h5
is nothing.h5 iterations 0
succeeds train --trajectories 3 --quiet -o floor.h5
is floor.h5 stop_reason 'residual at the integration floor'
succeeds show floor.h5
prints '^  integration floor +[0-9.]+e-2'
succeeds train --trajectories 200 --max-time 0.3 --quiet -o time.h5
is time.h5 stop_reason 'time limit reached'
succeeds train --trajectories 2000 --rtol 1e-12 --max-time 0.001 --quiet -o no_time.h5
is no_time.h5 stop_reason 'time limit reached'
succeeds show no_time.h5

# To high accuracy in a moment; the file goes on as it was asked for.
succeeds train --loss antiperiodic --hidden 8 --trajectories 20 --loss-tolerance 1e-14 --quiet \
  -o deep.h5
is deep.h5 stop_reason 'loss tolerance reached'
prints 'n = 1, max'
succeeds train --resume deep.h5 --loss-tolerance 1e-16 --quiet
is deep.h5 stop_reason 'loss tolerance reached'

# A run by least squares alone goes on with the method that its accuracy needs.
succeeds train --optimizer least-squares --loss antiperiodic --hidden 8 --trajectories 20 \
  --loss-tolerance 1e-8 --quiet -o alone.h5
succeeds train --resume alone.h5 --loss-tolerance 1e-16 --quiet
is alone.h5 stop_reason 'loss tolerance reached'
[[ $(value alone.h5 integrated_by) == rkn12* ]] || fail 'a resumed run keeps rkn8 at tight tolerances'

# A wanted number of oscillations: another one is set aside, and said so.
succeeds train --hidden 8 --trajectories 20 --period-multiple 1 --loss-tolerance 1e-9 --max-time 30 \
  -o multiple.h5
is multiple.h5 harmonic_n 1
run train --hidden 4 --trajectories 20 --period-multiple 9 --restarts 1 --max-time 2 --quiet \
  -o none.h5
[[ $status -eq 3 ]] || fail "no seed with n = 9: exit status $status, not 3"
one_sentence 'none of 1 weight seeds led to n = 9' 'train --period-multiple 9'

# Restarts are listed, in the file too.
succeeds train --trajectories 8 --iterations 2 --restarts 2 --seed 3 --quiet -o restarts.h5
prints '[0-9]  loss of weight seed 3 when'
prints '[0-9]  loss of weight seed 4 when'
prints 'weight seed kept [34]$'
succeeds show restarts.h5
prints 'loss of weight seed 3 '
prints 'loss of weight seed 4 '

# Threads do not change a bit.
many=(--trajectories 300 --iterations 3 --quiet)
succeeds train "${many[@]}" --threads 1 -o one.h5
succeeds train "${many[@]}" --threads 2 -o two.h5
same_model one.h5 two.h5

# The same initial states drawn, from HDF5 and from text.
succeeds train "${many[@]}" --initial-states one.h5:/run/data/initial_states -o states.h5
prints '^  loss verified'
same_model one.h5 states.h5
asked states.h5 trajectories 300
succeeds show states.h5
prints 'loss validation .*absent: the initial states were given'
printf '1, 0 # a state\n\n0.5\t0.25\n-1 +1e-1\n' >states.txt
succeeds train --initial-states states.txt --iterations 2 --quiet -o text.h5
asked text.h5 trajectories 3

# A well that is found: the harmonic one, or else a sheared one, which is no failure.
succeeds train --symmetry odd --loss antiperiodic --trajectories 20 --seed 1 --loss-tolerance 3e-9 \
  --max-time 100 --quiet -o odd.h5
below odd.h5 loss_verified 4e-9
succeeds show odd.h5
prints 'verdict +harmonic$'

# Two degrees of freedom: a portrait for each, no chart of force or potential.
succeeds train "${quick[@]}" --dimension 2 -o plane.h5
if command -v h5ls >/dev/null; then
  h5ls -r plane.h5 >"$out"
  [[ $(grep -c '/run/phase_portrait_[12] ' "$out") -eq 2 ]] || fail 'not one portrait per degree'
  [[ $(grep -c '/run/phase_portrait_before_[12] ' "$out") -eq 2 ]] || fail 'not one portrait before'
  ! grep -Eq '^/run/(force|potential|orbits)' "$out" || fail 'a chart of the force for D = 2'
fi

# Progress: plain lines elsewhere than on a terminal, one that updates there.
succeeds train --trajectories 10 --iterations 30 -o plain.h5
complains '^iteration +0  loss '
complains '^iteration +30  loss '
! grep -q $'\r' "$err" || fail 'progress updates a line that is not on a terminal'
if command -v script >/dev/null; then
  script -qec "$program train --trajectories 10 --max-time $((sanitized ? 10 : 1)) -o terminal.h5" /dev/null >"$out" 2>"$err"
  [[ $(grep -o $'\riteration' "$out" | wc -l) -ge 3 ]] || fail 'progress does not update on a terminal'
fi

# Help fits on a terminal and names every option; the version names the libraries.
for verb in '' train simulate show plot; do
  # shellcheck disable=SC2086
  succeeds $verb --help
  [[ $(wc -L <"$out") -le 100 ]] || fail "the help of '$verb' is wider than 100 columns"
  prints 'dimensionless'
done
succeeds --version
prints '^isochron [0-9]'
prints 'sundials [67]\.'

finish
