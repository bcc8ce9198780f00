# Help, manual pages and completion: made from one table of options, as wide as the terminal.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

verbs=(train simulate check-gradient benchmark analyze abel complete sweep show plot report merge)
options() { grep -oE '^  (-[oh], )?--[a-z-]+' "$out" | grep -oE -e '--[a-z-]+' | sort; }
fits() { [[ $(wc -L <"$out") -le $1 ]] || fail "$2 is $(wc -L <"$out") columns wide, not $1"; }

# The fifteen options that most runs need, and all.
succeeds train --help
[[ $(options | grep -vc -e '^--help') -eq 15 ]] || fail "train --help has $(options | grep -vc -e '^--help') options"
for key in trajectories period loss data seed force hidden optimizer max-time output resume; do
  options | grep -qx -e "--$key" || fail "train --help lacks --$key"
done
! options | grep -qx -e '--quadrature-rtol' || fail 'train --help has all options'
prints 'isochron train --help-all lists all [0-9]+ options'
cp "$out" short
succeeds help train
cmp -s "$out" short || fail 'help train is not train --help'
succeeds train --help-all
options | grep -qx -e '--quadrature-rtol' || fail 'train --help-all lacks --quadrature-rtol'
for verb in "${verbs[@]}"; do
  succeeds "$verb" --help
  prints "^usage: isochron $verb "
  [[ $(options | wc -l) -le 17 ]] || fail "$verb --help has $(options | wc -l) options"
  options >essential
  succeeds "$verb" --help-all
  [[ -z $(options | comm -13 - essential) ]] || fail "$verb --help has options that --help-all lacks"
  fits 100 "$verb --help-all"
done
rejects 2 "key 'help-all' is only for the command line" train --config <(echo 'help-all = true')

# As wide as the terminal: COLUMNS, or what the terminal says.
for width in 50 80 120; do
  for arguments in --help 'train --help-all' 'help analyze'; do
    # shellcheck disable=SC2086
    COLUMNS=$width run $arguments
    fits "$width" "$arguments"
    [[ $(wc -L <"$out") -gt $((width - 20)) ]] || fail "$arguments leaves $width columns empty"
  done
done
for width in x -5 0; do
  COLUMNS=$width run train --help
  fits 100 "COLUMNS=$width train --help"
done
COLUMNS=3 run train --help
[[ $status -eq 0 ]] || fail 'no help on three columns'
if command -v script >/dev/null; then
  script -qec "stty cols 70; env -u COLUMNS $program train --help" /dev/null | tr -d '\r' >"$out"
  fits 70 'train --help on a terminal'
  prints '^usage: isochron train'
fi

# A results file is FILE, with the old option names, too.
succeeds train "${quick[@]}" -o run.h5
succeeds simulate run.h5 --times 5 -o one.h5
succeeds simulate --model run.h5 --times 5 -o other.h5
asked one.h5 model run.h5
if command -v h5diff >/dev/null; then
  h5diff -q one.h5 other.h5 /run/trajectories || fail 'simulate FILE is not simulate --model FILE'
fi
succeeds check-gradient run.h5 --rtol 1e-8
prints 'at run.h5'
rejects 2 'run.h5 and --at one.h5 say the same in two ways' check-gradient run.h5 --at one.h5
rejects 2 'simulate takes one file, not 2' simulate run.h5 one.h5
rejects 2 'run.h5 and --force duffing name two forces' simulate run.h5 --force duffing
rejects 2 "'run.h5' is neither an option nor its value; .*: isochron train --resume run.h5" train run.h5

