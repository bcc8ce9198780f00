# Results files that were changed by other hands: status 2 with one sentence, or a result. A third
# argument, of seconds, is the time for changes that mutations.py makes in random order.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'

small=(--hidden 4 --trajectories 6 --threads 1 --quiet)
printf '%s\n' '1 0' '0.5 1' '0 1.5' '-1 0.5' '2 0' '0.1 0.1' >states.txt
succeeds train --hidden 4 --initial-states states.txt --iterations 5 --threads 1 --quiet -o run.h5
succeeds train "${small[@]}" --loss prescribed-period --period-law pendulum --law-range 0.1,2 \
  --iterations 3 -o law.h5
succeeds simulate --force pendulum --trajectories 3 --times 5 --threads 1 -o simulation.h5
succeeds simulate --force pendulum --trajectories 5 --period 4 --times 9 --noise 0.05 -o data.csv
succeeds train --data data.csv --fit-initial-states --holdout 0.2 --loss periodic --trajectories 3 --hidden 4 \
  --iterations 4 --threads 1 --quiet -o fit.h5
succeeds simulate --model fit.h5 --times 5 --threads 1 -o prediction.h5
succeeds sweep "${small[@]}" --runs 1 --grid 'loss=periodic|antiperiodic' --iterations 3 -o sweep.h5
"$make_files" benchmark benchmark.h5 || fail 'make_files'

# One process edits all files: another for each would take longer to load NumPy than all else here.
# Requests are a file and code, each ended by a zero byte; the answer is a line: ok or what was wrong.
coproc editor {
  /usr/bin/python3 -c "$(
    cat <<'PYTHON'
import json
import sys

import h5py
import numpy as np


def edit(path, code):
    with h5py.File(path, "r+") as file:
        def put(path, value):
            attributes = dict(file[path].attrs)
            del file[path]
            file[path] = value
            file[path].attrs.update(attributes)

        def configuration(path, change):
            stored = json.loads(file[path][()])
            change(stored)
            put(path, np.bytes_(json.dumps(stored)))

        exec(code, {"file": file, "put": put, "configuration": configuration, "np": np})


def argument():
    text = b""
    while (byte := sys.stdin.buffer.read(1)) not in (b"\0", b""):
        text += byte
    return text.decode() if byte else sys.exit()


while True:
    path, code = argument(), argument()
    try:
        edit(path, code)
        print("ok", flush=True)
    except Exception as error:
        print(repr(error), flush=True)
PYTHON
  )"
}

# edit FILE CODE: CODE in Python, with `file`, put(path, value) and configuration(path, change).
edit() {
  local answer
  printf '%s\0%s\0' "$1" "$2" >&"${editor[1]}"
  read -r -u "${editor[0]}" answer
  [[ $answer == ok ]] || {
    echo "$answer" >"$err"
    return 1
  }
}

# refused FILE CODE PATTERN ARGUMENTS...: x.h5, which is FILE edited, by these arguments.
refused() {
  cp "$1" x.h5
  edit x.h5 "$2" || fail "cannot edit $1"
  rejects 2 "$3" "${@:4}"
}
resume=(train --resume x.h5 --iterations 1 --quiet -o y.h5)
resume_sweep=(sweep --resume x.h5 --runs 2 --quiet -o y.h5)

# Forces of another width than the network's.
for width in 5 1000000; do
  refused sweep.h5 "put('sweep/configuration_0/theta', np.ones((1, $width)))" \
    "sizes in 'x.h5' do not fit: configuration_0/theta has size $width instead of 13" \
    "${resume_sweep[@]}"
  refused run.h5 "put('run/model/theta', np.ones($width))" "in 'x.h5' do not fit: model/theta" show x.h5
done

# Known terms that no formula has.
succeeds train --hidden 4 --initial-states states.txt --threads 1 --quiet --force duffing+mlp --fit beta --bounds beta=0:2 \
  --iterations 3 -o known.h5
