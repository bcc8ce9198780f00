#!/usr/bin/env bash
# Plants errors in a copy of the sources, one at a time (tests/mutations.txt), and asks whether the
# tests named there see them: mutation.sh [PATTERN]   only those whose name matches it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

wanted=${1:-.}
copy=build/mutation
mkdir -p "$copy"
# Without the times of what is the same, so that little is built again.
tar --exclude=./build --exclude=./.git -cf - . | tar -C "$copy" --skip-old-files -xf -
for file in $(cd "$copy" && find src include tests -type f); do
  cmp -s "$file" "$copy/$file" || cp "$file" "$copy/$file"
done
logged configure-mutation cmake --preset release -S "$copy" -D CMAKE_UNITY_BUILD=OFF
planted=0
seen=0

# replace FILE FROM TO: a text that stands there once.
replace() {
  FROM=$2 TO=$3 /usr/bin/python3 - "$1" <<'PYTHON'
import os
import sys

with open(sys.argv[1]) as file:
    text = file.read()
if text.count(os.environ["FROM"]) != 1:
    sys.exit(f"{sys.argv[1]} holds {text.count(os.environ['FROM'])} times: {os.environ['FROM']}")
with open(sys.argv[1], "w") as file:
    file.write(text.replace(os.environ["FROM"], os.environ["TO"]))
PYTHON
}

# targets TESTS..: what they need.
targets() {
  local test
  for test in "$@"; do
    case $test in
      cli_*) echo isochron_program make_files no_locks full_quota ;;
      test_*) echo unit_tests computing_tests ;;
      *) echo "$test" ;;
    esac
  done | tr ' ' '\n' | sort -u
}

# plant NAME FILE FROM TO TESTS..
plant() {
  local name=$1 file=$2 from=$3 to=$4 test by=""
  shift 4
  [[ $name =~ $wanted ]] || return 0
  planted=$((planted + 1))
  replace "$copy/$file" "$from" "$to"
  # shellcheck disable=SC2046
  logged build-mutation cmake --build "$copy/build/release" -j "$cores" --target $(targets "$@")
  for test in "$@"; do
    if ! ctest --test-dir "$copy/build/release" -R "^$test\$" --no-tests=error >"$logs/mutation-$test.log" 2>&1; then
      by=$test
      break
    fi
  done
  cp "$file" "$copy/$file"
  [[ -z $by ]] || seen=$((seen + 1))
  say "${by:-NOT SEEN}: $name ($file)"
}

while read -r key value; do
  case $key in
    name:) name=$value ;;
    file:) file=$value ;;
    from:) from=$value ;;
    to:) to=$value ;;
    tests:)
      read -ra tests <<<"$value"
      plant "$name" "$file" "$from" "$to" "${tests[@]}" </dev/null
      ;;
  esac
done < <(grep -v '^#' tests/mutations.txt)
say "$seen of $planted planted errors were seen"
[[ $seen -eq $planted && $planted -gt 0 ]]
