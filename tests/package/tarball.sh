# bash tarball.sh TARBALL REVISION [OPTION OF THE BUILD ..]: builds the sources in a tarball, without
# git, as a part of another project, and runs what it gives.
set -euo pipefail
tarball=$(realpath "$1")
revision=$2
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

wrong() {
  printf '%s: %s\n' "$tarball" "$*" >&2
  exit 1
}

tar -xf "$tarball"
sources=$(echo isochron-*)
[[ -e $sources/CMakeLists.txt ]] || wrong "is not a folder of the sources"
for entry in .git build results; do
  [[ ! -e $sources/$entry ]] || wrong "holds $entry"
done
cmake -G Ninja -S "$here/subproject" -B build -D WAY=FetchContent -D ISOCHRON="$work/$sources" \
  -D CMAKE_BUILD_TYPE=Release -D ISOCHRON_NATIVE=OFF -D CMAKE_DISABLE_FIND_PACKAGE_Git=ON >/dev/null
cmake --build build --target consumer isochron_program "${@:3}"
build/consumer
program=$(find build -type f -name isochron -perm -u+x)
"$program" --version >version
grep -qF "($revision, " version || wrong "says it is $(head -n 1 version), and not of $revision"
