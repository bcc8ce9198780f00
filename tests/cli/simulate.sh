# simulate with every force, and the figures of everything.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A step may err by rtol (1 + |y|), which changes E by |grad E| times that: some 10 rtol on orbits of
# E <= 6. They take up to 600 steps, so the drift of E and the distance from X(0) to X(T) stay below
# 1e4 rtol; the largest drift found is 270 rtol, of split-harmonic with its kink.
rtol=1e-10
error=1e-6
# Random states would leave the wells of double-well and cubic.
for i in {1..10}; do echo "0.$((10 + i)) 0.$((30 - i))"; done >low.txt
for force in harmonic isotonic parabolic-shear hyperbolic-shear log-shear split-harmonic duffing \
  pendulum morse poschl-teller tan2 power double-well cubic toda; do
  case $force in
    double-well | cubic) states=(--initial-states low.txt) ;;
    *) states=(--trajectories 10) ;;
  esac
  succeeds simulate --force "$force" "${states[@]}" --rtol "$rtol" -o "$force.h5"
  prints "orbits of $force\$"
  prints 'N = 10'
  below "$force.h5" energy_drift "$error"
  succeeds show "$force.h5"
done
for force in harmonic isotonic parabolic-shear hyperbolic-shear log-shear split-harmonic; do
  below "$force.h5" mean_square_residual 1e-12 # every orbit closes, to the same error
done
succeeds simulate --force harmonic --params omega=2 --period pi --trajectories 10 -o fast.h5
below fast.h5 mean_square_residual 1e-12
succeeds simulate --force harmonic --loss antiperiodic --trajectories 10 -o half.h5
below half.h5 mean_square_residual 1e-12
succeeds simulate --force mlp --hidden 8 --weight-seed 3 --trajectories 10 -o untrained.h5
prints 'the untrained network 1-8-1'
succeeds simulate --force duffing --method bdf --rtol 1e-6 --times 5 --trajectories 3 -o bdf.h5
rejects 2 'exists; give --overwrite' simulate --force duffing -o bdf.h5
succeeds simulate --force duffing --trajectories 3 -o bdf.h5 --overwrite

# A well far ahead, where no force is felt: seen by the default step, as by a short one. A step over it
# is told by the energy.
echo '-200 1' >far.txt
ahead=(simulate --force poschl-teller --params U0=1,a=2 --initial-states far.txt --period 400 --times 2)
succeeds "${ahead[@]}" --max-step 400 -o over.h5
shows 'the energy drifts by 1\.0e\+00, and rtol 1e-10 explains no more than .* give a shorter --max-step'
succeeds "${ahead[@]}" -o default.h5
! grep -q 'drifts' "$out" || fail 'the well is stepped over'
succeeds "${ahead[@]}" --max-step 0.05 -o short.h5
if command -v h5diff >/dev/null; then
  h5diff -q -d 1e-5 default.h5 short.h5 /run/data/final_states || fail 'the steps change the result'
  ! h5diff -q -d 1e-1 default.h5 over.h5 /run/data/final_states || fail 'the well is not felt'
fi

# A learned force, with its own problem unless options change it.
succeeds train "${quick[@]}" --period pi --loss antiperiodic --seed 4 \
  --hidden 8 --symmetry odd -o run.h5
succeeds simulate --model run.h5 --verbose -o orbits.h5
complains 'period *= pi  \(stored file\)'
asked orbits.h5 trajectories 10
[[ $(value orbits.h5 mean_square_residual | cut -c 1-7) == $(value run.h5 loss_verified | cut -c 1-7) ]] ||
  fail 'the model moves the orbits of its training otherwise than there'
asked orbits.h5 hidden 8
asked orbits.h5 symmetry odd
rejects 2 'run.h5 holds network 1-8-1, symmetry odd' simulate --model run.h5 --hidden 4 -o x.h5
succeeds simulate --model run.h5 --trajectories 7 --period 1 -o others.h5
asked others.h5 trajectories 7
succeeds train "${quick[@]}" --dynamics first-order --dimension 2 -o plane.h5
succeeds simulate --model plane.h5 -o plane_orbits.h5
asked plane_orbits.h5 dynamics first-order
succeeds train "${quick[@]}" --dimension 2 -o two.h5
succeeds simulate --model two.h5 -o two_orbits.h5
succeeds simulate --model two_orbits.h5 -o again.h5  # of a simulation, too

# Figures.
command -v gnuplot >/dev/null || { echo 'not tested: figures, without gnuplot'; finish; exit; }
figures_of() { (cd figures && printf '%s ' * && cd .. && rm -r figures); }
succeeds plot run.h5 -o figures --format svg,png
prints '^figures/force.svg$'
[[ $(head -c 4 figures/force.png | tail -c 3) == PNG ]] || fail 'force.png is no PNG'
grep -q '<svg' figures/force.svg || fail 'force.svg is no SVG'
[[ $(figures_of) == 'captions.txt force.png force.svg isochrony.png isochrony.svg loss.png loss.svg orbits.png orbits.svg phase_portrait.png phase_portrait.svg portrait_strip.png portrait_strip.svg potential.png potential.svg rearrangement.png rearrangement.svg residuals_over_energy.png residuals_over_energy.svg ' ]] ||
  fail 'not the figures of one degree of freedom'
succeeds plot two.h5 -o figures --format svg
[[ $(figures_of) == 'captions.txt configuration_plane.svg loss.svg orbits.svg phase_portrait_1.svg phase_portrait_2.svg portrait_strip.svg residuals_over_energy.svg ' ]] ||
  fail 'not the figures of two degrees of freedom'
succeeds plot plane.h5 -o figures --format svg
[[ $(figures_of) == 'captions.txt configuration_plane.svg loss.svg orbits.svg phase_portrait.svg portrait_strip.svg residuals_over_energy.svg ' ]] || fail 'not the figures of a first-order system'
succeeds plot duffing.h5 -o figures/deep --format pdf
[[ $(head -c 4 figures/deep/force.pdf) == %PDF ]] || fail 'force.pdf is no PDF'

finish
