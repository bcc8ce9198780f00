#!/usr/bin/env bash
# Makes pages of the library's headers, in build/docs/html; fails where a docstring does not fit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
[[ $# -eq 0 ]] || fail 2 "usage: scripts/docs.sh (it takes no arguments)"

need doxygen
rm -rf build/docs
mkdir -p build/docs
logged docs doxygen docs/Doxyfile
say build/docs/html/index.html
