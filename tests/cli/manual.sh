# Manual pages without complaints, and what bash completes. Needs the build folder of the program.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

manual=$(dirname "$program")/manual
[[ -d $manual ]] || skip 'the manual is not built'
verbs=(train simulate check-gradient benchmark analyze abel complete sweep show plot report merge)

for verb in '' "${verbs[@]}"; do
  page=$manual/man1/isochron${verb:+-$verb}.1
  [[ -s $page ]] || {
    fail "no page $page"
    continue
  }
  if command -v man >/dev/null && command -v groff >/dev/null; then
    MANWIDTH=80 man --warnings -l "$page" >"$out" 2>"$err" || fail "man cannot show $page"
    [[ ! -s $err ]] || fail "man objects to $page"
    [[ -z $verb ]] || prints '--help-all'
  fi
  if command -v lexgrog >/dev/null; then
    lexgrog "$page" >"$out" 2>"$err" || fail "lexgrog finds no name and title in $page"
    prints "isochron${verb:+-$verb} - [a-z]"
  fi
done
# All options of a verb and nothing else, as --help-all has them.
if command -v man >/dev/null && command -v groff >/dev/null; then
  for verb in "${verbs[@]}"; do
    MANWIDTH=80 man -l "$manual/man1/isochron-$verb.1" 2>/dev/null | col -b | sed '/^OPTIONS/,$!d' >page.txt
    succeeds "$verb" --help-all
    diff <(grep -oE '^  (-[oh], )?--[a-z-]+' "$out" | grep -oE -e '--[a-z-]+' | sort) \
      <(grep -oE '^ {7}(-[oh], )?--[a-z-]+' page.txt | grep -oE -e '--[a-z-]+' | sort) >"$err" ||
      fail "the page of $verb has other options than its help"
  done
fi

# shellcheck source=/dev/null
source "$manual/completions/isochron" || fail 'the completion is no bash'
# completes EXPECTED WORDS..: the words after isochron, the last one being typed.
completes() {
  local expected=$1
  shift
  COMP_WORDS=(isochron "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _isochron 2>"$err"
  [[ "${COMPREPLY[*]-}" == "$expected" ]] || fail "'$*' is completed by '${COMPREPLY[*]-}', not '$expected'"
}
completes 'train' tr
completes 'simulate sweep show' s
completes 'help' he
completes 'sweep' help sw
completes '--max-step --max-time' train --max-
completes '--max-step' check-gradient --max-
completes 'periodic prescribed-period prescribed-half-period' train --loss p
completes 'antiperiodic' train --loss = a
completes 'periodic antiperiodic prescribed-period prescribed-half-period none' train --loss =
completes 'auto' train --rtol a
completes '' train --trajectories 1
completes 'morse' analyze --force mor
completes 'morse' abel --period-law mor
touch 'a run.h5' other.h5
completes 'other.h5' show oth
completes 'a run.h5' plot a
completes 'a run.h5' train --resume a
completes 'other.h5' simulate --trajectories 5 o
completes '' plot --format x
completes '--json' show --j
completes '' nonsense --x

finish
