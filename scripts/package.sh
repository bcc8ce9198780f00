#!/usr/bin/env bash
# Makes the Debian package and the tarball of the sources, and tries both: policy, unpacked, installed
# in a fresh system and purged (as root), find_package, pkg-config, built without git.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
[[ $# -eq 0 ]] || fail 2 "usage: scripts/package.sh (it takes no arguments)"

need "${build_packages[@]}" dpkg-dev file pkg-config lintian mmdebstrap
build package

folder=build/package
if date=$(git log -1 --format=%ct 2>/dev/null); then
  export SOURCE_DATE_EPOCH=$date
fi
rm -f "$folder"/isochron_*.deb "$folder"/isochron-*.tar.gz
logged package-deb cpack --config "$folder/CPackConfig.cmake" -B "$folder"
logged package-sources cpack -G TGZ --config "$folder/CPackSourceConfig.cmake" -B "$folder"
deb=$(echo "$folder"/isochron_*.deb)
tarball=$(echo "$folder"/isochron-*.tar.gz)

say "trying the package, unpacked"
logged package-unpacked bash tests/package/deb.sh "$deb"
if [[ $(id -u) -eq 0 ]] && command -v mmdebstrap >/dev/null; then
  say "trying the package in a fresh system"
  logged package-installed bash tests/package/clean_system.sh "$deb"
else
  say "the package is not tried in a fresh system: that needs root and mmdebstrap"
fi
say "building the tarball"
revision=$("$folder/isochron" --version | sed -n '1s/[^(]*(\([^,]*\),.*/\1/p')
logged package-tarball bash tests/package/tarball.sh "$tarball" "$revision" -j "$cores"

say "$deb"
say "$tarball"
