#!/usr/bin/env bash
# Sets up, builds and tests. The preset dev (default) also checks format and style of the sources.
# --long runs instead what takes a night: each script as often, and each target as long, as
# docs/reliability.md says. --viewers opens results files in H5Web, in a headless Chromium: it needs a
# registry of npm, and works in build/viewers; with --all each plot is looked at in each of the files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

preset=dev
long=no
viewers=no
if [[ $# -eq 1 && $1 == --long ]]; then
  long=yes
elif [[ $* == --viewers || $* == '--viewers --all' ]]; then
  viewers=yes
elif [[ $# -eq 2 && $1 == --preset && $2 =~ ^(dev|release|asan)$ ]]; then
  preset=$2
elif [[ $# -ne 0 ]]; then
  fail 2 "usage: scripts/test.sh [--preset dev|release|asan], scripts/test.sh --long or scripts/test.sh --viewers [--all]"
fi

check_format() {
  local files
  mapfile -t files < <(find src include tests examples benchmarks -name '*.[ch]pp' | sort)
  say "format: clang-format on ${#files[@]} files"
  printf '%s\0' "${files[@]}" | xargs -0 -P "$cores" -n 60 clang-format --dry-run --Werror
}

# Dozens of sources at once, as the preset puts them together: what they all include is looked through
# six times instead of 170 times. One more than there are processors, so that none waits.
check_style() {
  local files
  rm -rf build/tidy # what older sources were put together
  logged configure-tidy cmake --preset tidy
  mapfile -t files < <(find "$PWD/build/tidy/CMakeFiles" -name 'unity_*.cxx' -printf '%s %p\n' | sort -rn | cut -d ' ' -f 2)
  say "style: clang-tidy on the $(cat "${files[@]}" | grep -c '/src/.*\.cpp') files of src"
  if ! printf '%s\n' "${files[@]}" | xargs -P $((cores + 1)) -n 1 \
    clang-tidy --quiet --checks=-bugprone-suspicious-include -p build/tidy >"$logs/clang-tidy.log" 2>&1; then
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

# A million inputs or an hour; the fuzzer goes on behind a crash.
fuzzed() {
  local target=build/fuzz/tests/fuzz/fuzz_$1 found=build/fuzz/found/$1
  mkdir -p "$found" "$found.crashes"
  LSAN_OPTIONS=suppressions=tests/lsan.supp "$target" -fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1 \
    -runs=1000000 -max_total_time=3600 -max_len=65536 -timeout=60 -artifact_prefix="$found.crashes/" \
    "$found" "build/fuzz/seeds/$1" || true
  bash tests/fuzz/crashes.sh "$target" "$found.crashes"
}

long_run() {
  local target program=build/dev/isochron make_files=build/dev/tests/make_files
  export ISOCHRON_NO_LOCKS=$PWD/build/dev/tests/libno_locks.so
  need "${build_packages[@]}" libbenchmark-dev "${check_packages[@]}" "${sanitizer_packages[@]}" valgrind
  build dev
  lasting kills bash tests/cli/kill.sh "$program" "$make_files" 500
  lasting writers bash tests/cli/writers.sh "$program" "$make_files" 40
  lasting killed-parts bash tests/cli/merge.sh "$program" "$make_files" 20
  lasting killed-ranks bash tests/cli/killed_ranks.sh "$program" "$make_files" 50
  lasting hostile-files bash tests/cli/hostile_files.sh "$program" "$make_files" 3600
  lasting memory bash tests/cli/memory.sh "$program" "$make_files" --all
  lasting ranks bash tests/cli/mpi.sh "$program" "$make_files" --all
  lasting time bash tests/cli/time.sh "$program" "$make_files" --all
  lasting growth bash tests/cli/growth.sh "$program" "$make_files" 1800
  lasting viewers scripts/test.sh --viewers --all
  lasting gradients build/dev/tests/fuzz_gradients --cases 2000 --seed 1001
  build fuzz
  lasting seeds bash tests/fuzz/seeds.sh build/fuzz/isochron build/fuzz/tests/make_files build/fuzz/seeds
  for target in results merge options configuration tables data; do
    lasting "fuzz-$target" fuzzed "$target"
  done
  build asan --target all --target long_tests
  lasting sanitizers ctest --preset asan-long -j "$cores"
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

# The packages of H5Web ask for this version of Node; Debian 12 has it.
node_18() {
  node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null
}

skip_viewers() {
  say "viewers: skipped, since $*"
  exit 0
}

# What package-lock.json names, and the page that is made of it.
install_viewers() {
  local folder=build/viewers source=tests/viewers
  mkdir -p "$folder"
  cp "$source"/{.npmrc,package.json,page.jsx,look.mjs} "$folder"
  if ! cmp -s "$source/package-lock.json" "$folder/node_modules/installed.json"; then
    cp "$source/package-lock.json" "$folder"
    say "viewers: installing H5Web"
    if ! (cd "$folder" && npm ci --fetch-retries 1) >"$logs/npm.log" 2>&1; then
      grep -qE '(ERR!|error) (network|code E(NOTFOUND|AI_AGAIN|CONN|TIMEDOUT))' "$logs/npm.log" &&
        skip_viewers "npm cannot reach its registry (all of its output is in $logs/npm.log)"
      fail 1 "npm cannot install H5Web (all of its output is in $logs/npm.log)"
    fi
    cp "$source/package-lock.json" "$folder/node_modules/installed.json"
  fi
  (cd "$folder" && npm run --silent build)
}

see_viewers() {
  mkdir -p "$logs"
  node_18 || (need nodejs npm) || true
  node_18 || skip_viewers "there is no Node 18 or later with npm"
  command -v chromium >/dev/null || need_later chromium
  install_viewers
  needed || true
  command -v chromium >/dev/null || skip_viewers "there is no Chromium"
  need "${build_packages[@]}"
  build dev --target isochron_program
  say "viewers: opening files of every kind"
  bash tests/viewers/viewers.sh build/dev/isochron build/viewers "$@"
}
if [[ $viewers == yes ]]; then
  see_viewers "${@:2}"
  exit 0
fi

packages=("${build_packages[@]}" libbenchmark-dev)
[[ $preset != asan ]] || packages+=("${sanitizer_packages[@]}")
need "${packages[@]}"
need_later "${check_packages[@]}"
build "$preset"
needed
ctest --preset "$preset" -j $((cores + 2)) # some wait for others, or for a second

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
