# Helpers of the tests of the command line. A test is `bash NAME.sh PROGRAM [MAKE_FILES ..]`, sources this
# file, and ends with `finish`. It works in a folder of its own; all failures are counted and shown.
set -u
export LC_ALL=C

program=$(realpath "$1")
make_files=${2:+$(realpath "$2")}
here=$(realpath "$(dirname "${BASH_SOURCE[1]}")") # the folder of the test
work=$(mktemp -d)
streams=$(mktemp -d)
out=$streams/out
err=$streams/err
failures=0
# Under sanitizers, which are slow, a few repetitions must do.
sanitized=${ISOCHRON_SANITIZED:-0}
cleanup() { rm -rf "$work" "$streams"; }
trap cleanup EXIT
cd "$work" || exit 1

fail() {
  failures=$((failures + 1))
  printf 'FAILED: %.1000s\n' "$*"
  sed 's/^/    stdout: /' "$out" | head -n 5
  sed 's/^/    stderr: /' "$err" | head -n 5
}

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

finish() {
  if [[ $failures -ne 0 ]]; then
    printf '%d checks failed\n' "$failures"
    exit 1
  fi
  printf 'all is well\n'
}

# There are two thousand commands: what is done for each of them is done by the shell itself, where it can.

# What a rejected command must leave as it is: names and kinds of all files, and when they were changed, which
# the system notes at every change of contents or rights.
snapshot() { find . -type f -printf '%p %i %s %C@\n' -o -printf '%p %y %l\n'; }

# run ARGUMENTS...: the program; sets `status` and `complaint`, the lines of stderr; fills $out and $err.
run() {
  timeout -k 5 300 "$program" "$@" >"$out" 2>"$err"
  status=$?
  mapfile -t complaint <"$err"
  ! [[ "${complaint[*]}" =~ HDF5-DIAG|H5[A-Z][A-Za-z_]*\(\) ]] || fail "$*: HDF5 prints its error stack"
}

# succeeds ARGUMENTS...
succeeds() {
  run "$@"
  [[ $status -eq 0 ]] || fail "$*: exit status $status"
}

# one_sentence PATTERN WHAT: what stderr holds is one, and PATTERN (extended) is in it.
one_sentence() {
  local line beginnings=0 found=0
  mapfile -t complaint <"$err"
  for line in "${complaint[@]}"; do
    [[ $line != 'isochron: '* ]] || beginnings=$((beginnings + 1))
    [[ ! $line =~ $1 ]] || found=1
  done
  [[ ${#complaint[@]} -ge 1 && ${#complaint[@]} -le 3 && $beginnings -eq 1 ]] || fail "$2: not one sentence"
  [[ $found -eq 1 ]] || fail "$2: the sentence lacks /$1/"
}

# rejects STATUS PATTERN ARGUMENTS...: the exit status, one sentence, and nothing was touched.
rejects() {
  local expected=$1 pattern=$2 before
  shift 2
  before=$(snapshot)
  run "$@"
  [[ $status -eq $expected ]] || fail "$*: exit status $status, not $expected"
  [[ ! -s $out ]] || fail "$*: a rejected command prints results"
  one_sentence "$pattern" "$*"
  [[ $(snapshot) == "$before" ]] || fail "$*: files were touched"
}

# prints PATTERN / complains PATTERN: in the output of the last run.
prints() { grep -Eq -e "$1" "$out" || fail "stdout lacks /$1/"; }
complains() { grep -Eq -e "$1" "$err" || fail "stderr lacks /$1/"; }

# shows PATTERN: of a screen, whose rows are broken.
shows() { tr -s '\n ' ' ' <"$out" | grep -Eq -e "$1" || fail "the screen lacks /$1/"; }

# field NAME: of the lines of JSON on stdin.
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p"; }

# value FILE NAME: a number or text of the summary. option FILE NAME: of the stored configuration.
value() { "$program" show --json "$1" | sed -n '/^  "summary": {/,$p' | field "$2"; }
option() { "$program" show --json "$1" | sed -n '/^    "options": {/,/}/p' | field "$2"; }

# is FILE NAME EXPECTED: of the summary. asked FILE NAME EXPECTED: of the configuration.
is() { [[ $(value "$1" "$2") == "$3" ]] || fail "$1: $2 is '$(value "$1" "$2")', not '$3'"; }
asked() { [[ $(option "$1" "$2") == "$3" ]] || fail "$1: $2 is '$(option "$1" "$2")', not '$3'"; }

# below FILE NAME LIMIT: a number of the summary.
below() {
  awk -v a="$(value "$1" "$2")" -v b="$3" 'BEGIN { exit !(a ~ /^[0-9]/ && a + 0 <= b + 0) }' ||
    fail "$1: $2 is $(value "$1" "$2"), above $3"
}

# same_model A B: equal networks, to the last bit.
same_model() {
  command -v h5diff >/dev/null || return 0
  h5diff -q "$1" "$2" /run/model || fail "$1 and $2 hold different networks"
}

# appears FILE: waits until it is there, at most 20 s.
appears() {
  for _ in {1..200}; do
    [[ -e $1 ]] && return
    sleep 0.1
  done
}

# A run of a moment.
# shellcheck disable=SC2034
quick=(--trajectories 10 --iterations 3 --max-time 60 --quiet)

# same_tables A B [GROUP]: equal to the last bit in all that two sweeps hold, but for wall times, where they were made,
# and a group of that name. Needs h5py.
same_tables() {
  /usr/bin/python3 - "$@" >"$out" 2>"$err" <<'PYTHON'
import sys

import h5py


def held(path):
    found = {}

    def see(name, item):
        if name.startswith(("environment", *sys.argv[3:])) or name == "columns/wall_time" or not isinstance(item, h5py.Dataset):
            return
        value = item[()]
        if name == "table":
            value["wall_time"] = 0
        found[name] = (item.dtype, value.tobytes() if hasattr(value, "tobytes") else value)

    with h5py.File(path) as file:
        file["sweep"].visititems(see)
    return found


one, other = held(sys.argv[1]), held(sys.argv[2])
different = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
print("different:", *sorted(different))
sys.exit(1 if different or not one else 0)
PYTHON
}
# same_sweep A B
same_sweep() { same_tables "$@" || fail "$1 and $2 hold different sweeps"; }
# same_runs A B: equal but for their configurations, which say where each option came from.
same_runs() { same_tables "$@" config/ || fail "$1 and $2 hold different runs"; }
