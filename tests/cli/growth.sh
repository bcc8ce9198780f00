# Nothing grows while a run goes on: memory, open files and temporary files of a training and of a sweep are
# watched. The third argument is the number of seconds for each.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ $sanitized -eq 0 ]] || skip 'sanitizers keep what was freed'

seconds=${3:-6}
threads=$((seconds < 60 ? 1 : 2))

# watched NAME ARGUMENTS...: runs it for that long, and looks at its memory and files in both halves of the
# time: first and last are the largest memory in KiB.
watched() {
  local name=$1 start now rss files hidden count=0 least_files=0 first_files=0
  first=0 last=0
  shift
  "$program" "$@" >"$out" 2>"$err" &
  local pid=$!
  start=$EPOCHSECONDS
  sleep 2
  while now=$((EPOCHSECONDS - start)) && [[ $now -lt $seconds ]]; do
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
    [[ -n $rss ]] || break
    files=$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)
    hidden=$(find . -name '.*.isochron-*' | wc -l)
    [[ $hidden -le 2 ]] || fail "$name: $hidden temporary files at once"
    if [[ $now -lt $((seconds / 2)) ]]; then
      [[ $rss -le $first ]] || first=$rss
      [[ $files -le $first_files ]] || first_files=$files
    else
      [[ $rss -le $last ]] || last=$rss
      [[ $least_files -ne 0 && $files -ge $least_files ]] || least_files=$files
    fi
    count=$((count + 1))
    sleep 0.1
  done
  kill -s INT "$pid" 2>/dev/null
  wait "$pid"
  [[ $? -eq 130 ]] || fail "$name: ended by itself"
  echo "$name: $first KiB at most in the first half, $last in the second; at most $first_files and then at least $least_files open files; $count looks"
  # Files that are open for a moment are seen or not; those that nobody closes are always seen.
  [[ $least_files -le $first_files ]] || fail "$name: open files grow from $first_files to $least_files"
  [[ -z $(find . -name '.*' -type f) ]] || fail "$name leaves $(find . -name '.*' -type f)"
}

# at_most KIB NAME: the memory of the second half.
at_most() { [[ $last -gt 0 && $last -le $1 ]] || fail "$2: memory grows from $first to $last KiB, more than $1"; }

# The history of an iteration is a few numbers. An image of the file that is about to be written is seen or not.
watched training train --trajectories 400 --hidden 16,16 --optimizer adam --iterations unlimited \
  --loss-tolerance 0 --max-time 100000 --checkpoint-interval 0.2 --threads $threads --quiet -o run.h5
at_most $((first + first / 10 + 2000 + 4 * seconds)) training
succeeds show run.h5

# 6 KiB for each run of the second half: its row, the copy of it that is being saved, and the file's image, in
# memory that doubles when it is full.
watched sweep sweep --hidden 4 --trajectories 10 --iterations 5 --runs 1000000 --threads $threads --quiet -o sweep.h5
succeeds show sweep.h5
runs=$(sed -n 's/.*: \([0-9]*\) runs$/\1/p' "$out")
at_most $((first + 2000 + 6 * runs / 2)) sweep
finish
