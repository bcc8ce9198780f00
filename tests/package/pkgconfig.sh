# bash pkgconfig.sh COMPILER PREFIX LIBDIR: compiles and runs main.cpp by what pkg-config says of the
# library below PREFIX, wherever that has been moved to.
set -eu
compiler=$1
prefix=$2
libdir=$3
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
command -v pkg-config >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$prefix" "$work/moved"

export PKG_CONFIG_PATH=$work/moved/$libdir/pkgconfig
[[ $(pkg-config --modversion isochron) =~ ^[0-9]+[.][0-9]+[.][0-9]+$ ]]
read -r -a flags <<<"$(pkg-config --cflags --libs isochron)"
read -r -a more <<<"${CXXFLAGS-}"
[[ " ${flags[*]} " == *" -I$work/moved/"* ]] # not those of the system
"$compiler" -std=c++20 -O1 "${more[@]}" "$here/main.cpp" "${flags[@]}" -o "$work/consumer"
LD_LIBRARY_PATH=$work/moved/$libdir "$work/consumer"
