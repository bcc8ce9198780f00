# A short training, its file read and gone on with, under valgrind: no invalid access, nothing uninitialised.
# It knows no AVX-512, so that the program must be portable (preset coverage).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v valgrind >/dev/null || skip 'valgrind is not installed'
[[ $sanitized -eq 0 ]] || skip 'sanitizers and valgrind exclude each other'
watch=(valgrind --quiet --error-exitcode=99 --exit-on-first-error=yes --fair-sched=yes)
"${watch[@]}" "$program" --version >"$out" 2>"$err" || skip 'valgrind does not know the instructions of this program'
# In portable code an illegal instruction is an error like any other.
native=$("$program" --version | grep -c -e '-march=native')

# watched STATUS ARGUMENTS...
watched() {
  local expected=$1
  shift
  "${watch[@]}" "$program" "$@" >"$out" 2>"$err"
  status=$?
  [[ $native -eq 0 ]] || ! grep -q 'unhandled instruction\|Illegal \(instruction\|opcode\)' "$err" ||
    skip 'valgrind does not know the instructions of this program'
  [[ $status -eq $expected ]] || fail "$*: exit status $status"
}
tiny=(--hidden 2 --trajectories 2 --iterations 2 --period 1 --rtol 1e-6 --threads 2 --max-time 1000 --quiet)
watched 0 train "${tiny[@]}" -o run.h5
watched 0 train --resume run.h5 --iterations 1 --quiet --max-time 1000
watched 0 show run.h5
watched 0 simulate --model run.h5 --times 3 -o states.h5
watched 0 sweep "${tiny[@]}" --runs 2 -o sweep.h5
watched 0 show --json sweep.h5
watched 2 show none.h5
finish
