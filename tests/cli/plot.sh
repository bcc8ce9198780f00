# plot: every kind of figure, by what gnuplot is told: how many panels and curves, their data and
# ranges. A stand-in takes the place of gnuplot and keeps that.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
shopt -s lastpipe # what fails at the end of a pipe is counted

mkdir programs
cat >programs/gnuplot <<'END'
#!/bin/sh
cat >"$told/$(printf %03d "$(ls "$told" | wc -l)")"
echo a drawing
END
chmod +x programs/gnuplot
export told=$work/told
PATH=$work/programs:$PATH

# plots FILES...: what is told for the figure NAME is told/NAME, and `kinds` names them all.
plots() {
  rm -rf told figures && mkdir told
  succeeds plot "$@" -o figures --format svg
  local number=0 path
  kinds=
  while read -r path; do
    kinds+="$(basename "$path" .svg) "
    mv "told/$(printf %03d $number)" "told/$(basename "$path" .svg)" || fail "$path was not drawn"
    full "$(basename "$path" .svg)"
    number=$((number + 1))
  done <"$out"
}

# full NAME: each panel has a curve.
full() {
  awk '/^reset/ { curves = 0 } /^\$curve/ { ++curves } /^plot NaN/ && !curves { empty = 1 } END { exit empty }' "told/$1" ||
    fail "$1 has an empty panel"
}

draws() { [[ $kinds == "$1 " ]] || fail "not the figures of $2: $kinds"; }

# panels NAME COUNT, curves NAME COUNT PANEL: how many there are.
panels() {
  local found
  found=$(grep -c '^plot NaN' "told/$1")
  [[ $found -eq $2 ]] || fail "$1 has $found panels, not $2"
}
panel() { awk -v wanted="$2" '/^reset/ { ++n } n == wanted' "told/$1"; }
curves() {
  local found
  found=$(panel "$1" "$3" | grep -c '^\$curve')
  [[ $found -eq $2 ]] || fail "$1 has $found curves in panel $3, not $2"
}
# data NAME PANEL CURVE: its numbers, from 0.
data() { panel "$1" "$2" | awk -v name="\$curve$3" '$1 == "END" { on = 0 } on; $1 == name { on = 1 }'; }
# holds WHAT PROGRAM [ARGUMENTS of awk]: what is read from stdin, by an END that exits with 0.
holds() { awk "$2" || fail "$1"; }
# range NAME PANEL AXIS: its two ends.
range() { panel "$1" "$2" | sed -n "s/^set $3range \[\(.*\):\(.*\)\]$/\1 \2/p"; }
# says NAME WORDS: letters, digits and blanks are told as they are.
says() { grep -q -- "$2" "told/$1" || fail "$1 lacks '$2'"; }

# A run that has come far: what the loss asks for is known exactly, f = -x.
succeeds train --loss antiperiodic --trajectories 30 --seed 1 --max-time 60 --loss-tolerance 1e-18 \
  --quiet -o good.h5
plots good.h5
draws 'phase_portrait portrait_strip orbits force potential isochrony rearrangement residuals_over_energy loss' \
  'a run in one dimension'
panels phase_portrait 2
for axis in x y cb; do
  [[ $(range phase_portrait 1 $axis) == "$(range phase_portrait 2 $axis)" ]] ||
    fail "before and after training differ in the scale of $axis"
done
panels portrait_strip 6
curves orbits 4 1
panels force 2
paste <(data force 1 0) <(data force 1 1) <(data force 2 0) |
  holds 'f minus the harmonic force is neither' \
    '{ d = $2 - $4 - $6; e = $2 + $1; if (d * d > 1e-24 || e * e > 1e-6) bad = 1 }
     END { exit bad || NR != 801 }'
panels isochrony 4
for k in 1 2 3; do
  curves isochrony 3 $k
  data isochrony $k 2 | holds "no tolerance in panel $k" '$2 == 1e-4 { ++n } END { exit n != 2 }'
  data isochrony $k 1 | holds "no sample in panel $k" 'END { exit NR != 30 }'
done
data isochrony 1 0 | holds 'T(E) misses 2 pi' '$2 > 1e-4 { bad = 1 } END { exit bad || NR != 200 }'
says isochrony 'Verdict'
grep -q 'S is the middle between the turning points, from' figures/captions.txt || fail 'S is not explained'
data rearrangement 1 0 |
  holds 'the potential has a flat bottom, or none' \
    'NR > 1 && $2 == before && $2 > 0 { bad = 1 } { before = $2 } $2 == 0 { ++zeros }
     END { exit bad || zeros < 1 }'