# row COLUMN VALUE: code that changes the row of beta.
row() {
  printf "rows = file['run/model/parameters/table'][()]; rows['%s'][1] = %s; " "$1" "$2"
  printf "put('run/model/parameters/table', rows)"
}
refused known.h5 "put('run/model/known', np.bytes_('spring'))" "model/known.*no well 'spring'" show x.h5
refused known.h5 "put('run/model/known', np.bytes_('lotka-volterra'))" 'model/known.*4 parameters' show x.h5
refused known.h5 "del file['run/model/parameters']" 'model/known.*2 parameters' "${resume[@]}"
refused known.h5 "put('run/model/layers', [2, 4, 2])" 'model/known.*another dimension' show x.h5
refused known.h5 "$(row name "b'gamma'")" "model/known.*'gamma'" simulate --model x.h5 -o y.h5
refused known.h5 "$(row start 3)" 'model/known.*outside of the bounds' analyze x.h5
refused known.h5 "$(row start np.nan)" 'model/known.*beta' analyze x.h5
refused known.h5 "$(row low np.nan)" 'model/known.*hold no number' show x.h5
refused known.h5 "$(row logarithmic 1)" 'model/known.*must be > 0' show x.h5
refused known.h5 "$(row fitted 0)" "in 'x.h5' do not fit: model/theta" show x.h5
refused known.h5 "$(row fitted -1)" "fitted.*x.h5" show x.h5

refused run.h5 "put('run/snapshots/theta', file['run/snapshots/theta'][:, :-1])" 'snapshots/theta' show x.h5
refused run.h5 "put('run/model/layers', [1, 5, 1])" 'model/theta' simulate --model x.h5 -o y.h5

# A configuration is told, and nothing is computed from it: without one all goes on, and one of other kinds of
# values is shown.
cp law.h5 x.h5
edit x.h5 "del file['run/config']" || fail 'cannot edit law.h5'
succeeds show x.h5
succeeds train --resume x.h5 --iterations 1 --quiet -o z.h5
cp law.h5 x.h5
edit x.h5 "configuration('run/config/data', lambda c: c.update(verb=1, options=3, origin=2))" || fail 'cannot edit law.h5'
succeeds show x.h5
rejects 2 'x.h5 holds no configuration of a run' train --resume x.h5 --iterations 1 --quiet -o z.h5 --overwrite

# A configuration that is not that of what stands beside it.
refused sweep.h5 "configuration('sweep/config/data', lambda c: c['options'].update(grid='loss=periodic'))" \
  'the number of configurations in x.h5' "${resume_sweep[@]}"
refused sweep.h5 "configuration('sweep/config/data', lambda c: c['options'].update(hidden='200,200'))" \
  'the network of configuration 0 in x.h5' "${resume_sweep[@]}"
refused sweep.h5 "configuration('sweep/config/data', lambda c: c['options'].update(seed=7))" \
  'the seed of run 0 in x.h5' "${resume_sweep[@]}"
for option in "hidden='5'" "dimension=2" "symmetry='odd'" "skip='linear'" "dynamics='first-order'"; do
  for verb in "${resume[*]}" 'analyze x.h5' 'check-gradient --at x.h5' 'simulate --model x.h5 -o y.h5'; do
    # shellcheck disable=SC2086
    refused run.h5 "configuration('run/config/data', lambda c: c['options'].update($option))" \
      'the configuration in x.h5 describes another network' $verb
  done
done
refused run.h5 "configuration('run/config/data', lambda c: c['options'].update(trajectories=7))" \
  'not those of 7 trajectories' "${resume[@]}"

# Closed orbits beside data that are none.
others=run/other_objectives/0
refused fit.h5 "put('$others/loss', np.bytes_('own'))" 'other_objectives/0/loss is own' show x.h5
refused fit.h5 "put('$others/loss', np.bytes_('observations'))" 'other_objectives/0/observed_states' show x.h5
refused fit.h5 "put('$others/end_times', np.ones(2))" 'other_objectives/0/end_times' "${resume[@]}"
refused fit.h5 "put('$others/initial_states', np.ones((3, 1)))" 'row of other_objectives/0' show x.h5
refused fit.h5 "put('$others/weight', -1.0)" "other_objectives/0/weight' in 'x.h5' holds" show x.h5

