# Folders and files without permission, as a user to whom permissions apply.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ $(id -u) -eq 0 ]]; then
  # Root may write everything: the program runs as nobody, from a place that nobody can reach.
  command -v runuser >/dev/null || skip 'root may write everything, and there is no runuser'
  chmod 755 "$work"
  cp "$program" "$work/isochron"
  printf '#!/bin/sh\nexec runuser -u nobody -- "%s" "$@"\n' "$work/isochron" >"$streams/as_nobody"
  chmod 755 "$streams/as_nobody"
  program=$streams/as_nobody
  "$program" --version >/dev/null 2>&1 || skip 'root may write everything, and nobody cannot run it'
fi

mkdir open locked
chmod 777 open
succeeds train "${quick[@]}" -o open/run.h5
cp open/run.h5 locked/run.h5
cp open/run.h5 secret.h5
chmod 000 secret.h5
chmod 555 locked .

for verb in 'train' 'simulate --force duffing' 'train --resume open/run.h5'; do
  # shellcheck disable=SC2206
  verb=($verb)
  rejects 2 'output folder locked cannot be written to: Permission denied' "${verb[@]}" -o locked/a.h5
  rejects 2 'locked cannot be written to' "${verb[@]}" -o locked/run.h5 --overwrite
done
rejects 2 'output folder . cannot be written to' train
rejects 2 'locked cannot be written to' train --resume locked/run.h5
rejects 2 'locked/new cannot be made: Permission denied' plot open/run.h5 -o locked/new
rejects 2 'locked cannot be written to' plot open/run.h5 -o locked
succeeds show locked/run.h5
succeeds analyze locked/run.h5
prints 'verdict '
rejects 2 'locked cannot be written to' analyze locked/run.h5 --store
cp open/run.h5 open/protected.h5
chmod 444 open/protected.h5
rejects 2 'open/protected.h5 is write-protected' analyze open/protected.h5 --store
rejects 2 'open/protected.h5 is write-protected' train --resume open/protected.h5 --iterations 1
rejects 2 'open/protected.h5 is write-protected' simulate --force duffing -o open/protected.h5 --overwrite
succeeds train --resume locked/run.h5 --iterations 1 --quiet -o open/continued.h5

for verb in 'show secret.h5' 'plot secret.h5 -o open' 'train --resume secret.h5' \
  'simulate --model secret.h5 -o open/a.h5' 'train --initial-states secret.h5:/x -o open/a.h5' \
  'train --initial-states secret.h5 -o open/a.h5' 'train --config secret.h5 -o open/a.h5'; do
  # shellcheck disable=SC2086
  rejects 2 'secret.h5' $verb
done
chmod 755 . locked

# A file system that is read-only.
mkdir disk
if mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null; then
  trap 'umount "$work/disk"; cleanup' EXIT
  cp open/run.h5 disk/run.h5
  mount -o remount,ro disk
  rejects 2 'disk cannot be written to: Read-only file system' train -o disk/new.h5
  rejects 2 'disk cannot be written to: Read-only file system' train --resume disk/run.h5
  rejects 2 'disk cannot be written to: Read-only file system' analyze disk/run.h5 --store
  succeeds show disk/run.h5
  echo 'tested with a read-only tmpfs'
else
  echo 'not tested with a read-only tmpfs: mounting is not allowed'
fi

finish
