# bash deb.sh DEB: a Debian package of the preset package, unpacked into an empty folder. Its policy
# (where lintian is), what it holds, the program, which copy of the library the loader takes, and a
# project that finds the library there.
set -euo pipefail
deb=$(realpath "$1")
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

wrong() {
  printf '%s: %s\n' "$deb" "$*" >&2
  exit 1
}

if command -v lintian >/dev/null; then
  root=()
  [[ $(id -u) -ne 0 ]] || root=(--allow-root)
  lintian "${root[@]}" --fail-on error "$deb" || wrong "lintian objects"
fi

dpkg-deb -x "$deb" root
libdir=$(cd root/usr && dirname lib/*/libisochron.so)
for file in bin/isochron include/isochron/training.hpp "$libdir/libisochron.so.0" \
  "$libdir"/glibc-hwcaps/x86-64-v{3,4}/libisochron.so.0 "$libdir/cmake/isochron/isochronConfig.cmake" \
  "$libdir/pkgconfig/isochron.pc" share/doc/isochron/{copyright,changelog.gz,README.md} \
  share/doc/isochron/examples/01_gradient_by_adjoint.cpp share/man/man1/isochron{,-train}.1.gz \
  share/bash-completion/completions/isochron; do
  [[ -e root/usr/$file ]] || wrong "holds no /usr/$file"
done

# with LEVELS COMMAND..: by the loader's copies of these levels (x86-64-v3:x86-64-v4), or the first.
with() {
  "$loader" --library-path "$work/root/usr/$libdir" --glibc-hwcaps-mask "$1" \
    "$work/root/usr/bin/isochron" "${@:2}"
}
loader=/lib64/ld-linux-x86-64.so.2
supported=$("$loader" --help | sed -n 's/^ *\(x86-64-v[34]\) (supported.*/\1/p' | sort)
for level in none $supported; do
  with "$level" --version >version
  march=$(sed -n '1s/.* -march=\([^ )]*\).*/\1/p' version)
  [[ ${march:-none} == "$level" ]] || wrong "for $level the loader takes the library of ${march:-none}"
  with "$level" train --seed 0 --loss-tolerance 1e-16 --output "$level.h5" --quiet >/dev/null
  with "$level" analyze "$level.h5" --store >/dev/null # a file of one level, read by the next
  printf 'runs with the library of %s\n' "$level"
done

cmake -G Ninja -S "$here" -B consumer -D CMAKE_PREFIX_PATH="$work/root/usr" \
  -D CMAKE_BUILD_TYPE=Release >/dev/null
cmake --build consumer >/dev/null
LD_LIBRARY_PATH=root/usr/$libdir consumer/consumer
bash "$here/pkgconfig.sh" c++ root/usr "$libdir"
