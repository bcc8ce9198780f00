# docs/file_format.md says what files hold: its tables are those of files of every kind.
#   file_format.sh PROGRAM MAKE_FILES SOURCES [--write]     compares, or writes the tables
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh"
sources=$(realpath "$3")
page=$sources/docs/file_format.md
make_files=$(realpath "$2")
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'

small=(--hidden 4 --trajectories 6 --threads 2 --quiet)
succeeds train "${small[@]}" --iterations 12 --gradient discrete --method rk8 -o train.h5
succeeds train "${small[@]}" --iterations 5 --dimension 2 -o plane.h5
succeeds train "${small[@]}" --iterations 5 --dynamics first-order --dimension 2 -o first_order.h5
succeeds train "${small[@]}" --iterations 5 --loss prescribed-period --period-law pendulum --law-range 0.1,2 -o law.h5
succeeds simulate --force pendulum --trajectories 8 --period 4 --times 12 --noise 0.05 -o orbits.h5
fit=(train --data orbits.h5:/run/trajectories --hidden 3 --max-time 60 --iterations 8 --quiet)
succeeds "${fit[@]}" --force pendulum+mlp --fit omega --fit-initial-states --holdout 0.25 -o fit.h5
succeeds "${fit[@]}" --loss periodic --trajectories 3 -o closed.h5
succeeds simulate --model fit.h5 --times 5 -o prediction.h5
succeeds sweep "${small[@]}" --iterations 3 --runs 2 --grid 'loss=periodic|antiperiodic' --keep-runs -o sweep.h5
succeeds sweep --trajectories 12 --hidden 16 --symmetry odd --iterations 100 --runs 3 --threads 2 --quiet -o wells.h5
succeeds abel --period-law pendulum --law-range 0,1.9 -o abel.h5
succeeds complete --force morse --params D=10,a=0.22360679774997896 --leftmost -3 -o complete.h5
"$make_files" benchmark benchmark.h5 || fail 'make_files'

/usr/bin/python3 "$sources/tests/docs/file_format.py" train=train.h5 train=plane.h5 train=first_order.h5 \
  train=law.h5 'train with `--data`=fit.h5' 'train with `--data`=closed.h5' simulate=orbits.h5 simulate=prediction.h5 \
  sweep=sweep.h5 sweep=wells.h5 benchmark=benchmark.h5 abel=abel.h5 complete=complete.h5 >tables 2>"$err" || fail 'no tables'
begin='<!-- Made by tests/docs/file_format.sh. -->'
if [[ ${4:-} == --write ]]; then
  sed "\\%^$begin\$%q" "$page" >new && { echo && cat tables; } >>new && cp new "$page"
fi
sed "1,\\%^$begin\$%d; /^\$/d" "$page" >said
sed '/^$/d' tables >held
diff said held >"$out" || fail "docs/file_format.md is not what files hold; write it again with: bash tests/docs/file_format.sh PROGRAM MAKE_FILES . --write"
finish
