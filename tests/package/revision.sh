# bash revision.sh CMAKE SOURCE_DIR: which revision the build of some sources says it has.
set -eu
cmake=$1
source=$2
command -v git >/dev/null || exit 77
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

commit() { git -C "$1" -c user.email=a@b.c -c user.name=a commit -q --allow-empty -m x; }
sources() { mkdir -p "$1/cmake" && cp "$source"/cmake/{build_info.*,revision.cmake} "$1/cmake"; }
# says FOLDER PATTERN
says() {
  "$cmake" -D GIT=git -D SOURCE_DIR="$work/$1" -D VERSION=1 -D COMPILER=c -D FLAGS=f \
    -D OUTPUT="$work/build_info.hpp" -P "$1/cmake/build_info.cmake"
  grep -Eq "git_revision = \"$2\";" build_info.hpp && return
  echo "$1: not $2 but $(grep git_revision build_info.hpp)"
  exit 1
}

git init -q own
sources own
git -C own add -A
commit own
revision=$(git -C own describe --always --abbrev=12)
says own "$revision"

git -C own worktree add -q --detach "$work/a worktree"
says 'a worktree' "$revision"
git init -q super
git -C super -c protocol.file.allow=always submodule --quiet add "$work/own" module
says super/module "$revision"

echo '# a change' >>own/cmake/revision.cmake
says own "$revision-dirty"

# Unpacked into another repository, below its root or at it, tracked there or not; and built in a hook
# of one.
git init -q other
commit other
sources other/below
says other/below unknown
GIT_DIR=$work/other/.git says other/below unknown
git -C other add -A
commit other
says other/below unknown
git init -q around
commit around
sources around
says around unknown

sources alone
GIT_CEILING_DIRECTORIES=$work says alone unknown

# A tarball of the sources says its own, wherever it is unpacked.
printf 1a2b3c4 >alone/cmake/revision.txt
GIT_CEILING_DIRECTORIES=$work says alone 1a2b3c4
sources other/tarball
printf 1a2b3c4 >other/tarball/cmake/revision.txt
says other/tarball 1a2b3c4
