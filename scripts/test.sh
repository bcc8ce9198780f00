#!/usr/bin/env bash
# Sets up, builds and tests. The preset dev (default) also checks format and style of the sources.
# --long runs instead what takes a night: each script as often, and each target as long, as
# docs/reliability.md says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

preset=dev
long=no
if [[ $# -eq 1 && $1 == --long ]]; then
  long=yes
elif [[ $# -eq 2 && $1 == --preset && $2 =~ ^(dev|release|asan)$ ]]; then
  preset=$2
elif [[ $# -ne 0 ]]; then
  fail 2 "usage: scripts/test.sh [--preset dev|release|asan] or scripts/test.sh --long"
fi

check_format() {
  local files
  mapfile -t files < <(find src include tests examples benchmarks -name '*.[ch]pp' | sort)
  say "format: clang-format on ${#files[@]} files"
  clang-format --dry-run --Werror "${files[@]}"
}

check_style() {
  local files
  mapfile -t files < <(find src -name '*.cpp' | sort)
  say "style: clang-tidy on ${#files[@]} files"
  logged configure-tidy cmake --preset tidy
  if ! printf '%s\n' "${files[@]}" |
    xargs -P "$cores" -n 1 clang-tidy --quiet -p build/tidy >"$logs/clang-tidy.log" 2>&1; then
    grep -E ' (error|warning): |^(error|Error)' "$logs/clang-tidy.log" | sort -u >&2 || true
    fail 1 "clang-tidy objects (all of its output is in $logs/clang-tidy.log)"
  fi
}

# Another version judges differently.
version_14() { "$1" --version 2>/dev/null | grep -q 'version 14\.'; }

# lasting NAME COMMAND..: its output is in build/logs/long-NAME.log; a failure is counted.
failed=()
lasting() {
  local name=$1 start=$SECONDS how='well'
  shift
  "$@" >"$logs/long-$name.log" 2>&1 </dev/null || { how='FAILED' && failed+=("$name"); }
  say "$name: $how after $((SECONDS - start)) s: $(tail -n 1 "$logs/long-$name.log")"
}

long_run() {
  local target program=build/dev/isochron make_files=build/dev/tests/make_files
  export ISOCHRON_NO_LOCKS=$PWD/build/dev/tests/libno_locks.so
  need "${build_packages[@]}" "${check_packages[@]}" clang-14 libclang-rt-14-dev valgrind
  build dev
  lasting kills bash tests/cli/kill.sh "$program" "$make_files" 500
  lasting writers bash tests/cli/writers.sh "$program" "$make_files" 40
  lasting killed-ranks bash tests/cli/killed_ranks.sh "$program" "$make_files" 50
  lasting hostile-files bash tests/cli/hostile_files.sh "$program" "$make_files" --all
  lasting growth bash tests/cli/growth.sh "$program" "$make_files" 1800
  lasting gradients build/dev/tests/fuzz_gradients --cases 2000 --seed 1001
  build fuzz
  lasting seeds bash tests/fuzz/seeds.sh build/fuzz/isochron build/fuzz/tests/make_files build/fuzz/seeds
  for target in results merge options configuration tables data; do
    mkdir -p "build/fuzz/found/$target"
    LSAN_OPTIONS=suppressions=tests/lsan.supp lasting "fuzz-$target" \
      "build/fuzz/tests/fuzz/fuzz_$target" -runs=1000000 -max_total_time=3600 -max_len=65536 -timeout=60 \
      "build/fuzz/found/$target" "build/fuzz/seeds/$target"
  done
  build tsan
  lasting threads ctest --preset tsan
  lasting coverage scripts/coverage.sh
  lasting valgrind bash tests/cli/valgrind.sh build/coverage/isochron
  lasting mutations scripts/mutation.sh
  [[ ${#failed[@]} -eq 0 ]] || fail 1 "failed: ${failed[*]} (see $logs)"
}
if [[ $long == yes ]]; then
  mkdir -p "$logs"
  long_run
  exit 0
fi

need "${build_packages[@]}" "${check_packages[@]}"
build "$preset"
ctest --preset "$preset" -j "$cores"

[[ $preset == dev ]] || exit 0
for tool in clang-format clang-tidy; do
  if ! version_14 "$tool"; then
    say "$tool 14 is not here: its check is skipped"
  elif [[ $tool == clang-format ]]; then
    check_format
  else
    check_style
  fi
done
say "all checks passed"
