# kill -9 at random moments of every verb that writes: each time the files are complete, nothing that was
# there before is lost, and the next run removes what was left. The third argument is the number of kills.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $sanitized -eq 0 ]] || skip 'a killed process has nothing to tell sanitizers'
kills=${3:-20}
quarter=$((kills / 4))
kept=0

# left: names of hidden files.
left() { find . -type f -name '.*' | wc -l; }

# killed ARGUMENTS...: starts the program and kills it within half a second.
killed() {
  "$program" "$@" >"$out" 2>"$err" &
  local pid=$!
  sleep "0.$(printf '%03d' $((RANDOM % 500)))"
  kill -s KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [[ $? -eq 137 || $? -eq 0 ]] || fail "$*: ended by itself"
  [[ -z $(find . -type f -name '.*.isochron-*') ]] || kept=$((kept + 1))
}

# grows WHAT BEFORE NOW: a count of what a file holds.
grows() { [[ $3 =~ ^[0-9]+$ && $3 -ge $2 ]] || fail "$1 fell from $2 to $3"; }

# Training goes on from one kill to the next. Checkpoints as often as possible every other time: most
# moments are then in the middle of one.
succeeds train --iterations 2 --quiet -o run.h5
iterations=2
for ((k = 1; k <= quarter; ++k)); do
  interval=0.05
  [[ $((k % 2)) -eq 0 ]] && interval=0.001
  killed train --resume run.h5 --checkpoint-interval "$interval" --iterations unlimited --threads 1 --quiet
  succeeds show run.h5
  now=$(value run.h5 iterations)
  grows "kill $k of train: iterations" "$iterations" "$now"
  iterations=$now
  if [[ $((k % 5)) -eq 0 ]]; then
    succeeds train --resume run.h5 --iterations 1 --quiet
    [[ $(left) -eq 0 ]] || fail "train leaves $(find . -name '.*')"
    is run.h5 stop_reason 'iteration limit reached'
    succeeds train --iterations 2 --quiet -o run.h5 --overwrite # before it comes to its end
    iterations=2
  fi
done

# The first checkpoint of a new file: complete or not there.
for k in {1..5}; do
  rm -f new.h5
  killed train --checkpoint-interval 0.001 --threads 1 --quiet -o new.h5
  [[ ! -e new.h5 ]] || succeeds show new.h5
done

# A sweep keeps the runs that it has.
starts=(sweep --quiet --hidden 4 --trajectories 8 --iterations 3 --threads 2 --keep-runs)
succeeds "${starts[@]}" --runs 1 -o sweep.h5
runs() { "$program" show --json "$1" | grep -c '"stop_reason"'; }
count=1
for ((k = 1; k <= quarter; ++k)); do
  killed sweep --resume sweep.h5 --runs 100000 --quiet --checkpoint-interval 0.001
  now=$(runs sweep.h5)
  grows "kill $k of sweep: runs" "$count" "$now"
  count=$now
done
for file in sweep.h5.runs/*.h5; do
  "$program" show "$file" >"$out" 2>"$err" || fail "show $file"
done

# A benchmark beside a run: the run stays.
succeeds train "${quick[@]}" --hidden 4 -o both.h5
cp both.h5 before.h5
for ((k = 1; k <= quarter; ++k)); do
  killed benchmark --at both.h5 --append --quick --quiet --threads 1
  succeeds show both.h5
  same_model before.h5 both.h5
  is both.h5 loss_verified "$(value before.h5 loss_verified)"
done

# Figures are whole.
if command -v gnuplot >/dev/null; then
  for ((k = 1; k <= kills - 3 * quarter; ++k)); do
    killed plot before.h5 -o figures --format svg,png
    for file in figures/*.svg figures/*.png; do
      [[ -e $file ]] || continue
      tail -c 20 "$file" | grep -aq '</svg>\|IEND' || fail "kill $k of plot: $file is not whole"
    done
  done
  succeeds plot before.h5 -o figures --format svg
fi

# Whoever writes next cleans up.
succeeds train --resume run.h5 --iterations 0 --output run.h5 --overwrite --quiet
succeeds train --iterations 1 --quiet -o new.h5 --overwrite
succeeds sweep --resume sweep.h5 --runs "$((count + 2))" --quiet
succeeds benchmark --at both.h5 --append --quick --budget 0.001 --quiet
[[ $(left) -eq 0 ]] || fail "leftovers: $(find . -name '.*' -type f)"
echo "$kept of $kills kills left a temporary file"

finish
