#!/usr/bin/env bash
# opencryptoki.sh FOLDER COMMAND...: runs the command where openCryptoki's folders are those in FOLDER, with a slot daemon
# of its own that ends with the command.
set -euo pipefail
export FOLDER=$1 PATH=$PATH:/usr/sbin:/sbin
shift
exec unshare --user --map-root-user --mount --ipc --pid --fork --kill-child bash -c '
set -eu
mount --bind "$FOLDER/etc" /etc/opencryptoki
mount --bind "$FOLDER/lib" /var/lib/opencryptoki
mount --bind "$FOLDER/log" /var/log
mount --bind "$FOLDER/run/lock" /run/lock
mount --bind "$FOLDER/group" /etc/group
mount --bind "$FOLDER/run" /run
rm -f /run/pkcsslotd.*
pkcsslotd
for _ in $(seq 100); do [ -S /run/pkcsslotd.socket ] && break; sleep 0.05; done
"$@"' inside "$@"
