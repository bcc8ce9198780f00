# Tables and ini files as people and programs write them: what was meant is read.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run=(simulate --force harmonic --times 2 --period 1)

# states FILE ROWS...: the initial states in a file are these rows.
states() {
  local file=$1
  shift
  command -v h5dump >/dev/null || return 0
  local found
  found=$(h5dump -y -m '%g' -d /run/data/initial_states "$file" |
    sed -n -e '/ATTRIBUTE/q' -e '/DATA {/,$p' | grep -o '[-0-9.e+]*[0-9]' | tr '\n' ' ')
  [[ $found == "$* " ]] || fail "$file holds the states $found, not $*"
}

# A table is opened once: pipes and devices lose nothing.
for i in {1..3000}; do echo "0.$i 0.5"; done >many.txt
succeeds "${run[@]}" --initial-states <(cat many.txt) -o pipe.h5
succeeds "${run[@]}" --initial-states many.txt -o file.h5
[[ $("$program" show --json pipe.h5 | field trajectories | tail -n 1) == 3000 ]] ||
  fail 'rows are lost in a pipe'
if command -v h5diff >/dev/null; then
  h5diff -q pipe.h5 file.h5 /run/data/initial_states || fail 'a pipe holds other states than a file'
fi
printf '1 2\n3 4\n' | "$program" "${run[@]}" --initial-states /dev/stdin -o stdin.h5 >"$out" 2>"$err" ||
  fail 'states on the standard input'
states stdin.h5 1 2 3 4
# A sweep begins every run from them.
succeeds sweep --runs 2 --iterations 0 --quiet --initial-states <(printf '1 2\n3 4\n') -o sweep.h5
"$program" show --json sweep.h5 | grep -q '"status": "ok"' || fail 'a sweep loses states in a pipe'
# So is a configuration.
succeeds "${run[@]}" --config <(printf 'trajectories = 4\n') -o config.h5
asked config.h5 trajectories 4

# Whoever wrote it.
n=0
for text in '1,2\r\n3,4\r\n' '\xef\xbb\xbf1,2\r\n3,4\r\n' '1\t2\r3\t4\r' 'v,x\n2,1\n4,3\n' \
  '\xef\xbb\xbf"V"; "X"\n2,1' '# a\n\n 1D0 2 # b\n3 .4e1' 'q v\n1 2\n3 4'; do
  printf "$text" >table.txt
  n=$((n + 1))
  case $text in
    *';'*) rejects 2 'line 1 has semicolons' "${run[@]}" --initial-states table.txt -o "$n.h5" ;;
    *)
      succeeds "${run[@]}" --initial-states table.txt -o "$n.h5"
      states "$n.h5" 1 2 3 4
      ;;
  esac
done
printf 'v2,q1,q2,v1\n4,1,2,3\n' >plane.txt
succeeds simulate --force mlp --dimension 2 --times 2 --period 1 --initial-states plane.txt -o d2.h5
states d2.h5 1 2 3 4
printf 'y2 y1\n2 1\n' >flow.txt
succeeds simulate --force mlp --dynamics first-order --dimension 2 --times 2 --period 1 \
  --initial-states flow.txt -o flow.h5
states flow.h5 1 2

# HDF5 in a file whose name holds colons and slashes after them.
mkdir 'a:'
cp stdin.h5 'a:/b:c.h5'
succeeds "${run[@]}" --initial-states 'a:/b:c.h5:/run/data/initial_states' -o colons.h5
states colons.h5 1 2 3 4
cp table.txt 'a:/t.txt'
succeeds "${run[@]}" --initial-states 'a:/t.txt' -o colon_text.h5
states colon_text.h5 1 2 3 4

# Forces and periods by name, too.
for i in {-10..10}; do echo "$((-i)) $i"; done | { echo 'f x'; cat; } >force.txt
succeeds analyze --force force.txt --energies 1
prints '^  1 .* 6\.28318530'
succeeds analyze --force <(cat force.txt) --energies 1
prints '^  1 .* 6\.28318530'
printf 'T,A\n6,1\n5,2\n' >law.txt
succeeds train --iterations 1 --quiet --loss prescribed-period --period-law law.txt -o law.h5
if command -v h5dump >/dev/null; then
  h5dump -d /run/data/end_times law.h5 | grep -q '(0): 6, 5' || fail 'columns T,A are taken as A,T'
