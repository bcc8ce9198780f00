# Results files of every kind in H5Web: each opens with a plot, all of its plots can be read, and the
# browser reports no error (look.mjs says what is checked). FOLDER is what scripts/test.sh --viewers has
# installed; it keeps the files, and in FOLDER/png a picture of every view.
#
#   bash viewers.sh PROGRAM FOLDER [--all]
folder=$(realpath "$2")
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh"
[[ -d $folder/page ]] || skip "$folder has no H5Web; install it with: scripts/test.sh --viewers"
CHROMIUM=$(command -v chromium) || skip 'chromium is not installed'
export CHROMIUM
rm -rf "$folder/files"
mkdir "$folder/files"
cd "$folder/files" || exit 1

small=(--hidden 4 --trajectories 6 --threads 2 --quiet)
succeeds train "${small[@]}" --iterations 60 --gradient discrete --method rk8 -o training.h5
succeeds train "${small[@]}" --iterations 0 -o untrained.h5
succeeds train "${small[@]}" --iterations 5 --dimension 2 -o plane.h5
succeeds train "${small[@]}" --iterations 5 --dynamics first-order --dimension 2 -o first_order.h5
succeeds simulate --force pendulum --trajectories 8 --period 4 --times 12 --noise 0.05 -o simulation.h5
succeeds train --data simulation.h5:/run/trajectories --hidden 3 --iterations 8 --quiet --force pendulum+mlp \
  --fit omega --fit-initial-states --holdout 0.25 -o fit.h5
succeeds simulate --model fit.h5 --times 5 -o prediction.h5
succeeds sweep "${small[@]}" --iterations 60 --runs 4 --grid 'loss=periodic|antiperiodic' -o sweep.h5
succeeds sweep "${small[@]}" --iterations 60 --runs 3 --loss antiperiodic --keep-runs -o kept_sweep.h5
succeeds sweep "${small[@]}" --iterations 3 --runs 3 -o unfinished_sweep.h5
succeeds benchmark --quick --trajectories 3 --hidden 3 --budget 0.01 --threads 1 -o benchmark.h5
succeeds abel --period-law pendulum --law-range 0,1.9 -o abel.h5
succeeds complete --force morse --params D=10,a=0.22360679774997896 --leftmost -3 -o complete.h5
# Interrupted as soon as its file is there: in the first iteration, of which nothing but parameters is known.
"$program" train --trajectories 3000 --gradient adjoint --max-time 100 --quiet -o interrupted.h5 >"$out" 2>"$err" &
appears interrupted.h5
kill -INT $!
wait $!
[[ $? -eq 130 ]] || fail 'an interrupted run leaves no file'

node "$folder/look.mjs" "$folder" "${@:3}" || fail "pictures of all views are in $folder/png"
finish
