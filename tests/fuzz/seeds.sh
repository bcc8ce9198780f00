#!/usr/bin/env bash
# What the fuzzer starts from: small files of the program, and texts as people write them.
#
#   seeds.sh PROGRAM MAKE_FILES FOLDER     makes FOLDER/results, merge, options, configuration, tables, data
set -euo pipefail
program=$(realpath "$1")
make_files=$(realpath "$2")
mkdir -p "$3"
folder=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
rm -rf "${folder:?}"/{results,merge,options,configuration,tables,data}
mkdir -p "$folder"/{results,merge,options,configuration,tables,data}

# made COMMAND..: without words, unless it fails.
made() { "$@" >log 2>&1 || { cat log >&2; exit 1; }; }
# byte NUMBER
byte() { printf '%b' "\\x$(printf %02x "$1")"; }

# Results files of every kind; the last byte of a seed says which reader looks at it.
small=(--hidden 2 --trajectories 2 --threads 1 --quiet)
printf '%s\n' '1 0' '0.5 1' >states.txt # of which none are unseen, so that nothing is validated
made "$program" train "${small[@]}" --period 0.5 --iterations 2 -o run.h5
made "$program" train "${small[@]}" --loss prescribed-period --period-law pendulum --law-range 0.1,2 \
  --iterations 1 -o law.h5
made "$program" train --initial-states states.txt --hidden 2 --threads 1 --quiet --force duffing+mlp --fit beta \
  --bounds beta=0:2 --iterations 1 -o known.h5
made "$program" simulate --force pendulum --trajectories 2 --times 3 --threads 1 -o simulation.h5
made "$program" simulate --force pendulum --trajectories 3 --period 4 --times 6 --noise 0.05 --threads 1 -o data.csv
made "$program" train --data data.csv --fit-initial-states --hidden 2 --iterations 2 --threads 1 --quiet -o fit.h5
sweep=(sweep "${small[@]}" --period 0.5 --grid 'loss=periodic|antiperiodic' --iterations 1)
made "$program" "${sweep[@]}" --runs 1 -o sweep.h5
made "$make_files" benchmark benchmark.h5
for file in *.h5; do
  [[ $file == sweep.h5 || $file == benchmark.h5 ]] || made "$make_files" thin "$file"
  readers='0 1 2 5'
  [[ $file != sweep.h5 ]] || readers='0 1 3'
  [[ $file != benchmark.h5 ]] || readers='0 1 4'
  for reader in $readers; do
    { cat "$file" && byte "$reader"; } >"$folder/results/${file%.h5}-$reader"
  done
done

# Parts of a sweep; the length of the first in four bytes before it.
for i in 1 2; do made "$program" "${sweep[@]}" --runs 2 --part "$i/2" -o "part$i.h5"; done
# pair FIRST SECOND NAME
pair() {
  local size i
  size=$(stat -c %s "$1")
  { for i in 0 8 16 24; do byte $((size >> i & 255)); done && cat "$1" "$2"; } >"$folder/merge/$3"
}
pair part1.h5 part2.h5 parts
pair part2.h5 part1.h5 reversed
pair sweep.h5 sweep.h5 twice

# Configurations; the first byte says of which verb.
verbs=(train simulate check-gradient benchmark analyze sweep show plot merge)
for file in run law known fit sweep; do
  verb=0
  [[ $file != sweep ]] || verb=5
  { byte $verb && "$program" show --json $file.h5 |
    sed -n '/^  "config": {/,/^  }/{s/^  "config": {/{/;s/^  },\{0,1\}$/}/;p}'; } >"$folder/configuration/$file"
done

# Options: each verb with all of its options, one after the other, and what stands in examples.
n=0
options() {
  n=$((n + 1))
  printf '%s\n' "$@" >"$folder/options/$n"
}
for verb in "${verbs[@]}"; do
  # shellcheck disable=SC2046
  options "$verb" $("$program" "$verb" --help | grep -o '^ *--[a-z-]*' | tr -d ' ' | grep -v '^--help$')
done
options train --trajectories 20 --period=6.28 --loss antiperiodic --hidden 8,8 --activation softplus --rtol 1e-9 --max-time 1m
options train --data d.csv --observe hare=y1,lynx=y2 --noise 0.1,0.2 --fit-initial-states --dynamics first-order --dimension 2
options train --force duffing+mlp --parameters alpha=1,beta=0.3 --fit beta --bounds beta=0:2 --logarithmic beta
options train --loss prescribed-period --period-law pendulum --law-range 0.1,2 --period-by energy --law-parameters g=9.81
options train --horizons 1,2,4 --windows 3 --optimizer adam --learning-rate 1e-3 --iterations unlimited --seed 18446744073709551615
options sweep --runs 3 --grid 'symmetry=none|odd;seed=1:3' --part 1/2 --checkpoint-interval 2 --keep-runs
options simulate --model run.h5 --times 9 --method rk4 --steps 10 -o=x.h5 --overwrite
options analyze run.h5 --energies 1,2 --format csv --verify
options analyze -o=x.h5
options train --config run.ini --resume x.h5 --quiet --verbose
options train '---' 'trajectories = 4 # four' 'output = "my # run.h5"' '; a comment' 'hidden = 8,8' 'symmetry=odd'
options sweep '---' 'grid = symmetry=odd ; symmetry=none # two' 'runs=2'

# Tables, by their first byte, and data.
n=0
table() {
  n=$((n + 1))
  { byte "$1" && printf '%b' "$2"; } >"$folder/tables/$n"
}
table 0 '1 0\n0.5 1\n-1 .5e1\n'
table 0 '\xef\xbb\xbfv,x\r\n1D0,"2"\r\n# a\r\n3,4\r\n'
table 0 '1\t2\r3\t4\r'
table 1 'q1 q_2 v1 v2\n1 2 3 4\n5 6 7 8 # b\n'
table 2 'y1,y2,y3\n1,2,3\n4,5,6\n'
table 3 'f x\n10 -10\n0 0\n-10 10\n'
table 4 'T,A\n6,1\n5,2\n'
table 5 'energy period\n1 6\n2 6.5\n'
n=0
data() {
  n=$((n + 1))
  { byte "$1" && printf '%b' "$2"; } >"$folder/data/$n"
}
data 0 "$(cat data.csv)"
data 0 't,x,v,x_error\n0,1,0,0.1\n1,0.5,,0.1\n2,nan,1,0.2\n'
data 0 'trajectory\ttime\tq\n1\t0\t1\n2\t0\t2\n1\t1\t3\n2\t1\t4\n'
data 1 't q1 q2 v1 v2\n0 1 2 3 4\n1 nan 2 3 4 # c\n'
data 2 'time,y1,y2,y1_error\n0,1,2,0.1\n1,2,3,0.1\n'
data 3 'year,hare,lynx\n'
data 3 't,hare,lynx,note\n1900,30,4,5\n1901,47.2,6.1,5\n'
data 4 'year,angle\n0,1\n0.5,0.7\n1,-1\n'
