#!/bin/sh
# Runs one boot of a machine and leaves nothing of it behind.
#
#   supervise FOLDER DISK NETWORK NAME GROUP
#
# FOLDER is the machine's own, DISK the folder that it starts from, NETWORK the
# file of its network namespace, NAME its hostname, GROUP the name of its control
# group. It runs in a mount namespace of its own, so that no mount is ever the
# host's. Standard input ends when the cloud has gone or pulls the plug.
#
# It exits as systemd-nspawn does: 0 for a machine that was powered off, 133 for
# one that is to boot again.
set -u
folder=$1 disk=$2 network=$3 name=$4 group=$5
exec 3<&0 < /dev/null

# The host's systemd, if it has one, is not to know of this machine.
mount -t tmpfs tmpfs /run || exit 1
mkdir -p "$folder/layer" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=$disk,upperdir=$folder/layer,workdir=$folder/work" "$folder/root" || exit 1

# On a host with both, systemd-nspawn looks into the older hierarchy, too.
groups=
# shellcheck disable=SC2013 # words: these folders have no spaces
for hierarchy in $(awk '$3 == "cgroup2" || $3 == "cgroup" && $4 ~ /name=systemd/ { print $2 }' /proc/mounts); do
    mkdir -p "$hierarchy/$group" || exit 1
    groups="$groups $hierarchy/$group"
done

sh -c '
    for group in '"$groups"'; do echo $$ > "$group/cgroup.procs" || exit 1; done
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_LOCK=0
    # Its network is its own, so that it may have a firewall there.
    exec setpriv --pdeathsig KILL systemd-nspawn --quiet --boot --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off \
        --directory="$1/root" --machine="$2" --network-namespace-path="$3" --capability=CAP_NET_ADMIN --console=read-only 3<&-
' nspawn "$folder" "$name" "$network" &
machine=$!

# The plug. What systemd-nspawn leaves behind is killed below.
(
    while read -r _ <&3; do :; done
    kill -KILL "$machine" 2> /dev/null
) &
plug=$!
exec 3<&-

wait "$machine"
exit=$?
kill "$plug" 2> /dev/null
wait "$plug" 2> /dev/null

# A machine that was not shut down outlives its systemd-nspawn. What is killed
# takes a moment to go.
tries=100
for group in $groups; do
    until ! [ -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2> /dev/null; do
        # 0 is somebody whom this process cannot see, and to kill it is to kill oneself.
        find "$group" -name cgroup.procs -exec cat {} + 2> /dev/null | grep -vx 0 | while read -r pid; do kill -KILL "$pid" 2> /dev/null; done
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "supervise: $group is left behind" >&2; break; }
        sleep 0.1
    done
done
exit $exit
