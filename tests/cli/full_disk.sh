# A disk that fills up: status 4, a sentence with file and reason, the old file intact, no partial one.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# fails_to_write REASON FOLDER ARGUMENTS...
fails_to_write() {
  local reason=$1 folder=$2 before
  shift 2
  before=$(cd "$folder" && snapshot)
  run "$@"
  [[ $status -eq 4 ]] || fail "$*: exit status $status, not 4"
  one_sentence "$folder/.*$reason" "$*"
  [[ $(cd "$folder" && snapshot) == "$before" ]] || fail "$*: files were touched"
}

succeeds train "${quick[@]}" -o run.h5
mkdir limited disk

# Files that may not grow beyond 8 KiB.
echo precious >limited/old.h5
too_large() { (ulimit -f 8 && fails_to_write "$@" && exit "$failures") || failures=$?; }
too_large 'File too large' limited train "${quick[@]}" -o limited/new.h5
too_large 'File too large' limited train "${quick[@]}" -o limited/old.h5 --overwrite
too_large 'File too large' limited train --resume run.h5 --iterations 1 -o limited/new.h5 --quiet
too_large 'File too large' limited simulate --force duffing -o limited/new.h5
too_large 'File too large' limited simulate --force duffing -o limited/old.h5 --overwrite
if command -v gnuplot >/dev/null; then
  (ulimit -f 8 && rejects 4 'gnuplot: File too large' plot run.h5 -o limited && exit "$failures") ||
    failures=$?
fi
echo 'tested with a limit on the size of files'

# A quota that is used up, which is said when the file is written or, later, when it is synced.
if [[ $sanitized -eq 0 && -e ${ISOCHRON_FULL_QUOTA:-} ]]; then
  mkdir quota
  echo precious >quota/old.h5
  own=$program
  program=$streams/over_quota
  for moment in write sync; do
    printf '#!/bin/sh\nLD_PRELOAD="%s" ISOCHRON_QUOTA=%s exec "%s" "$@"\n' "$ISOCHRON_FULL_QUOTA" "$moment" "$own" >"$program"
    chmod 755 "$program"
    exceeded='Disk quota exceeded'
    fails_to_write "$exceeded" quota train "${quick[@]}" -o quota/new.h5
    fails_to_write "$exceeded" quota train "${quick[@]}" -o quota/old.h5 --overwrite
    fails_to_write "$exceeded" quota simulate --force duffing -o quota/old.h5 --overwrite
    fails_to_write "$exceeded" quota sweep "${quick[@]}" --runs 2 -o quota/sweep.h5
  done
  program=$own
  echo 'tested with a quota that is used up'
fi

if mount -t tmpfs -o size=20k tmpfs disk 2>/dev/null; then
  trap 'umount "$work/disk"; cleanup' EXIT
  echo precious >disk/old.h5
  space='No space left on device'
  fails_to_write "$space" disk train "${quick[@]}" -o disk/new.h5
  fails_to_write "$space" disk train "${quick[@]}" -o disk/old.h5 --overwrite
  fails_to_write "$space" disk simulate --force duffing -o disk/old.h5 --overwrite

  # Room for a checkpoint, not for the end: the checkpoint stays, complete.
  rm disk/old.h5
  mount -o remount,size=256k disk
  run train --trajectories 1000 --iterations 2 --quiet -o disk/new.h5
  [[ $status -eq 4 ]] || fail "a disk that fills up at the end: exit status $status"
  one_sentence "disk/new.h5.*$space" 'a disk that fills up at the end'
  [[ $(ls disk) == new.h5 ]] || fail "a partial file is left: $(ls disk)"
  is disk/new.h5 stop_reason running
  if command -v gnuplot >/dev/null; then
    head -c 300k /dev/zero >disk/filler 2>/dev/null
    fails_to_write "$space" disk plot run.h5 --format svg -o disk
  fi
  echo 'tested with a full tmpfs'
else
  echo 'not tested with a full tmpfs: mounting is not allowed'
fi

finish