# The default output has the name of the verb, and a number where that exists.
rm -f ./*.h5
succeeds train "${quick[@]}"
succeeds train "${quick[@]}" --seed 1
succeeds train "${quick[@]}" --seed 2
[[ $(echo ./*.h5) == './train-1.h5 ./train-2.h5 ./train.h5' ]] || fail "default outputs are $(echo ./*.h5)"
asked train.h5 seed 0
asked train-2.h5 seed 2
succeeds train "${quick[@]}" --seed 3 --overwrite
asked train.h5 seed 3
asked train-1.h5 seed 1
ln -s /nonexistent simulate.h5
succeeds simulate train.h5 --times 3
[[ -e simulate-1.h5 && -L simulate.h5 ]] || fail 'a link stands for no file'
succeeds sweep --runs 1 --trajectories 5 --max-time 1s --quiet
[[ -e sweep.h5 ]] || fail 'no sweep.h5'
rejects 2 'output file train.h5 exists; give --overwrite' train "${quick[@]}" -o train.h5
# Runs that start together take different names.
rm -f ./*.h5
for _ in 1 2 3; do "$program" train "${quick[@]}" >/dev/null 2>&1 & done
wait
[[ $(find . -name 'train*.h5' | wc -l) -eq 3 ]] || fail "three runs at once leave $(find . -name 'train*.h5' | wc -l) files"

# Wall times with units.
for time in 2 2s 2000ms 0.02h; do
  succeeds train --trajectories 10 --iterations 3 --quiet --max-time "$time" --checkpoint-interval "$time" -o time.h5 --overwrite
done
asked time.h5 max-time 72
rejects 2 'budget 1x is not admissible; .*90s, 1m, 2h' benchmark --budget 1x
rejects 2 'checkpoint-interval .* or with a unit' train --checkpoint-interval 1d

# Progress of what takes long: on a terminal alone, and gone when the results are there.
run simulate --force duffing --trajectories 2000 -o quiet.h5
[[ ! -s $err ]] || fail 'simulate says something although it is on no terminal'
run check-gradient --trajectories 20 --hidden 4
[[ ! -s $err ]] || fail 'check-gradient says something although it is on no terminal'
if command -v script >/dev/null; then
  script -qec "$program simulate --force pendulum --trajectories 20000 --threads 1 -o meter.h5" /dev/null >"$out" 2>"$err"
  grep -q $'\rintegrating 20000 orbits  [0-9]*%  [0-9]* s, [0-9]* s left' "$out" || fail 'simulate shows no progress'
  grep -aq $'\r\033\[K' "$out" || fail 'the progress of simulate stays'
  script -qec "$program check-gradient --trajectories 20 --hidden 4" /dev/null >"$out" 2>"$err"
  for number in 1 5 9; do
    grep -q "($number of 9)" "$out" || fail "check-gradient does not tell that it does the $number. of 9"
  done
  script -qec "$program train --trajectories 10 --iterations 20 -o percent.h5" /dev/null >"$out" 2>"$err"
  grep -q 'iteration *20 .*100%' "$out" || fail 'train does not tell that all iterations are done'
  script -qec "$program simulate --force duffing --quiet -o silent.h5" /dev/null >"$out" 2>"$err"
  ! grep -q integrating "$out" || fail 'simulate --quiet shows progress'
fi

# What stopped people once.
succeeds simulate --force pendulum --trajectories 3 -o pendulum.h5
shows 'loss [0-9.e+-]+ = mean .X\(T\) - X\(0\).\^2, by adams at rtol 1.0e-10'
rejects 2 'pendulum.h5 comes from simulate and holds no network; .*, or --force pendulum' simulate pendulum.h5
printf '0 1\n1 0\n' >table.txt
rejects 2 "'table.txt' is not an HDF5 file; to fit a table of observations: isochron train --data table.txt" \
  show table.txt
{ printf '%511s\n' 'words of its user' && cat pendulum.h5; } >behind_words.h5
succeeds show behind_words.h5
rejects 2 "'pendulum' does not exist; for the analytic force: isochron simulate --force pendulum" simulate pendulum
rejects 2 'table.txt is not an HDF5 file; for a table of x, f: isochron analyze --force table.txt' \
  analyze table.txt

finish
