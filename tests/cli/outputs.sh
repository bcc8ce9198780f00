# Outputs that cannot be made: status 2 before work starts, what exists is untouched.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

succeeds train "${quick[@]}" -o run.h5
echo precious >old.h5
mkdir folder
ln -s /nonexistent/folder/target.h5 dangling.h5
ln -s old.h5 link.h5
for verb in 'train' 'simulate --force duffing' 'simulate --model run.h5' 'train --resume run.h5'; do
  # shellcheck disable=SC2206
  verb=($verb)
  rejects 2 'output folder nowhere does not exist' "${verb[@]}" -o nowhere/a.h5
  rejects 2 'output folder old.h5 does not exist' "${verb[@]}" -o old.h5/a.h5
  rejects 2 'output file old.h5 exists; give --overwrite' "${verb[@]}" -o old.h5
  rejects 2 'output file link.h5 exists; give --overwrite' "${verb[@]}" -o link.h5
  rejects 2 'dangling.h5 is a link that leads nowhere' "${verb[@]}" -o dangling.h5
  rejects 2 'output folder is a folder' "${verb[@]}" -o folder
  rejects 2 'output folder is a folder' "${verb[@]}" -o folder --overwrite
  rejects 2 'output folder/ is a folder' "${verb[@]}" -o folder/
  rejects 2 "output '' is not admissible" "${verb[@]}" -o ''
  rejects 2 'File name too long' "${verb[@]}" -o "$(printf 'x%.0s' {1..300}).h5"
  rejects 2 'output /dev/full is a device' "${verb[@]}" -o /dev/full --overwrite
  rejects 2 'output /dev/null is a device' "${verb[@]}" -o /dev/null --overwrite
done
[[ -c /dev/full && -c /dev/null ]] || fail 'a device was replaced'
rejects 2 'the folder old.h5 cannot be made' plot run.h5 -o old.h5
rejects 2 'the folder old.h5/figures cannot be made' plot run.h5 -o old.h5/figures
rejects 2 "output '' is not admissible" plot run.h5 -o ''

# An output behind a link is replaced where it is.
succeeds train "${quick[@]}" -o link.h5 --overwrite
[[ -L link.h5 ]] || fail 'a link was replaced instead of its target'
succeeds show old.h5

# What nobody reads is not written.
"$program" show run.h5 >/dev/full 2>"$err"
[[ $? -eq 4 ]] || fail 'a full standard output is not exit status 4'
one_sentence 'standard output: No space left' 'show >/dev/full'

finish
