# Fits to observations: simulated, fitted, compared.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
hares=$here/../../examples/data/hare_lynx.csv

observed=(simulate --force harmonic --params omega=2 --trajectories 12 --period 3 --times 16 --seed 5)
succeeds "${observed[@]}" --noise 0.1 -o orbits.csv
[[ $(head -n 1 orbits.csv) == trajectory,t,q,v,q_error,v_error ]] || fail 'orbits.csv: its header'
[[ $(wc -l <orbits.csv) -eq 193 ]] || fail 'orbits.csv: its rows'
succeeds "${observed[@]}" --noise 0.1 -o orbits.h5
rejects 2 'exists; give --overwrite' "${observed[@]}" -o orbits.csv

# From text, with the standard errors of the file.
fit=(train --fit-initial-states --hidden 8 --quiet)
succeeds "${fit[@]}" --data orbits.csv -o fit.h5
prints 'fit +chi\^2 .* of 384 data; 35[0-9]\.. degrees of freedom'
below fit.h5 chi_squared 1.25
below fit.h5 effective_parameters 12
asked fit.h5 data orbits.csv
succeeds show fit.h5
prints 'fit +chi'
prints 'period +T\(E\) = 3\.[0-9]+ \+- '
succeeds analyze fit.h5
succeeds simulate --model fit.h5 -o again.h5
prints 'prediction +standard errors up to q 0\.[0-9]+, v '
# Predictions from other initial states, which are exact: errors begin at 0.
succeeds simulate --model fit.h5 --trajectories 3 --times 5 -o predicted.csv
[[ $(head -n 1 predicted.csv) == trajectory,t,q,v,q_prediction_error,v_prediction_error ]] ||
  fail 'predicted.csv: its header'
[[ $(sed -n 2p predicted.csv) == 0,0,*,0,0 ]] || fail 'predicted.csv: exact initial states'
awk -F , 'NR > 2 && $2 > 0 && !($5 > 0 && $6 > 0) { exit 1 }' predicted.csv ||
  fail 'predicted.csv: its errors'
# Errors that take longer than they may are left out.
succeeds simulate --model fit.h5 --trajectories 500 --times 500 --max-time 0.001 -o late.h5
prints 'trajectory errors +absent: they take longer than --max-time 0.001'
rejects 2 "'q_prediction_error' holds errors of a prediction, .*--noise S" train --data predicted.csv --noise 0.1 -o no.h5
rejects 2 "say what it means, as in --observe pos=q" train --data <(printf 't,pos\n0,1\n1,2\n') -o no.h5
rejects 2 "again.h5 comes from simulate, which trains nothing" train --resume again.h5
succeeds simulate --model fit.h5 --trajectories 3 --times 5 --noise 0.1 -o drawn.csv
[[ $(head -n 1 drawn.csv) == trajectory,t,q,v,q_error,v_error ]] || fail 'drawn.csv: its header'
if command -v h5ls >/dev/null; then
  h5ls fit.h5/run/observations | grep -q '^residual .*{384}' || fail 'observations/residual'
  h5ls orbits.h5/run/trajectories | grep -q '^q .*{12, 16, 1}' || fail 'trajectories/q'
  h5ls fit.h5/run/force | grep -q '^force_errors ' || fail 'force/force_errors'
  h5ls fit.h5/run/potential | grep -q '^potential_errors ' || fail 'potential/potential_errors'
  h5ls fit.h5/run/periods | grep -q '^period_errors .*{41}' || fail 'periods/period_errors'
  h5ls fit.h5/run/posterior | grep -q '^factor .*{25, 25}' || fail 'posterior/factor'
  h5ls again.h5/run/trajectories | grep -q '^q_errors .*{12, ' || fail 'trajectories/q_errors'
fi

# From a file of simulate, with the noise unknown; part of the trajectories held out.
succeeds "${fit[@]}" --data orbits.h5:/run/trajectories --holdout 0.25 -o auto.h5
prints 'of data held out'
prints 'noise +estimated: q 0\.(09|10|11)[0-9]*, v 0\.(09|10|11)'
below auto.h5 chi_squared_holdout 1.5

