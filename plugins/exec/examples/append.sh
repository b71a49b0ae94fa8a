#!/bin/sh
# Appends each message to a file, as one line of JSON. The argument is the file's
# name; nothing of a message is ever in the arguments.
#
#   type: exec
#   program: /usr/local/lib/annunciator/append.sh
#   arguments: [/var/log/notifications.jsonl]
set -eu
EX_USAGE=64 EX_CANTCREAT=73

[ "$#" -eq 1 ] || { echo "usage: append.sh FILE" >&2; exit "$EX_USAGE"; }
if [ "$1" = --check ]; then
    exit 0
fi
cat >>"$1" || { echo "$1 cannot be written" >&2; exit "$EX_CANTCREAT"; }
