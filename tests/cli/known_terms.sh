# Forces of a known term, of a network beside it, and what is stored and shown of them.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

succeeds simulate --force pendulum --params omega=2 --trajectories 10 --period 3 --times 16 --seed 5 \
  --noise 0.05 -o pendulum.csv
[[ $(wc -l <pendulum.csv) -eq 161 ]] || fail 'pendulum.csv: its rows'
fit=(train --data pendulum.csv --fit-initial-states --quiet)

# known FILE NAME KEY: a number of a parameter of the known term.
known() {
  "$program" show --json "$1" | sed -n "/\"known_parameters\"/,\$p" | sed -n "/\"$2\": {/,/}/p" | field "$3"
}
# recovered FILE NAME TRUTH: within four standard errors, which are below a tenth of it.
recovered() {
  awk -v a="$(known "$1" "$2" value)" -v e="$(known "$1" "$2" error)" -v t="$3" \
    'BEGIN { d = a - t; exit !(e > 0 && e < 0.1 * t && d < 4 * e && -d < 4 * e) }' ||
    fail "$1: $2 is $(known "$1" "$2" value) +- $(known "$1" "$2" error), not $3"
}

# The right formula: its parameter and the error of it, the same on every scale.
first_error=
for scale in '' '--log omega' '--bounds omega=0.5:5' '--log omega --bounds omega=0.5:50'; do
  # shellcheck disable=SC2086
  succeeds "${fit[@]}" --force pendulum --fit omega $scale -o alone.h5 --overwrite
  recovered alone.h5 omega 2
  below alone.h5 chi_squared 1.3
  error=$(known alone.h5 omega error)
  first_error=${first_error:-$error}
  awk -v a="$error" -v b="$first_error" 'BEGIN { exit !(a < 1.05 * b && b < 1.05 * a) }' ||
    fail "the error $error with '$scale' is not $first_error"
done
shows 'parameters omega (1\.9|2\.0)[0-9]* \+- 0\.0[0-9]+, its logarithm fitted, between 0\.5 and 50'
prints '^  force +pendulum$'
asked alone.h5 fit omega
asked alone.h5 bounds omega=0.5:50
succeeds show alone.h5
recovered alone.h5 omega 2
succeeds analyze alone.h5 --energies 1
succeeds plot alone.h5 -o figures --format svg
succeeds simulate --model alone.h5 -o again.h5
succeeds check-gradient --at alone.h5 --loss periodic --trajectories 3
prints 'periodic loss, pendulum, N = 3'
if command -v h5ls >/dev/null; then
  h5ls alone.h5/run/model/parameters | grep -q '^table .*{1}' || fail 'model/parameters/table'
fi

# A formula that is not the whole, and a network beside it.
succeeds "${fit[@]}" --force harmonic+mlp --params omega=2 --hidden 8 -o beside.h5
below beside.h5 chi_squared 1.3
prints '^  parameters +omega  2, held$'
prints '^  force +harmonic [+] network 1-8-1$'
prints '^  network +1-8-1, tanh'
succeeds "${fit[@]}" --force harmonic+mlp --fit omega --hidden 8 --symmetry odd -o both.h5
below both.h5 chi_squared 1.3
for file in beside both; do
  succeeds analyze $file.h5
  succeeds plot $file.h5 -o figures_$file --format svg
  succeeds simulate --model $file.h5 -o from_$file.h5
  succeeds check-gradient --at $file.h5 --loss periodic --trajectories 3
done

# Bounds on one side; one that a parameter has by itself stands in for the other.
for bounds in omega=0.5: omega=:5; do
  succeeds "${fit[@]}" --force pendulum --fit omega --bounds $bounds --overwrite -o one_side.h5
  below one_side.h5 chi_squared 1.3
  recovered one_side.h5 omega 2
  asked one_side.h5 bounds $bounds
  succeeds train --resume one_side.h5 --iterations 5 --quiet
done
shows 'parameters omega (1\.9|2\.0).* between 0 and 5'
succeeds "${fit[@]}" --force pendulum --fit omega --log omega --bounds omega=:5 -o below.h5
recovered below.h5 omega 2
prints 'omega .*its logarithm fitted, below 5$'
succeeds "${fit[@]}" --force duffing --params omega=2 --fit beta --bounds beta=-3: -o above.h5
prints 'beta .*, above -3$'
rejects 2 '--bounds omega=: .*of which one may be absent' \
  train --force pendulum --fit omega --bounds omega=: -o no.h5