# Figures.
if command -v gnuplot >/dev/null; then
  figures_of() { (cd figures && printf '%s ' * && cd .. && rm -r figures); }
  # caption NAME WORDS: what stands below a figure.
  caption() { grep -q "^$1: .*$2" figures/captions.txt || fail "the caption of $1 lacks '$2'"; }
  succeeds plot auto.h5 -o figures --format svg
  caption fit 'first 3 of [0-9]* trajectories. Bars: one standard error. In the units of the data'
  caption held_out 'Not fitted'
  caption loss 'Floor, [0-9.]*e-[0-9]*: '
  grep -q 'integration floor' figures/loss.svg && fail 'a floor far below the noise is drawn'
  [[ $(figures_of) == 'captions.txt fit.svg force.svg held_out.svg isochrony.svg loss.svg orbits.svg periods.svg phase_portrait.svg portrait_strip.svg potential.svg rearrangement.svg residuals.svg ' ]] ||
    fail 'not the figures of a fit to observations'
  succeeds plot again.h5 -o figures --format svg
  caption prediction 'In the units of the data'
  [[ $(figures_of) == 'captions.txt energy_drift.svg force.svg orbits.svg phase_portrait.svg potential.svg prediction.svg residuals_over_energy.svg ' ]] ||
    fail 'not the figures of a prediction'
fi

# One trajectory, whose well is where it went and not where it starts; its last times held out.
succeeds simulate --force pendulum --trajectories 1 --period 12 --times 60 --noise 0.05 -o one.csv
succeeds "${fit[@]}" --data one.csv --holdout 0.3 -o one.h5
prints 'period +T\(E\) = 6\.[0-9]+ \+- [0-9.]+ at E = 0\.[0-9]+$'
succeeds analyze one.h5

# Positions alone; a horizon and a ridge of one's own.
cut -d , -f 1-3 orbits.csv >positions.csv
succeeds "${fit[@]}" --data positions.csv --noise 0.1 --horizon 1,2 --ridge 0.5 -o positions.h5
below positions.h5 chi_squared 1.3
is positions.h5 ridge 0.5

# Their noise unknown.
succeeds "${fit[@]}" --data positions.csv -o estimated.h5
prints 'noise +estimated: q 0\.(09|10|11)[0-9]*$'

# Windows, or none of them, lead to the same fit; they are for data.
for windows in 1 3; do
  succeeds "${fit[@]}" --data orbits.csv --windows $windows -o windows_$windows.h5
  below windows_$windows.h5 chi_squared 1.25
done
rejects 2 '--windows is for --data' train --windows 3 -o no.h5
rejects 2 '--windows 0' "${fit[@]}" --data orbits.csv --windows 0 -o no.h5

# Outliers, which a robust fit does not follow; it is stored, and goes on as one.
awk -F , -v OFS=, 'NR > 1 && NR % 20 == 0 { $3 += 3 } { print }' orbits.csv >outliers.csv
succeeds "${fit[@]}" --data outliers.csv --robust huber -o robust.h5
below robust.h5 chi_squared 3.5
succeeds "${fit[@]}" --data outliers.csv -o drawn_away.h5
below drawn_away.h5 chi_squared 100
awk -v a="$(value drawn_away.h5 chi_squared)" 'BEGIN { exit !(a > 10) }' || fail 'no outliers'
succeeds train --resume robust.h5 --iterations 5 --quiet
below robust.h5 chi_squared 3.5

# Errors of positive values, by their logarithms.
succeeds train --data "$hares" --observe hare=y1,lynx=y2 --dynamics first-order --fit-initial-states \
  --error-model lognormal --force lotka-volterra --params alpha=1,beta=0.02,gamma=1,delta=0.02 \
  --fit alpha,beta,gamma,delta --log alpha,beta,gamma,delta --quiet -o hares.h5
shows 'parameters alpha 0\.5[0-9]+ \+- '
shows 'noise estimated: y1 0\.2[0-9]*, y2 0\.2'
prints 'errors +lognormal'
if command -v gnuplot >/dev/null; then
  succeeds plot hares.h5 -o figures --format svg
  grep -q 'log residual' figures/residuals.svg || fail 'residuals.svg: its residuals are of logarithms'
  rm -r figures
fi
rejects 2 '--error-model lognormal needs positive values, and orbits.csv, line [0-9]+, has (q|v) = -' \
  "${fit[@]}" --data orbits.csv --error-model lognormal -o no.h5
# A first value that is the exact initial state has no error.
printf 't,y1\n0,0\n1,1\n2,2\n3,3\n' >from_zero.csv
succeeds train --data from_zero.csv --dynamics first-order --dimension 1 --error-model lognormal --noise 0.1 \
  --hidden 4 --iterations 2 --quiet -o from_zero.h5

# A run goes on with its data.
succeeds "${fit[@]}" --data orbits.csv --iterations 4 -o short.h5
succeeds train --resume short.h5 --iterations 40 --quiet
below short.h5 chi_squared 1.25

