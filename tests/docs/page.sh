# What a page shows works as it stands: its blocks of shell commands and Python, one after the other in
# one folder, with less time for trainings and fewer starts; its C++ is that of an example. Blocks ```sh not-run need
# more than the program, or an hour.
#
#   bash page.sh PROGRAM SOURCES PAGE
source "$(dirname "${BASH_SOURCE[0]}")/../cli/common.sh"
sources=$(realpath "$2")
page=$sources/$3
/usr/bin/python3 -c 'import h5py, numpy' 2>"$err" || skip 'python3-h5py is not installed'
command -v gnuplot >/dev/null || skip 'gnuplot is not installed'

mkdir -p build/release results "$streams/blocks"
ln -s "$program" build/release/isochron
ln -s "$sources"/{examples,docs,scripts} .
export PATH=$PWD/build/release:$PATH
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1

# block NUMBER.LANGUAGE for every one that is to be run or compared.
awk -v folder="$streams/blocks" '
  /^```(sh|python|cpp)$/ { name = sprintf("%s/%03d.%s", folder, ++n, substr($0, 4)); next }
  /^```/ { name = ""; next }
  name != "" { print > name }' "$page"

for block in "$streams"/blocks/*; do
  [[ -e $block ]] || break
  case $block in
    *.sh)
      if grep -q '^mpirun ' "$block" && ! command -v mpirun >/dev/null; then continue; fi
      sed -i -E 's/--max-time [0-9]+/--max-time 2/; s/--runs [0-9]+/--runs 4/' "$block"
      (timeout -k 5 600 bash -euo pipefail "$block") >"$out" 2>"$err" || fail "$(head -n 1 "$block") ..: exit status $?"
      ;;
    *.python) timeout 60 /usr/bin/python3 "$block" >"$out" 2>"$err" || fail "$(head -n 3 "$block") .." ;;
    *.cpp)
      found=0
      for file in "$sources"/examples/*.cpp "$sources"/tests/package/main.cpp; do
        /usr/bin/python3 -c 'import sys; sys.exit(open(sys.argv[1]).read() not in open(sys.argv[2]).read())' \
          "$block" "$file" && found=1
      done
      [[ $found -eq 1 ]] || fail "no example has the lines that begin with $(head -n 1 "$block")"
      ;;
  esac
done
[[ $(find "$streams/blocks" -type f | wc -l) -eq $(grep -cE '^```(sh|python|cpp)$' "$page") ]] || fail "$3: not all blocks are found"

# Links to files, from where the page is.
awk '/^```/ { code = !code; next } !code' "$page" | grep -oE '\]\([^)#:]+[)#]' | sed -E 's/^\]\(//; s/[)#]$//' | sort -u | while read -r link; do
  [[ -e $(dirname "$page")/$link ]] || printf '%s\n' "$link"
done >"$out"
[[ ! -s $out ]] || fail "$3 leads to files that are not there"

finish
