#!/usr/bin/env bash
# Sets up, builds, and answers the question: which forces bring every orbit back after T = 2 pi?
# Trains two force fields into results/ (a few seconds) and draws them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
[[ $# -eq 0 ]] || fail 2 "usage: scripts/run.sh (it takes no arguments; for your own runs use" \
  "build/release/isochron train --help)"

need "${build_packages[@]}"
build release --target isochron_program

isochron=build/release/isochron
figures=results/figures
mkdir -p "$figures"

# value FILE NAME: a number of its summary.
value() {
  "$isochron" show "$1" --json | sed -n "s/^ *\"$2\": \([-+.0-9eE]*\),\{0,1\}\$/\1/p"
}

# train_and_draw LOSS: results/LOSS.h5 and its figures; fails unless the verified loss is reached.
train_and_draw() {
  local file="results/$1.h5" verified
  say
  say "training on the $1 loss"
  "$isochron" train --loss "$1" --seed 3 --loss-tolerance 1e-18 --max-time 10 \
    --output "$file" --overwrite
  verified=$(value "$file" loss_verified)
  awk -v loss="${verified:-nan}" 'BEGIN { exit !(loss ~ /^[0-9]/ && loss + 0 <= 1e-15) }' ||
    fail 1 "the $1 loss is ${verified:-not verified}, above 1e-15, in $file"
  "$isochron" plot "$file" --output "$figures/$1" >/dev/null
}

train_and_draw periodic
train_and_draw antiperiodic

say
say "results/periodic.h5 and results/antiperiodic.h5 hold the runs; the figures:"
find "$figures/periodic" "$figures/antiperiodic" -name '*.png' | sort | sed 's/^/  /'
deviation() { printf '%.2g' "$(value "results/$1.h5" harmonic_deviation)"; }
n=$(value results/antiperiodic.h5 harmonic_n)
n=${n%.*}
if [[ $n -eq 1 ]]; then
  force="f = -x"
else
  force="f = -$((n * n)) x"
fi
say "Both forces close every orbit after T = 2 pi: the antiperiodic loss leaves only a harmonic one," \
  "$force to within $(deviation antiperiodic) on [-2, 2]; the periodic one a sheared, shifted" \
  "isochronous well, $(deviation periodic) away from the nearest harmonic force."
