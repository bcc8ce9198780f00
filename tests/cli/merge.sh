# isochron sweep --part and isochron merge: the parts of a sweep together are the whole one, to the last bit.
# The third argument is the number of times that a part is killed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'

small=(--hidden 4 --trajectories 8 --iterations 3 --verdict-tolerance 0.1 --quiet)
# Three configurations, so that three parts would each meet only one of them if runs were simply dealt out.
grid='loss=periodic|antiperiodic; optimizer=adam'

# rows FILE: run, configuration and seed of each.
rows() {
  /usr/bin/python3 -c 'import h5py, sys
for row in h5py.File(sys.argv[1])["sweep/table"]: print(row["run"], row["configuration"], row["seed"])' "$1"
}

succeeds sweep "${small[@]}" --runs 4 --grid "$grid" --threads 2 -o one.h5
[[ $(rows one.h5 | wc -l) -eq 12 ]] || fail 'not twelve runs'

# Any number of parts, also more than there are runs; any number of threads; in any order.
for n in 1 3 14; do
  files=()
  for ((i = n; i >= 1; --i)); do
    succeeds sweep "${small[@]}" --runs 4 --grid "$grid" --part "$i/$n" --threads $((1 + i % 2)) -o "$i.of.$n.h5"
    files+=("$i.of.$n.h5")
  done
  succeeds merge "${files[@]}" -o "all.$n.h5"
  prints "^all.$n.h5: 4 starts of 3 configurations"
  same_sweep one.h5 "all.$n.h5"
done
[[ $(rows 2.of.3.h5 | cut -d ' ' -f 2 | sort -u | wc -l) -eq 3 ]] || fail 'a part misses configurations'

# A part is a results file: shown, gone on with as the same part, also with more runs.
succeeds show 2.of.3.h5
prints '^2.of.3.h5: part 2 of 3 of 4 starts of 3 configurations'
cp 2.of.3.h5 before.h5
succeeds sweep --resume 2.of.3.h5 --quiet
same_runs before.h5 2.of.3.h5
rejects 2 '--part cannot change when a sweep goes on' sweep --resume 2.of.3.h5 --part 1/3
succeeds sweep "${small[@]}" --runs 6 --grid "$grid" -o more.h5
cp all.3.h5 resumed.h5
succeeds sweep --resume resumed.h5 --runs 6 --quiet
same_runs more.h5 resumed.h5
for i in 1 2 3; do
  cp "$i.of.3.h5" "longer.$i.h5"
  succeeds sweep --resume "longer.$i.h5" --runs 6 --quiet
done
succeeds merge longer.{1,2,3}.h5 -o longer.h5
same_runs more.h5 longer.h5

# What is no sweep, or not all of one.
succeeds train "${small[@]}" -o run.h5
echo text >text.h5
rejects 2 'merge needs the files' merge
rejects 2 'merge needs the files' merge -o new.h5
rejects 2 "run.h5' holds no sweep" merge 1.of.3.h5 run.h5 -o new.h5
rejects 2 'text.h5.* not an HDF5 file' merge text.h5 -o new.h5
rejects 2 'none.h5' merge none.h5 -o new.h5
rejects 2 'all.3.h5 exists; give --overwrite' merge {1,2,3}.of.3.h5 -o all.3.h5
rejects 2 'run 1 is in 2.of.3.h5 and in before.h5' merge 1.of.3.h5 2.of.3.h5 before.h5 -o new.h5
rejects 2 '1.of.3.h5 is part 1/3, 2.of.14.h5 part 2/14' merge 1.of.3.h5 2.of.14.h5 -o new.h5
rejects 2 '1.of.3.h5 was made with --runs 4, longer.2.h5 with --runs 6;.* --runs K adds runs' \
  merge 1.of.3.h5 longer.2.h5 -o new.h5
succeeds sweep "${small[@]}" --rtol 1e-9 --runs 4 --grid "$grid" --part 2/3 -o other.h5
rejects 2 '1.of.3.h5 was made with no --rtol, other.h5 with --rtol 1e-9' merge 1.of.3.h5 other.h5 -o new.h5
succeeds sweep "${small[@]}" --seed 1 --runs 4 --grid "$grid" --part 2/3 -o other.h5 --overwrite
rejects 2 'no --seed, other.h5 with --seed 1' merge 1.of.3.h5 other.h5 3.of.3.h5 -o new.h5
succeeds merge {1,2,3}.of.3.h5 -o all.3.h5 --overwrite
same_sweep one.h5 all.3.h5

# edit FILE CODE: CODE in Python.
edit() { /usr/bin/python3 -c "import h5py, numpy as np; file = h5py.File('$1', 'r+'); $2"; }
cp 2.of.3.h5 changed.h5
edit changed.h5 'file.attrs["schema_version"] = 2'
rejects 2 "changed.h5' has schema version 2" merge 1.of.3.h5 changed.h5 3.of.3.h5 -o new.h5
for change in '"part"][()] = 3' '"part"][()] = 4' '"part"][()] = 0' '"parts"][()] = 4' '"parts"][()] = 1 << 40'; do
  cp 2.of.3.h5 changed.h5
  edit changed.h5 "file['sweep'][$change"
  rejects 2 'changed.h5' merge 1.of.3.h5 changed.h5 3.of.3.h5 -o new.h5
  rejects 2 'changed.h5' sweep --resume changed.h5