# A run goes on, to the last bit the same with any number of threads.
succeeds "${fit[@]}" --force harmonic+mlp --fit omega --hidden 8 --iterations 4 -o short.h5
cp short.h5 copy.h5
succeeds train --resume short.h5 --iterations 30 --quiet
succeeds train --resume copy.h5 --iterations 30 --quiet --threads 1
same_model short.h5 copy.h5
below short.h5 chi_squared 1.3
rejects 2 'holds harmonic \(omega = 1 fitted\) .* network 1-8-1.* ask for harmonic \(omega = 3 fitted\)' \
  train --resume short.h5 --params omega=3
rejects 2 'keeps its architecture' train --resume short.h5 --fit omega --log omega
rejects 2 'keeps its architecture' train --resume short.h5 --force harmonic --fit omega

# Orbits that close: the frequency of their period.
succeeds train --force duffing --params omega=0.9,beta=0 --fit omega --trajectories 10 --quiet -o closed.h5
shows 'parameters omega 1 beta 0, held'
below closed.h5 loss_verified 1e-15
succeeds train --force harmonic+mlp --params omega=0.9 --trajectories 10 --iterations 5 --quiet -o sum.h5
succeeds train --resume sum.h5 --iterations 5 --quiet

# First-order dynamics.
lotka=(--dynamics first-order --force lotka-volterra)
printf '0.44249296,4.6280594\n1,2\n' >start.txt
succeeds simulate "${lotka[@]}" --params alpha=1.3,beta=0.9,gamma=1.8,delta=0.8 --initial-states start.txt \
  --period 3 --times 31 --noise 0.01 -o lotka.csv
succeeds train "${lotka[@]}" --data lotka.csv --fit alpha,beta,gamma,delta --log alpha,beta,gamma,delta \
  --fit-initial-states --quiet -o lotka.h5
recovered lotka.h5 alpha 1.3
recovered lotka.h5 beta 0.9
recovered lotka.h5 gamma 1.8
recovered lotka.h5 delta 0.8
succeeds simulate --model lotka.h5 --times 10 -o lotka_again.h5
succeeds train --dynamics first-order --dimension 2 --force linear+mlp \
  --params a11=1.3,a22=-1.8 --data lotka.csv --fit-initial-states --hidden 8 --quiet -o unknown.h5
below unknown.h5 chi_squared 1.5

# What does not fit.
rejects 2 'pendulum has no parameters to train; give --fit omega, pendulum.mlp' train --force pendulum -o no.h5
rejects 2 'cubic has no parameters to train; give cubic.mlp' train --force cubic -o no.h5
rejects 2 '--fit k: .* no such parameter: admissible are omega' train --force pendulum --fit k -o no.h5
rejects 2 '--fit k: .* no such parameter: it has none' train --force cubic --fit k -o no.h5
rejects 2 '--fit is for an analytic --force' train --fit omega -o no.h5
rejects 2 '--log beta is for a parameter that is fitted; give --fit beta' \
  train --force duffing --fit omega --log beta -o no.h5
rejects 2 '--log beta needs a start beta > 0, not beta = -0.1' \
  train --force duffing --params beta=-0.1 --fit beta --log beta -o no.h5
rejects 2 '--bounds omega=2:3 does not hold the start omega = 1; give --params omega=' \
  train --force pendulum --fit omega --bounds omega=2:3 -o no.h5
rejects 2 'bounds omega=-1:3 leaves the range .* omega > 0' \
  train --force pendulum --fit omega --bounds omega=-1:3 -o no.h5
rejects 2 'bounds beta=-1:3 and --log beta need a lower bound > 0' \
  train --force duffing --fit beta --bounds beta=-1:3 --log beta -o no.h5
rejects 2 'bounds omega=3:2 .*low:high' train --force pendulum --fit omega --bounds omega=3:2 -o no.h5
rejects 2 'fit omega,omega .*different names' train --force pendulum --fit omega,omega -o no.h5
rejects 2 'force pendulum.net .*harmonic.mlp' train --force pendulum+net -o no.h5
rejects 2 '--hidden 8 is for a network; give --force pendulum.mlp' \
  train --force pendulum --fit omega --hidden 8 -o no.h5
rejects 2 'isotonic is defined for -0.1 < x < inf, but trajectory .* starts at x = -.*; give other --params' \
  train --data pendulum.csv --fit-initial-states --force isotonic --params a=0.1 --fit a -o no.h5
rejects 2 'lotka-volterra is a field of first-order dynamics' train --force lotka-volterra --fit alpha -o no.h5
rejects 2 'lotka-volterra has 2 dimensions; leave out --dimension 3' \
  train "${lotka[@]}" --dimension 3 --fit alpha -o no.h5
rejects 2 '--fit is for train; simulate' simulate --force pendulum --fit omega -o no.h5
rejects 2 '--force pendulum is not for' sweep --force pendulum -o no.h5
rejects 2 '--force harmonic.mlp is not for benchmark' benchmark --force harmonic+mlp -o no.h5
finish