paste <(data rearrangement 1 0) <(data rearrangement 1 1) |
  holds 'an even well is not its own rearrangement' \
    '{ d = $1 - $3; if (d * d > 1e-6) bad = 1 } END { exit bad || NR < 400 }'
panels loss 2
says loss 'least squares'
data residuals_over_energy 1 0 | holds 'not an orbit each' 'END { exit NR != 30 }'
grep -q '^Figures of good.h5: ' figures/captions.txt || fail 'captions.txt does not say of what'
for kind in $kinds; do
  grep -q "^$kind: " figures/captions.txt || fail "captions.txt lacks $kind"
  says "$kind" 'dimensionless'
  grep -q '(1)' figures/captions.txt && fail 'a unit of dimensionless numbers'
done

# A tiny run, and one without iterations: one point is a marker.
succeeds train "${quick[@]}" -o tiny.h5
plots tiny.h5
panels portrait_strip 4
succeeds train --trajectories 10 --iterations 0 --quiet -o zero.h5
plots zero.h5
[[ $kinds != *portrait_strip* ]] || fail 'a strip of one portrait'
says loss 'No iteration was made'
panel loss 1 | grep -q 'with linespoints' || fail 'the loss of no iteration is not seen'
data loss 1 1 | holds 'the loss of no iteration is missing' 'END { exit NR != 1 }'

# What was replaced of another run is said, of the same one it is not.
plots_into() { succeeds plot "$1" -o shared --format svg; }
plots_into tiny.h5
[[ ! -s $err ]] || fail 'a new folder had figures'
plots_into tiny.h5
[[ ! -s $err ]] || fail 'figures of the same run are said to be of another'
plots_into zero.h5
complains 'shared held figures of another run, which are replaced: .*loss.svg'
rm shared/captions.txt
plots_into zero.h5
complains 'figures of another run'

# Two dimensions, and first order.
succeeds train --dimension 2 --trajectories 10 --iterations 60 --quiet -o plane.h5
plots plane.h5
draws 'phase_portrait_1 phase_portrait_2 portrait_strip orbits configuration_plane residuals_over_energy loss' \
  'a run in two dimensions'
for k in 1 2; do
  for axis in x y; do
    [[ $(range phase_portrait_$k 1 $axis) == "$(range phase_portrait_$k 2 $axis)" ]] ||
      fail "degree $k: before and after training differ in the scale of $axis"
  done
done
panels portrait_strip 8
panels orbits 2
succeeds simulate --force linear --dimension 2 --params a11=-1,a12=0,a21=0,a22=-4 --trajectories 5 \
  --quiet -o oscillator.h5
plots oscillator.h5
curves configuration_plane 5 1
data configuration_plane 1 0 |
  holds 'lines of equal potential are not ellipses' \
    '$1 != "NaN" { u = ($1 ^ 2 + 4 * $2 ^ 2) / 2
       if (!($3 in low) || u < low[$3]) low[$3] = u
       if (u > high[$3]) high[$3] = u }
     END { for (level in low) if (high[level] - low[level] > 0.1 * (level + 0.5)) bad = 1
       exit bad || length(low) < 8 }'
data configuration_plane 1 1 |
  holds 'arrows are not along the force' \
    '{ cross = $1 * $4 - 4 * $2 * $3; if (cross ^ 2 > 1e-12) bad = 1 } END { exit bad || NR != 169 }'
succeeds train --dynamics first-order --dimension 2 --trajectories 10 --max-time 20 --quiet -o rest.h5
plots rest.h5
panel phase_portrait 2 | grep -q 'with points' || fail 'states at rest are not seen'
succeeds train --dynamics first-order "${quick[@]}" -o line.h5
plots line.h5

# Simulations: nobody asked for a harmonic force; energies drift.
succeeds simulate --force pendulum --trajectories 10 --period 20 --quiet -o pendulum.h5
plots pendulum.h5
curves force 1 1
curves potential 1 1
range potential 1 y | holds 'the potential is squashed' '{ exit $2 > 2.5 }'
panels energy_drift 1
curves energy_drift 3 1

# What was held, and prescribed.
succeeds train --hold morse --hold-params D=10,a=0.22 --hold-range -2,0 --hold-points 50 \
  --trajectories 10 --iterations 20 --quiet -o held.h5
plots held.h5
paste <(data held_force 1 0) <(data held_force 1 1) <(data held_force 2 0) |
  holds 'not what the force misses' \
    '{ d = $2 - $4 - $6; if (d * d > 1e-24) bad = 1 } END { exit bad || NR != 50 }'
