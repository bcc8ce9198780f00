# complete: right halves that make left halves isochronous, against closed forms.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# agrees FILE TOLERANCE AWK: at x > 0 the table x, f is f = AWK(x), at 100 rows or more.
agrees() {
  awk -F, -v tolerance="$2" "function abs(a) { return a < 0 ? -a : a }
    NR > 1 && \$1 > 0 { x = \$1; ++rows; if (!(abs(\$2 - ($3)) <= tolerance)) bad = 1 }
    END { exit bad || rows < 100 }" "$1" || fail "the force in $1 is not $3 to $2"
}

# Isochronous wells are their own completion.
succeeds complete --force harmonic -o harmonic.csv
agrees harmonic.csv 1e-9 '-x'
succeeds complete --force harmonic --params omega=2 --period pi --leftmost -3 -o fast.csv
agrees fast.csv 1e-8 '-4 * x'
# U = x^2 (x + 2)^2/(8 (x + 1)^2).
succeeds complete --force isotonic --params a=1 --leftmost -0.6 -o isotonic.csv
agrees isotonic.csv 1e-8 '-((x + 1) - 1 / (x + 1)^3) / 4'
# A harmonic half of another frequency has the other half of split-harmonic: 1/2 + 1/(2 w) = 1.
succeeds complete --force harmonic --params omega=2 -o split.csv
agrees split.csv 1e-8 '-(4 / 9) * x'

# Morse's left half: its completion has U(x1) = U(x2) at x2 = x1 + 2 sqrt(2 U)/omega, and is not Morse.
succeeds complete --force morse --params D=10,a=0.22360679774997896 --leftmost -3 -o morse.h5
prints '^  verdict +isochronous, sheared$'
below morse.h5 period_error 1e-8
[[ $(value morse.h5 period_error) != 0 ]] || fail 'the periods were not computed'
succeeds complete --force morse --params D=10,a=0.22360679774997896 --leftmost -3 -o morse.csv
awk -F, 'NR > 1 { x[NR - 1] = $1; f[NR - 1] = $2 } END { n = NR - 1; a = 0.22360679774997896
  for (i = 1; i < n / 2; ++i) { s = 1 - exp(-a * x[i]); u = 10 * s * s; x2 = x[i] + 2 * sqrt(2 * u)
    if ((x[n + 1 - i] - x2) ^ 2 > 1e-18) exit 1
    g = -20 * a * exp(-a * x2) * (1 - exp(-a * x2)); if ((f[n + 1 - i] - g) ^ 2 > 1e-6) other = 1 }
  exit !other }' morse.csv || fail 'not the completion of Morse'
succeeds analyze --force morse.csv --period 2pi
prints 'n = 1 times in T'
succeeds show morse.h5
prints 'the left half of morse and the right half that makes it isochronous'
shows 'period error [0-9.e-]+ max .T\(E\)/T - 1'

# A left half in a file, alone and with what is right of it.
awk 'BEGIN { for (i = -200; i <= 0; ++i) printf "%.17g %.17g\n", i / 100, -i / 100 }' >half.txt
succeeds complete --force half.txt -o from_half.csv
agrees from_half.csv 1e-9 '-x'
rejects 2 'has no isochronous completion of period 6.28319: at x = ' complete --force duffing --params beta=-0.5 --leftmost -1.4

# A learned force.
succeeds train --loss antiperiodic --hidden 8 --trajectories 20 --loss-tolerance 1e-11 --max-time 20 \
  --quiet -o run.h5
succeeds complete run.h5 -o learned.h5
prints 'the left half of the force of run.h5'
below learned.h5 period_error 1e-7
succeeds complete run.h5
[[ -e complete.h5 ]] || fail 'no complete.h5'
if command -v gnuplot >/dev/null; then
  succeeds plot complete.h5 -o figures --format svg
  [[ -s figures/force.svg && -s figures/isochrony.svg ]] || fail 'a completed well has no figures'
fi

# The well of a run is where its orbits go, here about x = 2.
seq -4 0.1 8 | awk '{ print $1, 2 - $1 }' >shifted.txt
succeeds train --loss none --hold shifted.txt --trajectories 20 --iterations 40 --quiet -o shifted.h5
succeeds complete shifted.h5 -o completed.h5
below completed.h5 period_error 1e-7

rejects 2 'complete needs a force: give a results file, isochron complete run.h5' complete
rejects 2 'leftmost 1 is not admissible; give a position left of the bottom' complete --force harmonic --leftmost 1
rejects 2 'has no isochronous completion' complete --force harmonic --period 3
rejects 2 'half.txt is not an HDF5 file; .* isochron complete --force half.txt' complete half.txt
succeeds train --dimension 2 --hidden 4 --trajectories 3 --iterations 1 --quiet -o plane.h5
rejects 2 "complete needs x'' = f\(x\) in one dimension; plane.h5" complete plane.h5
rejects 2 'output file run.h5 exists' complete run.h5 -o run.h5

finish
