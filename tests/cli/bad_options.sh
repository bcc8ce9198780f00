# Bad verbs, options and values: status 2, one sentence with the admissible range, nothing touched.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

echo precious >isochron.h5

rejects 2 'a verb is missing.*train, simulate, check-gradient, benchmark, analyze, abel, complete, sweep, show, plot, report or merge'
rejects 2 "verb 'trian' is unknown.*'train'" trian
rejects 2 "'--trajectories'" train --trajectorie 5
rejects 2 "'--trajectories'" train --trajectorie=5
rejects 2 "'--rtol'" simulate --rtl 1e-8
rejects 2 "'-x' is unknown" train -x 5
rejects 2 "'--model' is only for simulate" train --model a.h5
rejects 2 "'--json' is only for show" plot --json a.h5
rejects 2 "'stray' is neither" train stray
rejects 2 'trajectories is given twice' train --trajectories 5 --trajectories 6
rejects 2 'trajectories needs a value: N.*10\^7' train --trajectories
rejects 2 'output needs a value: FILE' train -o
rejects 2 'quiet takes no value' train --quiet=1

for n in -5 0 1e8 10000001 abc 1.5 nan 99999999999999999999; do
  rejects 2 'trajectories .* whole number from 1 to 10000000' train --trajectories "$n"
  rejects 2 'trajectories .* whole number from 1 to 10000000' train --trajectories="$n"
done
for t in 0 nan inf -1 -2pi 0pi 2pi/0 pi2 pi/ 2pi/x 1e7 abc; do
  rejects 2 'period .*positive time such as 6.28, 2pi or pi/2, at most 1e6' train --period="$t"
done
rejects 2 '--atol 1e-9 does not fit --rtol auto' train --rtol auto --atol 1e-9
for tolerance in rtol atol; do
  for t in 0 -1e-10 1e-16 0.2 1 nan inf x; do
    rejects 2 "$tolerance $t is not.* from 1e-15 to 0.1" train "--$tolerance=$t"
  done
done
for seed in seed data-seed weight-seed; do
  for s in -1 1.5 nan 18446744073709551616 x; do
    rejects 2 "--$seed $s .*whole number from 0 to 18446744073709551615" train "--$seed=$s"
  done
done
for widths in 0 16,,16 x '16,' ',16' -3 4097 16x16 1.5; do
  rejects 2 'hidden .*widths from 1 to 4096, separated by commas' train --hidden="$widths"
done
for key in trajectories period hidden dimension restarts iterations max-time rtol seed; do
  rejects 2 "$key '' is not admissible" train "--$key" ''
  rejects 2 "$key needs a value" train "--$key="
done
for d in 0 65 -1 x; do rejects 2 'dimension .* from 1 to 64' train --dimension="$d"; done
for k in 0 1001 x; do rejects 2 'restarts .* from 1 to 1000' train --restarts="$k"; done
for k in 0 1025 x; do rejects 2 'threads .* from 1 to 1024' train --threads="$k"; done
for k in -1 1e10 x; do
  rejects 2 'iterations .* from 0 to 1000000000, or unlimited' train --iterations="$k"
done
for s in 0 -1 nan inf 1e10 x; do rejects 2 'max-time .* from 0.001 to 1e\+09' train --max-time="$s"; done
for s in 0 nan; do
  rejects 2 'checkpoint-interval .* from 0.001 to 1e\+06' train --checkpoint-interval="$s"
done
for l in -1 nan inf x; do
  rejects 2 'loss-tolerance .* finite number >= 0' train --loss-tolerance="$l"
  rejects 2 'gradient-tolerance .* finite number >= 0' train --gradient-tolerance="$l"
done
rejects 2 'memory .* from 3 to 1000' train --memory 2
rejects 2 'gradient adjoint gives no Jacobian.*discrete or forward' \
  train --optimizer least-squares --gradient adjoint
for t in 0 1e-16 1 x; do
  rejects 2 'backward-rtol .* from 1e-15 to 0.1' train --backward-rtol="$t"
  rejects 2 'quadrature-rtol .* from 1e-15 to 0.1' check-gradient --quadrature-rtol="$t"
done
rejects 2 'sensitivity-errors .* on, off' check-gradient --sensitivity-errors maybe
rejects 2 'corrector .* staggered, simultaneous' train --corrector x
rejects 2 'skip .* none, linear' train --skip cubic
for s in -1 1e7 nan x; do rejects 2 'output-scale .* from 0 to 1e\+06' train --output-scale="$s"; done
for n in 0 -1 1001 x; do
  rejects 2 'period-multiple .* from 1 to 1000, or any' train --period-multiple="$n"
