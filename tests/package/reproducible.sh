# bash reproducible.sh [OPTION OF THE BUILD ..]: builds the commit that is checked out in two folders of
# different names, by the preset package, and compares what they install, byte for byte. No compiler
# cache may come between.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export CCACHE_DISABLE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in one "another folder"; do
  git clone -q "$source" "$work/$folder"
  (cd "$work/$folder" && cmake --preset package) >/dev/null
  cmake --build "$work/$folder/build/package" "$@"
  DESTDIR="$work/$folder/root" cmake --install "$work/$folder/build/package" >/dev/null
done
diff -r "$work/one/root" "$work/another folder/root"
echo "the same, byte for byte: $(find "$work/one/root" -type f | wc -l) files"
