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
sbin=$root/usr/local/sbin
policy='@POLICY@'
instance=${INSTANCE_ID:-} # cloud-init sets it
case $instance in i-*) ;; *) instance= ;; esac

mkdir -p "$etc" "$state" "$sbin" "$root/run/spored" "$root/var/log"
chmod 700 "$state"

# The first boot of a launch. What the disk of an image remembers of the
# instance it was made from must not outlive it; what a later boot remembers
# is the deadline as it was moved, and stays.
recorded=$(cat "$etc/instance" 2> /dev/null)
if [ "$(cat "$etc/policy.json" 2> /dev/null)" != "$policy" ] || { [ -n "$instance" ] && [ "$recorded" != "$instance" ]; }; then
    rm -f "$state/deadline" "$state/policy.json" "$etc/instance"
    if [ -n "$instance" ]; then echo "$instance" > "$etc/instance"; fi
    printf '%s\n' "$policy" > "$etc/policy.json.new" && mv -f "$etc/policy.json.new" "$etc/policy.json"
fi

cat > "$sbin/spawn-deadline.new" << 'END_OF_SPAWN_DEADLINE'
@SPAWN_DEADLINE@
END_OF_SPAWN_DEADLINE
chmod 755 "$sbin/spawn-deadline.new"
mv -f "$sbin/spawn-deadline.new" "$sbin/spawn-deadline"

if [ -d "$root/run/systemd/system" ]; then
    units=$root/etc/systemd/system
    mkdir -p "$units"
    # Without default dependencies a shutdown does not stop the script before
    # it could force one that hangs, and it can run early.
    cat > "$units/spawn-deadline.service" << 'END'
[Unit]
Description=End this instance if its deadline has passed
DefaultDependencies=no

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/usr/local/sbin/spawn-deadline check
Restart=on-failure
RestartSec=10s
END
    cat > "$units/spawn-deadline-arm.service" << 'END'
[Unit]
Description=Set the timer for the end of this instance

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/spawn-deadline arm
END
    # spored moves the deadline by writing this file.
    cat > "$units/spawn-deadline.path" << 'END'
[Unit]
Description=Watch for a new deadline of this instance

[Path]
PathChanged=/var/lib/spored/deadline
Unit=spawn-deadline-arm.service

[Install]
WantedBy=paths.target
END
fi

"$sbin/spawn-deadline" arm

# Without systemd nobody else starts the agent again after a reboot.
if [ ! -d "$root/run/systemd/system" ] && [ -x "$sbin/spored-supervise" ]; then
    "$sbin/spored-supervise" start
fi