# What a figure cannot show, and a grid that is none.
if [[ $sanitized -eq 0 ]] && command -v gnuplot >/dev/null; then
  for verb in 'report x.h5 -o x.html' 'plot x.h5 -o figures'; do
    # shellcheck disable=SC2086
    refused run.h5 "file['run/data/initial_states'][0] = 1e300" 'x.h5 cannot be drawn: .* range' $verb
  done
fi
refused sweep.h5 "configuration('sweep/config/data', lambda c: c['options'].update(grid='7'))" \
  "the grid of the sweep in x.h5 is not admissible: in --grid, '7'" merge x.h5 -o y.h5

# Parts that are missing.
refused law.h5 "del file['run/data/end_times']" "data/end_times is missing" show x.h5
refused run.h5 "del file['run/data']" 'data/initial_states' "${resume[@]}"
refused run.h5 "del file['run/training/loss']" "'/run/training/loss' in 'x.h5' is missing" show x.h5

# More rows than a file of this size can have.
empty="del file['sweep/columns/reason']; file.create_dataset('sweep/columns/reason', (10**9, 0), 'S1')"
refused sweep.h5 "$empty" 'columns/reason.* promises more data' show x.h5
for rows in '15 * 10**6' '10**12'; do
  refused sweep.h5 "del file['sweep/table']; file.create_dataset('sweep/table', ($rows,), [('run', 'i1')], chunks=(8,))" \
    'sweep/table.* promises more data' show x.h5
done

# Numbers that nothing can be counted on from.
for bad in '2**63 - 1' '-1'; do
  refused run.h5 "put('run/training/iteration', np.full_like(file['run/training/iteration'][:], $bad))" \
    "'/run/training/iteration' in 'x.h5' holds .* it takes numbers from 0 to" "${resume[@]}"
done
refused run.h5 "put('run/summary/forward_steps', 1e300)" "forward_steps' in 'x.h5' holds" "${resume[@]}"
for path in model/theta data/initial_states training/loss; do
  refused run.h5 "file['run/$path'][...] = np.nan" "'/run/$path' in 'x.h5' holds -?nan in place 1" show x.h5
done

for file in run.h5 law.h5; do
  refused "$file" "put('run/model/theta', np.ones(0))" "'/run/model/theta' in 'x.h5' is empty" show x.h5
done
refused run.h5 "put('run/options/memory', 2**32 + 5)" "memory' in 'x.h5' holds" show x.h5
refused run.h5 "put('run/options/memory', 2)" 'memory 2, stored in x.h5, is not admissible' "${resume[@]}"
refused run.h5 "put('run/options/max_time', np.inf)" 'max-time inf, stored in x.h5, is not' "${resume[@]}"

# Configurations that are none.
for change in "c.update(options=[1])" "c['options'].update(period=[1])" "c['options'].update(period={})" \
  "c['options'].update(period=True)" "c.update(origin=[1])" "c.update(origin=1)" \
  "c['origin'].update(period=7)" "c['origin'].update(period=None)" "c['options'].update({'a~b': '1'})" \
  "c.pop('options')"; do
  refused run.h5 "configuration('run/config/data', lambda c: $change)" 'x.h5' "${resume[@]}"
done
refused run.h5 "configuration('run/config/data', lambda c: c['options'].update(period='abc'))" \
  'period abc, stored in x.h5, is not admissible' "${resume[@]}"
for text in "b'{'" "b'[' * 200000" "b'{\"options\":' * 200000" "b'{\"options\": {}, \"options\": {}}'" \
  "b'\xff\xfe'" "b'{\"options\": \"' + b'x' * 2000000 + b'\"}'"; do
  refused run.h5 "put('run/config/data', np.bytes_($text))" 'the configuration in x.h5' show x.h5
  refused run.h5 "put('run/config/data', np.bytes_($text))" 'the configuration in x.h5' "${resume[@]}"
done

/usr/bin/python3 "$here/mutations.py" "$program" "$work" ${3:+"$3"} >"$out" 2>"$err" ||
  fail "$(tail -n 40 "$out")"
tail -n 1 "$out"
finish
