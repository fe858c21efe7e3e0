#!/bin/sh
# spored-supervise keeps spored running where there is no systemd.
#
#   spored-supervise start   leave a supervisor behind, in a session of its own
#   spored-supervise run     be it
#
# It ends when /usr/local/bin/spored is gone. Its process id is in
# /run/spored/supervise.pid. The agent keeps and rotates its own log,
# /var/log/spored.log; what it said to nobody since it was last started is in
# /run/spored/output. For tests only: SPAWN_ROOT is put before every
# path.
set -u
root=${SPAWN_ROOT:-}
agent=$root/usr/local/bin/spored
pidfile=$root/run/spored/supervise.pid

start() {
    mkdir -p "$root/run/spored"
    pid=
    { read -r pid < "$pidfile"; } 2> /dev/null
    if [ -n "$pid" ] && grep -q spored-supervise "$root/proc/$pid/cmdline" 2> /dev/null; then return; fi
    if command -v setsid > /dev/null 2>&1; then
        setsid "$0" run < /dev/null > /dev/null 2>&1 &
    else
        nohup "$0" run < /dev/null > /dev/null 2>&1 &
    fi
}

run() {
    echo $$ > "$pidfile"
    trap '' HUP
    if [ -r "$root/etc/spored/environment" ]; then
        set -a
        # shellcheck source=/dev/null
        . "$root/etc/spored/environment"
        set +a
    fi
    while [ -x "$agent" ]; do
        "$agent" run > "$root/run/spored/output" 2>&1
        sleep 1
    done
}

case ${1:-} in
    start) start ;;
    run) run ;;
    *)
        echo "usage: spored-supervise start|run" >&2
        exit 2
        ;;
esac
