#!/bin/sh
# Runs a script that the user gave, after the deadline was armed and the agent
# started. What it says is kept in /var/log/spawn-user-data.log, and when it
# began and how it ended in /var/lib/spored/user-scripts, a line of JSON each.
#
# For tests only: SPAWN_ROOT is put before every path.
set -u
umask 077
root=${SPAWN_ROOT:-}
name='@NAME@'
log=$root/var/log/spawn-user-data.log
state=$root/var/lib/spored
file=$state/user/$name

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

record() { echo "{\"script\":\"$name\",$1}" >> "$state/user-scripts"; }

mkdir -p "$state/user" "$root/var/log"
base64 -d << 'END' | gunzip -c > "$file"
@SCRIPT@
END
if ! [ -s "$file" ] || ! chmod 700 "$file"; then
    record "\"failed\":\"the script could not be written to the disk\",\"ended\":\"$(now)\""
    echo "spawn: the script $name could not be written to $file"
    exit 1
fi

echo "--- $(now) $name begins" >> "$log"
chmod 640 "$log" && chgrp adm "$log" 2> /dev/null
record "\"started\":\"$(now)\""
# The output goes to a file and not through a pipe: what the script leaves
# running would hold a pipe open, and the boot with it.
(umask 022 && exec "$file") < /dev/null >> "$log" 2>&1
exit=$?
record "\"ended\":\"$(now)\",\"exit\":$exit"
echo "--- $(now) $name ended with $exit" >> "$log"

echo "spawn: the script $name ended with $exit; its output is in $log"
if [ $exit -ne 0 ]; then tail -n 20 "$log"; fi
exit $exit
