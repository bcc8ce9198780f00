# Files of version 0.1.0, which said some things in the text of their configuration alone, go on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

data=$here/../data/0.1.0
for name in restarts energies plane; do gzip -dc "$data/$name.h5.gz" >"$name.h5"; done

# A finished run of two weight seeds.
succeeds show restarts.h5
shows 'loss verified 8\.1337e\+00'
shows '8\.3544e\+00 loss of weight seed 4 when it was set aside'
shows 'weight seed kept 3'
shows 'T = pi, periodic loss, N = 6, data seed 3'
shows 'adams, rtol 1e-09|adams, rtol 1e-9'
succeeds analyze restarts.h5
succeeds check-gradient --at restarts.h5
succeeds simulate --model restarts.h5 -o orbits.h5
asked orbits.h5 period pi
succeeds train --resume restarts.h5
prints '^nothing left to do: restarts.h5 has its 4 iterations'
succeeds train --resume restarts.h5 --iterations 2 --quiet
is restarts.h5 iterations 6
"$program" show --json restarts.h5 | grep -q '"freeze_steps": true' || fail 'steps are no longer frozen'
asked restarts.h5 rtol 1e-9
shows '8\.3544e\+00 loss of weight seed 4'
rejects 2 'changes the problem' train --resume restarts.h5 --iterations 1 --period 2pi

# An interrupted one with prescribed periods by energy and force data.
succeeds show energies.h5
shows 'interrupted: the run is unfinished'
shows 'by energy as pendulum'
succeeds train --resume energies.h5 --iterations 2 --quiet
shows 'every orbit|the orbits still miss'
asked energies.h5 period-law pendulum
is energies.h5 hold_weight 1

# A first-order one in the plane.
succeeds show plane.h5
shows 'first-order, D = 2'
succeeds train --resume plane.h5 --iterations 2 --quiet
asked plane.h5 method bdf
asked plane.h5 optimizer adam
is plane.h5 iterations 5

if command -v gnuplot >/dev/null; then
  for name in restarts plane; do succeeds plot "$name.h5" --format svg --output "$name.figures"; done
fi

finish
