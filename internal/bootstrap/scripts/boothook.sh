#!/bin/sh
# Arms this instance's deadline. It runs first at every boot, before packages,
# downloads and the user's script, so that nothing of theirs can prevent the
# end. It may run any number of times.
#
# For tests only: SPAWN_ROOT is put before every path.
set -u
umask 022

root=${SPAWN_ROOT:-}
etc=$root/etc/spored
state=$root/var/lib/spored
run=$root/run/spored
policy='@POLICY@'
instance=${INSTANCE_ID:-} # cloud-init sets it
case $instance in i-*) ;; *) instance= ;; esac
TMPDIR=$root/run # some shells keep here-documents there, and a disk may be full

mkdir -p "$run"
mkdir -p "$etc" "$state" "$root/var/log" && chmod 700 "$state"

# place NAME MODE FOLDER... writes what it reads into the first folder that
# takes it, whole or not at all, and leaves the path in $placed. A disk may be
# full or read-only; what is below /run lasts until the next boot, which comes
# by here again.
place() {
    name=$1 mode=$2 text=$(cat)
    shift 2
    for folder; do
        placed=$folder/$name
        {
            mkdir -p "$folder" && printf '%s\n' "$text" > "$placed.new" &&
                chmod "$mode" "$placed.new" && mv -f "$placed.new" "$placed" && return
            rm -f "$placed.new"
        } 2> /dev/null
    done
    echo "spawn boothook: $name could not be written"
    return 1
}

# The first boot of a launch. What the disk of an image remembers of the
# instance it was made from must not outlive it; what a later boot remembers
# is the deadline as it was moved, and stays.
recorded=$(cat "$etc/instance" 2> /dev/null)
if [ "$(cat "$etc/policy.json" 2> /dev/null)" != "$policy" ] || { [ -n "$instance" ] && [ "$recorded" != "$instance" ]; }; then
    rm -f "$state/deadline" "$state/policy.json" "$state/user-scripts" "$etc/instance"
    if [ -n "$instance" ]; then echo "$instance" > "$etc/instance"; fi
    printf '%s\n' "$policy" > "$run/policy.new" # a pipe would run place in a shell of its own
    place policy.json 644 "$etc" < "$run/policy.new"
    rm -f "$run/policy.new"
fi

place spawn-deadline 755 "$root/usr/local/sbin" "$run" << 'END_OF_SPAWN_DEADLINE'
@SPAWN_DEADLINE@
END_OF_SPAWN_DEADLINE
script=$placed

if [ -d "$root/run/systemd/system" ]; then
    set -- "$root/etc/systemd/system" "$root/run/systemd/system"
    # Without default dependencies a shutdown does not stop the script before
    # it could force one that hangs, and it can run early.
    place spawn-deadline.service 644 "$@" << END
[Unit]
Description=End this instance if its deadline has passed
DefaultDependencies=no

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh ${script#"$root"} check
Restart=on-failure
RestartSec=10s
END
    place spawn-deadline-arm.service 644 "$@" << END
[Unit]
Description=Set the timer for the end of this instance

[Service]
Type=oneshot
ExecStart=/bin/sh ${script#"$root"} arm
END
    # spored moves the deadline by writing this file.
    place spawn-deadline.path 644 "$@" << 'END'
[Unit]
Description=Watch for a new deadline of this instance

[Path]
PathChanged=/var/lib/spored/deadline
Unit=spawn-deadline-arm.service

[Install]
WantedBy=paths.target
END
fi

/bin/sh "$script" arm

# Whoever reaches the metadata service has the instance's role.
place spawn-metadata 755 "$root/usr/local/sbin" "$run" << 'END_OF_SPAWN_METADATA'
@SPAWN_METADATA@
END_OF_SPAWN_METADATA
/bin/sh "$placed"

# Without systemd nobody else starts the agent again after a reboot.
supervise=$root/usr/local/sbin/spored-supervise
if [ ! -d "$root/run/systemd/system" ] && [ -x "$supervise" ]; then "$supervise" start; fi
