#!/usr/bin/env bash
# What the fuzzer found, input by input: ours, or a crash inside of HDF5 itself, which we cannot mend
# (docs/reliability.md). Status 1 when there is one of ours.
#
#   crashes.sh TARGET FOLDER
set -uo pipefail
ours=0
theirs=0
for input in "$2"/{crash,oom,timeout,leak,slow-unit}-*; do
  [[ -e $input ]] || continue
  report=$("$1" -timeout=60 "$input" 2>&1) && continue # it took too long beside other work
  first=$(grep -m 1 -E '^ +#0 ' <<<"$report")
  if grep -qE 'ERROR: AddressSanitizer: (SEGV|ABRT|FPE) ' <<<"$report" && [[ $first == *libhdf5* ]]; then
    theirs=$((theirs + 1))
  else
    ours=$((ours + 1))
    printf '%s: %s\n' "$input" "$(grep -m 1 -E 'ERROR|runtime error|FAILED' <<<"$report")"
  fi
done
printf '%s crashes inside of HDF5, %s others\n' "$theirs" "$ours"
[[ $ours -eq 0 ]]
