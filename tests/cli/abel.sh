# abel: wells from their periods, against closed forms.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# agrees FILE TOLERANCE AWK: the table x, f is f = AWK(x) to the tolerance, at 100 rows or more.
agrees() {
  awk -F, -v tolerance="$2" "function abs(a) { return a < 0 ? -a : a }
    function tanh(a, e) { e = exp(2 * a); return (e - 1) / (e + 1) }
    function cosh(a) { return (exp(a) + exp(-a)) / 2 }
    NR > 1 { x = \$1; ++rows; if (!(abs(\$2 - ($3)) <= tolerance)) bad = 1 }
    END { exit bad || rows < 100 }" "$1" || fail "the force in $1 is not $3 to $2"
}

# The pendulum from its periods: f = -sin x.
succeeds abel --period-law pendulum --law-range 0,1.9 -o pendulum.csv
agrees pendulum.csv 1e-6 '-sin(x)'
prints '^pendulum.csv: the symmetric well with the periods of pendulum, 100 samples$'
prints 'energy E +period T\(E\)'
# f = -x - x^3, and the harmonic well.
succeeds abel --period-law duffing --law-params beta=1 --law-range 0,2 --samples 60 -o duffing.csv
agrees duffing.csv 1e-8 '-x - x^3'
succeeds abel --period-law harmonic --law-params omega=2 --law-range 0,3 -o harmonic.csv
agrees harmonic.csv 1e-9 '-4 * x'

# Periods in a file, by another program: Morse's are those of Poeschl and Teller's symmetric well,
# U = tanh^2 x.
awk 'BEGIN { print "E,T"; for (i = 1; i <= 120; ++i) { e = 0.6 * (i / 120)^2
  printf "%.17g,%.17g\n", e, 4 * atan2(1, 1) * sqrt(2 / (1 - e)) } }' >morse.txt
succeeds abel morse.txt -o morse.csv
agrees morse.csv 1e-6 '-2 * tanh(x) / cosh(x)^2'
succeeds abel --period-law morse.txt -o morse.h5
below morse.h5 period_error 1e-8
below morse.h5 period_noise 1e-9
succeeds show morse.h5
prints '^morse.h5: the symmetric well with the periods of morse.txt, 120 samples$'
shows 'period degree [0-9]+'
! grep -q trajectories "$out" || fail 'a well without trajectories has some'
succeeds analyze --force morse.csv --energies 0.3 --format csv
awk -F, 'NR == 2 && ($4 / (4 * atan2(1, 1) * sqrt(2 / 0.7)) - 1) ^ 2 < 1e-16 { found = 1 } END { exit !found }' \
  "$out" || fail 'the well that was found has other periods'
if command -v gnuplot >/dev/null; then
  succeeds plot morse.h5 -o figures --format svg
  [[ -s figures/force.svg && -s figures/potential.svg && -s figures/isochrony.svg ]] ||
    fail 'a well from its periods has no figures'
fi

# Noise is found, and the same with the same seed.
for k in 1 2; do
  succeeds abel --period-law pendulum --law-range 0,1.9 --period-noise 1e-3 --data-seed 5 -o noisy_$k.h5
done
awk -v noise="$(value noisy_1.h5 period_noise)" 'BEGIN { exit !(noise > 3e-3 && noise < 2e-2) }' ||
  fail "noise of 1e-3 T is found to be $(value noisy_1.h5 period_noise)"
[[ $(value noisy_1.h5 period_noise) == "$(value noisy_2.h5 period_noise)" ]] || fail 'noise differs'
asked noisy_1.h5 data-seed 5

# As other programs read it, and the default output.
succeeds abel morse.txt --points 101 --verbose
complains 'points *= 101  \(command line\)'
[[ -e abel.h5 ]] || fail 'no abel.h5'
if command -v h5dump >/dev/null; then
  h5dump -H abel.h5 | grep -q 'force_errors' || fail 'the force has no errors'
  [[ $(h5dump -H -d /run/force/position abel.h5 | grep -c '( 101 )') -ge 1 ]] || fail 'not 101 positions'
fi
rejects 2 'abel.h5 holds no network' simulate abel.h5

rejects 2 'abel needs periods: give a text file' abel
rejects 2 'pendulum needs --law-range LOW,HIGH' abel --period-law pendulum
rejects 2 'pendulm is neither an analytic force .* nor a file' abel pendulm
rejects 2 'law-range is for an analytic --period-law; morse.txt is a file' abel morse.txt --law-range 0,1
rejects 2 'samples 3 is not admissible; give a whole number from 4' abel --period-law pendulum --samples 3
rejects 2 'points 5 is not admissible' abel morse.txt --points 5
printf '1 6\n2 6\n3 6\n' >three.txt
rejects 2 '3 samples of the period are too few: at least 4' abel three.txt
awk 'BEGIN { for (i = 1; i < 30; ++i) print i / 10, 6 * exp(-3 * i / 10) }' >falling.txt
rejects 2 'no well has (them|these)' abel falling.txt
rejects 2 'output file morse.h5 exists; give --overwrite' abel morse.txt -o morse.h5

finish
