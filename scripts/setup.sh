# Shared by run.sh, test.sh and package.sh, which source it from the top folder of the checkout.

build_packages=(
  g++ cmake ninja-build
  libsundials-dev libeigen3-dev libboost-program-options-dev libhdf5-dev liblbfgspp-dev libopenmpi-dev openmpi-bin
  libfmt-dev nlohmann-json3-dev libsleef-dev doctest-dev gnuplot-nox)
check_packages=(clang-format clang-tidy doxygen python3-h5py python3-scipy python3-xarray python3-h5netcdf python3-netcdf4)
sanitizer_packages=(clang-14 libclang-rt-14-dev lld-14)

logs=build/logs
cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

say() { printf '%s\n' "$*"; }

# fail STATUS SENTENCE..
fail() {
  local status=$1
  shift
  printf '%s\n' "$*" >&2
  exit "$status"
}

# logged NAME COMMAND..: runs it with its output in build/logs/NAME.log and shows a line now and
# then; when it fails, the end of the log.
logged() {
  local log="$logs/$1.log" status=0
  shift
  mkdir -p "$logs"
  "$@" 2>&1 </dev/null | tee "$log" | progress || status=$?
  if [[ $status -ne 0 ]]; then
    tail -n 30 "$log" >&2
    fail "$status" "failed: $* (all of its output is in $log)"
  fi
}

# Lines such as "[12/60] .." or "12/60 Test ..": one on a terminal that updates, one every 15 s
# elsewhere.
progress() {
  local line last=0 terminal=no
  [[ -t 1 ]] && terminal=yes
  while IFS= read -r line; do
    [[ $line =~ ^[[:space:]]*\[?[0-9]+/[0-9]+ ]] || continue
    if [[ $terminal == yes ]]; then
      printf '\r%.78s\033[K' "$line"
    elif ((SECONDS - last >= 15)); then
      say "  $line"
      last=$SECONDS
    fi
  done
  [[ $terminal == no ]] || printf '\r\033[K'
}

# as_root COMMAND..
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@"
}

missing_packages() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || say "$name"
  done
}

# need PACKAGE..: installs those that are missing (Debian and its relatives); elsewhere names them
# unless the tools are there.
need() {
  if [[ -e /etc/debian_version ]] && command -v apt-get >/dev/null; then
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
      fail 2 "these packages are missing, and installing them needs root or sudo:" \
        "apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    if [[ $(id -u) -ne 0 ]]; then
      sudo -v || fail 2 "sudo refused; as root: apt-get install ${missing[*]}"
    fi
    logged apt-update apt update
    logged apt-install apt install --no-install-recommends "${missing[@]}"
    return 0
  fi
  local tool absent=()
  for tool in c++ cmake ninja gnuplot; do
    command -v "$tool" >/dev/null || absent+=("$tool")
  done
  [[ ${#absent[@]} -gt 0 ]] || return 0
  fail 2 "${absent[*]}: not found. This script installs packages on Debian only; here, install what" \
    "Debian calls $*, then run it again."
}

# need_later PACKAGE..: as need, while other work goes on; `needed` waits for it, and has its status. At once where
# sudo may ask for a password.
later=
need_later() {
  (need "$@") &
  later=$!
  [[ $(id -u) -eq 0 ]] || wait "$later" || true
}
needed() { [[ -z $later ]] || wait "$later"; }

# build PRESET [OPTION OF THE BUILD ..]
build() {
  say "configuring and building the preset $1"
  logged "configure-$1" cmake --preset "$1"
  logged "build-$1" cmake --build --preset "$1" -j "$cores" "${@:2}"
}
