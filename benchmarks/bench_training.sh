#!/usr/bin/env bash
# How far does training get, and how often? Runs `isochron train` for seeds 0..9 with the options
# given and prints a line per seed: the verified loss, the n of the nearest harmonic force, the
# largest deviation from it on [-2, 2], the seconds, and why it stopped.
#
#   benchmarks/bench_training.sh build/release/isochron --loss antiperiodic --max-time 30
set -euo pipefail

program=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

value() { sed -n "s/^ *\"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" "$folder/run.json" | head -n 1; }

printf '%-5s %-12s %-3s %-12s %-8s %s\n' seed verified n deviation time/s stopped
for seed in 0 1 2 3 4 5 6 7 8 9; do
  "$program" train "$@" --seed "$seed" --threads 1 --quiet --overwrite -o "$folder/run.h5" >/dev/null
  "$program" show --json "$folder/run.h5" >"$folder/run.json"
  printf '%-5s %-12.3e %-3.0f %-12.2e %-8.1f %s\n' "$seed" "$(value loss_verified)" \
    "$(value harmonic_n)" "$(value harmonic_deviation)" "$(value wall_time)" \
    "$(value stop_reason)"
done