done
cp 2.of.3.h5 changed.h5
edit changed.h5 "del file['sweep/part']"
rejects 2 'changed.h5' merge 1.of.3.h5 changed.h5 3.of.3.h5 -o new.h5

# A gap is named, with the command that fills it.
remedy() { sed -n 's/^isochron: .* are missing ([^)]*): isochron \(.*\)$/\1/p' "$err"; }
rejects 2 '4 of 12 runs are missing \([0-9]+, [0-9]+, [0-9]+, [0-9]+\): isochron sweep .*--part 2/3' \
  merge 1.of.3.h5 3.of.3.h5 -o new.h5
eval "$program $(remedy) --quiet" >"$out" 2>"$err" || fail 'the command for a missing part fails'
succeeds merge 1.of.3.h5 part-2-of-3.h5 3.of.3.h5 -o filled.h5
same_sweep one.h5 filled.h5
rejects 2 'runs are missing.*--part 2/3 .*; isochron sweep .*--part 3/3' merge 1.of.3.h5 -o new.h5

# A kill of a part loses and repeats nothing that is seen afterwards. The table tells: it is that of one sweep.
many=(--hidden 4 --trajectories 8 --iterations 3 --quiet --runs 30)
if [[ $sanitized -eq 0 ]]; then
  succeeds sweep "${many[@]}" -o whole.h5
  succeeds sweep "${many[@]}" --part 1/2 -o cut.1.h5
  part=(sweep "${many[@]}" --part 2/2 -o cut.2.h5)
  kills=0
  count=0
  for ((k = 1; k <= ${3:-4}; ++k)); do
    "$program" "${part[@]}" --threads 2 >"$out" 2>"$err" &
    pid=$!
    sleep "0.$(printf '%03d' $((10 + RANDOM % 60)))"
    kill -s KILL "$pid" 2>/dev/null && kills=$((kills + 1))
    wait "$pid" 2>/dev/null
    [[ -e cut.2.h5 ]] || continue
    part=(sweep --resume cut.2.h5 --quiet)
    now=$(rows cut.2.h5 | wc -l)
    [[ $now -ge $count ]] || fail "kill $k: $now runs after $count"
    count=$now
    if [[ $now -lt 15 ]]; then
      rejects 2 'runs are missing.*: isochron sweep --resume cut.2.h5' merge cut.1.h5 cut.2.h5 -o new.h5
    fi
  done
  echo "$kills kills"
  succeeds "${part[@]}"
  succeeds merge cut.1.h5 cut.2.h5 -o whole.2.h5
  same_sweep whole.h5 whole.2.h5
fi

# Two short runs end one right after the other, then a long one is killed: both are in the file.
long='iterations=3; iterations=4; hidden=64,64 trajectories=1000 max-time=100'
"$program" sweep --hidden 4 --trajectories 8 --quiet --threads 1 --runs 1 --grid "$long" -o long.h5 >"$out" 2>"$err" &
pid=$!
appears long.h5
sleep 2
rejects 2 "runs are missing \(2\): wait for long.h5, which process $pid still writes" merge long.h5 -o new.h5
kill -s KILL "$pid" 2>/dev/null || fail 'the long run is short'
wait "$pid" 2>/dev/null
[[ $(rows long.h5 | cut -d ' ' -f 1 | tr '\n' ' ') == '0 1 ' ]] || fail "not the runs 0 and 1: $(rows long.h5)"

# The files of runs that are kept are found from the folder of the merged one, through links, too.
mkdir -p a/deep b c
succeeds sweep "${small[@]}" --runs 4 --keep-runs --part 1/2 -o a/deep/1.h5
succeeds sweep "${small[@]}" --runs 4 --keep-runs --part 2/2 -o b/2.h5
ln -s ../b/2.h5 c/link.h5
succeeds merge a/deep/1.h5 c/link.h5 -o c/all.h5
succeeds sweep --resume c/all.h5 --output d.h5 --runs 5 --quiet
for file in c/all.h5 d.h5; do
  /usr/bin/python3 - $file >"$out" 2>"$err" <<'PYTHON' || fail "$file: files of runs are not found"
import os, sys, h5py
with h5py.File(sys.argv[1]) as file:
    for row in file["sweep/table"]:
        assert os.path.exists(os.path.join(os.path.dirname(sys.argv[1]), row["file"].decode()))
        assert file[f"sweep/runs/{row['run']}/summary/loss_verified"][()] == row["loss_verified"]
PYTHON
done

for text in 0/3 4/3 a/b 1/0 1 /3 1/ 1/2/3 -1/3 1/1000001 1.5/3 ' '; do
  rejects 2 'give i/n, whole numbers with 1 <= i <= n <= 1000000' sweep "--part=$text" -o new.h5
done
rejects 2 "option '--part' is only for sweep" train --part 1/2 -o new.h5
rejects 2 "option '--runs' is only for sweep" merge one.h5 --runs 3

finish
