# bash clean_system.sh DEB: installs a package in a fresh Debian 12, runs the program, and purges the
# package; nothing may be left. Needs root, mmdebstrap and an archive of Debian packages (77 without).
set -euo pipefail
deb=$(realpath "$1")
if [[ $(id -u) -ne 0 ]] || ! command -v mmdebstrap >/dev/null; then
  echo "skipped: needs root and mmdebstrap"
  exit 77
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
sources=/etc/apt/sources.list.d/debian.sources
[[ -e $sources ]] || sources=/etc/apt/sources.list
mmdebstrap --quiet --variant=minbase --include=ca-certificates --skip=cleanup/apt \
  bookworm "$root" "$sources"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
# What apt and dpkg keep of their own work is not of the package.
files() {
  (cd "$root" && find . -path ./proc -prune -o -path ./var/lib/apt -prune -o -path ./var/cache -prune -o \
    -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./etc/ld.so.cache -o -print | sort)
}

cp "$deb" "$root/isochron.deb"
apt=(apt-get -q -y -o Dpkg::Use-Pty=false)
# Its dependencies come first: what they leave behind is theirs.
inside "${apt[@]}" satisfy --no-install-recommends "$(dpkg-deb --field "$deb" Depends)" >/dev/null
files >"$root.before"
inside "${apt[@]}" install --no-install-recommends /isochron.deb >/dev/null
inside isochron --version
inside isochron train --seed 0 --loss-tolerance 1e-16 --output /tmp/run.h5 --quiet
rm -f "$root"/tmp/run.h5 "$root"/tmp/.run.h5.lock
inside "${apt[@]}" purge isochron >/dev/null
files >"$root.after"
left=0
diff "$root.before" "$root.after" || left=1
rm -f "$root.before" "$root.after"
[[ $left -eq 0 ]] || { echo "after purge these files are left or missing" >&2; exit 1; }
echo "purged without leftovers"