done
rejects 2 'period-multiple is for newtonian .* --dimension 1' train --period-multiple 1 --dimension 2
rejects 2 'learning-rate .* from 1e-12 to 10' train --learning-rate 0
rejects 2 'dynamics .* newtonian, first-order' train --dynamics x
rejects 2 'loss .* periodic, antiperiodic' train --loss x
rejects 2 'activation .* tanh, softplus, sin, gelu' train --activation relu
rejects 2 'activation gelu is not an odd function, which --symmetry odd needs' train --activation gelu --symmetry odd
rejects 2 'symmetry .* none, odd' train --symmetry even
rejects 2 'method .* adams, bdf, rkn8, rkn12, rk8, rk4' train --method rk5
rejects 2 'discrete .* one-step method .* not adams' train --gradient discrete --method adams
rejects 2 'adjoint .* adams and bdf, not rkn8' train --gradient adjoint --method rkn8
rejects 2 'rkn12 .* first-order' train --dynamics first-order --method rkn12
rejects 2 'steps' train --method rk4 --steps 0
rejects 2 'gradient .* adjoint' train --gradient x
rejects 2 'interpolation .* polynomial, hermite' train --interpolation x
for k in 0 -1 1.5 1e10 nan x; do
  rejects 2 'checkpoint-distance .* from 1 to 1000000000, or unlimited' \
    train --checkpoint-distance="$k"
done
rejects 2 'optimizer .* lbfgs.*adam' train --optimizer sgd
rejects 2 'duffing has no parameters to train' train --force duffing
rejects 2 'force duffling .* harmonic, isotonic,' train --force duffling
rejects 2 'params is for an analytic' train --params beta=1

# simulate
rejects 2 'needs a force.*isochron simulate run.h5, or --force NAME' simulate
rejects 2 'force duffling .* harmonic, isotonic,' simulate --force duffling
rejects 2 "duffing.*'gamma'.*beta" simulate --force duffing --params gamma=1
rejects 2 'harmonic.*omega > 0' simulate --force harmonic --params omega=-1
rejects 2 'harmonic.*omega > 0' simulate --force harmonic --params omega=nan
rejects 2 'params .*name=number' simulate --force duffing --params beta
rejects 2 'params .*name=number' simulate --force duffing --params beta=x
rejects 2 'params .*different names' simulate --force duffing --params beta=1,beta=2
rejects 2 'params is for an analytic' simulate --force mlp --params beta=1
rejects 2 'duffing has one dimension; leave out --dimension 2' simulate --force duffing --dimension 2
rejects 2 'times .* from 2 to 100000' simulate --force duffing --times 1
rejects 2 'from 1e-15 to 0.1' simulate --force duffing --rtol nan
rejects 2 'needs about .* GB of memory .* for the samples.* --times' simulate --force duffing --trajectories 1e7 --times 100000 -o big.h5

# show and plot
rejects 2 'show needs a file: isochron show run.h5' show
rejects 2 'show takes one results file, not 2' show a b
rejects 2 'plot needs a file: isochron plot run.h5' plot
rejects 2 'format .* any of svg, png, pdf' plot isochron.h5 --format gif
rejects 2 'format .* any of svg, png, pdf' plot isochron.h5 --format svg,
rejects 2 'format .* any of svg, png, pdf' plot isochron.h5 --format ''

# ini files
ini() { printf '%s\n' "$@" >run.ini; }
ini 'trajectorie = 5'
rejects 2 "run.ini, line 1, key 'trajectorie' is unknown.*'trajectories'" train --config run.ini
ini 'trajectories = -5'
rejects 2 'trajectories -5 .*from 1 to 10000000' train --config run.ini
ini 'period = 1' 'period = 2'
rejects 2 "run.ini, line 2, key 'period' is given twice" train --config run.ini
ini 'config = other.ini'
rejects 2 "key 'config' is only for the command line" train --config run.ini
ini 'quiet = perhaps'
rejects 2 'quiet perhaps .*true or false' train --config run.ini
ini 'memory = 10'
rejects 2 "key 'memory' is only for train" simulate --force duffing --config run.ini
ini 'this is no ini file'
rejects 2 "run.ini, line 1, 'this is no ini file' is not of the form key = value" \
  train --config run.ini
ini '# comment' '[run]' 'period = 1'
rejects 2 'line 2: sections such as \[run\] are not supported' train --config run.ini
ini 'run.period = 1'
rejects 2 "key 'run.period' is unknown" train --config run.ini
for line in 'period' 'period 1' 'period: 1' '= 1' '--period'; do
  ini "$line"
  rejects 2 "line 1, '$line' is not of the form key = value" train --config run.ini
done
for line in 'period =' 'period = # 1' 'period = ; 1' 'output =#1.h5'; do
  ini "$line"
  rejects 2 'line 1, key .* has no value' train --config run.ini
