# Files that are missing, foreign, damaged or of the wrong shape: status 2, nothing touched.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

printf '%s\n' '1 0' '0.5 1' '0 1.5' >few.txt # of which none are unseen, so that nothing is validated
succeeds train --initial-states few.txt --iterations 3 --max-time 60 --quiet -o good.h5
echo 'no HDF5' >foreign.h5
: >empty.h5
printf '\x89HDF\r\n\x1a\n' >stub.h5
for kept in 600 5000 20000; do head -c "$kept" good.h5 >"truncated_$kept.h5"; done
{ head -c 3000 good.h5 && head -c 3000 /dev/urandom && tail -c +6001 good.h5; } >damaged.h5
mkdir folder.h5
succeeds simulate --force duffing --trajectories 5 -o no_model.h5

bad=("missing.h5 does|missing.h5' does not exist" "foreign.h5' is not an HDF5 file"
  "empty.h5' is not an HDF5 file" "stub.h5'" "truncated_600.h5' is a truncated"
  "truncated_5000.h5' is a truncated" "truncated_20000.h5' is a truncated" "folder.h5' is a folder")
files=(missing.h5 foreign.h5 empty.h5 stub.h5 truncated_600.h5 truncated_5000.h5
  truncated_20000.h5 folder.h5)
for i in "${!files[@]}"; do
  rejects 2 "${bad[$i]}" show "${files[$i]}"
  rejects 2 "${bad[$i]}" show --json "${files[$i]}"
  rejects 2 "${bad[$i]}" plot "${files[$i]}" -o figures
  rejects 2 "${bad[$i]}" train --resume "${files[$i]}"
  rejects 2 "${bad[$i]}" simulate --model "${files[$i]}"
  rejects 2 "${bad[$i]}" train --initial-states "${files[$i]}:/run/data/initial_states"
done
# Whatever the damage hit: a sentence or a result. (libhdf5 1.10 loses 200 bytes on the way.)
ASAN_OPTIONS=detect_leaks=0 run show damaged.h5
[[ $status -eq 0 || $status -eq 2 ]] || fail "a damaged file gives exit status $status"
[[ $status -eq 0 ]] || one_sentence damaged.h5 'show damaged.h5'
rejects 2 'no_model.h5 .*holds no network' train --resume no_model.h5
rejects 2 'no_model.h5 .*holds no network' simulate --model no_model.h5
rejects 2 'name two forces' simulate --model good.h5 --force duffing -o other.h5
rejects 2 'params is for an analytic' simulate --model good.h5 --params beta=1 -o other.h5

# Another architecture than the stored one.
for option in '--hidden 8' '--hidden 16' '--symmetry odd' '--dimension 2' '--dynamics first-order'; do
  # shellcheck disable=SC2086
  rejects 2 'good.h5 holds network 1-16-16-1, symmetry none, newtonian.*keeps its architecture' \
    train --resume good.h5 $option
done

# Initial states as text.
states() { printf '%s\n' "$@" >states.txt; }
states '1 2' '3 four'
rejects 2 "states.txt, line 2, column 2: 'four' is not a number" train --initial-states states.txt
states '1 2' '# a comment' '3 4 5'
rejects 2 'states.txt, line 3 has 3 columns; the initial states need 2, x, v' \
  train --initial-states states.txt
states '1 2 3' '4 5 6'
rejects 2 'states.txt, line 1 has 3 columns; .* need 2, x, v' train --initial-states states.txt
rejects 2 'line 1 has 3 columns; .* need 4, q1..q2, v1..v2' \
  train --dimension 2 --initial-states states.txt
rejects 2 'line 1 has 3 columns; .* need 2, y1..y2' \
  train --dimension 2 --dynamics first-order --initial-states states.txt
states '1 nan'
rejects 2 "line 1, column 2: 'nan' is not a finite number" train --initial-states states.txt
states '1 1e999'
rejects 2 "line 1, column 2: '1e999' is not a finite number" train --initial-states states.txt
states '1,,2' '3,,4'
rejects 2 'line 1, column 2 is empty' train --initial-states states.txt
states 'x,p' '3,4'
rejects 2 "line 1, column 2: the name 'p' is unknown; .* columns x, v" \
  train --initial-states states.txt
states 'v1 q1 v2 v1' '1 2 3 4'
rejects 2 "line 1, column 4: the name 'v1' .*q1..q2, v1..v2" \
  train --dimension 2 --initial-states states.txt
states 'A T' '1 6'
rejects 2 "column 1: the name 'A' is unknown; .*E, T .*--period-by amplitude: A, T" \
  train --loss prescribed-period --period-by energy --period-law states.txt
states '1 2' '3 x'
rejects 2 "line 2, column 2: 'x'" train --hold states.txt
rejects 2 "line 2, column 2: 'x'" train --loss prescribed-period --period-law states.txt
rejects 2 "line 2, column 2: 'x'" analyze --force states.txt
states '# nothing'
rejects 2 'states.txt holds no numbers' train --initial-states states.txt
states '1 2' '3 4'
rejects 2 'trajectories 5 does not fit states.txt, which holds 2' \
  train --initial-states states.txt --trajectories 5
for table in 'train --initial-states' 'train --hold' 'train --loss prescribed-period --period-law' \
  'analyze --force'; do
  # shellcheck disable=SC2086
  {
    rejects 2 'zero cannot be read|zero bytes' $table /dev/zero
    rejects 2 'cannot be read: Input/output error' $table /proc/self/mem
    rejects 2 'cannot be read: Is a directory' $table folder.h5
    rejects 2 'line 1 is longer than 1024 KiB' $table <(yes 1 | tr '\n' ' ')
    rejects 2 'UTF-16' $table <(printf '\xff\xfe1\0')
  }
done
[[ $sanitized -ne 0 ]] || rejects 2 'more than 10000000 rows' train --initial-states <(yes '1 2')
rejects 2 'missing.txt cannot be read' train --initial-states missing.txt
rejects 2 'folder.h5 cannot be read' train --initial-states folder.h5
head -c 1000 /dev/urandom >noise.txt
rejects 2 'noise.txt' train --initial-states noise.txt
rejects 2 'good.h5 is HDF5; name its dataset' train --initial-states good.h5

# Initial states in HDF5.
rejects 2 "'/nothing' in 'good.h5' is missing" train --initial-states good.h5:/nothing
rejects 2 "'/run/data' in 'good.h5' .not a dataset" train --initial-states good.h5:/run/data
rejects 2 '1 components, the problem needs 2' train --initial-states good.h5:/run/model/theta

# plot needs gnuplot; it says so before it makes a folder.
if [[ -x /usr/bin/env ]]; then
  before=$(snapshot)
  PATH=/nonexistent /usr/bin/env "$program" plot good.h5 -o figures >"$out" 2>"$err"
  status=$?
  [[ $status -eq 2 ]] || fail "plot without gnuplot: exit status $status"
  one_sentence 'gnuplot is not installed' 'plot without gnuplot'
  [[ $(snapshot) == "$before" ]] || fail 'plot without gnuplot touches files'
fi

finish
