# A report is one page that needs nothing else, for every kind of file.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v gnuplot >/dev/null || skip 'gnuplot is not installed'
/usr/bin/python3 -c 'import h5py' 2>"$err" || skip 'python3-h5py is not installed'

small=(--trajectories 10 --hidden 4 --threads 1 --quiet)
succeeds train "${small[@]}" --iterations 20 -o run.h5
succeeds train "${small[@]}" --iterations 3 --dimension 2 -o plane.h5
succeeds train "${small[@]}" --iterations 0 -o untrained.h5
succeeds sweep "${small[@]}" --iterations 3 --runs 2 -o sweep.h5
succeeds simulate --force pendulum --trajectories 5 --times 9 --noise 0.01 --quiet -o data.csv
succeeds train --data data.csv --force pendulum --fit omega --threads 1 --quiet -o fit.h5
succeeds benchmark --quick --budget 0.01 "${small[@]}" -o benchmark.h5

# whole PAGE: tags are closed in their order, names are there once, and nothing is asked of elsewhere.
whole() {
  /usr/bin/python3 - "$1" >"$out" 2>"$err" <<'PYTHON' || fail "$1 is no whole page"
import html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
open_tags, names = [], []
class Reader(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "iframe", "img"), tag
        if tag not in ("meta", "link", "br"):
            open_tags.append(tag)
        names.extend(value for name, value in attributes if name == "id")
    def handle_endtag(self, tag):
        assert open_tags.pop() == tag, tag
Reader().feed(text)
assert not open_tags, open_tags
assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)[:3]
outside = re.findall(r"(?:href|src)\s*=\s*[\"'](?!#|data:,)([^\"']*)|url\((?!['\"]?#)([^)]*)", text)
assert not outside, outside[:3]
colours = set(re.findall(r"\b(?:fill|stroke)\s*=\s*[\"']([^\"']*)", text))
known = re.compile(r"none|url\(.*\)|rgb\(.*\)|#[0-9a-fA-F]{3,8}|[a-zA-Z]+$")
assert colours and all(known.match(c) for c in colours), sorted(c for c in colours if not known.match(c))[:3]
referred = set(re.findall(r"(?:url\(['\"]?#|href=['\"]#)([^'\")]*)", text))
assert referred <= set(names), sorted(referred - set(names))[:3]
PYTHON
}

pages=()
for file in run plane untrained sweep fit benchmark; do
  succeeds report "$file.h5" --output "$file.html"
  prints "^$file.html$"
  whole "$file.html"
  pages+=("$file.html")
done
for words in 'not converged' 'isochron train .*--hidden 4' 'How to repeat it' 'iterations' '<svg'; do
  grep -Eq -e "$words" run.html || fail "run.html lacks $words"
done
figures=$("$program" plot run.h5 --output figures --format svg | grep -c '\.svg$')
[[ $(grep -c '<figure' run.html) -eq $figures ]] || fail "run.html has not the $figures figures of plot"

# Text of a file is text.
cp run.h5 hostile.h5
/usr/bin/python3 - <<'PYTHON'
import h5py
with h5py.File("hostile.h5", "r+") as file:
    del file["run/title"]
    file["run/title"] = "<script>alert(1)</script> & \"more\""
PYTHON
succeeds report hostile.h5 --output hostile.html
whole hostile.html
grep -q '&lt;script&gt;alert(1)' hostile.html || fail 'the title of a file is lost'

rejects 2 'no/such does not exist' report run.h5 --output no/such/page.html

# Every figure is to be seen, at the width of a desk and of a telephone, and the console is quiet.
if [[ $sanitized -eq 0 ]] && command -v chromium >/dev/null; then
  for page in "${pages[@]}"; do
    for width in 1280 500; do
      sed 's#</body>#<script>addEventListener("load", () => {\
        const all = [...document.querySelectorAll("figure svg")];\
        const hidden = all.filter(svg => { const box = svg.getBoundingClientRect();\
          return !(box.width > 100 \&\& box.height > 50 \&\& box.left >= 0 \&\& box.right <= innerWidth + 1); });\
        document.title = `hidden ${hidden.length} wide ${document.documentElement.scrollWidth > innerWidth}`; })</script></body>#' \
        "$page" >looked_at.html
      timeout 60 chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr --window-size=$width,900 \
        --virtual-time-budget=5000 --user-data-dir="$streams/chromium" --dump-dom "file://$PWD/looked_at.html" >"$out" 2>"$err"
      grep -q '<title>hidden 0 wide false' "$out" || fail "$page at $width: $(grep -o '<title>.*</title>' "$out")"
      ! grep -q 'CONSOLE' "$err" || fail "$page at $width: the console speaks"
    done
  done
else
  printf 'pages were not looked at in chromium\n'
fi

finish
