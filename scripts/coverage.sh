#!/usr/bin/env bash
# Which lines of src the tests reach: builds the preset coverage, runs them, and writes a line per file
# with those that are not reached to build/coverage/coverage.txt. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

need "${build_packages[@]}" "${check_packages[@]}" gcovr
build coverage
find build/coverage -name '*.gcda' -delete
# Tests of packages build other programs; processes that are killed leave no counts. Those without room or
# rights cannot write theirs, of which nothing is to be said among the sentences of the program. (Another user's,
# in cli_read_only, say it nevertheless.)
export GCOV_ERROR_FILE=$PWD/build/coverage/uncounted.log
ctest --preset coverage -j "$cores" -E '^package|^arrows' "$@" >build/coverage/tests.log 2>&1 ||
  say "some tests fail when they are counted: build/coverage/tests.log"
gcovr --root . --filter src/ --object-directory build/coverage --sort-percentage --print-summary \
  --txt build/coverage/coverage.txt | tail -n 2
say "the lines that no test reaches: build/coverage/coverage.txt"