done
ini 'output == a.h5'
rejects 2 "line 1, key 'output' has an '=' too many" train --config run.ini
ini 'output = "a.h5'
rejects 2 'line 1, the quote "a.h5 does not end' train --config run.ini
ini "output = 'a' b"
rejects 2 "line 1, 'b' follows the quoted value 'a'" train --config run.ini
ini 'output = ""'
rejects 2 "output '' is not admissible" train --config run.ini
rejects 2 'missing.ini cannot be read: No such file' train --config missing.ini
rejects 2 'cannot be read: Is a directory' train --config .
rejects 2 'cannot be read: Input/output error' train --config /proc/self/mem
rejects 2 'zero bytes' train --config /dev/zero
printf 'period = 1\n\0' >zero.ini
rejects 2 'zero bytes' train --config zero.ini
printf '\xff\xfep\0=\0001\0' >utf16.ini
rejects 2 'UTF-16' train --config utf16.ini
head -c 100000 /dev/zero | tr '\0' x >long.ini
rejects 2 'line 1 is longer than 64 KiB' train --config long.ini
rejects 2 'more than 1 MiB' train --config <(yes '# without end')
rejects 2 'more than 1 MiB' train --config <(yes '')
rejects 2 'more than 1 MiB' train --config <(yes 'period = 1')

# The seeds are 64 bits, and all that a run counts through exist.
for s in ' 7' 0x10 1e3 '7 ' 1_0 ++5 -0; do
  rejects 2 "--seed '?${s//+/\\+}'? is not admissible; give a whole number from 0 to 18446744073709551615" \
    train --seed "$s"
done
rejects 2 'seed 18446744073709551614 .* at most 18446744073709551612, for 4 seeds' \
  sweep --seed 18446744073709551614 --runs 4 -o new.h5
rejects 2 '--seed 18446744073709551615 .* at most 18446744073709551614, for 2 seeds' \
  train --seed 18446744073709551615 --restarts 2 -o new.h5
rejects 2 '--weight-seed 18446744073709551615 .* for 2 seeds' \
  train --weight-seed 18446744073709551615 --restarts 2 -o new.h5
rejects 2 'iterations \+-5 is not' train --iterations +-5

# Options and verbs as people write them.
rejects 2 'output needs a value' train -o=
rejects 2 'option --output needs a value, and --quiet is an option' train -o --quiet
rejects 2 'option --output needs a value' train --output -o
rejects 2 "output =a.h5 has an '=' too many" train -o =a.h5
rejects 2 "output =a.h5 has an '=' too many" train --output==a.h5
rejects 2 "output =a.h5 has an '=' too many" train -o==a.h5
rejects 2 'option --output is given twice' train -o a.h5 --output b.h5
rejects 2 'option --output is given twice' train -o=a.h5 -o=b.h5
rejects 2 'the verb train is given twice' train train
for verb in analyze check-gradient show; do
  rejects 2 "option '-o' is unknown" "$verb" -o=a.h5
done
rejects 2 "the verb 'trian' is unknown; the nearest one is 'train'" help trian
rejects 2 'help takes one verb' help train show
rejects 2 '--help-all comes after a verb, as in: isochron train --help-all' --help-all train
rejects 2 'for help: isochron train --help' train help
rejects 2 '--learning-rate 0.1 is for --optimizer adam; give that, too, or leave it out' train --learning-rate 0.1
rejects 2 '--memory 5 is for --optimizer lbfgs' train --memory 5 --optimizer least-squares
rejects 2 '--steps 5 is for --method rk4' train --steps 5
rejects 2 '--steps 5 is for --method rk4' sweep --runs 2 --steps 5
rejects 2 '--memory 5 is for --optimizer lbfgs' sweep --grid 'optimizer=adam|least-squares' --memory 5
succeeds sweep --runs 1 --hidden 2 --trajectories 3 --iterations 1 --grid 'optimizer=lbfgs|adam' --memory 5 --quiet -o idle.h5
# A loop over methods may give them all the same options.
succeeds simulate --force pendulum --trajectories 2 --method rk8 --steps 5 -o steps.h5
rejects 2 'output folder nodir does not exist; create it: mkdir -p nodir' train -o nodir/a.h5
for s in 1x 1d m -1m 0m 1e9h; do
  rejects 2 'max-time .* from 0.001 to 1e\+09, or with a unit: 90s, 1m, 2h' train --max-time="$s"
done

# What somebody else wrote cannot leave its line, control the terminal, or bury the sentence.
rejects 2 "the verb '.n.x1b\[31mred' is unknown" $'\n\e[31mred'
rejects 2 'seed .x1b\[2J.n is not admissible' train --seed $'\e[2J\n'
rejects 2 'a.x1b\[2J.nb.txt cannot be read' train -o new.h5 --initial-states $'a\e[2J\nb.txt'
rejects 2 'x9b' train -o new.h5 --initial-states $'\x9b31m'
long=$(head -c 100000 /dev/zero | tr '\0' 7)
for key in seed trajectories period initial-states config hold resume grid; do
  rejects 2 '77 \[\.\. [0-9]+ bytes \.\.\] 77' sweep -o new.h5 "--$key" "$long"
  [[ $(wc -c <"$err") -le 2100 ]] || fail "--$key: a long value fills the screen"
done
printf 'seed = %s\n' "$(head -c 60000 /dev/zero | tr '\0' 7)" >long.ini
rejects 2 'seed 77.* bytes .*is not admissible; give a whole number' train --config long.ini

finish
