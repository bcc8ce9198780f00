# docs/api.md and the docstrings of the headers make pages without a warning, and every name is found.
#   api.sh SOURCES FOLDER
set -euo pipefail
command -v doxygen >/dev/null || { echo 'skipped: doxygen is not installed'; exit 77; }
cd "$1"
folder=$2
mkdir -p "$folder"
{ cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $folder"; } | doxygen -
grep -oE '\bisochron::[A-Za-z_]+' docs/api.md | sort -u | while read -r name; do
  grep -q "<a class=\"el\" [^>]*>$name\b" "$folder/html/index.html" ||
    { echo "docs/api.md: $name is not in the headers"; exit 1; }
done
