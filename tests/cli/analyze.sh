# isochron analyze: given forces, trained ones, output for programs, bad input.
source "$(dirname "$0")/common.sh"

# A well with closed forms, for programs: 17 digits.
succeeds analyze --force morse --params D=1,a=1 --energies 0.1,0.5 --format csv
[[ $(head -n 1 "$out") == energy,x1,x2,period,width,shear ]] || fail 'not the columns of the csv'
[[ $(wc -l <"$out") -eq 3 ]] || fail 'not a row per energy'
# T(E) = 2 pi/(a sqrt(2 (D - E))), exp(-a x) = 1 -+ sqrt(E/D).
awk -F, 'function off(a, b) { return a / b - 1 > 1e-12 || b / a - 1 > 1e-12 }
  NR > 1 { s = sqrt($1); x1 = -log(1 + s); x2 = -log(1 - s)
    if (off($4, 4 * atan2(1, 1) * 2 / sqrt(2 * (1 - $1))) || off($2, x1) || off($3, x2) ||
        off($5, x2 - x1) || off($6, (x1 + x2) / 2)) exit 1 }' "$out" ||
  fail 'the csv is not the Morse well'

succeeds analyze --force hyperbolic-shear --format json
prints '"verdict": "isochronous, sheared"'
succeeds analyze --force harmonic --params omega=3 --period 2pi
prints 'verdict +harmonic$'
prints 'n = 3 times in T'
succeeds analyze --force pendulum --verify
prints 'verdict +not isochronous$'
grep -q 'CVODES.*agree: they differ' "$err" || fail 'no word of the return times'
succeeds analyze --force tan2 --energies 1e-12,0.1 --verify
complains 'agree: they differ'
succeeds analyze --force harmonic --energies 1e-100 --verify
complains '1 of 1 orbits are narrower than 1e-06, too small for CVODES, and not verified'

# A trained force: the verdict goes into its file when that is wanted, and nothing else there changes.
succeeds train --loss antiperiodic --hidden 8 --trajectories 20 --loss-tolerance 1e-11 --max-time 20 \
  --quiet -o run.h5
prints '^  verdict +harmonic$'
succeeds show run.h5 --json
prints '"verdict": "harmonic"'
prints '"n": 1'
prints '"x0": '
cp "$out" before.json
before=$(snapshot)
succeeds analyze run.h5 --verdict-tolerance 1e-9
prints 'verdict +not converged$'
[[ $(snapshot) == "$before" ]] || fail 'analyze without --store writes'
succeeds analyze run.h5 --verdict-tolerance 1e-9 --store
prints 'verdict +not converged$'
succeeds show run.h5
prints 'verdict +not converged$'
succeeds analyze run.h5 --verify --store
succeeds show run.h5 --json
diff before.json "$out" || fail 'analyze changed more than the verdict'
succeeds plot run.h5 -o figures --format svg
grep -q '<svg' figures/isochrony.svg || fail 'no figure of the isochrony'

# A force in a text file.
awk 'BEGIN { for (i = -200; i <= 200; ++i) printf "%.17g %.17g\n", i / 100, -sin(i / 100) }' >sine.txt
succeeds analyze --force sine.txt --energies 0.5,1 --format csv
awk -F, 'NR == 3 && ($4 - 7.41629870920549) ^ 2 < 1e-14 { found = 1 } END { exit !found }' "$out" ||
  fail 'the tabulated pendulum has another period'
printf '0 1\n1 2\n2 3\n3 4\n' >hill.txt
printf '0 1\n0 2\n2 3\n3 4\n' >twice.txt
printf '1\n2\n3\n4\n' >column.txt
rejects 2 'the force of hill.txt has no well: the force has no stable equilibrium from x = 0 to 3' \
  analyze --force hill.txt
rejects 2 'positions of a force must increase: x = 0 follows 0' analyze --force twice.txt
rejects 2 'column.txt, line 1 has 1 column; .* 2, x, f' analyze --force column.txt
rejects 2 'no orbit of energy 1.5: admissible is 0 < E < 1.4161.*its height at x = -?2' \
  analyze --force sine.txt --energies 1.5

# Interrupted and checkpointed files have no verdict; two dimensions have none either.
succeeds train --dimension 2 --hidden 4 --trajectories 3 --iterations 1 --quiet -o plane.h5
succeeds show plane.h5
prints 'verdict +absent: '

rejects 2 '--store needs a results file .*isochron analyze run.h5 --store' analyze --force morse --store
rejects 2 'analyze needs a force: give a results file, isochron analyze run.h5, or --force' analyze
rejects 2 'run.h5 and --force morse name two forces' analyze run.h5 --force morse
rejects 2 'no orbit of energy 3: admissible is 0 < E < 2, its height' \
  analyze --force pendulum --energies 1,3
rejects 2 'energies up to .*, the highest that the training visited' analyze run.h5 --energies 1000
rejects 2 '--energies -1 is not admissible; give numbers from' analyze --force pendulum --energies -1
rejects 2 '--energies 1,x is not admissible' analyze --force pendulum --energies 1,x
rejects 2 '--force mors is neither an analytic force \(harmonic' analyze --force mors
rejects 2 'has no parameter .b.' analyze --force morse --params b=1
rejects 2 '--verdict-tolerance 2 is not admissible' analyze --force morse --verdict-tolerance 2
rejects 2 '--format xml is not admissible; give one of table, csv, json' \
  analyze --force morse --format xml
rejects 2 'in one dimension; plane.h5 has newtonian dynamics with --dimension 2' analyze plane.h5
rejects 2 'does not exist|no such file|cannot be read' analyze none.h5

finish
