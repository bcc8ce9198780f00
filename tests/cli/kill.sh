# kill -9 at 50 (under sanitizers 10) random moments of a run: each time a complete file that can be resumed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

start=(train --iterations 2 --quiet -o run.h5)
succeeds "${start[@]}"
kept=0
kills=$((sanitized ? 10 : 50))
for ((k = 1; k <= kills; ++k)); do
  # Checkpoints as often as possible every other time: most moments are then in the middle of one.
  interval=0.05
  [[ $((k % 2)) -eq 0 ]] && interval=0.001
  "$program" train --resume run.h5 --checkpoint-interval "$interval" --iterations unlimited --quiet \
    >"$out" 2>"$err" &
  pid=$!
  sleep "0.$(printf '%03d' $((RANDOM % 500)))"
  kill -s KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [[ -e run.h5.tmp ]] && kept=$((kept + 1))
  "$program" show run.h5 >"$out" 2>"$err" || fail "show fails after kill $k"
  if [[ $((k % 10)) -eq 0 ]]; then
    succeeds train --resume run.h5 --iterations 1 --quiet
    [[ ! -e run.h5.tmp ]] || fail 'a leftover temporary file is still there'
    is run.h5 stop_reason 'iteration limit reached'
    succeeds "${start[@]}" --overwrite # before it comes to its end
  fi
done
[[ $(find . -type f ! -name "run.h5*" | wc -l) -eq 0 ]] || fail "other files than run.h5: $(ls)"
echo "$kept of $kills kills left a temporary file"

# The first checkpoint of a new file: complete or not there.
for k in {1..10}; do
  rm -f new.h5 new.h5.tmp
  "$program" train --checkpoint-interval 0.001 --quiet -o new.h5 >"$out" 2>"$err" &
  pid=$!
  sleep "0.0$((RANDOM % 10))"
  kill -s KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [[ ! -e new.h5 ]] || "$program" show new.h5 >"$out" 2>"$err" || fail "show fails on a new file, kill $k"
done

finish