curves force 3 1
succeeds train --loss prescribed-half-period --symmetry odd --period-law pendulum --period-by energy \
  --law-range 0,1.5 --trajectories 12 --loss-tolerance 1e-12 --max-time 60 --quiet -o law.h5
plots law.h5
paste <(data prescribed_periods 1 0) <(data prescribed_periods 1 1) |
  holds 'learned periods are others than prescribed ones' \
    '{ d = $2 / $4 - 1; if (d * d > 1e-6 || $1 != $3) bad = 1 } END { exit bad || NR != 24 }'
curves force 1 1
# Without shear there is nothing to draw of it.
panels isochrony 2
grep -q 'at all energies the middle between the turning points is' figures/captions.txt ||
  fail 'it is not said that nothing is sheared'

# Fits: data with errors, fit and bands.
succeeds simulate --force pendulum --trajectories 6 --period 5 --times 11 --noise 0.05 -o data.csv --quiet
succeeds train --data data.csv --fit-initial-states --hidden 6 --holdout 0.2 --max-time 30 --quiet -o fit.h5
plots fit.h5
[[ $kinds == *'fit residuals'*held_out* ]] || fail "not the figures of a fit: $kinds"
panels fit 2
curves fit 9 1
data fit 1 6 | holds 'data have no errors' '$3 <= 0 { bad = 1 } END { exit bad || NR != 11 }'
says fit 'units of the data'
cut -d , -f 1-3 data.csv >positions.csv
succeeds train --data positions.csv --fit-initial-states --hidden 6 --holdout 0.2 --max-time 30 --quiet -o positions.h5
plots positions.h5
panels held_out 1

# A run that was cut off has all its figures.
"$program" train --trajectories 200 --max-time 60 --checkpoint-interval 0.2 --quiet -o cut.h5 >"$out" 2>"$err" &
pid=$!
appears cut.h5
sleep 1
kill -KILL "$pid"
wait "$pid" 2>/dev/null
before=$(sha256sum cut.h5)
plots cut.h5
complains 'cut.h5 has not been finished .running.; its figures are of iteration'
for kind in phase_portrait portrait_strip orbits force potential residuals_over_energy loss; do
  [[ " $kinds" == *" $kind "* ]] || fail "an interrupted run lacks $kind"
done
[[ $(sha256sum cut.h5) == "$before" ]] || fail 'plot changes its file'

# Runs over each other.
plots good.h5 tiny.h5 plane.h5
draws 'loss force potential isochrony residuals_over_energy' 'several runs'
panels loss 2
curves loss 3 1
curves force 2 1
says force 'Has no such numbers'
says loss 'tiny'
mkdir other
cp tiny.h5 other
plots tiny.h5 other/tiny.h5
grep -q 'other.0057tiny.0056h5' told/loss || fail 'files of one name cannot be told apart'

# Sweeps: all configurations are there, or named.
succeeds sweep --runs 3 --grid 'iterations=0;loss=antiperiodic loss-tolerance=1e-16' --trajectories 8 \
  --max-time 20 --hidden 6 --quiet -o sweep.h5
plots sweep.h5
draws 'wells verdicts losses wall_times' 'a sweep'
for kind in $kinds; do says "$kind" 'iterations'; done
says wells 'Left out'
cat told/verdicts | awk '/^\$curve/ { on = 1; next } /^END/ { on = 0 } on { n += $2 } END { exit n != 6 }' ||
  fail 'verdicts do not add up to all runs'
data losses 1 0 | holds 'losses do not add up to the runs' \
  '$1 != x && NR > 1 { n += $2 } { x = $1 } END { exit n != 3 }'
rejects 2 'sweep.h5 holds no run: plot lays runs over each other' plot tiny.h5 sweep.h5
succeeds sweep --runs 1 --iterations 1 --trajectories 5 --quiet -o failed.h5
plots failed.h5
draws 'verdicts losses wall_times' 'a sweep without an isochronous well'

# Benchmarks.
"$make_files" benchmark bench.h5 || fail 'make_files'
plots bench.h5
for kind in $kinds; do
  [[ $(range "$kind" 1 y) == "$(range "$kind" 2 y)" || $(grep -c '^plot NaN' "told/$kind") -eq 1 ]] ||
    fail "$kind: gradients and Jacobians have different scales"
  says "$kind" 'shortest to the longest'
done
says cost_over_parameters 'rtol'
rejects 2 'bench.h5 holds no run' plot tiny.h5 bench.h5

finish
