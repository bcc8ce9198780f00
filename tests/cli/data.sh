# Fits to observations: simulated, fitted, compared.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

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
succeeds analyze fit.h5
succeeds plot fit.h5 -o figures
succeeds simulate --model fit.h5 -o again.h5
if command -v h5ls >/dev/null; then
  h5ls fit.h5/run/observations | grep -q '^residual .*{384}' || fail 'observations/residual'
  h5ls orbits.h5/run/trajectories | grep -q '^q .*{12, 16, 1}' || fail 'trajectories/q'
  h5ls fit.h5/run/force | grep -q '^force_errors ' || fail 'force/force_errors'
fi

# From a file of simulate, with the noise unknown; part of the trajectories held out.
succeeds "${fit[@]}" --data orbits.h5:/run/trajectories --holdout 0.25 -o auto.h5
prints 'of data held out'
prints 'noise +estimated: q 0\.(09|10|11)[0-9]*, v 0\.(09|10|11)'
below auto.h5 chi_squared_holdout 1.5

# Positions alone; a horizon and a ridge of one's own.
cut -d , -f 1-3 orbits.csv >positions.csv
succeeds "${fit[@]}" --data positions.csv --noise 0.1 --horizon 1,2 --ridge 0.5 -o positions.h5
below positions.h5 chi_squared 1.3
is positions.h5 ridge 0.5

# Their noise unknown.
succeeds "${fit[@]}" --data positions.csv -o estimated.h5
prints 'noise +estimated: q 0\.(09|10|11)[0-9]*$'

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

# What does not fit.
rejects 2 '--ridge is for --data' train --ridge 1 -o no.h5
rejects 2 '--loss periodic does not go with --data' train --data orbits.csv --loss periodic -o no.h5
rejects 2 '--optimizer lbfgs does not go with --data' train --data orbits.csv --optimizer lbfgs -o no.h5
rejects 2 "none.csv" train --data none.csv -o no.h5
rejects 2 "'q' is unknown" train --data orbits.csv --dynamics first-order -o no.h5
rejects 2 'give one for all, or one for each' train --data orbits.csv --noise 1,2,3 -o no.h5
rejects 2 'fit-initial-states' train --data positions.csv --noise 0.1 -o no.h5
finish