fi

# Ini files.
ini() { printf '%b' "$1" >run.ini; }
# means KEY VALUE: what the configuration run.ini asks for.
means() {
  succeeds "${run[@]}" --overwrite --config run.ini -o ini.h5
  asked ini.h5 "$1" "$2"
}
for text in 'trajectories = 4' 'trajectories=4' '\xef\xbb\xbftrajectories = 4\r\n' \
  '  trajectories\t=  4  # four' 'trajectories = 4 ; four' 'trajectories = "4" # four' \
  "trajectories = '4' ; four" '; four\r# four\rtrajectories = 4\r' \
  '\n\n#\n;\ntrajectories = 4#' 'trajectories = 4\n\n'; do
  ini "$text"
  case $text in
    *4'#') rejects 2 'trajectories 4# is not admissible' "${run[@]}" --config run.ini -o no.h5 ;;
    *) means trajectories 4 ;;
  esac
done
for name in 'batch#1.h5' 'my run.h5' 'a;b.h5' 'a = b.h5'; do
  ini "output = $name"
  succeeds "${run[@]}" --trajectories 2 --config run.ini
  [[ -e $name ]] || fail "output = $name writes another file"
done
for name in 'my # run.h5' ' ; .h5' "it's.h5" '#.h5'; do
  ini "output = \"$name\" # quoted"
  succeeds "${run[@]}" --trajectories 2 --config run.ini
  [[ -e $name ]] || fail "output = \"$name\" writes another file"
done
# The lists of a grid stand between semicolons.
ini 'grid = symmetry=odd ; symmetry=none # two'
succeeds sweep --runs 1 --iterations 0 --trajectories 2 --quiet --config run.ini -o grid.h5
prints 'symmetry=odd: 1 runs'
prints 'symmetry=none: 1 runs'

# -o=FILE is -o FILE.
succeeds "${run[@]}" --trajectories 2 -o=equals.h5
[[ -e equals.h5 && ! -e =equals.h5 ]] || fail '-o=equals.h5 writes another file'
succeeds help
prints 'usage: isochron VERB'
succeeds help sweep
prints 'usage: isochron sweep'
succeeds train --trajectories 2 --iterations 1 --quiet --max-time 1m -o minute.h5
asked minute.h5 max-time 60

# Seeds up to the last one, wherever they are kept.
last=18446744073709551615
succeeds sweep --seed 18446744073709551612 --runs 3 --iterations 0 --trajectories 2 --quiet -o seeds.h5
succeeds sweep --resume seeds.h5 --runs 4 --quiet
[[ $("$program" show --json seeds.h5 | grep '"seed": [0-9]' | grep -o '1844[0-9]*' | sort -u | tr '\n' ' ') == \
  '18446744073709551612 18446744073709551613 18446744073709551614 18446744073709551615 ' ]] ||
  fail 'the seeds of a sweep are others'
if command -v h5dump >/dev/null; then
  h5dump -d /sweep/table seeds.h5 | grep -q 'H5T_STD_U64LE "seed"' || fail 'seeds are not unsigned'
fi
succeeds train "${quick[@]}" --seed 18446744073709551614 --restarts 2 -o restarts.h5
prints 'weight seed kept 1844674407370955161[45]$'
"$program" show --json restarts.h5 | grep -Eq '"weight_seed": 1844674407370955161[45]' ||
  fail 'the seed that was kept is rounded'
succeeds show restarts.h5
prints 'weight seed kept 1844674407370955161[45]'
succeeds train "${quick[@]}" --seed $last -o last.h5
asked last.h5 data-seed $last
asked last.h5 weight-seed $last
succeeds train "${quick[@]}" --resume last.h5
asked last.h5 data-seed $last

finish
