#!/usr/bin/env bash
# What the fuzzer found, input by input: ours, or a crash or an allocation without end inside of HDF5
# itself, which we cannot mend (docs/reliability.md). Status 1 when there is one of ours.
#
#   crashes.sh TARGET FOLDER
set -uo pipefail
ours=0
theirs=0

# inside_hdf5 REPORT: the innermost function that is not of the C library or a sanitizer is HDF5's.
inside_hdf5() {
  local first
  grep -qE 'ERROR: AddressSanitizer: (SEGV|ABRT|FPE|requested allocation size|allocator is out of memory) |ERROR: libFuzzer: out-of-memory \(malloc' \
    <<<"$1" || return 1
  first=$(grep -E '^ +#[0-9]+ ' <<<"$1" |
    grep -vE ' in (malloc|calloc|realloc|free|mem[a-z_]*|__|fuzzer::|raise|abort|gsignal)|/sysdeps/|/libc\.so' | head -n 1)
  [[ $first == *libhdf5* ]]
}

for input in "$2"/{crash,oom,timeout,leak,slow-unit}-*; do
  [[ -e $input ]] || continue
  report=$("$1" -timeout=60 "$input" 2>&1) && continue # it took too long beside other work
  if inside_hdf5 "$report"; then
    theirs=$((theirs + 1))
  else
    ours=$((ours + 1))
    printf '%s: %s\n' "$input" "$(grep -m 1 -E 'ERROR|runtime error|FAILED' <<<"$report")"
  fi
done
printf '%s crashes inside of HDF5, %s others\n' "$theirs" "$ours"
[[ $ours -eq 0 ]]