# Ctrl-C leaves a file that goes on, and limits of time hold where the fit is large.
succeeds simulate --force pendulum --trajectories 200 --period 5 --times 100 --noise 0.05 -o large.csv
large=(train --fit-initial-states --hidden 32,32 --quiet --data large.csv)
"$program" "${large[@]}" -o stopped.h5 >"$out" 2>"$err" &
process=$!
appears stopped.h5
sleep 1
kill -INT "$process"
wait "$process"
status=$?
[[ $status -eq 130 ]] || fail "after SIGINT: exit status $status"
one_sentence 'interrupted; stopped.h5 is complete up to here' 'SIGINT'
is stopped.h5 stop_reason interrupted
SECONDS=0
succeeds "${large[@]}" --max-time 1 -o limited.h5
[[ $SECONDS -le 30 ]] || fail "--max-time 1 took $SECONDS s"
is limited.h5 stop_reason 'time limit reached'

# Exact initial states, which these are not: the fit says so.
succeeds train --hidden 8 --quiet --data orbits.csv -o known.h5
shows 'note chi\^2 is .* give --fit-initial-states'

# Closed orbits beside the data: the period that is asked for, closer than the data alone know it.
closing=("${fit[@]}" --data orbits.csv --loss periodic --period pi --trajectories 8)
succeeds "${closing[@]}" --closed-weight 1e4 -o closing.h5
prints 'beside +10000 times the periodic loss, T = 3\.142, N = 8'
prints 'problem .* fit to observations, N = 12'
below closing.h5 chi_squared 1.25
asked closing.h5 closed-weight 10000
off() { # by how much a period near E = 1 is off pi
  "$program" show "$1" --json | python3 -c 'import json, math, sys
periods = json.load(sys.stdin)["periods"]
k = len(periods["energy"]) // 2
assert periods["period_errors"][k] > 0
print(abs(periods["period"][k] - math.pi))'
}
awk -v a="$(off closing.h5)" -v b="$(off fit.h5)" 'BEGIN { exit !(a < 1e-3 && a < b / 3) }' ||
  fail "closing.h5: T is off by $(off closing.h5), of data alone by $(off fit.h5)"
succeeds check-gradient --at closing.h5
prints '^fit to observations \+ 10000 times the periodic loss'
succeeds check-gradient --at fit.h5
prints '^fit to observations, .* N = 12, T = 3'
succeeds simulate --model closing.h5 -o from_closing.h5
prints 'problem .* T = 3, no loss on orbits, N = 12'
succeeds "${closing[@]}" --closed-weight 1e4 --iterations 30 -o closed_short.h5
succeeds train --resume closed_short.h5 --iterations 100 --quiet
prints 'beside +10000 times the periodic loss'
below closed_short.h5 chi_squared 1.25
rejects 2 '--closed-weight 5 changes the problem' train --resume closed_short.h5 --closed-weight 5
succeeds train --resume closed_short.h5 --closed-weight 100 --quiet -o lighter.h5
prints 'beside +100 times the periodic loss'
# With a force that is held, too; and periods by amplitude.
succeeds "${closing[@]}" --hold harmonic --hold-params omega=2 --hold-range -0.5,0.5 -o held.h5
prints 'force data +max'
prints 'beside +1 times the periodic loss'
succeeds "${fit[@]}" --data orbits.csv --loss prescribed-period --period-law harmonic \
  --law-params omega=2 --law-range 0.2,1 --trajectories 5 --closed-weight 10 -o law.h5
prints 'beside +10 times the prescribed-period loss, T = 3\.142, N = 5'
below law.h5 chi_squared 1.25

# What does not fit.
rejects 2 '--closed-weight is for --data' train --closed-weight 2 -o no.h5
rejects 2 '--closed-weight is for closed orbits beside --data; give --loss periodic' \
  "${fit[@]}" --data orbits.csv --closed-weight 2 -o no.h5
rejects 2 '--period is for closed orbits beside --data' "${fit[@]}" --data orbits.csv --period 3 -o no.h5
rejects 2 '--closed-weight 0' "${closing[@]}" --closed-weight 0 -o no.h5
rejects 2 '--ridge is for --data' train --ridge 1 -o no.h5
rejects 2 '--optimizer lbfgs does not go with --data; give --optimizer least-squares' train --data orbits.csv --optimizer lbfgs -o no.h5
rejects 2 "none.csv" train --data none.csv -o no.h5
rejects 2 "'q' is unknown" train --data orbits.csv --dynamics first-order -o no.h5
rejects 2 'give one for all, or one for each' train --data orbits.csv --noise 1,2,3 -o no.h5
rejects 2 'fit-initial-states' train --data positions.csv --noise 0.1 -o no.h5
finish
