#!/usr/bin/env bash
# Sets up, builds and tests. The preset dev (default) also checks format and style of the sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

preset=dev
if [[ $# -eq 2 && $1 == --preset && $2 =~ ^(dev|release|asan)$ ]]; then
  preset=$2
elif [[ $# -ne 0 ]]; then
  fail 2 "usage: scripts/test.sh [--preset dev|release|asan]"
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
